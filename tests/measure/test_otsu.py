"""Otsu's thresholds of many images match the definition and scikit-image."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.filters import threshold_otsu

from skcaptcha.auto._measurement import _otsu_threshold
from skcaptcha.measure._otsu import histograms, otsu_thresholds


@given(arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 9))))
def test_the_lowest_of_equally_good_thresholds_is_chosen(images):
    """Compare with the definition, computed with integers."""
    for image, found in zip(images, otsu_thresholds(histograms(images)), strict=True):
        pixels = sorted(image.ravel().tolist())
        best, threshold = Fraction(-1), pixels[0]
        for level in sorted(set(pixels))[:-1]:
            low = [pixel for pixel in pixels if pixel <= level]
            high = [pixel for pixel in pixels if pixel > level]
            distance = Fraction(sum(low), len(low)) - Fraction(sum(high), len(high))
            if len(low) * len(high) * distance**2 > best:
                best, threshold = len(low) * len(high) * distance**2, level
        assert found == threshold


@given(arrays(float, st.integers(2, 99), elements=st.integers(0, 40).map(lambda k: k / 8)))
def test_thresholds_of_floats_equal_those_of_scikit_image(values):
    if values.min() < values.max():
        assert _otsu_threshold(values) == threshold_otsu(values)
