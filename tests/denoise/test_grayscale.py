import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skcaptcha.denoise import Grayscale

COLORS = arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7), st.just(3)))
GRAYS = arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7)))


def gray(image, channel):
    return Grayscale(channel).fit_transform([image])[0]


def saturation(image):
    high, low = image.max(axis=2).astype(float), image.min(axis=2)
    return np.divide(255 * (high - low), high, out=np.zeros_like(high), where=high > 0)


STATEMENTS = {
    "luma": lambda image: image @ [0.299, 0.587, 0.114],
    "red": lambda image: image[:, :, 0],
    "green": lambda image: image[:, :, 1],
    "blue": lambda image: image[:, :, 2],
    "min": lambda image: image.min(axis=2),
    "max": lambda image: image.max(axis=2),
    "saturation": saturation,
}


@pytest.mark.parametrize("channel", STATEMENTS)
@given(image=COLORS)
def test_named_channels(channel, image):
    found = gray(image, channel)
    assert found.dtype == np.uint8
    assert found.shape == image.shape[:2]
    # OpenCV rounds fixed-point fractions.
    assert np.abs(found - STATEMENTS[channel](image)).max() <= 0.55


@given(image=COLORS, weights=arrays(float, 3, elements=st.floats(-2, 2)))
def test_weights_give_a_weighted_sum(image, weights):
    expected = (image.astype(float) * weights).sum(axis=2).clip(0, 255)
    assert np.abs(gray(image, weights.tolist()) - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("channel", [*STATEMENTS, (0, 1, 0)])
@given(image=GRAYS)
def test_gray_images_remain_unchanged(channel, image):
    expected = np.zeros_like(image) if channel == "saturation" else image
    np.testing.assert_array_equal(gray(image, channel), expected)


def test_contrast_is_the_distance_from_the_most_common_color():
    image = np.full((6, 10, 3), (200, 220, 240), dtype=np.uint8)
    image[1, :3] = 200, 120, 240  # a distance of 100
    image[4, :3] = 200, 220, 40  # a distance of 200, the greatest
    expected = np.zeros((6, 10))
    expected[1, :3], expected[4, :3] = 127.5, 255
    assert np.abs(gray(image, "contrast") - expected).max() <= 0.5
    one_shade = image[:, :, 2]
    assert (gray(one_shade, "contrast") == np.where(one_shade == 40, 255, 0)).all()


@given(shade=st.integers(0, 255))
def test_an_image_of_one_color_has_no_contrast(shade):
    assert not gray(np.full((3, 4, 3), shade, dtype=np.uint8), "contrast").any()


@given(image=COLORS)
def test_contrast_does_not_depend_on_the_order_of_pixels(image):
    turned = gray(np.ascontiguousarray(image[::-1, ::-1]), "contrast")
    np.testing.assert_array_equal(turned, gray(image, "contrast")[::-1, ::-1])
