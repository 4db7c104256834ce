"""Small components are removed, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label

from skcaptcha.denoise import SmallComponentRemover

SIZES = st.tuples(st.integers(1, 14), st.integers(1, 14))
SHADES = arrays(np.uint8, SIZES, elements=st.sampled_from([0, 60, 127, 128, 200, 255]))


@pytest.mark.parametrize("connectivity", [4, 8])
@given(image=SHADES, min_area=st.integers(0, 12))
def test_small_components(connectivity, image, min_area):
    labels = label(image > 127, connectivity=connectivity // 4)
    expected = image.copy()
    for k in range(1, labels.max() + 1):
        if (labels == k).sum() < min_area:
            expected[labels == k] = 0
    denoiser = SmallComponentRemover(min_area, connectivity=connectivity)
    cleaned = denoiser.fit_transform([image])[0]
    assert cleaned.dtype == np.uint8
    np.testing.assert_array_equal(cleaned, expected)
