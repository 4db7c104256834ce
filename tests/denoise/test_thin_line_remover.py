"""Thin lines are removed and thick ink is kept."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label

from skcaptcha.denoise import ThinLineRemover

SIZES = st.tuples(st.integers(1, 14), st.integers(1, 14))
SHADES = arrays(np.uint8, SIZES, elements=st.sampled_from([0, 60, 127, 128, 200, 255]))
INK = arrays(np.bool_, SIZES).map(lambda ink: ink.view(np.uint8) * np.uint8(255))


def apply(denoiser, image):
    cleaned = denoiser.fit_transform([image])[0]
    assert cleaned.dtype == np.uint8
    return cleaned


def holding_squares(ink, side):
    """Ink covered by a square full of ink, found by checking every square."""
    held = np.zeros_like(ink)
    for top in range(ink.shape[0] - side + 1):
        for left in range(ink.shape[1] - side + 1):
            square = (slice(top, top + side), slice(left, left + side))
            if ink[square].all():
                held[square] = True
    return held


@settings(max_examples=200)
@given(image=SHADES, thickness=st.integers(1, 4), length=st.integers(1, 9))
def test_thin_lines_by_brute_force(image, thickness, length):
    ink = image > 127
    thin = label(ink & ~holding_squares(ink, thickness + 1), connectivity=2)
    expected = image.copy()
    for k in range(1, thin.max() + 1):
        rows, columns = np.nonzero(thin == k)
        if max(np.ptp(rows), np.ptp(columns)) + 1 >= length:
            expected[thin == k] = 0
    cleaned = apply(ThinLineRemover(thickness, min_length=length), image)
    np.testing.assert_array_equal(cleaned, expected)


@given(image=INK, thickness=st.integers(1, 3), length=st.integers(1, 9))
def test_removing_thin_lines_removes_only_thin_ink(image, thickness, length):
    cleaned = apply(ThinLineRemover(thickness, min_length=length), image)
    assert (cleaned <= image).all()
    thick = holding_squares(image > 127, thickness + 1)
    np.testing.assert_array_equal(cleaned[thick], image[thick])


@pytest.mark.parametrize("angle", [0, 10, 33, 45, 80, 90])
def test_a_drawn_line_disappears_except_where_it_crosses_a_stroke(angle):
    glyph = np.zeros((60, 120), dtype=np.uint8)
    glyph[10:50, 55:65] = 255
    turn = np.deg2rad(angle)
    middle, reach = np.array([60, 30]), 70 * np.array([np.cos(turn), np.sin(turn)])
    begin, end = np.rint([middle - reach, middle + reach]).astype(int).tolist()
    crossed = cv2.line(glyph.copy(), begin, end, 255, 1)
    assert (crossed != glyph).any() or angle == 90
    cleaned = apply(ThinLineRemover(1, min_length=8), crossed)
    assert (cleaned[glyph > 0] == 255).all()
    rest = np.argwhere((cleaned > 0) & (glyph == 0))
    # Where line and stroke meet, a square may fit into the ink of both.
    assert all(8 <= row < 52 and 53 <= column < 67 for row, column in rest)
