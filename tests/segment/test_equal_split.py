"""Equal segments: the limits and the repair, compared with the published rules."""

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.testing import assert_array_equal
from scipy import ndimage
from skimage.measure import label, regionprops

from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment import EqualSplit

EIGHT = np.ones((3, 3))
inks = npst.arrays(
    np.bool_,
    st.tuples(st.integers(1, 14), st.integers(6, 48)),
    elements=st.booleans(),
)


def repaired(ink: np.ndarray, edges: list[int], narrow: float) -> list[int]:
    """The published repair, applied to one segment after another.

    The closing of a piece sees ground around it. `cv2.morphologyEx` on the bare piece sees no
    pixels there instead and fills notches in the border, so that it joins a loose part to the
    rest a little more often.
    """
    mended = list(edges)
    for i in range(1, len(edges) - 1):
        piece = ink[:, edges[i] : edges[i + 1]]
        closed = ndimage.binary_closing(np.pad(piece, 2))[2:-2, 2:-2]
        parts, n = ndimage.label(closed, EIGHT)
        if n > 1:
            for columns in (part[1] for part in ndimage.find_objects(parts)):
                width = columns.stop - columns.start
                if columns.start == 0 and width < narrow * piece.shape[1]:
                    mended[i] = max(mended[i], edges[i] + width)
    return mended


@settings(max_examples=200)
@given(
    ink=inks,
    density=st.sampled_from([0.05, 0.2, 0.5, 1.0]),
    n=st.integers(1, 6),
    narrow=st.sampled_from([0.35, 0.6, 1.0]),
)
def test_repair(ink: np.ndarray, density: float, n: int, narrow: float) -> None:
    ink = ink & (np.random.default_rng(ink.sum()).random(ink.shape) < density)
    assume(np.count_nonzero(ink.any(axis=0)) >= n)
    segmenters = [EqualSplit(n, repair=r, repair_width=narrow) for r in (False, True)]
    image = ink.astype(np.uint8) * 255
    plain, mended = (segmenter.fit_transform([image]).boxes for segmenter in segmenters)
    edges = [*plain[:, 0].tolist(), int(plain[-1, 0] + plain[-1, 2])]
    expected = repaired(ink, edges, narrow)
    assert mended[:, 0].tolist() == expected[:-1]
    assert (mended[:, 0] + mended[:, 2]).tolist() == expected[1:]
    assert_array_equal(mended[:, [1, 3]], plain[:, [1, 3]])


def test_repair_restores_ink_that_was_cut_off() -> None:
    """Two segments of ten columns; the first glyph is twelve columns wide and thin at its end."""
    image = np.zeros((12, 20), dtype=np.uint8)
    image[1:11, 0:8] = image[5:7, 8:12] = image[1:11, 16:20] = 255
    assert EqualSplit(2).fit_transform([image]).boxes[:, 0].tolist() == [0, 10]
    assert EqualSplit(2, repair=True).fit_transform([image]).boxes[:, 0].tolist() == [0, 12]
    image[5:7, 12:14] = 255  # now four of ten columns wide: a part of the second glyph
    assert EqualSplit(2, repair=True).fit_transform([image]).boxes[:, 0].tolist() == [0, 10]
    wide = EqualSplit(2, repair=True, repair_width=0.5)
    assert wide.fit_transform([image]).boxes[:, 0].tolist() == [0, 14]


def test_repair_keeps_a_narrow_glyph_that_is_alone_in_its_segment() -> None:
    image = np.zeros((12, 20), dtype=np.uint8)
    image[1:11, 0:12] = 255
    image[0, 19] = 255
    assert EqualSplit(2, repair=True).fit_transform([image]).boxes[1, 0] == 12
    image[0, 19] = 0
    pieces = EqualSplit(2, left=0, right_limit=20, repair=True)
    image[1:11, 10:12] = 0
    image[1:11, 11] = 255
    assert pieces.fit_transform([image]).boxes[1, 0] == 6


