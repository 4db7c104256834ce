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
    def _known(self) -> _Known:
        return _Known(self._classifier)

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
            votes = np.bincount(
                near * n_classes + self._known.classes[which], minlength=n * n_classes
            )
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
        with np.errstate(invalid="ignore", over="ignore"):
            distance, own = self._known.distances(values)
            farthest = _kth(distance, k)
            farthest += 2 * _rounding(values.shape[1]) * (own + self._known.lengths.max())
            # Of what is not finite, here or in single precision, nothing is known to be near.
            farthest[~np.isfinite(farthest)] = np.nan
            near, which = np.nonzero(distance <= farthest[:, None])
            return near, which

    def distances(self, values: NDArray[np.floating], k: int) -> NDArray[np.float64]:
        """Give the distance to the nearest of each class, in single precision.

        Parameters
        ----------
        values : ndarray of shape (m, d)
        k : int
            Classes that none of the k nearest belongs to are taken to be as far as the k-th.

        Returns
        -------
        distances : ndarray of shape (m, n_classes)
        """
        known, n_classes = self._known, len(self._classifier.classes_)
        nearest = np.empty((len(values), n_classes))
        at_once = max(1, _DISTANCES_AT_ONCE // len(known.lengths))
        for begin in range(0, len(values), at_once):
            rows = slice(begin, begin + at_once)
            distance, own = known.distances(values[rows])
            of_class = np.minimum.reduceat(distance, known.first_of_class, axis=1)
            np.minimum(of_class, _kth(distance, k)[:, None], out=of_class)
            nearest[rows] = np.sqrt(np.maximum(of_class + own[:, None], 0))
        return nearest


class _Known:
    """What was learnt, class after class, in single precision.

    Attributes
    ----------
    order : ndarray of shape (n,)
        Index of each among what the classifier learnt.
    classes : ndarray of shape (n,)
        Indices of classes; ascend.
    first_of_class : ndarray of shape (n_classes,)
        Where each begins.
    lengths : ndarray of shape (n,), dtype float32
        Squared lengths.
    """

    def __init__(self, classifier: Any) -> None:
        self.order = np.argsort(classifier._y, kind="stable")
        vectors = classifier._fit_X[self.order]
        self.classes = classifier._y[self.order]
        self.first_of_class = np.searchsorted(self.classes, np.arange(len(classifier.classes_)))
        lengths = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
        with np.errstate(over="ignore"):
            self._minus_twice = (-2 * vectors).astype(np.float32)
            self.lengths = lengths.astype(np.float32)

    def distances(
        self, values: NDArray[np.floating]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Squared distances (m, n) to all of them, less the squared lengths (m,) of the values."""
        part = np.asarray(values, dtype=np.float32)
        distance = part @ self._minus_twice.T
        distance += self.lengths
        return distance, np.einsum("ij,ij->i", part, part)


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
