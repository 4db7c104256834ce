"""RawPixels returns the pixels of each crop."""

import numpy as np
from numpy.testing import assert_array_equal

from skcaptcha.features import RawPixels
from whole_crops import noise, whole


def test_raw_pixels_are_the_rows_of_the_crop() -> None:
    images = noise(5)
    values = RawPixels().fit_transform(whole(images)).values
    assert_array_equal(values, np.array([image.ravel() for image in images]) / np.float32(255))
    assert values.dtype == np.float32
