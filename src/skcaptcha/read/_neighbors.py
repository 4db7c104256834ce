"""Prediction of nearest neighbors by matrix products in single precision."""

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

_DISTANCES_AT_ONCE = 2**18
# 64 MiB
_MOST_DISTANCES_KEPT = 2**24
# Of what is learned, so many directions are looked at first; they are found by so many vectors of
# up# to so many dimensions, for so many vectors to classify, if that is so many times faster.
_DIRECTIONS, _VECTORS_SKETCHED, _MOST_SKETCHED = 32, 2000, 1000
_LEAST_FOR_SKETCH, _LEAST_GAIN = 500, 2
_MOST_VOTERS = 8  # that are found among what seems near
# In more dimensions than these, scikit-learn builds no tree.
_DIMENSIONS_OF_TREES = 15


class NearestNeighbors:
    """What a fitted classifier by the votes of nearest neighbors predicts, in less time.

    The squared distance of two vectors is the sum of their squared lengths less twice their
    product, and the products of all vectors with all that were learned are one call of BLAS, in
    single precision. Where its rounding, or two at the same distance, could change an answer,
    scikit-learn gives it: for these vectors by themselves, since the rounding of its own products,
    which decides between two at the same distance, depends on what else it is asked for.

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

    def for_classifier(self, classifier: Any) -> NearestNeighbors:
        """Give the same for one that was fitted to the same samples; distances are shared.

        Parameters
        ----------
        classifier : fitted KNeighborsClassifier

        Returns
        -------
        neighbors : NearestNeighbors
            Neither may be asked for an array that has changed since it was last asked for it.
        """
        other = NearestNeighbors(classifier)
        self._known.remembers = True
        other._known = self._known
        return other

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
        k = classifier.n_neighbors
        if values.shape[1] != classifier.n_features_in_ or not 1 <= k <= classifier.n_samples_fit_:
            return classifier.predict(values)  # which says what is wrong
        winners = np.empty(len(values), dtype=np.intp)
        sure = np.zeros(len(values), dtype=bool)
        at_once = max(1, _DISTANCES_AT_ONCE // classifier.n_samples_fit_)
        sketch = None
        if k <= _MOST_VOTERS and not self._known.remembers:
            sketch = self._known.sketch_for(len(values))
        if sketch is not None:
            for begin in range(0, len(values), at_once):
                rows = slice(begin, begin + at_once)
                winners[rows], sure[rows] = self._vote_by_sketch(values[rows], sketch, k)
        rest = np.flatnonzero(~sure)
        left = values if len(rest) == len(values) else values[rest]
        for rows, distance, own in self._known.in_blocks(left, at_once):
            winners[rest[rows]], sure[rest[rows]] = self._vote(distance, own, k)
        classes: NDArray[Any] = classifier.classes_[winners]
        if not sure.all():
            classes[~sure] = classifier.predict(values[~sure])
        return classes

    def _vote_by_sketch(
        self, values: NDArray[np.floating], sketch: _Sketch, k: int
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Do as `_vote` does, where what cannot be farther than it seems suffices for that.

        The k that seem nearest are so far at the most; whatever seems farther is farther.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            part = np.asarray(values, dtype=np.float32)
            own = np.einsum("ij,ij->i", part, part)
            least = sketch.least_distances(part)
            kth = self._known.exact_distances(part, _least(least, k)).max(axis=1)
            bound = kth - own + sketch.rounding * (own + self._known.lengths.max())
            bound[~np.isfinite(bound)] = np.nan
            return _unanimous(self._count(least, bound), k)

    def _vote(
        self, distance: NDArray[np.float32], own: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Let the nearest vote: indices of classes that win, and whether that is sure."""
        certain, possible = self._nearest(distance, own, k)
        may = self._count(distance, possible)
        winners, sure = _unanimous(may, k)
        rest = np.flatnonzero(~sure)
        if len(rest):
            must = self._count(distance[rest], certain[rest])
            winners[rest], sure[rest] = _vote(must, may[rest], k)
        return winners, sure

    def _nearest(
        self, distance: NDArray[np.float32], own: NDArray[np.float32], k: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give two bounds (m,) of the distances of the k nearest.

        Who is nearer than the first is surely one of them; each of them is nearer than the second.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            kth, d = _kth(distance, k), self._classifier.n_features_in_
            error = 2 * _rounding(d) * (own + self._known.lengths.max())
            # What is too little to be a number at all counts as 0.
            error += 16 * d * np.finfo(np.float32).tiny
            # Of what is not finite, here or in single precision, nothing is known to be near.
            kth[~np.isfinite(kth + error)] = np.nan
            return kth - error, np.nextafter(kth + error, np.float32(np.inf))

    def _count(self, distance: NDArray[np.float32], bound: NDArray[np.float32]) -> NDArray[np.intp]:
        """Count those of each class that are nearer than a bound, (m, n_classes)."""
        n, n_classes = len(distance), len(self._classifier.classes_)
        # Of one axis, few that are true are found in a tenth of the time.
        near, which = np.divmod(np.flatnonzero(distance < bound[:, None]), distance.shape[1])
        places = near * n_classes + self._classifier._y[which]
        return np.bincount(places, minlength=n * n_classes).reshape(n, n_classes)

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
        nearest = np.empty((len(values), len(self._classifier.classes_)))
        at_once = max(1, _DISTANCES_AT_ONCE // len(self._known.lengths))
        for begin in range(0, len(values), at_once):
            rows = slice(begin, begin + at_once)
            nearest[rows] = self._nearest_of_classes(*self._known.distances(values[rows]), k)
        return nearest

    def predict_with_distances(
        self, values: NDArray[np.floating], k: int
    ) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Give what `predict` and `distances` give, from the same products.

        Parameters
        ----------
        values : ndarray of shape (m, d), of as many dimensions as what was learned
        k : int
            As `distances` takes it.

        Returns
        -------
        classes : ndarray of shape (m,)
        distances : ndarray of shape (m, n_classes)
        """
        classifier = self._classifier
        nearest = np.empty((len(values), len(classifier.classes_)))
        winners = np.empty(len(values), dtype=np.intp)
        sure = np.empty(len(values), dtype=bool)
        at_once = max(1, _DISTANCES_AT_ONCE // len(self._known.lengths))
        for begin in range(0, len(values), at_once):
            rows = slice(begin, begin + at_once)
            with np.errstate(invalid="ignore", over="ignore"):
                distance, own = self._known.distances(values[rows])
            winners[rows], sure[rows] = self._vote(distance, own, classifier.n_neighbors)
            nearest[rows] = self._nearest_of_classes(distance, own, k)
        classes: NDArray[Any] = classifier.classes_[winners]
        if not sure.all():
            classes[~sure] = classifier.predict(values[~sure])
        return classes, nearest

    def _nearest_of_classes(
        self, distance: NDArray[np.float32], own: NDArray[np.float32], k: int
    ) -> NDArray[np.float64]:
        known = self._known
        of_class = np.minimum.reduceat(distance[:, known.order], known.first_of_class, axis=1)
        np.minimum(of_class, _kth(distance, k)[:, None], out=of_class)
        nearest: NDArray[np.float64] = np.sqrt(np.maximum(of_class + own[:, None], 0)).astype(float)
        return nearest


def with_parameters_of(fitted: Any, other: Any) -> Any:
    """Give a fitted classifier by neighbors the parameters of another, without fitting.

    How many neighbors vote, and with what weights, is nothing that is learned.

    Parameters
    ----------
    fitted : fitted classifier
    other : classifier
        Not fitted.

    Returns
    -------
    classifier : fitted classifier or None
        What fitting the other to the same samples would give; None if that takes a fit.
    """
    if type(fitted) is not KNeighborsClassifier or type(other) is not KNeighborsClassifier:
        return None
    # What is not fitted has its parameters, and nothing else.
    wanted = dict(vars(other))
    free = {name: wanted.pop(name) for name in ("n_neighbors", "weights")}
    if other.metric_params is not None or fitted.metric_params is not None:
        return None
    alike = all(getattr(fitted, name) == value for name, value in wanted.items())
    brute = fitted._fit_method == "brute" and fitted.n_features_in_ > _DIMENSIONS_OF_TREES
    # Others, and those that a fit refuses, are fitted.
    usual = isinstance(free["n_neighbors"], int) and free["weights"] in ("uniform", "distance")
    if not (alike and brute and usual and free["n_neighbors"] > 0):
        return None
    classifier = copy(fitted)
    vars(classifier).update(free)
    return classifier


class _Sketch:
    """What was learned, seen from the few directions in which it varies most.

    Seen so, no two vectors are farther from each other than they are.

    Parameters
    ----------
    vectors : ndarray of shape (n, d), dtype float32

    Attributes
    ----------
    rounding : float
        Bound of the error of a distance, as a share of the squared lengths of both vectors.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        d = vectors.shape[1]
        some = vectors[:: -(-len(vectors) // _VECTORS_SKETCHED)].astype(np.float64)
        some -= some.mean(axis=0)
        _, axes = eigh(some.T @ some, subset_by_index=[d - _DIRECTIONS, d - 1])
        self._axes = axes.astype(np.float32)
        exact = self._axes.astype(np.float64)
        self._projected = (vectors @ exact).astype(np.float32)
        self._lengths = np.einsum("ij,ij->i", self._projected, self._projected)
        stretched = np.linalg.norm(exact.T @ exact - np.eye(_DIRECTIONS), 2)
        # That of the projections, of their distances, and of the distances to compare them with. As
        # in `_rounding`, sums are taken for as wrong as they could be.
        unit = float(np.finfo(np.float32).eps) / 2
        projecting = 4 * (d + 2) * unit * math.sqrt(_DIRECTIONS)
        self.rounding = float(
            projecting + 2 * stretched + 2 * _rounding(_DIRECTIONS) + 2 * _rounding(d)
        )

    def least_distances(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bound squared distances (m, n) from below, less the squared lengths of the values."""
        projected = values @ self._axes
        distance = (-2 * projected) @ self._projected.T
        distance += self._lengths
        distance += np.einsum("ij,ij->i", projected, projected)[:, None]
        distance -= np.einsum("ij,ij->i", values, values)[:, None]
        return distance


_Block = tuple[slice, NDArray[np.float32], NDArray[np.float32]]


class _Known:
    """What was learned, in single precision.

    Attributes
    ----------
    lengths : ndarray of shape (n,), dtype float32
        Squared lengths.
    remembers : bool
        Whether to keep the distances to the last array, for who asks for the same one again.
    order : ndarray of shape (n,)
        What brings them class after class.
    first_of_class : ndarray of shape (n_classes,)
        Where each class then begins.
    """

    def __init__(self, classifier: Any) -> None:
        self.remembers = False
        self._last: tuple[Any, list[_Block]] = (None, [])
        with np.errstate(over="ignore"):
            self._vectors = np.asarray(classifier._fit_X, dtype=np.float32)
            self.lengths = np.einsum("ij,ij->i", self._vectors, self._vectors)
        self.order = np.argsort(classifier._y, kind="stable")
        self.first_of_class = np.searchsorted(
            classifier._y[self.order], np.arange(len(classifier.classes_))
        )

    def distances(
        self, values: NDArray[np.floating]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Squared distances (m, n) to all of them, less the squared lengths (m,) of the values."""
        part = np.asarray(values, dtype=np.float32)
        distance = (-2 * part) @ self._vectors.T
        distance += self.lengths
        return distance, np.einsum("ij,ij->i", part, part)

    def exact_distances(
        self, values: NDArray[np.float32], which: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Squared distances to some of them, whose indices (m, k) are given."""
        difference = self._vectors[which]
        difference -= values[:, None]
        distance: NDArray[np.float32] = np.einsum("ijk,ijk->ij", difference, difference)
        return distance

    def sketch_for(self, m: int) -> _Sketch | None:
        """Give the sketch, if m vectors are compared with all in less time by it."""
        n, d = self._vectors.shape
        pays = _LEAST_GAIN * _DIRECTIONS * (n + d) < n * d and d <= _MOST_SKETCHED
        if not pays or (m < _LEAST_FOR_SKETCH and "_sketch" not in vars(self)):
            return None
        return self._sketch

    @cached_property
    def _sketch(self) -> _Sketch | None:
        # No directions are found of what is not finite.
        return _Sketch(self._vectors) if np.isfinite(self.lengths).all() else None

    def in_blocks(self, values: NDArray[np.floating], at_once: int) -> Iterator[_Block]:
        """Give rows of the values and, of these, what `distances` gives."""
        of, kept = self._last
        if of is values:
            yield from kept
            return
        keeps = self.remembers and len(values) * len(self.lengths) <= _MOST_DISTANCES_KEPT
        blocks: list[_Block] = []
        for begin in range(0, len(values), at_once):
            rows = slice(begin, begin + at_once)
            with np.errstate(invalid="ignore", over="ignore"):
                block = rows, *self.distances(values[rows])
            if keeps:
                blocks.append(block)
            yield block
        if keeps:
            self._last = values, blocks


def _unanimous(possible: NDArray[np.intp], k: int) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Let k neighbors vote that are among those possible, (m, n_classes): see `_vote`.

    Sure is what is so whichever they are: there are no more than k, or all are of one class.
    """
    winners, n_possible = possible.argmax(axis=1), possible.sum(axis=1)
    most = possible[np.arange(len(possible)), winners]
    return winners, (n_possible == k) | ((most == n_possible) & (most > k))


def _vote(
    certain: NDArray[np.intp], possible: NDArray[np.intp], k: int
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Let neighbors vote, of which some are certain, and the rest are some of those possible.

    Parameters
    ----------
    certain, possible : ndarray of shape (m, n_classes)
        How many of each class.
    k : int
        How many vote.

    Returns
    -------
    winners : ndarray of shape (m,)
        Indices of classes.
    sure : ndarray of shape (m,), dtype bool
        Whether no choice among those possible has another winner.
    """
    open_ = possible - certain
    left = k - certain.sum(axis=1, keepdims=True)
    most = certain + np.minimum(open_, left)
    # If all others that are open vote before those of the class.
    least = certain + np.maximum(left - (open_.sum(axis=1, keepdims=True) - open_), 0)
    row, winners = np.arange(len(possible)), least.argmax(axis=1)
    own = least[row, winners]
    most[row, winners] = -1
    # Of what is not finite, less than k are possible.
    enough = possible.sum(axis=1) >= k
    return winners, enough & (own > most.max(axis=1, initial=-1))


def _least(distance: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Indices (m, k) of the least of each row."""
    few = np.empty((len(distance), k), dtype=np.intp)
    row = np.arange(len(distance))
    rest = distance.copy() if k > 1 else distance
    # For the few that vote, a tenth of the time of `np.argpartition`.
    for place in range(k):
        few[:, place] = rest.argmin(axis=1)
        if place < k - 1:
            rest[row, few[:, place]] = np.inf
    return few


def _kth(distance: NDArray[np.float32], k: int) -> NDArray[np.float32]:
    nearest: NDArray[np.float32] = (
        distance.min(axis=1) if k == 1 else np.partition(distance, k - 1, axis=1)[:, k - 1]
    )
    return nearest


def _rounding(d: int) -> float:
    """Bound the error of a squared distance in single precision, as a share of both lengths.

    A sum of d products has, in whatever order, a relative error of d half units at most, of the
    sum of their magnitudes, which for the product of two vectors is at most half of both squared
    lengths. It counts twice; the lengths have as much. A few more operations, and the rounding of
    values to single precision, come on top.
    """
    return (2 * d + 8) * float(np.finfo(np.float32).eps) / 2
