"""What every feature shares: crops in, one vector for each out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context
from sklearn.utils import Tags

from skcaptcha.segments import Segments

_CROPS_AT_ONCE = 1024


class BaseFeatures(TransformerMixin, BaseEstimator, ABC):
    """Base of all features: a subclass describes a batch of crops, in `_describe`.

    Features learn nothing: the vector of a segment depends on its crop and the parameters.
    """

    _parameter_constraints: dict[str, Any] = {}

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Segments, y: Any = None) -> Self:
        """Check the parameters against the crops; nothing is learnt.

        Parameters
        ----------
        X : Segments of n captchas, with images
        y : ignored

        Returns
        -------
        self
        """
        self._check(X)
        return self

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
        crops = X.crops()
        if len(crops) <= _CROPS_AT_ONCE:
            return X.with_values(self._describe(crops))
        parts = np.split(crops, range(_CROPS_AT_ONCE, len(crops), _CROPS_AT_ONCE))
        return X.with_values(np.concatenate([self._describe(part) for part in parts]))

    def _check(self, X: Segments) -> None:
        if not isinstance(X, Segments):
            raise TypeError(
                f"{type(self).__name__} takes the Segments that a segmenter gives, "
                f"found {type(X).__name__}"
            )

    @abstractmethod
    def _describe(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Describe crops (m, h, w) by vectors (m, d), which must not depend on each other."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        return tags
