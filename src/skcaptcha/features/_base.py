"""Base classes of the features: segments in, one vector for each segment out."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags

from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import BaseStep, StepTags
from skcaptcha.exceptions import SegmentationError
from skcaptcha.segments import Segments


class BaseFeatures(BaseStep):
    """Base class of all features: a subclass describes a batch of segments, in `_describe`.

    The vector of a segment depends on that segment, the parameters, and what was learned in `fit`.

    Attributes
    ----------
    shape_ : tuple of two ints
        Mean height and width of the training segments, in pixels.
    """

    # Features of crops have parameters of these names.
    shape: tuple[int, int] | None = None
    keep_aspect: bool = False

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
        values = self.fit(X, y).transform(X).values
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
        self._check_ready()
        self._check_samples(X)
        # The products are many and small: distributing each over threads takes longer.
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
        self._check_ready()
        return X.crops(self.shape_, keep_aspect=self.keep_aspect)

    def _learn(self, X: Segments, y: Any) -> None:
        """Learn the mean shape; a subclass that overrides this method calls it first."""
        if self.shape is not None:
            self.shape_ = positive_pair("shape", self.shape)
        elif len(X.boxes):
            self.shape_ = X.mean_shape
        else:
            raise SegmentationError(
                "no segment was found in any training image, so their mean shape is unknown; "
                "check the images after the denoising steps, or set the shape"
            )

    def _check_samples(self, X: Any) -> None:
        if not isinstance(X, Segments):
            raise TypeError(
                f"{type(self).__name__} needs the Segments that a segmenter returns, "
                f"found {type(X).__name__}"
            )

    @abstractmethod
    def _describe(self, X: Segments) -> NDArray[np.float32]:
        """Describe segments by vectors (m, d), which must not depend on each other."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        learns_from: Literal["nothing", "sizes", "samples"] = "samples"
        if type(self)._learn is BaseFeatures._learn:
            learns_from = "sizes" if self.shape is None else "nothing"
        return StepTags.extend(tags, learns_from=learns_from)


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
        crops = X.crops(self.shape_, keep_aspect=self.keep_aspect)
        n = self._crops_at_once
        first = self._describe_crops(crops[:n])
        if len(crops) <= n:
            return first
        values = np.empty((len(crops), first.shape[1]), dtype=first.dtype)
        values[:n] = first
        for begin in range(n, len(crops), n):
            values[begin : begin + n] = self._describe_crops(crops[begin : begin + n])
        return values

    @abstractmethod
    def _describe_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Describe crops (m, h, w) by vectors (m, d), which must not depend on each other."""


def positive_pair(name: str, value: Any) -> tuple[int, int]:
    """Check that a parameter is a height and a width, in whole pixels or cells."""
    pair = np.asarray(value)
    if pair.shape != (2,) or pair.dtype.kind not in "iu" or (pair < 1).any():
        raise ValueError(f"{name} must be two positive ints (height, width), found {value}")
    height, width = pair.tolist()
    return height, width
