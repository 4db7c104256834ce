"""Prediction of nearest neighbours by matrix products in single precision."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

_DISTANCES_AT_ONCE = 2**18


class NearestNeighbors:
    """What a fitted classifier by the votes of nearest neighbours predicts, in less time.

    The squared distance of two vectors is the sum of their squared lengths less twice their
    product, and the products of all vectors with all that were learnt are one call of BLAS, in
    single precision. Where its rounding, or two at the same distance, could change an answer,
    scikit-learn gives it.

    Parameters
    ----------
    classifier : fitted KNeighborsClassifier
        One of those that `takes` accepts.

    References
    ----------
    N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, SIAM 2002
    (section 3.1: rounding of inner products).
    """

    def __init__(self, classifier: Any) -> None:
        self._classifier = classifier

    @staticmethod
    def takes(classifier: Any) -> bool:
        """Tell whether it is a classifier by equal votes, Euclidean, of one output.

        Parameters
        ----------
        classifier : fitted classifier

        Returns
        -------
        taken : bool
        """
        return (
            # A subclass may predict in another way.
            type(classifier) is KNeighborsClassifier
            and classifier.weights == "uniform"
            and classifier.effective_metric_ == "euclidean"
            and not classifier.outputs_2d_
            and isinstance(classifier._fit_X, np.ndarray)
        )

    @cached_property
    def _known(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Minus twice what was learnt, and its squared lengths."""
        known = self._classifier._fit_X
        lengths = np.einsum("ij,ij->i", known, known, dtype=np.float64)
        with np.errstate(over="ignore"):
            return (-2 * known).astype(np.float32), lengths.astype(np.float32)

    def predict(self, values: NDArray[np.floating]) -> NDArray[Any]:
        """Give what the classifier's ``predict`` gives.

        Parameters
        ----------
        values : ndarray of shape (m, d)

        Returns
        -------
        classes : ndarray of shape (m,)
        """
        classifier = self._classifier
        k, n_classes = classifier.n_neighbors, len(classifier.classes_)
        if values.shape[1] != classifier.n_features_in_ or k > classifier.n_samples_fit_:
            return classifier.predict(values)  # which says what is wrong
        winners = np.empty(len(values), dtype=np.intp)
        sure = np.empty(len(values), dtype=bool)
        at_once = max(1, _DISTANCES_AT_ONCE // classifier.n_samples_fit_)
        for begin in range(0, len(values), at_once):
            rows = slice(begin, begin + at_once)
            near, which = self._possible(values[rows], k)
            n = len(winners[rows])
            votes = np.bincount(near * n_classes + classifier._y[which], minlength=n * n_classes)
            votes = votes.reshape(n, n_classes)
            winners[rows] = votes.argmax(axis=1)
            possible = votes.sum(axis=1)
            # Whoever is nearest of those that may be, they are all of one class.
            agreed = (possible > k) & (votes.max(axis=1) == possible)
            sure[rows] = (possible == k) | agreed
        classes: NDArray[Any] = classifier.classes_[winners]
        if not sure.all():
            classes[~sure] = classifier.predict(values[~sure])
        return classes

    def _possible(
        self, values: NDArray[np.floating], k: int
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Find all that may be among the k nearest: pairs of a row and what was learnt."""
        known, lengths = self._known
        with np.errstate(invalid="ignore", over="ignore"):
            part = np.asarray(values, dtype=np.float32)
            own = np.einsum("ij,ij->i", part, part)
            # The squared distance, less the vector's own length.
            distance = part @ known.T
            distance += lengths
            farthest = _kth(distance, k)
            farthest += 2 * _rounding(values.shape[1]) * (own + lengths.max())
            # Of what is not finite, here or in single precision, nothing is known to be near.
            farthest[~np.isfinite(farthest)] = np.nan
            near, which = np.nonzero(distance <= farthest[:, None])
            return near, which


def _kth(distance: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    nearest: NDArray[np.float32] = (
        distance.min(axis=1) if k == 1 else np.partition(distance, k - 1, axis=1)[:, k - 1]
    )
    return nearest


def _rounding(d: int) -> float:
    """Bound the error of a squared distance in single precision, as a share of both lengths.

    A sum of d products has, in whatever order, a relative error of d half units at most, of the
    sum of their magnitudes, which is at most half of both squared lengths; the product counts
    twice. A few more operations, and the rounding of values to single precision, come on top.
    """
    return (d + 8) * float(np.finfo(np.float32).eps) / 2
