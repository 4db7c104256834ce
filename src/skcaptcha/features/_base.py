"""Base classes of the features: segments in, one vector for each segment out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import Documented, StepTags
from skcaptcha.exceptions import SegmentationError
from skcaptcha.segments import Segments


class BaseFeatures(  # type: ignore[call-arg]
    Documented, TransformerMixin, BaseEstimator, ABC, auto_wrap_output_keys=None
):
    """Base class of all features: a subclass describes a batch of segments, in `_describe`.

    The vector of a segment depends on that segment, the parameters, and what `_learn` learns.

    Attributes
    ----------
    shape_ : tuple of two ints
        Mean height and width of the training segments, in pixels.
    """

    # Features of crops have parameters of these names.
    shape: tuple[int, int] | None = None
    keep_aspect: bool = False
    _parameter_constraints: dict[str, Any] = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Segments, y: Any = None) -> Self:
        """Learn the shape of the segments.

        Parameters
        ----------
        X : Segments of n captchas, with images
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        SegmentationError
            If there is no segment, and the shape of the crops is not given.
        """
        _check_segments(self, X)
        self.shape_ = _mean_shape(X) if self.shape is None else positive_pair("shape", self.shape)
        self._learn(X)
        return self

    def fit_transform(self, X: Segments, y: Any = None) -> Segments:
        """Describe training segments, so that a reader can describe moved or warped ones as well.

        Parameters
        ----------
        X : Segments of n captchas and m segments, with images
        y : ignored

        Returns
        -------
        segments : Segments
            The result of `transform`, with the images and with this step.
        """
        values = self.fit(X).transform(X).values
        assert values is not None
        return X.with_values(values, features=self)

    def transform(self, X: Segments) -> Segments:
        """Describe every segment by a vector.

        Parameters
        ----------
        X : Segments of n captchas and m segments, with images

        Returns
        -------
        segments : Segments
            The same segments with ``values``, of shape (m, d), dtype float32, and without images.
        """
        # scikit-learn's own check collects the tags of the class first, which takes longer.
        if not hasattr(self, "shape_"):
            check_is_fitted(self)
        _check_segments(self, X)
        # The products are many and small: sharing each out among threads takes longer.
        with one_thread():
            return X.with_values(self._describe(X))

    def crops(self, X: Segments) -> NDArray[np.uint8]:
        """Cut every segment out of its image, in the shape that the features use.

        Parameters
        ----------
        X : Segments of n captchas and m segments, with images

        Returns
        -------
        crops : ndarray of shape (m, shape_[0], shape_[1]), dtype uint8
        """
        check_is_fitted(self)
        return X.crops(self.shape_, keep_aspect=self.keep_aspect)

    def _learn(self, X: Segments) -> None:
        """Learn from the training segments, whose mean shape is known: by default nothing."""

    @abstractmethod
    def _describe(self, X: Segments) -> NDArray[np.float32]:
        """Describe segments by vectors (m, d), which must not depend on each other."""

    def __sklearn_tags__(self) -> Tags:
        tags = StepTags.extend(super().__sklearn_tags__(), modifies_input=False)
        if type(self)._learn is BaseFeatures._learn:
            tags.learns_from = "sizes" if self.shape is None else "nothing"
        tags.input_tags.two_d_array = False
        return tags


class CropFeatures(BaseFeatures):
    """Base class of the features of crops: a subclass describes crops, in `_describe_crops`.

    Parameters
    ----------
    shape : tuple of two ints, default=None
        Height and width, in pixels, to which every segment is resized. None: the mean height and
        width of the training segments.
    keep_aspect : bool, default=False
        Whether a crop keeps the proportions of its segment, centered on a dark background, instead
        of being stretched to ``shape``.

    Attributes
    ----------
    shape_ : tuple of two ints
        Height and width of the crops, in pixels.
    """

    # Number of crops that are described at once; the more arrays a subclass makes on the way, the
    # fewer stay in the processor's cache.
    _crops_at_once = 1024
    _parameter_constraints: dict[str, Any] = {
        "shape": ["array-like", None],
        "keep_aspect": ["boolean"],
    }

    def __init__(self, shape: tuple[int, int] | None = None, *, keep_aspect: bool = False) -> None:
        self.shape = shape
        self.keep_aspect = keep_aspect

    def _validate_params(self) -> None:
        super()._validate_params()
        if self.shape is not None:
            positive_pair("shape", self.shape)

    def _describe(self, X: Segments) -> NDArray[np.float32]:
        crops = self.crops(X)
        if len(crops) <= self._crops_at_once:
            return self._describe_crops(crops)
        begins = range(0, len(crops), self._crops_at_once)
        parts = (self._describe_crops(crops[b : b + self._crops_at_once]) for b in begins)
        first = next(parts)
        values = np.empty((len(crops), first.shape[1]), dtype=first.dtype)
        for begin, part in zip(begins, chain([first], parts), strict=True):
            values[begin : begin + len(part)] = part
        return values

    @abstractmethod
    def _describe_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Describe crops (m, h, w) by vectors (m, d), which must not depend on each other."""


def positive_pair(name: str, value: Any) -> tuple[int, int]:
    """Check that a parameter is a height and a width, in whole pixels or cells."""
    pair = np.asarray(value)
    if pair.shape != (2,) or pair.dtype.kind not in "iu" or (pair < 1).any():
        raise ValueError(f"{name} must be two positive ints (height, width), got {value}")
    height, width = pair.tolist()
    return height, width


def _check_segments(features: BaseFeatures, X: Any) -> None:
    if not isinstance(X, Segments):
        raise TypeError(
            f"{type(features).__name__} takes the Segments that a segmenter gives, "
            f"found {type(X).__name__}"
        )


def _mean_shape(X: Segments) -> tuple[int, int]:
    if not len(X.boxes):
        raise SegmentationError(
            "no segment was found in any training image, so their mean shape is unknown; "
            "check what the denoising steps leave of the ink, or give the shape"
        )
    return X.mean_shape
