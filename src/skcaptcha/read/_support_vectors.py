"""Prediction of kernel machines by matrix products, many segments at a time."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC, NuSVC

# Fewer segments are decided sooner by libsvm itself.
_BREAK_EVEN = 8
_KERNEL_VALUES_AT_ONCE = 2**19
# Decisions nearer to zero than this share of all coefficients may have another sign in libsvm,
# which adds in another order.
_UNSURE = 1e-11


def pairwise_decisions(machine: Any, values: NDArray[np.floating]) -> NDArray[np.float64] | None:
    """Decide between each two classes, as libsvm does, by one matrix product.

    The squared distance of two vectors is the sum of their squared lengths less twice their
    product, and the products of all vectors with all support vectors are one call of BLAS.

    Parameters
    ----------
    machine : fitted classifier
    values : ndarray of shape (m, d)

    Returns
    -------
    decisions : ndarray of shape (m, n_classes * (n_classes - 1) / 2), or None
        Positive for the first of two classes; pairs in the order of `itertools.combinations`. None
        if the classifier is no machine with an RBF kernel and more than two classes, or if libsvm
        is faster for so few.

    References
    ----------
    C.-C. Chang and C.-J. Lin, "LIBSVM: a library for support vector machines", ACM Transactions on
    Intelligent Systems and Technology 2 (2011), 27:1-27:27 (sections 4 and 7).
    """
    # A subclass may predict in another way.
    if type(machine) not in (SVC, NuSVC) or machine.kernel != "rbf" or machine.break_ties:
        return None
    n_classes = len(machine.classes_)
    vectors = machine.support_vectors_
    if n_classes < 3 or len(values) < _BREAK_EVEN or not isinstance(vectors, np.ndarray):
        return None
    gamma, coefficients = machine._gamma, machine.dual_coef_
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    ends = np.cumsum(machine.n_support_)
    first, second = np.triu_indices(n_classes, 1)
    decisions = np.empty((len(values), len(first)))
    at_once = max(1, _KERNEL_VALUES_AT_ONCE // len(vectors))
    for begin in range(0, len(values), at_once):
        part = np.asarray(values[begin : begin + at_once], dtype=np.float64)
        kernel = part @ vectors.T
        kernel *= 2
        kernel -= lengths
        kernel -= np.einsum("ij,ij->i", part, part)[:, None]
        kernel *= gamma
        # What rounding left of the distance of equal vectors is no distance.
        np.minimum(kernel, 0, out=kernel)
        np.exp(kernel, out=kernel)
        # The vectors of a class have one coefficient for each other class.
        sums = np.empty((n_classes, len(part), n_classes - 1))
        for k, end in enumerate(ends):
            own = slice(end - machine.n_support_[k], end)
            np.matmul(kernel[:, own], coefficients[:, own].T, out=sums[k])
        # Before its own place, a class is the second of the two.
        decided = sums[first, :, second - 1] + sums[second, :, first]
        decisions[begin : begin + at_once] = decided.T + machine.intercept_
    return decisions


def majority(
    machine: Any, decisions: NDArray[np.float64], values: NDArray[np.floating]
) -> NDArray[Any]:
    """Give the class that wins most of its pairs, the first of equals: what ``predict`` gives.

    Parameters
    ----------
    machine : fitted SVC or NuSVC
    decisions : ndarray of shape (m, n_pairs)
    values : ndarray of shape (m, d)
        That the decisions are of.

    Returns
    -------
    classes : ndarray of shape (m,)
    """
    votes = _votes(decisions > 0, len(machine.classes_))
    classes: NDArray[Any] = machine.classes_[votes.argmax(axis=1)]
    unsure = np.abs(decisions).min(axis=1) < _UNSURE * np.abs(machine.dual_coef_).sum()
    if unsure.any():
        classes[unsure] = machine.predict(values[unsure])
    return classes


def margins(decisions: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Sum the margins of each class against all others.

    Parameters
    ----------
    decisions : ndarray of shape (m, n_pairs)
    n_classes : int

    Returns
    -------
    margins : ndarray of shape (m, n_classes)
    """
    first, second = _sides(n_classes)
    summed: NDArray[np.float64] = decisions @ (first - second).astype(np.float64)
    return summed


def squashed(decisions: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Give what ``decision_function`` gives: votes, and margins squashed into a third of a vote.

    Parameters
    ----------
    decisions : ndarray of shape (m, n_pairs)
    n_classes : int

    Returns
    -------
    decision : ndarray of shape (m, n_classes)
    """
    summed = margins(decisions, n_classes)
    # Unlike libsvm, scikit-learn gives what is undecided to the first of two.
    return _votes(decisions >= 0, n_classes) + summed / (3 * (np.abs(summed) + 1))


def _votes(for_first: NDArray[np.bool_], n_classes: int) -> NDArray[np.float32]:
    first, second = _sides(n_classes)
    won = for_first.astype(np.float32)
    return won @ first + (1 - won) @ second


@cache
def _sides(n_classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Which class is the first, and the second, of each pair, (n_pairs, n_classes)."""
    first, second = np.triu_indices(n_classes, 1)
    every = np.eye(n_classes, dtype=np.float32)
    return every[first], every[second]
