import colorsys

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


HUES = {"red": 0, "orange": 30, "yellow": 60, "green": 120, "cyan": 180, "blue": 240}


def of_color(image, color, **parameters):
    return Grayscale(color=color, **parameters).fit_transform([image])[0]


def pixel(hue, saturation=1.0, value=1.0):
    return np.rint(np.multiply(255, colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)))


@pytest.mark.parametrize("name", HUES)
@given(
    difference=st.floats(-180, 180),
    saturation=st.floats(0.7, 1),
    value=st.floats(0.7, 1),
    tolerance=st.floats(5, 90),
)
def test_a_color_is_kept_if_its_hue_is_within_the_tolerance(
    name, difference, saturation, value, tolerance
):
    image = np.full((3, 3, 3), 255, dtype=np.uint8)
    image[1, 1] = pixel(HUES[name] + difference, saturation, value)
    found = of_color(image, name, tolerance=tolerance)
    assert np.count_nonzero(found) <= 1
    # The hexagonal hue of colorsys differs from the angle in the plane by at most 1.2 degrees, and
    # rounding to whole levels changes either by less than 1 degree.
    if abs(difference) <= tolerance - 3:
        assert found[1, 1] == 255
    elif abs(difference) >= tolerance + 3:
        assert found[1, 1] == 0


@given(part=st.floats(0, 1), background=st.integers(0, 255))
def test_partial_ink_is_gray_in_proportion(part, background):
    ink = np.array([200, 20, 60])
    image = np.full((2, 3, 3), background, dtype=np.uint8)
    image[0, 0] = ink
    image[1, 1] = np.rint(part * ink + (1 - part) * background)
    found = of_color(image, ink, tolerance=180)
    assert found[0, 0] == 255
    # A level of one channel is at most 2/3 of a level of chroma, of 160 levels.
    assert abs(found[1, 1] - 255 * part) <= 0.5 + 255 / 160


@given(image=COLORS)
def test_a_measured_color_equals_its_name(image):
    np.testing.assert_array_equal(of_color(image, [0, 0, 180]), of_color(image, "blue"))


def test_black_and_white_have_no_color():
    inks = [[0, 0, 0], [255, 255, 255], [128, 128, 128], [139, 0, 0], [255, 128, 0], [0, 0, 255]]
    image = np.array([inks], dtype=np.uint8)
    assert of_color(image, "black").tolist() == [[255, 0, 127, 0, 0, 0]]
    assert of_color(image, "white").tolist() == [[0, 255, 128, 0, 0, 0]]


@given(image=GRAYS)
def test_gray_images_have_only_black_and_white_ink(image):
    assert not of_color(image, "red").any()
    darkness = 255.0 - image
    expected = darkness * (255 / max(darkness.max(), 64))
    assert np.abs(of_color(image, "black") - expected).max() <= 0.51


def test_traces_of_a_color_do_not_become_ink():
    image = np.full((4, 6, 3), (250, 244, 244), dtype=np.uint8)
    assert of_color(image, "red").max() < 64


@given(image=COLORS)
def test_the_color_of_one_image_does_not_depend_on_others(image):
    other = np.full_like(image, (255, 0, 0))
    both = Grayscale(color="red").fit_transform([image, other])
    np.testing.assert_array_equal(both[0], of_color(image, "red"))
