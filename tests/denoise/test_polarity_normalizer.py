"""Images are inverted if their ink is dark."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skcaptcha.denoise import Binarizer, PolarityNormalizer
from skcaptcha.measure._polarity import has_dark_ink

IMAGES = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(image=IMAGES)
def test_polarity(image):
    def polarity(way):
        return PolarityNormalizer(way).fit_transform([image])[0]

    np.testing.assert_array_equal(polarity("bright"), image)
    np.testing.assert_array_equal(polarity("dark"), 255 - image.astype(int))
    np.testing.assert_array_equal(polarity("auto"), 255 - image if inverts(image) else image)


def inverts(image):
    return bool(has_dark_ink(image[None])[0])


@given(quarter=IMAGES)
def test_ink_is_the_smaller_side_of_the_threshold(quarter):
    half = np.hstack([quarter, quarter[:, ::-1]])
    image = np.vstack([half, half[::-1]])  # its background has no slope
    bright_side = Binarizer(ink="bright").fit_transform([image])[0] > 0
    more_is_bright = 2 * bright_side.sum() > image.size
    blank = len(np.unique(image)) == 1
    exactly_half = 2 * bright_side.sum() == image.size
    assert inverts(image) == (more_is_bright or (exactly_half and not blank))


@pytest.mark.parametrize("shade", [0, 127, 255])
def test_a_blank_image_remains_unchanged(shade):
    blank = np.full((5, 9), shade, dtype=np.uint8)
    np.testing.assert_array_equal(PolarityNormalizer().fit_transform([blank])[0], blank)
