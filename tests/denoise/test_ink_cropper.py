"""Images are cropped to their ink and a margin."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skcaptcha.denoise import InkCropper

SIZES = st.tuples(st.integers(1, 14), st.integers(1, 14))
SHADES = arrays(np.uint8, SIZES, elements=st.sampled_from([0, 60, 127, 128, 200, 255]))


def apply(denoiser, image):
    cleaned = denoiser.fit_transform([image])[0]
    assert cleaned.dtype == np.uint8
    return cleaned


@given(image=SHADES, margin=st.integers(0, 5))
def test_crop_to_ink(image, margin):
    cropped = apply(InkCropper(margin), image)
    inked = np.argwhere(image > 127)
    if not len(inked):
        np.testing.assert_array_equal(cropped, image)
        return
    (top, left), (bottom, right) = inked.min(axis=0), inked.max(axis=0)
    rows = [row for row in range(len(image)) if top - margin <= row <= bottom + margin]
    columns = [c for c in range(image.shape[1]) if left - margin <= c <= right + margin]
    np.testing.assert_array_equal(cropped, image[np.ix_(rows, columns)])
    if margin == 0:
        np.testing.assert_array_equal(apply(InkCropper(), cropped), cropped)
