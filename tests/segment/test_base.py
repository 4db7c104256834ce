"""Common properties of all segmenters."""

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags

from skcaptcha.exceptions import ImageError, SegmentationError
from skcaptcha.segment import (
    BaseSegmenter,
    ConnectedComponents,
    EqualSplit,
    FixedBoxes,
    Oversegmentation,
    ProjectionValleys,
    SlidingWindow,
)

SEGMENTERS = [
    FixedBoxes([[1, 2, 3, 4], [5, 2, 6, 4]]),
    EqualSplit(2),
    ConnectedComponents(2),
    ProjectionValleys(2),
    SlidingWindow(6),
    Oversegmentation(),
]
every = pytest.mark.parametrize("segmenter", SEGMENTERS, ids=lambda s: type(s).__name__)


def glyphs(seed: int, size: tuple[int, int] = (16, 30)) -> np.ndarray:
    image = np.zeros(size, dtype=np.uint8)
    rng = np.random.default_rng(seed)
    for x in (2, 16):
        w, h = rng.integers(4, 11, 2)
        image[2 : 2 + h, x : x + w] = 255
    return image


IMAGES = [glyphs(0), glyphs(1, (17, 32)), glyphs(2)]


@every
def test_fit_transform_is_fit_and_transform(segmenter: BaseSegmenter) -> None:
    at_once, fitted = clone(segmenter).fit_transform(IMAGES), clone(segmenter).fit(IMAGES)
    for again in (fitted, pickle.loads(pickle.dumps(fitted))):
        segments = again.transform(IMAGES)
        assert_array_equal(at_once.boxes, segments.boxes)
        assert_array_equal(at_once.crops(), segments.crops())


class TestBadInput:
    @every
    @pytest.mark.parametrize(
        ("bad", "found"),
        [
            (np.zeros((16, 30)), "found float64 of"),
            (np.zeros((16, 30), bool), "found bool of"),
            (np.zeros((16, 30, 3), np.uint8), r"found uint8 of shape \(16, 30, 3\)"),
            ([[0, 255]], "found list"),
            ("a.png", "found str"),
            (np.zeros((0, 30), np.uint8), "no pixels"),
            (np.zeros((16, 0), np.uint8), "no pixels"),
        ],
    )
    def test_image_is_named(self, segmenter: BaseSegmenter, bad: Any, found: str) -> None:
        fitted = clone(segmenter).fit(IMAGES)
        for method in (fitted.transform, clone(segmenter).fit, clone(segmenter).fit_transform):
            with pytest.raises(ImageError, match=f"image 1: .*{found}"):
                method([IMAGES[0], bad])

    @every
    def test_a_single_image_is_not_a_batch(self, segmenter: BaseSegmenter) -> None:
        with pytest.raises(
            ImageError, match=r"X: expected a batch .*; wrap a single image in a list"
        ):
            clone(segmenter).fit(IMAGES[0])

    @every
    def test_only_what_learns_has_to_be_fitted(self, segmenter: BaseSegmenter) -> None:
        if get_tags(segmenter).requires_fit:
            with pytest.raises(NotFittedError):
                clone(segmenter).transform(IMAGES)
        else:
            expected = clone(segmenter).fit_transform(IMAGES)
            assert_array_equal(clone(segmenter).transform(IMAGES).boxes, expected.boxes)

    @every
    def test_batch_as_one_array_or_empty(self, segmenter: BaseSegmenter) -> None:
        fitted = clone(segmenter).fit(IMAGES)
        stacked = fitted.transform(np.stack([IMAGES[0], IMAGES[2]]))
        assert_array_equal(stacked.boxes, fitted.transform([IMAGES[0], IMAGES[2]]).boxes)
        empty = fitted.transform([])
        assert len(empty) == 0
        assert empty.crops((7, 5)).shape == (0, 7, 5)

    @pytest.mark.parametrize(
        ("segmenter", "name"),
        [
            (EqualSplit(0), "n_characters"),
            (EqualSplit(2, left=-1), "left"),
            (EqualSplit(2, right_limit=0), "right_limit"),
            (EqualSplit(2, repair_width=0), "repair_width"),
            (EqualSplit(2, repair="yes"), "repair"),
            (ConnectedComponents("4"), "n_characters"),
            (ConnectedComponents(merge_overlap=0), "merge_overlap"),
            (ConnectedComponents(merge_overlap=1.1), "merge_overlap"),
            (ConnectedComponents(balance=-1), "balance"),
            (ConnectedComponents(connectivity=6), "connectivity"),
            (ProjectionValleys(2.5), "n_characters"),
            (ProjectionValleys(max_ink=-1), "max_ink"),
            (ProjectionValleys(tight=2), "tight"),
            (SlidingWindow(0), "width"),
            (SlidingWindow(step=0), "step"),
            (Oversegmentation(max_pieces=0), "max_pieces"),
            (Oversegmentation(min_width=0), "min_width"),
            (Oversegmentation(max_width=2.5), "max_width"),
            (FixedBoxes(None), "boxes"),
            (FixedBoxes([[0, 0, 1, 1]], margin=0.5), "margin"),
            (FixedBoxes([1, 2, 3, 4]), "boxes must be rows of four ints"),
            (FixedBoxes([]), "boxes must be rows of four ints"),
            (FixedBoxes(np.empty((0, 4), int)), "boxes must be rows of four ints"),
            (FixedBoxes([[0, 0, 1.5, 1]]), "boxes must be rows of four ints"),
            (FixedBoxes([[5, 0, 1, 1], [2, 0, 1, 1]]), "boxes must be sorted from left to right"),
            (FixedBoxes(np.array([[5, 0, 1, 1], [2, 0, 1, 1]], np.uint8)), "from left to right"),
            (FixedBoxes([[0, 0, 1, 1]], offset=(1, 2, 3)), "offset must be two ints"),
            (FixedBoxes([[0, 0, 1, 1]], offset=(0.5, 0)), "offset must be two ints"),
        ],
    )
    def test_parameter_is_named(self, segmenter: BaseSegmenter, name: str) -> None:
        with pytest.raises(ValueError, match=name):
            segmenter.fit(IMAGES)


def test_images_that_would_exceed_the_memory_are_refused() -> None:
    dots = np.zeros((200, 200), dtype=np.uint8)
    dots[::2, ::2] = 255
    with pytest.raises(SegmentationError, match="image 0: 10000 connected components are too many"):
        ConnectedComponents().fit_transform([dots])
    with pytest.raises(SegmentationError, match="image 0: 9000 columns are too many"):
        ProjectionValleys(4).fit_transform([np.full((3, 9000), 255, dtype=np.uint8)])
