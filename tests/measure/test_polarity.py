"""Ink may be darker or brighter than a background, even one or shaded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skcaptcha.datasets import make_image_captchas
from skcaptcha.denoise import Grayscale
from skcaptcha.measure._otsu import histograms, ink_is_dark
from skcaptcha.measure._polarity import _without_slope, has_dark_ink

IMAGES = arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)))


@given(IMAGES)
def test_the_slope_is_that_of_the_nearest_plane(images):
    flat = _without_slope(images)
    for image, found in zip(images, flat, strict=True):
        y, x = (place - place.mean() for place in np.indices(image.shape))
        plane = np.stack([y.ravel(), x.ravel()], axis=1)
        slopes, *_ = np.linalg.lstsq(plane, image.ravel() - image.mean(), rcond=None)
        expected = image - (plane @ slopes).reshape(image.shape)
        # Both slopes are rounded.
        assert np.abs(np.clip(expected, 0, 255) - found).max() <= 1.001


@given(arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5))))
def test_images_without_a_slope(quarter):
    half = np.hstack([quarter, quarter[:, ::-1]])
    images = np.vstack([half, half[::-1]])[None]
    np.testing.assert_array_equal(_without_slope(images), images)
    assert has_dark_ink(images) == ink_is_dark(histograms(images))


@given(IMAGES)
def test_images_do_not_depend_on_others(images):
    apart = [has_dark_ink(image[None])[0] for image in images]
    assert has_dark_ink(images).tolist() == apart


@pytest.mark.parametrize("gradient", [0, 150])
def test_ink_on_gradients(gradient):
    """With a gradient, the dark side of the background may be larger than the ink."""
    images, _ = make_image_captchas(
        40, n_characters=6, width=240, sizes=[42], gradient=gradient, random_state=0
    )
    gray = np.stack(Grayscale().fit_transform(images))
    assert has_dark_ink(gray).mean() >= 0.975
    assert has_dark_ink(~gray).mean() <= 0.025
    if gradient:
        assert ink_is_dark(histograms(gray)).mean() < 0.9
