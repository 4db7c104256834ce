"""Invariants of segmentation: properties of every segmenter for every image."""

from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skcaptcha import Segments
from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment import (
    BaseSegmenter,
    ConnectedComponents,
    EqualSplit,
    FixedBoxes,
    Oversegmentation,
    ProjectionValleys,
    SlidingWindow,
)

LEFT, RIGHT = 5, 40


class Case(NamedTuple):
    """A segmenter, its number of segments, and whether it is limited to certain columns."""

    segmenter: BaseSegmenter
    n: int | None
    limited: bool = False

    def columns(self, width: int) -> int:
        return min(width, RIGHT) - LEFT if self.limited else width


SPLITTERS = {
    "equal": Case(EqualSplit(4), 4),
    "equal, one": Case(EqualSplit(1, repair=True), 1),
    "equal, halves": Case(EqualSplit(6, halves_first=True), 6),
    "equal, repaired": Case(EqualSplit(6, halves_first=True, repair=True), 6),
    "equal, repaired much": Case(EqualSplit(5, repair=True, repair_width=1.0), 5),
    "equal, limited": Case(EqualSplit(3, left=LEFT, right_limit=RIGHT, repair=True), 3, True),
    "valleys": Case(ProjectionValleys(), None),
    "valleys, loose": Case(ProjectionValleys(max_ink=2, tight=False), None),
    "valleys, 4": Case(ProjectionValleys(4), 4),
    "valleys, 4 loose": Case(ProjectionValleys(4, balance=0.0, tight=False), 4),
}
COMPONENTS = {
    "components": Case(ConnectedComponents(), None),
    "components, 4-connected": Case(ConnectedComponents(merge_overlap=1.0, connectivity=4), None),
    "components, 1": Case(ConnectedComponents(1), 1),
    "components, 3 with places": Case(ConnectedComponents(3), 3),
    "components, 5": Case(ConnectedComponents(5, merge_overlap=0.1), 5),
}
OTHERS = {
    "fixed": Case(FixedBoxes([[0, 0, 1, 1]]), 1),
    "window": Case(SlidingWindow(7, step=3), None),
    "candidates": Case(Oversegmentation(), None),
    "candidates, given": Case(Oversegmentation(max_pieces=2, min_width=3, max_width=11), None),
}


def bars(rng: np.random.Generator) -> np.ndarray:
    """Three glyphs at similar positions, so that expected starts can be learned."""
    image = np.zeros((20, 48), dtype=np.uint8)
    for x in 3 + 14 * np.arange(3) + rng.integers(0, 3, 3):
        image[4:16, x : x + 8] = 255
    return image


TRAINING = [bars(np.random.default_rng(i)) for i in range(12)]
ALL = {
    name: case._replace(segmenter=clone(case.segmenter).fit(TRAINING))
    for name, case in (SPLITTERS | COMPONENTS | OTHERS).items()
}
every = pytest.mark.parametrize("case", ALL.values(), ids=list(ALL))


def cutter_for(case: Case, image: np.ndarray) -> BaseSegmenter:
    """Return the fitted segmenter; fixed boxes need images of the size of the training images."""
    fixed = isinstance(case.segmenter, FixedBoxes)
    return clone(case.segmenter).fit([image]) if fixed else case.segmenter


quick = settings(max_examples=15)


def those(cases: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [ALL[name] for name in cases], ids=list(cases))


@st.composite
def captchas(draw: st.DrawFn, least_width: int = 1) -> np.ndarray:
    """Blank and full images, binary and gray noise, specks, and strokes like those of glyphs."""
    h = draw(st.integers(1, 12) | st.integers(1, 60))
    w = draw(st.integers(least_width, max(least_width, 24)) | st.integers(least_width, 160))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = np.zeros((h, w), dtype=np.uint8)
    match draw(st.sampled_from(["plain", "gray", "noise", "specks", "strokes", "strokes"])):
        case "plain":
            image[:] = draw(st.integers(0, 255))
        case "gray":
            image[:] = rng.integers(0, 256, (h, w))
        case "noise":
            image[rng.random((h, w)) < draw(st.floats(0, 1))] = 255
        case "specks":
            image[rng.integers(0, h, 4), rng.integers(0, w, 4)] = 200
        case "strokes":
            places = st.tuples(st.integers(-3, w + 3), st.integers(-3, h + 3))
            for a, b in draw(st.lists(st.tuples(places, places), min_size=1, max_size=12)):
                cv2.line(image, a, b, 255, draw(st.integers(1, 4)))
    return image


def widths_for(case: Case) -> st.SearchStrategy[np.ndarray]:
    """Images of sufficient width for the case."""
    return captchas((case.n or 1) + (LEFT if case.limited else 0))


