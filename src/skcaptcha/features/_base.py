"""What every feature shares: segments in, one vector for each out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags

from skcaptcha._process.one_thread import one_thread
from skcaptcha.base import Documented, StepTags
from skcaptcha.segments import Segments


class BaseFeatures(  # type: ignore[call-arg]
    Documented, TransformerMixin, BaseEstimator, ABC, auto_wrap_output_keys=None
):
    """Base of all features: a subclass describes a batch of segments, in `_describe`.

    The vector of a segment depends on that segment, the parameters, and what `_learn` learns.
    """

    _parameter_constraints: dict[str, Any] = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Segments, y: Any = None) -> Self:
        """Check the parameters against the segments, and learn what there is to learn.

        Parameters
        ----------
        X : Segments of n captchas, with images
        y : ignored

        Returns
        -------
        self
        """
        self._check(X)
        self._learn(X)
        return self

    def fit_transform(self, X: Segments, y: Any = None) -> Segments:
        """Describe training segments, so that a reader can have them described anew.

        Parameters
        ----------
        X : Segments of n captchas and m segments, with images
        y : ignored

        Returns
        -------
        segments : Segments
            As `transform` gives them, but with their images, and with this step.
        """
        values = self.fit(X).transform(X).values
        assert values is not None
        return X.with_values(values, features=self)

    def transform(self, X: Segments) -> Segments:
        """Describe every segment.

        Parameters
        ----------
        X : Segments of n captchas and m segments, with images

        Returns
        -------
        segments : Segments
            The same segments with ``values``, of shape (m, d), dtype float32, and without images.
        """
        self._check(X)
        # Many small products: to share each out among threads takes longer than to compute it.
        with one_thread():
            return X.with_values(self._describe(X))

    def _check(self, X: Segments) -> None:
        if not isinstance(X, Segments):
            raise TypeError(
                f"{type(self).__name__} takes the Segments that a segmenter gives, "
                f"found {type(X).__name__}"
            )

    def _learn(self, X: Segments) -> None:
        """Learn from the training segments: by default nothing."""

    @abstractmethod
    def _describe(self, X: Segments) -> NDArray[np.float32]:
        """Describe segments by vectors (m, d), which must not depend on each other."""

    def __sklearn_tags__(self) -> Tags:
        learns = type(self)._learn is not BaseFeatures._learn
        tags = StepTags.extend(
            super().__sklearn_tags__(),
            learns_from="samples" if learns else "nothing",
            modifies_input=False,
        )
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        return tags


class CropFeatures(BaseFeatures):
    """Base of the features of crops: a subclass describes a batch of them, in `_describe_crops`.

    It gets ``_crops_at_once`` of them; the more arrays it makes on the way, the fewer stay in the
    processor's cache.
    """

    _crops_at_once = 1024

    def _describe(self, X: Segments) -> NDArray[np.float32]:
        crops = X.crops()
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