@settings(max_examples=150)
@given(
    ink=npst.arrays(
        np.bool_, st.tuples(st.integers(1, 8), st.integers(8, 30)), fill=st.just(False)
    ),
    left=st.none() | st.integers(0, 4),
    right_limit=st.none() | st.integers(7, 40),
)
def test_limits(ink: np.ndarray, left: int | None, right_limit: int | None) -> None:
    """Limits start at the given or first ink column and end after the last large component."""
    width = ink.shape[1]
    columns = np.flatnonzero(ink.any(axis=0))
    begin = left if left is not None else int(columns[0]) if len(columns) else 0
    end = int(columns[-1]) + 1 if len(columns) else width
    if right_limit is not None:
        ends = [region.bbox[3] for region in regionprops(label(ink, connectivity=2))]
        counting = [e for e in ends if begin < e <= right_limit]
        end = max(counting, default=min(right_limit, width))
    if end - begin < 3:
        begin, end = left or 0, min(right_limit or width, width)
    segmenter = EqualSplit(3, left=left, right_limit=right_limit)
    boxes = segmenter.fit_transform([ink.astype(np.uint8) * 255]).boxes
    rows = np.flatnonzero(ink[:, begin:end].any(axis=1)) if ink[:, begin:end].any() else [0, -1]
    top, bottom = (rows[0], rows[-1] + 1) if rows[-1] >= 0 else (0, len(ink))
    assert (boxes[0, 0], boxes[-1, 0] + boxes[-1, 2]) == (begin, end)
    assert set(boxes[:, 1]) == {top}
    assert set(boxes[:, 3]) == {bottom - top}
    assert np.ptp(boxes[:, 2]) <= 1


@given(left=st.integers(0, 5), width=st.integers(6, 60), n=st.sampled_from([2, 4, 6]))
def test_the_image_is_halved_first(left: int, width: int, n: int) -> None:
    """Half of an odd width is rounded down, and each half is cut independently."""
    image = np.zeros((3, 70), dtype=np.uint8)
    image[:, left : left + width] = 255
    boxes = EqualSplit(n, halves_first=True).fit_transform([image]).boxes
    halves = []
    for half in ((left, (2 * left + width) // 2), ((2 * left + width) // 2, left + width)):
        alone = np.zeros_like(image)
        alone[:, slice(*half)] = 255
        halves.append(EqualSplit(n // 2).fit_transform([alone]).boxes)
    assert_array_equal(boxes, np.concatenate(halves))


def test_halves_need_an_even_number() -> None:
    with pytest.raises(ValueError, match="even n_characters, got 3"):
        EqualSplit(3, halves_first=True).fit([np.zeros((5, 9), np.uint8)])


@pytest.mark.parametrize("limits", [{"left": 9}, {"left": 6, "right_limit": 4}])
def test_limits_that_leave_nothing(limits: dict[str, int]) -> None:
    with pytest.raises(SegmentationError, match="image 0: 0 columns are too few for 2 characters"):
        EqualSplit(2, **limits).fit_transform([np.full((5, 8), 255, np.uint8)])


def test_six_digits_between_noise() -> None:
    """The scheme that needs the limits and halves: noise left of 30 and right of 125."""
    image = np.zeros((50, 150), dtype=np.uint8)
    for k in range(6):
        cv2.rectangle(image, (31 + 15 * k, 10), (31 + 15 * k + 11, 33), 255, 2)
    image[5:40, 10:14] = image[2:48, 123:130] = 255
    segmenter = EqualSplit(6, left=30, right_limit=125, halves_first=True, repair=True)
    boxes = segmenter.fit_transform([image]).boxes
    for k, (x, _, w, _) in enumerate(boxes):
        assert x <= 31 + 15 * k
        assert x + w >= 31 + 15 * k + 12
    assert set(boxes[:, 1]) == {9}
