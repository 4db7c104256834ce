"""Fixed boxes have an offset and a margin, and refuse images of another size."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment import FixedBoxes

SEGMENTER = FixedBoxes([[1, 2, 3, 4], [5, 2, 6, 4]])
IMAGES = [np.zeros(shape, dtype=np.uint8) for shape in [(16, 30), (17, 32), (16, 30)]]


def test_offset_and_margin() -> None:
    segmenter = FixedBoxes([[4, 5, 3, 2], [9, 4, 4, 4]], offset=(2, -1), margin=1)
    segments = segmenter.fit_transform(IMAGES)
    assert_array_equal(segments.counts, [2, 2, 2])
    assert_array_equal(segments.boxes[2:4], [[5, 3, 5, 4], [10, 2, 6, 6]])
    segmenter.set_params(margin=-1)
    with pytest.raises(ValueError, match="a margin of -1 leaves no pixels in at least one box"):
        segmenter.fit(IMAGES)
    segmenter.set_params(boxes=[[4, 5, 3, 3]], offset=(0, 0))
    assert segmenter.fit_transform(IMAGES[:1]).boxes.tolist() == [[5, 6, 1, 1]]


def test_margins_are_clipped_at_the_image_edge() -> None:
    image = np.zeros((10, 20), dtype=np.uint8)
    segments = FixedBoxes([[1, 0, 5, 8], [14, 2, 5, 8]], margin=3).fit_transform([image])
    assert segments.boxes.tolist() == [[0, 0, 9, 10], [11, 0, 9, 10]]


@pytest.mark.parametrize(("height", "width"), [(60, 120), (30, 200), (20, 120), (30, 100)])
def test_images_of_another_size_are_refused(height: int, width: int) -> None:
    segmenter = FixedBoxes([[4, 5, 3, 2]]).fit(np.zeros((3, 30, 120), dtype=np.uint8))
    assert len(segmenter.transform(np.zeros((1, 31, 118), dtype=np.uint8)).boxes) == 1
    said = f"the image is {width} x {height}, but the training images are 120 x 30"
    with pytest.raises(SegmentationError, match=said):
        segmenter.transform(np.zeros((1, height, width), dtype=np.uint8))


def test_the_expected_size_is_that_of_most_training_images() -> None:
    images = [np.zeros((30, 120), dtype=np.uint8)] * 4
    with pytest.raises(SegmentationError, match="image 2: the image is 600 x 150") as caught:
        FixedBoxes([[4, 5, 3, 2]]).fit_transform(
            [*images[:2], np.zeros((150, 600), np.uint8), *images]
        )
    assert caught.value.index == 2


@pytest.mark.parametrize(
    "change",
    [
        {"offset": (-2, 0)},
        {"offset": (0, -3)},
        {"offset": (20, 0)},
        {"margin": -1, "offset": (-9, 0)},
    ],
)
def test_boxes_outside_the_image_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SegmentationError, match=r"image 0: .* but the image is 30 x 16"):
        clone(SEGMENTER).set_params(**change).fit_transform(IMAGES)
