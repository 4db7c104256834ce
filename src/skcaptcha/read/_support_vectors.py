"""Prediction of kernel machines by matrix products, many segments at a time."""

from __future__ import annotations

from functools import cache, cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC, NuSVC

# Fewer segments are decided sooner by libsvm itself.
_BREAK_EVEN = 2
_KERNEL_VALUES_AT_ONCE = 2**19
# What more than sums and products, which are counted, adds to the rounding of a kernel value.
_FEW = 16


class Decisions(NamedTuple):
    """What a machine makes of segments, summed over the pairs of classes.

    Attributes
    ----------
    votes : ndarray of shape (m, n_classes), dtype float32
        How many pairs each class wins.
    margins : ndarray of shape (m, n_classes)
        The sum of each class's margins against all others.
    unsure : ndarray of shape (m,), dtype bool
        Whether libsvm, which adds in another order, may have another winner.
    """

    votes: NDArray[np.float32]
    margins: NDArray[np.floating]
    unsure: NDArray[np.bool_]


class KernelMachine:
    """What a fitted support vector machine with an RBF kernel decides, in less time.

    The squared distance of two vectors is the sum of their squared lengths less twice their
    product, and the products of all vectors with all support vectors are one call of BLAS.

    Parameters
    ----------
    machine : fitted SVC or NuSVC
        One of those that `takes` accepts.

    References
    ----------
    C.-C. Chang and C.-J. Lin, "LIBSVM: a library for support vector machines", ACM Transactions on
    Intelligent Systems and Technology 2 (2011), 27:1-27:27 (sections 4 and 7).

    N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd edition, SIAM 2002
    (section 3.1: rounding of inner products).
    """

    def __init__(self, machine: Any) -> None:
        self._machine = machine

    @staticmethod
    def takes(classifier: Any) -> bool:
        """Tell whether it is a machine with an RBF kernel and more than two classes.

        Parameters
        ----------
        classifier : fitted classifier

        Returns
        -------
        taken : bool
        """
        return (
            # A subclass may predict in another way.
            type(classifier) in (SVC, NuSVC)
            and classifier.kernel == "rbf"
            and not classifier.break_ties
            and len(classifier.classes_) > 2
            and isinstance(classifier.support_vectors_, np.ndarray)
        )

    def predict(self, values: NDArray[np.floating]) -> NDArray[Any]:
        """Give what the machine's ``predict`` gives.

        Single precision decides; what its rounding leaves open, double precision, and what that
        leaves open, libsvm.

        Parameters
        ----------
        values : ndarray of shape (m, d)

        Returns
        -------
        classes : ndarray of shape (m,)
        """
        if not self._pays(values):
            return self._machine.predict(values)
        decisions = self._decide(values, self._single)
        classes: NDArray[Any] = self._machine.classes_[decisions.votes.argmax(axis=1)]
        if decisions.unsure.any():
            rest = values[decisions.unsure]
            exact = self.decide(rest)
            classes[decisions.unsure] = (
                self._machine.predict(rest) if exact is None else self.majority(exact, rest)
            )
        return classes

    def decide(self, values: NDArray[np.floating]) -> Decisions | None:
        """Decide between each two classes, as libsvm does, in double precision.

        Parameters
        ----------
        values : ndarray of shape (m, d)

        Returns
        -------
        decisions : Decisions or None
            None if libsvm is faster for so few.
        """
        return self._decide(values, self._double) if self._pays(values) else None

    def majority(self, decisions: Decisions, values: NDArray[np.floating]) -> NDArray[Any]:
        """Give the class that wins most of its pairs, the first of equals: what ``predict`` gives.

        Parameters
        ----------
        decisions : Decisions
        values : ndarray of shape (m, d)
            That the decisions are of.

        Returns
        -------
        classes : ndarray of shape (m,)
        """
        classes: NDArray[Any] = self._machine.classes_[decisions.votes.argmax(axis=1)]
        if decisions.unsure.any():
            classes[decisions.unsure] = self._machine.predict(values[decisions.unsure])
        return classes

    def _pays(self, values: NDArray[np.floating]) -> bool:
        as_learnt = values.shape[1] == self._machine.n_features_in_
        return as_learnt and len(values) >= _BREAK_EVEN

    @cached_property
    def _single(self) -> _Vectors:
        return _Vectors(self._machine, np.float32)

    @cached_property
    def _double(self) -> _Vectors:
        return _Vectors(self._machine, np.float64)

    def _decide(self, values: NDArray[np.floating], vectors: _Vectors) -> Decisions:
        n_classes = len(self._machine.classes_)
        kind = vectors.kind
        first, second = _sides(n_classes)
        votes = np.empty((len(values), n_classes), dtype=np.float32)
        margins = np.empty((len(values), n_classes), dtype=kind)
        unsure = np.empty(len(values), dtype=bool)
        at_once = max(1, _KERNEL_VALUES_AT_ONCE // max(vectors.scaled.shape[1], len(first)))
        for begin in range(0, len(values), at_once):
            rows = slice(begin, begin + at_once)
            # What is not finite, here or in single precision, decides nothing.
            with np.errstate(invalid="ignore", over="ignore"):
                part = np.asarray(values[rows], dtype=kind)
                own = np.einsum("ij,ij->i", part, part)
                pairs = vectors.pairs(part, own)
                margins[rows] = pairs @ (first - second).astype(kind)
                open_ = ~(np.abs(pairs) >= vectors.rounding(own))
            won = (pairs > 0).astype(np.float32)
            votes[rows] = won @ first + (1 - won) @ second
            unsure[rows] = _unsure(votes[rows], open_.astype(np.float32) @ (first + second))
        return Decisions(votes, margins, unsure)


def squashed(decisions: Decisions) -> NDArray[np.float64]:
    """Give what ``decision_function`` gives: votes, and margins squashed into a third of a vote.

    Parameters
    ----------
    decisions : Decisions

    Returns
    -------
    decision : ndarray of shape (m, n_classes)
    """
    return decisions.votes + decisions.margins / (3 * (np.abs(decisions.margins) + 1))


class _Vectors:
    """Support vectors in one precision, and what need be computed of them but once.

    Parameters
    ----------
    machine : fitted SVC or NuSVC
    kind : dtype
    """

    def __init__(self, machine: Any, kind: type[np.floating]) -> None:
        vectors, self.gamma, self.kind = machine.support_vectors_, machine._gamma, kind
        lengths = np.einsum("ij,ij->i", vectors, vectors)
        self.scaled = (2 * self.gamma * vectors).astype(kind).T
        self.scaled_lengths = (self.gamma * lengths).astype(kind)
        # The vectors of a class have one coefficient for each other class.
        ends = np.cumsum(machine.n_support_)
        self.of_class = [slice(*ends_) for ends_ in pairwise([0, *ends])]
        self.coefficients = [machine.dual_coef_[:, own].T.astype(kind) for own in self.of_class]
        self.intercept = machine.intercept_.astype(kind)
        n_classes = len(ends)
        self.first, self.second = np.triu_indices(n_classes, 1)
        # A kernel value, at most 1, has the error of a squared distance, times gamma; the sum over
        # the vectors adds that of so many products.
        unit = 2 * float(np.finfo(kind).eps)
        of_distance = unit * (vectors.shape[1] + _FEW) * self.gamma
        weights = np.zeros((n_classes, n_classes - 1))
        for k, own in enumerate(self.of_class):
            weights[k] = np.abs(machine.dual_coef_[:, own]).sum(axis=1)
        weight = weights[self.first, self.second - 1] + weights[self.second, self.first]
        most = unit * (int(machine.n_support_.max()) + _FEW)
        self._error_of_lengths = of_distance * weight
        self._error = self._error_of_lengths * lengths.max() + most * (
            weight + np.abs(machine.intercept_)
        )

    def pairs(self, values: NDArray[Any], own_lengths: NDArray[Any]) -> NDArray[Any]:
        """Decide between each two classes, (m, n_pairs): positive for the first of them."""
        kernel = values @ self.scaled
        kernel -= self.scaled_lengths
        kernel -= (self.gamma * own_lengths).astype(self.kind)[:, None]
        # What rounding left of the distance of equal vectors is no distance.
        np.minimum(kernel, 0, out=kernel)
        np.exp(kernel, out=kernel)
        n_classes = len(self.of_class)
        sums = np.empty((n_classes, len(values), n_classes - 1), dtype=self.kind)
        for own, coefficients, out in zip(self.of_class, self.coefficients, sums, strict=True):
            np.matmul(kernel[:, own], coefficients, out=out)
        # Before its own place, a class is the second of the two.
        decided = sums[self.first, :, self.second - 1] + sums[self.second, :, self.first]
        return decided.T + self.intercept

    def rounding(self, own_lengths: NDArray[Any]) -> NDArray[Any]:
        """Bound what rounding, here and in libsvm, does to each pair's decision, (m, n_pairs)."""
        return np.outer(own_lengths, self._error_of_lengths) + self._error


def _unsure(votes: NDArray[np.float32], open_: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell in which rows pairs that may turn, so many of each class, may change the winner."""
    row, winner = np.arange(len(votes)), votes.argmax(axis=1)
    own, own_open = votes[row, winner], open_[row, winner]
    most = votes + open_
    most[row, winner] = -1
    beats_all = (own == votes.shape[1] - 1) & (own_open == 0)
    settled = beats_all | (own - own_open > most.max(axis=1)) | ~open_.any(axis=1)
    return ~settled


@cache
def _sides(n_classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Which class is the first, and the second, of each pair, (n_pairs, n_classes)."""
    first, second = np.triu_indices(n_classes, 1)
    every = np.eye(n_classes, dtype=np.float32)
    return every[first], every[second]
