"""The opening is the union of all squares that fit into the ink."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skcaptcha.denoise import MorphologicalOpening

SIZES = st.tuples(st.integers(1, 14), st.integers(1, 14))
SHADES = arrays(np.uint8, SIZES, elements=st.sampled_from([0, 60, 127, 128, 200, 255]))


def apply(denoiser, image):
    cleaned = denoiser.fit_transform([image])[0]
    assert cleaned.dtype == np.uint8
    return cleaned


@settings(max_examples=200)
@given(image=SHADES, size=st.integers(1, 5))
def test_opening_by_brute_force(image, size):
    expected = np.zeros_like(image)
    for top in range(image.shape[0] - size + 1):
        for left in range(image.shape[1] - size + 1):
            square = (slice(top, top + size), slice(left, left + size))
            np.maximum(expected[square], image[square].min(), out=expected[square])
    once = apply(MorphologicalOpening(size), image)
    np.testing.assert_array_equal(once, expected)
    np.testing.assert_array_equal(apply(MorphologicalOpening(size), once), once)
