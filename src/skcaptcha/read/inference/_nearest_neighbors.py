"""Predict k-nearest neighbors with matrix products in single precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from sklearn.neighbors import KNeighborsClassifier

_BATCH_DISTANCES = 2**18
_MAX_CACHED_DISTANCES = 2**24  # 64 MiB
# A projection of the training set: its number of directions, how many vectors they are computed
# from, and the greatest number of features.
_N_DIRECTIONS, _MAX_VECTORS, _MAX_FEATURES = 32, 2000, 1000
# Minimum number of samples for which it is used, and its minimum saving of operations.
_MIN_SAMPLES, _MIN_SPEEDUP = 500, 2
_MAX_NEIGHBORS = 8
# scikit-learn builds no tree for more features than these.
_MAX_TREE_FEATURES = 15


class FastNearestNeighbors:
    """Evaluate a fitted `KNeighborsClassifier` with uniform weights and Euclidean distances.

    The squared distance of two vectors is the sum of their squared lengths minus twice their
    product, and the products of all samples with the training set are one call of BLAS in single
    precision. Where its rounding error or a tie could change a class, scikit-learn predicts that
    sample, alone: the rounding of its own products depends on the other samples of the batch.
    """

    def __init__(self, classifier: Any) -> None:
        self._classifier = classifier

    @staticmethod
    def supports(classifier: Any) -> bool:
        """Return whether this class can evaluate the fitted classifier."""
        return (
            # A subclass may predict otherwise.
            type(classifier) is KNeighborsClassifier
            and classifier.weights == "uniform"
            and classifier.effective_metric_ == "euclidean"
            and not classifier.outputs_2d_
            and isinstance(classifier._fit_X, np.ndarray)
        )

    @cached_property
    def _training_set(self) -> _TrainingSet:
        return _TrainingSet(self._classifier)

    def for_classifier(self, classifier: Any) -> FastNearestNeighbors:
        """Evaluate another classifier fitted to the same samples; the distances are shared.

        Arrays must not change between two calls of ``predict`` with the same array.
        """
        other = FastNearestNeighbors(classifier)
        self._training_set.caches_distances = True
        other._training_set = self._training_set
        return other

    def predict(self, values: NDArray[np.floating]) -> NDArray[Any]:
        """Return the same classes (m,) as the classifier's ``predict`` for values (m, d)."""
        classifier = self._classifier
        k = classifier.n_neighbors
        if not 1 <= k <= classifier.n_samples_fit_:
            return classifier.predict(values)  # raises the error
        winners = np.empty(len(values), dtype=np.intp)
        certain = np.zeros(len(values), dtype=bool)
        if projection := self._training_set.projection_for(len(values), k):
            for rows in self._training_set.batches(len(values)):
                winners[rows], certain[rows] = self._vote_projected(values[rows], projection, k)
        rest = np.flatnonzero(~certain)
        left = values if len(rest) == len(values) else values[rest]
        for rows, distance, own in self._training_set.distances_in_batches(left):
            winners[rest[rows]], certain[rest[rows]] = self._vote_exactly(distance, own, k)
        return self._classes(values, winners, certain)

    def predict_with_distances(
        self, values: NDArray[np.floating], k: int
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the classes (m,) and the distance to the nearest sample of each class.

        The distances (m, n_classes) have single precision. Classes without a sample among
        the k nearest get the distance of the k-th.
        """
        classifier = self._classifier
        nearest = np.empty((len(values), len(classifier.classes_)))
        winners = np.empty(len(values), dtype=np.intp)
        certain = np.empty(len(values), dtype=bool)
        for rows, distance, own in self._training_set.distances_in_batches(values):
            winners[rows], certain[rows] = self._vote_exactly(distance, own, classifier.n_neighbors)
            nearest[rows] = self._nearest_of_classes(distance, own, k)
        return self._classes(values, winners, certain), nearest

    def _classes(
        self,
        values: NDArray[np.floating],
        winners: NDArray[np.intp],
        certain: NDArray[np.bool_],
    ) -> NDArray[Any]:
        """Return the classes of the winners; scikit-learn predicts samples that are uncertain."""
        classes: NDArray[Any] = self._classifier.classes_[winners]
        if not certain.all():
            classes[~certain] = self._classifier.predict(values[~certain])
        return classes

    def _vote_projected(
        self, values: NDArray[np.floating], projection: _Projection, k: int
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Vote as `_vote_exactly` does, among the samples that the projection does not rule out.

        The k samples that seem nearest bound the distance of the k-th neighbor; samples that seem
        farther than this bound are farther.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            part = np.asarray(values, dtype=np.float32)
            own = np.einsum("ij,ij->i", part, part)
            lower = projection.lower_bounds(part)
            kth = self._training_set.exact_distances(part, _smallest(lower, k)).max(axis=1)
            bound = kth - own
            bound += projection.rounding_error * (own + self._training_set.squares.max())
            bound[~np.isfinite(bound)] = np.nan
            return _vote_unanimously(self._count(lower, bound), k)

    def _vote_exactly(
        self, distance: NDArray[np.float32], own: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the class index that wins for each sample, and whether that is certain."""
        inner, outer = self._bounds_of_kth(distance, own, k)
        possible = self._count(distance, outer)
        winners, certain = _vote_unanimously(possible, k)
        rest = np.flatnonzero(~certain)
        if len(rest):
            confirmed = self._count(distance[rest], inner[rest])
            winners[rest], certain[rest] = _vote(confirmed, possible[rest], k)
        return winners, certain

    def _bounds_of_kth(
        self, distance: NDArray[np.float32], own: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return two bounds (m,) of the distance of the k-th neighbor.

        Samples nearer than the first are certainly among the k nearest; all of the k nearest are
        nearer than the second.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            kth, d = _kth_smallest(distance, k), self._classifier.n_features_in_
            error = 2 * _rounding_error(d) * (own + self._training_set.squares.max())
            # Values below the smallest normal number count as 0.
            error += 16 * d * np.finfo(np.float32).tiny
            # Nothing is nearer than a bound that is not finite.
            kth[~np.isfinite(kth + error)] = np.nan
            return kth - error, np.nextafter(kth + error, np.float32(np.inf))

    def _count(self, distance: NDArray[np.float32], bound: NDArray[np.float32]) -> NDArray[np.intp]:
        """Count the samples of each class that are nearer than a bound, (m, n_classes)."""
        n, n_classes = len(distance), len(self._classifier.classes_)
        # With few true elements, flat indices take a tenth of the time of two-dimensional ones.
        near, which = np.divmod(np.flatnonzero(distance < bound[:, None]), distance.shape[1])
        cells = near * n_classes + self._classifier._y[which]
        return np.bincount(cells, minlength=n * n_classes).reshape(n, n_classes)

    def _nearest_of_classes(
        self, distance: NDArray[np.float32], own: NDArray[np.float32], k: int
    ) -> NDArray[np.float64]:
        known = self._training_set
        of_class = np.minimum.reduceat(distance[:, known.order], known.first_of_class, axis=1)
        np.minimum(of_class, _kth_smallest(distance, k)[:, None], out=of_class)
        nearest: NDArray[np.float64] = np.sqrt(np.maximum(of_class + own[:, None], 0)).astype(float)
        return nearest


def with_parameters_of(fitted: Any, other: Any) -> Any:
    """Return a fitted `KNeighborsClassifier` with the parameters of another, without a fit.

    The number of neighbors and their weights are not learned. None if fitting ``other`` to the
    same samples would give another result.
    """
    if type(fitted) is not KNeighborsClassifier or type(other) is not KNeighborsClassifier:
        return None
    # An estimator that is not fitted has no attributes besides its parameters.
    wanted = dict(vars(other))
    free = {name: wanted.pop(name) for name in ("n_neighbors", "weights")}
    if other.metric_params is not None or fitted.metric_params is not None:
        return None
    same = all(getattr(fitted, name) == value for name, value in wanted.items())
    brute = fitted._fit_method == "brute" and fitted.n_features_in_ > _MAX_TREE_FEATURES
    # A fit must refuse invalid parameters.
    valid = isinstance(free["n_neighbors"], int) and free["weights"] in ("uniform", "distance")
    if not (same and brute and valid and free["n_neighbors"] > 0):
        return None
    classifier = copy(fitted)
    vars(classifier).update(free)
    return classifier


class _Projection:
    """The training vectors (n, d), projected on their first principal directions.

    Projected vectors are never farther from each other than the vectors themselves.
    ``rounding_error`` bounds the error of a distance, as a fraction of both squared lengths.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        d = vectors.shape[1]
        some = vectors[:: -(-len(vectors) // _MAX_VECTORS)].astype(np.float64)
        some -= some.mean(axis=0)
        _, axes = eigh(some.T @ some, subset_by_index=[d - _N_DIRECTIONS, d - 1])
        self._axes = axes.astype(np.float32)
        exact = self._axes.astype(np.float64)
        self._projected = (vectors @ exact).astype(np.float32)
        self._squares = np.einsum("ij,ij->i", self._projected, self._projected)
        stretching = np.linalg.norm(exact.T @ exact - np.eye(_N_DIRECTIONS), 2)
        # The errors of the projections, of their distances, and of the distances they are compared
        # with. As in `_rounding_error`, each sum has its greatest possible error.
        unit = float(np.finfo(np.float32).eps) / 2
        projecting = 4 * (d + 2) * unit * math.sqrt(_N_DIRECTIONS)
        self.rounding_error = float(
            projecting
            + 2 * stretching
            + 2 * _rounding_error(_N_DIRECTIONS)
            + 2 * _rounding_error(d)
        )

    def lower_bounds(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return lower bounds (m, n) of squared distances, minus the squared lengths of values."""
        projected = values @ self._axes
        distance = (-2 * projected) @ self._projected.T
        distance += self._squares
        distance += np.einsum("ij,ij->i", projected, projected)[:, None]
        distance -= np.einsum("ij,ij->i", values, values)[:, None]
        return distance


_Batch = tuple[slice, NDArray[np.float32], NDArray[np.float32]]


class _TrainingSet:
    """The training vectors of a classifier in single precision.

    ``squares`` (n,) are their squared lengths. ``order`` sorts them by class, and each class then
    begins at ``first_of_class``. ``caches_distances`` keeps the distances to the last array, for
    the next classifier that asks for the same ones.
    """

    def __init__(self, classifier: Any) -> None:
        self.caches_distances = False
        self._last: tuple[Any, list[_Batch]] = (None, [])
        with np.errstate(over="ignore"):
            self._vectors = np.asarray(classifier._fit_X, dtype=np.float32)
            self.squares = np.einsum("ij,ij->i", self._vectors, self._vectors)
        self.order = np.argsort(classifier._y, kind="stable")
        self.first_of_class = np.searchsorted(
            classifier._y[self.order], np.arange(len(classifier.classes_))
        )

    def distances(
        self, values: NDArray[np.floating]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return squared distances (m, n) minus the squared lengths (m,) of values, and these."""
        part = np.asarray(values, dtype=np.float32)
        distance = (-2 * part) @ self._vectors.T
        distance += self.squares
        return distance, np.einsum("ij,ij->i", part, part)

    def exact_distances(
        self, values: NDArray[np.float32], which: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Return the squared distances (m, k) to the vectors with indices ``which`` (m, k)."""
        difference = self._vectors[which]
        difference -= values[:, None]
        distance: NDArray[np.float32] = np.einsum("ijk,ijk->ij", difference, difference)
        return distance

    def projection_for(self, m: int, k: int) -> _Projection | None:
        """Return the projection if it finds the k nearest neighbors of m samples faster."""
        n, d = self._vectors.shape
        pays = _MIN_SPEEDUP * _N_DIRECTIONS * (n + d) < n * d and d <= _MAX_FEATURES
        pays &= m >= _MIN_SAMPLES or "_projection" in vars(self)
        pays &= k <= _MAX_NEIGHBORS and not self.caches_distances
        return self._projection if pays else None

    @cached_property
    def _projection(self) -> _Projection | None:
        return _Projection(self._vectors) if np.isfinite(self.squares).all() else None

    def batches(self, m: int) -> Iterator[slice]:
        """Yield slices of m samples, so that the distances of each fit into memory."""
        size = max(1, _BATCH_DISTANCES // len(self.squares))
        for begin in range(0, m, size):
            yield slice(begin, begin + size)

    def distances_in_batches(self, values: NDArray[np.floating]) -> Iterator[_Batch]:
        """Yield slices of the values, each with the result of `distances`."""
        last, cached = self._last
        if last is values:
            yield from cached
            return
        keeps = self.caches_distances and len(values) * len(self.squares) <= _MAX_CACHED_DISTANCES
        kept: list[_Batch] = []
        for rows in self.batches(len(values)):
            with np.errstate(invalid="ignore", over="ignore"):
                own = rows, *self.distances(values[rows])
            if keeps:
                kept.append(own)
            yield own
        if keeps:
            self._last = values, kept


def _vote_unanimously(
    possible: NDArray[np.intp], k: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Vote as `_vote` does, certain only if exactly k neighbors are possible or all agree."""
    winners, n_possible = possible.argmax(axis=1), possible.sum(axis=1)
    most = possible[np.arange(len(possible)), winners]
    return winners, (n_possible == k) | ((most == n_possible) & (most > k))


def _vote(
    confirmed: NDArray[np.intp], possible: NDArray[np.intp], k: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Let k neighbors vote: all confirmed ones, the others among the possible ones.

    ``confirmed`` and ``possible`` (m, n_classes) count the neighbors of each class. Returns the
    class indices that win, and whether every choice of neighbors has the same winner.
    """
    open_ = possible - confirmed
    left = k - confirmed.sum(axis=1, keepdims=True)
    most = confirmed + np.minimum(open_, left)
    # Votes of a class if the open neighbors of all other classes come first.
    least = confirmed + np.maximum(left - (open_.sum(axis=1, keepdims=True) - open_), 0)
    row, winners = np.arange(len(possible)), least.argmax(axis=1)
    own = least[row, winners]
    most[row, winners] = -1
    # Fewer than k neighbors are possible if a distance is not finite.
    enough = possible.sum(axis=1) >= k
    return winners, enough & (own > most.max(axis=1, initial=-1))


def _smallest(distance: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Return the indices (m, k) of the smallest elements of each row."""
    indices = np.empty((len(distance), k), dtype=np.intp)
    row = np.arange(len(distance))
    rest = distance.copy() if k > 1 else distance
    # For small k this takes a tenth of the time of `np.argpartition`.
    for j in range(k):
        indices[:, j] = rest.argmin(axis=1)
        if j < k - 1:
            rest[row, indices[:, j]] = np.inf
    return indices


def _kth_smallest(distance: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    kth: NDArray[np.float32] = (
        distance.min(axis=1) if k == 1 else np.partition(distance, k - 1, axis=1)[:, k - 1]
    )
    return kth


def _rounding_error(d: int) -> float:
    """Bound the error of a squared distance in single precision, as a fraction of both lengths.

    A sum of d products has, in any order, a relative error of at most d half units of the sum of
    magnitudes, which for the product of two vectors is at most half of both squared lengths. It
    counts twice, and the lengths have the same error. A few more operations and the rounding of
    values to single precision are added (Higham, "Accuracy and Stability of Numerical Algorithms",
    2nd edition, 2002, section 3.1).
    """
    return (2 * d + 8) * float(np.finfo(np.float32).eps) / 2
