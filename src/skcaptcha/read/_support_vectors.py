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
        as_learned = values.shape[1] == self._machine.n_features_in_
        return as_learned and len(values) >= _BREAK_EVEN

    @cached_property
    def _single(self) -> _Vectors:
        return _Vectors(self._machine, np.float32)

    @cached_property
    def _double(self) -> _Vectors:
        return _Vectors(self._machine, np.float64)

    def _decide(self, values: NDArray[np.floating], vectors: _Vectors) -> Decisions:
        n_classes = len(self._machine.classes_)
        sides = _sides(n_classes)
        votes = np.empty((n_classes, len(values)), dtype=np.float32)
        margins = np.empty((n_classes, len(values)), dtype=vectors.kind)
        unsure = np.empty(len(values), dtype=bool)
        at_once = max(1, _KERNEL_VALUES_AT_ONCE // max(len(vectors.scaled), sides.shape[1]))
        for begin in range(0, len(values), at_once):
            columns = slice(begin, begin + at_once)
            # What is not finite, here or in single precision, decides nothing.
            with np.errstate(invalid="ignore", over="ignore"):
                part = np.asarray(values[columns], dtype=vectors.kind)
                own_lengths = np.einsum("ij,ij->i", part, part)
                kernel = vectors.kernel(part, own_lengths)
                pairs = vectors.pairs(kernel)
                won = (pairs > 0).astype(np.float32)
                own_votes = np.matmul(sides, won, out=votes[:, columns])
                # Of its pairs, a class has lost those in which it is the second.
                own_votes += np.arange(n_classes)[:, None]
                # As if all kernel values were 1, and, where that settles too little, as they are.
                longest = own_lengths.max()
                settled = np.abs(pairs) > vectors.rounding(vectors.weights, longest)[:, None]
                own_unsure = _unsure(own_votes, ~settled)
                rest = np.flatnonzero(own_unsure)
                if len(rest):
                    error = vectors.rounding(vectors.magnitudes(kernel[:, rest]), longest)
                    open_ = ~(np.abs(pairs[:, rest]) > error)
                    own_unsure[rest] = _unsure(own_votes[:, rest], open_)
            unsure[columns] = own_unsure
            np.matmul(sides.astype(vectors.kind), pairs, out=margins[:, columns])
        return Decisions(votes.T, margins.T, unsure)


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
        self.scaled = (2 * self.gamma * vectors).astype(kind)
        self.scaled_lengths = (self.gamma * lengths).astype(kind)[:, None]
        # The vectors of a class have one coefficient for each other class.
        ends = np.cumsum(machine.n_support_)
        self.of_class = [slice(*ends_) for ends_ in pairwise([0, *ends])]
        self.coefficients = [machine.dual_coef_[:, own].astype(kind) for own in self.of_class]
        self.intercept = machine.intercept_.astype(kind)[:, None]
        # Before its own place, a class is the second of the two.
        n_classes = len(ends)
        first, second = np.triu_indices(n_classes, 1)
        self._of_first = first * (n_classes - 1) + second - 1
        self._of_second = second * (n_classes - 1) + first
        self._absolute = [np.abs(coefficients) for coefficients in self.coefficients]
        self.weights = self._of_pairs(
            np.concatenate([own.sum(axis=1, keepdims=True) for own in self._absolute])
        )[:, 0]
        # Once for this computation, and once for libsvm's.
        unit = float(np.finfo(kind).eps)
        self._error_of_exponent = unit * (vectors.shape[1] + _FEW) * self.gamma
        self._longest = lengths.max()
        self._error_of_sum = unit * (int(machine.n_support_.max()) + _FEW)
        # What is too little to be a number at all counts as 0.
        tiny = float(np.finfo(kind).tiny)
        self._least_error = self._error_of_sum * np.abs(machine.intercept_)
        self._least_error += tiny * (1 + self.weights.astype(np.float64))

    def kernel(self, values: NDArray[Any], own_lengths: NDArray[Any]) -> NDArray[Any]:
        """Compare vectors (m, d) with the support vectors: (n_vectors, m), in 0..1."""
        kernel = self.scaled @ values.T
        kernel -= self.scaled_lengths
        kernel -= (self.gamma * own_lengths).astype(self.kind)
        # What rounding left of the distance of equal vectors is no distance.
        np.minimum(kernel, 0, out=kernel)
        np.exp(kernel, out=kernel)
        return kernel

    def pairs(self, kernel: NDArray[Any]) -> NDArray[Any]:
        """Decide between each two classes, (n_pairs, m): positive for the first of them."""
        return self._of_pairs(self._sums(self.coefficients, kernel)) + self.intercept

    def magnitudes(self, kernel: NDArray[Any]) -> NDArray[Any]:
        """Sum the magnitudes of what decides each pair, (n_pairs, m)."""
        return self._of_pairs(self._sums(self._absolute, kernel))

    def rounding(self, magnitudes: NDArray[Any], longest: float) -> NDArray[np.float64]:
        """Bound what rounding, here and in libsvm, does to the decision of each pair.

        A kernel value errs by as large a share as its exponent errs absolutely; the sum over the
        vectors adds the error of so many products.

        Parameters
        ----------
        magnitudes : ndarray of shape (n_pairs,) or (n_pairs, m)
        longest : float
            The greatest of the squared lengths.

        Returns
        -------
        error : ndarray of the shape of ``magnitudes``
        """
        share = np.expm1(self._error_of_exponent * (longest + self._longest)) + self._error_of_sum
        error = share * magnitudes.astype(np.float64)
        return (error.T + self._least_error).T

    def _sums(self, coefficients: list[NDArray[Any]], kernel: NDArray[Any]) -> NDArray[Any]:
        """Sum the kernel values of each class, once for each other class."""
        n_classes = len(self.of_class)
        sums = np.empty((n_classes, n_classes - 1, kernel.shape[1]), dtype=self.kind)
        for own, weights, out in zip(self.of_class, coefficients, sums, strict=True):
            np.matmul(weights, kernel[own], out=out)
        return sums.reshape(n_classes * (n_classes - 1), kernel.shape[1])

    def _of_pairs(self, sums: NDArray[Any]) -> NDArray[Any]:
        pairs = sums[self._of_first]
        pairs += sums[self._of_second]
        return pairs


def _unsure(votes: NDArray[np.float32], open_: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell whose winner pairs that may turn can change.

    Parameters
    ----------
    votes : ndarray of shape (n_classes, m)
    open_ : ndarray of shape (n_pairs, m), dtype bool

    Returns
    -------
    unsure : ndarray of shape (m,), dtype bool
    """
    unsure = np.asarray(open_.any(axis=0))
    some = np.flatnonzero(unsure)
    votes = votes[:, some]
    of_class = np.abs(_sides(len(votes))) @ open_[:, some].astype(np.float32)
    column, winner = np.arange(len(some)), votes.argmax(axis=0)
    own, own_open = votes[winner, column], of_class[winner, column]
    most = votes + of_class
    most[winner, column] = -1
    beats_all = (own == len(votes) - 1) & (own_open == 0)
    unsure[some] = ~(beats_all | (own - own_open > most.max(axis=0)))
    return unsure


@cache
def _sides(n_classes: int) -> NDArray[np.float32]:
    """1 for the first class of each pair, -1 for the second, (n_classes, n_pairs)."""
    first, second = np.triu_indices(n_classes, 1)
    every = np.eye(n_classes, dtype=np.float32)
    return (every[first] - every[second]).T
