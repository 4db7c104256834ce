"""Predict RBF support vector machines with matrix products, in batches."""

from __future__ import annotations

from functools import cache, cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC, NuSVC

# libsvm is faster for fewer samples.
_MIN_SAMPLES = 2
_MAX_KERNEL_VALUES = 2**19
# Rounding errors of a kernel value, in units, that are not proportional to the number of features.
_EXTRA_OPERATIONS = 16


class Decisions(NamedTuple):
    """Decisions of m samples, summed over the pairs of classes.

    ``votes`` and ``margins`` have shape (m, n_classes): the number of pairs that each class wins,
    and the sum of its margins against all other classes. ``uncertain`` (m,) is True if libsvm,
    which adds in another order, may have another winner.
    """

    votes: NDArray[np.float32]
    margins: NDArray[np.floating]
    uncertain: NDArray[np.bool_]


class FastSVC:
    """Evaluate a fitted `SVC` or `NuSVC` with an RBF kernel and more than two classes.

    The squared distance of two vectors is the sum of their squared lengths minus twice their
    product, and the products of all samples with all support vectors are one call of BLAS.
    Decisions are described by Chang and Lin, "LIBSVM: a library for support vector machines", 2011
    (sections 4 and 7), and rounding by Higham, "Accuracy and Stability of Numerical Algorithms",
    2nd edition, 2002 (section 3.1).
    """

    def __init__(self, machine: Any) -> None:
        self._machine = machine

    @staticmethod
    def supports(classifier: Any) -> bool:
        """Return whether this class can evaluate the fitted classifier."""
        return (
            # A subclass may predict otherwise.
            type(classifier) in (SVC, NuSVC)
            and classifier.kernel == "rbf"
            and not classifier.break_ties
            and len(classifier.classes_) > 2
            and isinstance(classifier.support_vectors_, np.ndarray)
        )

    def predict(self, values: NDArray[np.floating]) -> NDArray[Any]:
        """Return the same classes (m,) as the machine's ``predict`` for values (m, d).

        Single precision decides first. Where its rounding error could change the winner, double
        precision decides, and where that is not enough, libsvm.
        """
        if len(values) < _MIN_SAMPLES:
            return self._machine.predict(values)
        decisions = self._decide(values, self._single)
        classes: NDArray[Any] = self._machine.classes_[decisions.votes.argmax(axis=1)]
        if decisions.uncertain.any():
            rest = values[decisions.uncertain]
            exact = self.decide(rest)
            classes[decisions.uncertain] = (
                self._machine.predict(rest) if exact is None else self.majority(exact, rest)
            )
        return classes

    def decide(self, values: NDArray[np.floating]) -> Decisions | None:
        """Decide between each two classes in double precision; None if libsvm is faster."""
        return self._decide(values, self._double) if len(values) >= _MIN_SAMPLES else None

    def majority(self, decisions: Decisions, values: NDArray[np.floating]) -> NDArray[Any]:
        """Return the class that wins most pairs, the first if several do: as ``predict`` does.

        ``values`` (m, d) are the samples of the decisions.
        """
        classes: NDArray[Any] = self._machine.classes_[decisions.votes.argmax(axis=1)]
        if decisions.uncertain.any():
            classes[decisions.uncertain] = self._machine.predict(values[decisions.uncertain])
        return classes

    @cached_property
    def _single(self) -> _SupportVectors:
        return _SupportVectors(self._machine, np.float32)

    @cached_property
    def _double(self) -> _SupportVectors:
        return _SupportVectors(self._machine, np.float64)

    def _decide(self, values: NDArray[np.floating], vectors: _SupportVectors) -> Decisions:
        n_classes = len(self._machine.classes_)
        signs = _signs(n_classes)
        votes = np.empty((n_classes, len(values)), dtype=np.float32)
        margins = np.empty((n_classes, len(values)), dtype=vectors.dtype)
        uncertain = np.empty(len(values), dtype=bool)
        batch = max(1, _MAX_KERNEL_VALUES // max(len(vectors.scaled), signs.shape[1]))
        for begin in range(0, len(values), batch):
            columns = slice(begin, begin + batch)
            # Values that are not finite, or not in single precision, leave all pairs uncertain.
            with np.errstate(invalid="ignore", over="ignore"):
                part = np.asarray(values[columns], dtype=vectors.dtype)
                squared = np.einsum("ij,ij->i", part, part)
                kernel = vectors.kernel(part, squared)
                pairs = vectors.pairs(kernel)
                wins = (pairs > 0).astype(np.float32)
                own_votes = np.matmul(signs, wins, out=votes[:, columns])
                # A class loses the pairs in which it is the second class and does not win.
                own_votes += np.arange(n_classes)[:, None]
                # First bound the error as if all kernel values were 1, then with their values.
                largest = squared.max()
                settled = np.abs(pairs) > vectors.rounding_error(vectors.weights, largest)[:, None]
                own_uncertain = _may_change(own_votes, ~settled)
                rest = np.flatnonzero(own_uncertain)
                if len(rest):
                    error = vectors.rounding_error(vectors.magnitudes(kernel[:, rest]), largest)
                    undecided = ~(np.abs(pairs[:, rest]) > error)
                    own_uncertain[rest] = _may_change(own_votes[:, rest], undecided)
            uncertain[columns] = own_uncertain
            np.matmul(signs.astype(vectors.dtype), pairs, out=margins[:, columns])
        return Decisions(votes.T, margins.T, uncertain)


def decision_function(decisions: Decisions) -> NDArray[np.float64]:
    """Return ``decision_function`` of `SVC`: votes plus margins squashed into a third of a vote."""
    return decisions.votes + decisions.margins / (3 * (np.abs(decisions.margins) + 1))


class _SupportVectors:
    """Support vectors of a machine in one precision, with everything computed once."""

    def __init__(self, machine: Any, dtype: type[np.floating]) -> None:
        vectors, self.gamma, self.dtype = machine.support_vectors_, machine._gamma, dtype
        squared = np.einsum("ij,ij->i", vectors, vectors)
        self.scaled = (2 * self.gamma * vectors).astype(dtype)
        self.scaled_squares = (self.gamma * squared).astype(dtype)[:, None]
        # The vectors of a class have one coefficient for each other class.
        ends = np.cumsum(machine.n_support_)
        self.of_class = [slice(*ends_) for ends_ in pairwise([0, *ends])]
        self.coefficients = [machine.dual_coef_[:, own].astype(dtype) for own in self.of_class]
        self.intercept = machine.intercept_.astype(dtype)[:, None]
        # The coefficients of a class skip the class itself.
        n_classes = len(ends)
        first, second = np.triu_indices(n_classes, 1)
        self._of_first = first * (n_classes - 1) + second - 1
        self._of_second = second * (n_classes - 1) + first
        self._absolute = [np.abs(coefficients) for coefficients in self.coefficients]
        self.weights = self._sum_pairs(
            np.concatenate([own.sum(axis=1, keepdims=True) for own in self._absolute])
        )[:, 0]
        # A full unit instead of half: one half for this computation, one for that of libsvm.
        unit = float(np.finfo(dtype).eps)
        self._exponent_error = unit * (vectors.shape[1] + _EXTRA_OPERATIONS) * self.gamma
        self._largest_square = squared.max()
        self._sum_error = unit * (int(machine.n_support_.max()) + _EXTRA_OPERATIONS)
        # Values below the smallest normal number count as 0.
        tiny = float(np.finfo(dtype).tiny)
        self._min_error = self._sum_error * np.abs(machine.intercept_)
        self._min_error += tiny * (1 + self.weights.astype(np.float64))

    def kernel(self, values: NDArray[Any], squared: NDArray[Any]) -> NDArray[Any]:
        """Return the kernel values (n_vectors, m) of samples (m, d) and their squared lengths."""
        kernel = self.scaled @ values.T
        kernel -= self.scaled_squares
        kernel -= (self.gamma * squared).astype(self.dtype)
        # Rounding may make the squared distance of equal vectors negative.
        np.minimum(kernel, 0, out=kernel)
        np.exp(kernel, out=kernel)
        return kernel

    def pairs(self, kernel: NDArray[Any]) -> NDArray[Any]:
        """Return the decision of each pair, (n_pairs, m): positive for the first class."""
        return self._sum_pairs(self._sums(self.coefficients, kernel)) + self.intercept

    def magnitudes(self, kernel: NDArray[Any]) -> NDArray[Any]:
        """Return the sum of magnitudes behind the decision of each pair, (n_pairs, m)."""
        return self._sum_pairs(self._sums(self._absolute, kernel))

    def rounding_error(self, magnitudes: NDArray[Any], largest: float) -> NDArray[np.float64]:
        """Bound the rounding error of each decision, here and in libsvm.

        The relative error of a kernel value is the absolute error of its exponent; the sum over
        the vectors adds the error of its products. ``largest`` is the greatest squared length of
        the samples; the result has the shape of ``magnitudes``, (n_pairs,) or (n_pairs, m).
        """
        relative = np.expm1(self._exponent_error * (largest + self._largest_square))
        relative += self._sum_error
        error = relative * magnitudes.astype(np.float64)
        return (error.T + self._min_error).T

    def _sums(self, coefficients: list[NDArray[Any]], kernel: NDArray[Any]) -> NDArray[Any]:
        """Sum the kernel values of each class, once for each other class."""
        n_classes = len(self.of_class)
        sums = np.empty((n_classes, n_classes - 1, kernel.shape[1]), dtype=self.dtype)
        for own, weights, out in zip(self.of_class, coefficients, sums, strict=True):
            np.matmul(weights, kernel[own], out=out)
        return sums.reshape(n_classes * (n_classes - 1), kernel.shape[1])

    def _sum_pairs(self, sums: NDArray[Any]) -> NDArray[Any]:
        pairs = sums[self._of_first]
        pairs += sums[self._of_second]
        return pairs


def _may_change(votes: NDArray[np.float32], undecided: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return for each sample whether its undecided pairs (n_pairs, m) could change its winner."""
    may_change = np.asarray(undecided.any(axis=0))
    some = np.flatnonzero(may_change)
    votes = votes[:, some]
    n_undecided = np.abs(_signs(len(votes))) @ undecided[:, some].astype(np.float32)
    column, winner = np.arange(len(some)), votes.argmax(axis=0)
    own, own_undecided = votes[winner, column], n_undecided[winner, column]
    most = votes + n_undecided
    most[winner, column] = -1
    beats_all = (own == len(votes) - 1) & (own_undecided == 0)
    may_change[some] = ~(beats_all | (own - own_undecided > most.max(axis=0)))
    return may_change


@cache
def _signs(n_classes: int) -> NDArray[np.float32]:
    """Return 1 for the first class of each pair and -1 for the second, (n_classes, n_pairs)."""
    first, second = np.triu_indices(n_classes, 1)
    identity = np.eye(n_classes, dtype=np.float32)
    return (identity[first] - identity[second]).T
