"""What every segmenter shares: images in, a batch of boxes out, crops of one shape."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from skcaptcha.base import Documented, StepTags
from skcaptcha.exceptions import ImageError, SegmentationError
from skcaptcha.segments import Segments

Image = NDArray[np.uint8]
Boxes = NDArray[np.intp]


class Cut(NamedTuple):
    """The segments of one image.

    Attributes
    ----------
    boxes : ndarray of shape (k, 4)
        ``x, y, w, h`` in pixels, left to right.
    owner : ndarray of shape (h, w), dtype int32, or None
        k + 1 where the pixel belongs to segment k, 0 elsewhere; None if each segment owns all ink
        in its box.
    """

    boxes: Boxes
    owner: NDArray[np.int32] | None = None


class BaseSegmenter(  # type: ignore[call-arg]
    Documented, TransformerMixin, BaseEstimator, ABC, auto_wrap_output_keys=None
):
    """Base of all segmenters: a subclass says where the segments of one image are, in `_cut`."""

    _parameter_constraints: dict[str, Any] = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Sequence[Image], y: Sequence[str] | None = None) -> Self:
        """Learn what the segmenter needs from the training images.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w), dtype uint8
            Ink bright on a dark ground.
        y : sequence of n str, optional
            The labels, for segmenters that learn from their lengths.

        Returns
        -------
        self
        """
        _check_images(X)
        self._learn(X, y)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Sequence[Image], y: Sequence[str] | None = None) -> Segments:
        """Do as `fit` and `transform` do, segmenting once.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w), dtype uint8
            Ink bright on a dark ground.
        y : sequence of n str, optional
            The labels, for segmenters that learn from their lengths.

        Returns
        -------
        segments : Segments
        """
        _check_images(X)
        self._learn(X, y)
        return self._segment(X)

    def transform(self, X: Sequence[Image]) -> Segments:
        """Find the segments of every image.

        Parameters
        ----------
        X : sequence of n ndarrays of shape (h, w), dtype uint8
            Ink bright on a dark ground.

        Returns
        -------
        segments : Segments

        Raises
        ------
        ImageError
            If an element of X is not a gray image; names its index.
        SegmentationError
            If an image cannot be cut as asked, because it is too small for it.
        """
        # Only what learns has to be fitted. scikit-learn's own check takes longer.
        if self._learns() and not any(name.endswith("_") for name in vars(self)):
            check_is_fitted(self)
        _check_images(X)
        return self._segment(X)

    def _segment(self, X: Sequence[Image]) -> Segments:
        cuts = self._cut_all(X)
        owners = [cut.owner for cut in cuts if cut.owner is not None]
        return Segments.from_lists(X, [cut.boxes for cut in cuts], owners=owners or None)

    def _cut_all(self, X: Sequence[Image]) -> list[Cut]:
        return [self._cut_numbered(i, image) for i, image in enumerate(X)]

    def _cut_numbered(self, i: int, image: Image) -> Cut:
        try:
            return self._cut(image)
        except SegmentationError as error:
            raise SegmentationError(error.reason, i) from None

    def _learn(self, X: Sequence[Image], y: Sequence[str] | None) -> None:
        """Learn what the segmenter needs: by default nothing."""

    def _learns(self) -> bool:
        return type(self)._learn is not BaseSegmenter._learn

    @abstractmethod
    def _cut(self, image: Image) -> Cut:
        """Find the segments of one image; either all images give an owner or none does."""

    def __sklearn_tags__(self) -> Tags:
        tags = StepTags.extend(
            super().__sklearn_tags__(),
            learns_from="samples" if self._learns() else "nothing",
            modifies_input=False,
        )
        tags.requires_fit = self._learns()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


N_CHARACTERS = [Interval(Integral, 1, None, closed="left")]


def _check_images(X: Sequence[Image]) -> None:
    for i, image in enumerate(X):
        array = isinstance(image, np.ndarray)
        if not array or image.dtype != np.uint8 or image.ndim != 2:
            found = f"{image.dtype} of {image.shape}" if array else type(image).__name__
            expected = "a segmenter takes denoised images, uint8 of shape (h, w)"
            raise ImageError(f"image {i}", f"{expected}; found {found}")
        if image.size == 0:
            raise ImageError(f"image {i}", f"it has no pixels: its shape is {image.shape}")


def boxes_between(edges: NDArray[np.intp], top: int, bottom: int) -> Boxes:
    """Make boxes that stand side by side.

    Parameters
    ----------
    edges : ndarray of shape (k + 1,)
        Box i spans the columns ``edges[i]`` up to, but not including, ``edges[i + 1]``.
    top, bottom : int
        Every box spans the rows from ``top`` up to, but not including, ``bottom``.

    Returns
    -------
    boxes : ndarray of shape (k, 4)

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segment._base import boxes_between
    >>> boxes_between(np.array([0, 3, 7]), 1, 5).tolist()
    [[0, 1, 3, 4], [3, 1, 4, 4]]
    """
    width = np.diff(edges)
    return np.stack(
        [edges[:-1], np.full_like(width, top), width, np.full_like(width, bottom - top)], axis=1
    )


def equal_edges(left: int, right: int, n: int) -> NDArray[np.intp]:
    """Cut columns into n pieces whose widths differ by one pixel at most.

    Parameters
    ----------
    left, right : int
        From ``left`` up to, but not including, ``right``.
    n : int

    Returns
    -------
    edges : ndarray of shape (n + 1,)

    Raises
    ------
    SegmentationError
        If there are fewer columns than pieces.

    Examples
    --------
    >>> from skcaptcha.segment._base import equal_edges
    >>> equal_edges(0, 10, 4).tolist()
    [0, 2, 5, 7, 10]
    """
    if right - left < n:
        raise SegmentationError(f"{max(right - left, 0)} columns are too few for {n} characters")
    return left + (right - left) * np.arange(n + 1) // n