def assert_same(a: Segments, b: Segments) -> None:
    assert_array_equal(a.boxes, b.boxes)
    assert_array_equal(a.offsets, b.offsets)
    assert_array_equal(a.crops((8, 8)), b.crops((8, 8)))
    assert (a.owners is None) == (b.owners is None)
    for x, y in zip(a.owners or [], b.owners or [], strict=True):
        assert_array_equal(x, y)


@every
@quick
@given(data=st.data())
def test_boxes_are_inside_the_image_and_sorted(case: Case, data: st.DataObject) -> None:
    image = data.draw(widths_for(case))
    x, y, w, h = cutter_for(case, image).transform([image]).boxes.T
    assert (x >= 0).all()
    assert (y >= 0).all()
    assert (w >= 1).all()
    assert (h >= 1).all()
    assert (x + w <= image.shape[1]).all()
    assert (y + h <= image.shape[0]).all()
    assert (np.diff(x) >= 0).all()


@those({name: case for name, case in ALL.items() if case.n is not None})
@quick
@given(image=captchas())
def test_number_of_segments_is_as_requested(case: Case, image: np.ndarray) -> None:
    if case.columns(image.shape[1]) >= case.n:
        assert cutter_for(case, image).transform([image]).counts.tolist() == [case.n]
    else:
        with pytest.raises(SegmentationError, match=r"image 1: \d+ columns are too few for"):
            case.segmenter.transform([TRAINING[0], image])


@those(SPLITTERS)
@quick
@given(data=st.data())
def test_a_splitter_covers_all_ink_without_overlap(case: Case, data: st.DataObject) -> None:
    image = data.draw(widths_for(case))
    covered = np.zeros(image.shape, dtype=int)
    boxes = case.segmenter.transform([image]).boxes
    for x, y, w, h in boxes:
        covered[y : y + h, x : x + w] += 1
    assert covered.max(initial=0) <= 1
    within = np.s_[:, boxes[0, 0] : boxes[-1, [0, 2]].sum()] if case.limited else np.s_[:, :]
    assert (covered[within][image[within] > 127] == 1).all()


@those(COMPONENTS)
@quick
@given(data=st.data())
def test_each_ink_pixel_has_one_owner_whose_box_is_tight(case: Case, data: st.DataObject) -> None:
    image = data.draw(widths_for(case))
    segments = case.segmenter.transform([image])
    assert segments.owners is not None
    (owner,) = segments.owners
    assert (owner[image > 127] > 0).all()
    if np.count_nonzero((image > 127).any(axis=0)) >= (case.n or 0):
        assert_array_equal(owner > 0, image > 127)
    assert_array_equal(np.unique(owner[owner > 0]), np.arange(1, len(segments.boxes) + 1))
    for k, box in enumerate(segments.boxes.tolist(), 1):
        rows, columns = np.nonzero(owner == k)
        x, y = columns.min(), rows.min()
        assert box == [x, y, columns.max() + 1 - x, rows.max() + 1 - y]


@those(SPLITTERS | COMPONENTS)
@quick
@given(data=st.data(), margin=st.integers(1, 9))
def test_moving_the_image_moves_the_boxes(case: Case, data: st.DataObject, margin: int) -> None:
    """Images with too little ink are excluded, because the whole image is split."""
    image = np.pad(data.draw(captchas()), margin)
    ink = (image > 127).any(axis=0)
    assume(ink[LEFT:RIGHT].any() if case.limited else np.count_nonzero(ink) >= (case.n or 1))
    assume(case.columns(image.shape[1]) >= (case.n or 1))
    far = st.integers(-margin, margin)
    dx, dy = 0 if case.limited else data.draw(far), data.draw(far)
    still, moved = case.segmenter.transform([image, np.roll(image, (dy, dx), axis=(0, 1))])
    assert_array_equal(moved.boxes, np.add(still.boxes, [dx, dy, 0, 0]))
    assert_array_equal(moved.crops((8, 8)), still.crops((8, 8)))
    if still.owners is not None:
        assert_array_equal(moved.owners[0], np.roll(still.owners[0], (dy, dx), axis=(0, 1)))


@those({name: case for name, case in ALL.items() if name != "fixed"})
@quick
@given(data=st.data())
def test_boxes_do_not_depend_on_the_batch_and_images_do_not_change(
    case: Case, data: st.DataObject
) -> None:
    images = data.draw(st.lists(widths_for(case), max_size=4))
    before = [image.copy() for image in images]
    order = data.draw(st.permutations(range(len(images))))
    whole = case.segmenter.transform(images)
    assert_same(case.segmenter.transform([images[i] for i in order]), whole[order or slice(0)])
    for i, image in enumerate(images):
        assert_same(case.segmenter.transform([image]), whole[i])
        # The same pixels in a different memory layout.
        mirrored = np.asfortranarray(image[::-1])[::-1]
        assert_same(case.segmenter.transform([mirrored]), whole[i])
        assert_array_equal(image, before[i])
