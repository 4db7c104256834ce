"""Base class of the segmenters: images in, boxes out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval

from skcaptcha.base import BaseStep, check_images, stacks_of_one_shape
from skcaptcha.exceptions import SegmentationError
from skcaptcha.segments import Segments

Image = NDArray[np.uint8]
Images = NDArray[np.uint8]
"""Images of one shape, stacked."""
Boxes = NDArray[np.intp]
Owners = NDArray[np.int32]

N_CHARACTERS = [Interval(Integral, 1, None, closed="left")]

_Result = TypeVar("_Result")


class BaseSegmenter(BaseStep):
    """Base class of all segmenters: a subclass finds the boxes in images of one shape.

    It does so in `_segment`. If one of the images cannot be segmented, `_segment` raises
    `SegmentationError`; the base class finds out which image it is.
    """

    def transform(self, X: Sequence[Image]) -> Segments:
        """Find the segments of every image.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w), dtype uint8
            Ink is bright on a dark background.

        Returns
        -------
        segments : Segments

        Raises
        ------
        ImageError
            If an element of X is not a gray image; names its index.
        SegmentationError
            If an image cannot be segmented, for example because it is too small; names its index.
        """
        self._check_ready()
        self._check_samples(X)
        boxes, owners = self._segment_all(X)
        return Segments.from_lists(X, boxes, owners=owners or None)

    def _segment_all(self, X: Sequence[Image]) -> tuple[list[Boxes], list[Owners]]:
        """Find the segments of images of any shapes, in stacks of one shape.

        Returns the boxes of each image, and its owners (h, w); without these, an empty list.
        """
        stacks = list(in_stacks(X, self._segment))
        boxes = list(chain.from_iterable(found for _, (found, _) in stacks))
        owners = list(chain.from_iterable(found for _, (_, found) in stacks if found is not None))
        if len(stacks) > 1:
            # Each stack holds images of one shape: bring all back into the order of X.
            order = np.argsort([i for indices, _ in stacks for i in indices]).tolist()
            boxes = [boxes[i] for i in order]
            owners = [owners[i] for i in order] if owners else []
        return boxes, owners

    def _check_samples(self, X: Sequence[Image]) -> None:
        check_images(X, gray=True)

    @abstractmethod
    def _segment(self, images: Images) -> tuple[Sequence[Boxes], Owners | None]:
        """Find the segments of images (n, h, w), in each independently of the others.

        Returns the boxes (k, 4) of each image, as ``x, y, w, h`` from left to right, and for
        segmenters that know it, which segment each pixel belongs to: an array (n, h, w) of k + 1
        for the k-th segment of the image, and 0 elsewhere.
        """

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags


def in_stacks(
    X: Sequence[NDArray[Any]], function: Callable[[NDArray[Any]], _Result]
) -> Iterator[tuple[list[int], _Result]]:
    """Apply a function to stacks of images; errors name the image that causes them."""
    for indices, images in stacks_of_one_shape(X):
        try:
            result = function(images)
        except SegmentationError:
            for i in indices:
                try:
                    function(X[i][None])
                except SegmentationError as error:
                    raise SegmentationError(error.reason, i) from None
            raise
        yield indices, result


def extent_of_groups(
    group: NDArray[np.intp], first: NDArray[np.intp], end: NDArray[np.intp], n: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the least first and the greatest end coordinates (n, 2) of each of n groups of parts.

    The end of a group without parts is 0.
    """
    group_first = np.full((n, 2), np.iinfo(np.intp).max)
    group_end = np.zeros((n, 2), dtype=np.intp)
    np.minimum.at(group_first, group, first)
    np.maximum.at(group_end, group, end)
    return group_first, group_end


def boxes_between(edges: NDArray[np.intp], top: int, bottom: int) -> Boxes:
    """Return k boxes side by side: box i spans the columns from edge i up to edge i + 1."""
    width = np.diff(edges)
    return np.stack(
        [edges[:-1], np.full_like(width, top), width, np.full_like(width, bottom - top)], axis=1
    )


def equal_edges(left: int, right: int, n: int) -> NDArray[np.intp]:
    """Return the n + 1 edges of n pieces whose widths differ by at most one pixel."""
    if right - left < n:
        raise SegmentationError(f"{max(right - left, 0)} columns are too few for {n} characters")
    return left + (right - left) * np.arange(n + 1) // n
