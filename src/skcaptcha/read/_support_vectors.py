"""Prediction of kernel machines by matrix products, many segments at a time."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC, NuSVC

# Fewer segments are decided sooner by libsvm itself.
_BREAK_EVEN = 8
_KERNEL_VALUES_AT_ONCE = 2**19
# Of a kernel value: some sums of some hundred numbers each.
_ROUNDING = 64 * np.finfo(np.float64).eps


class Decisions(NamedTuple):
    """What a machine makes of segments, summed over the pairs of classes.

    Attributes
    ----------
    votes : ndarray of shape (m, n_classes), dtype float32
        How many pairs each class wins.
    margins : ndarray of shape (m, n_classes)
        The sum of each class's margins against all others.
    unsure : ndarray of shape (m,), dtype bool
        Whether some pair may be decided otherwise by libsvm, which adds in another order.
    """

    votes: NDArray[np.float32]
    margins: NDArray[np.float64]
    unsure: NDArray[np.bool_]


def decide(machine: Any, values: Any) -> Decisions | None:
    """Decide between each two classes, as libsvm does, by matrix products.

    The squared distance of two vectors is the sum of their squared lengths less twice their
    product, and the products of all vectors with all support vectors are one call of BLAS.

    Parameters
    ----------
    machine : fitted classifier
    values : ndarray of shape (m, d)

    Returns
    -------
    decisions : Decisions or None
        None if the classifier is no machine with an RBF kernel and more than two classes, or if
        libsvm is faster for so few.

    References
    ----------
    C.-C. Chang and C.-J. Lin, "LIBSVM: a library for support vector machines", ACM Transactions on
    Intelligent Systems and Technology 2 (2011), 27:1-27:27 (sections 4 and 7).
    """
    # A subclass may predict in another way.
    if type(machine) not in (SVC, NuSVC) or machine.kernel != "rbf" or machine.break_ties:
        return None
    n_classes, vectors = len(machine.classes_), machine.support_vectors_
    dense = isinstance(vectors, np.ndarray) and isinstance(values, np.ndarray)
    if not dense or n_classes < 3 or len(values) < _BREAK_EVEN:
        return None
    lengths = np.einsum("ij,ij->i", vectors, vectors)
    weight = np.abs(machine.dual_coef_).sum()
    first, second = _sides(n_classes)
    votes = np.empty((len(values), n_classes), dtype=np.float32)
    margins = np.empty((len(values), n_classes))
    unsure = np.empty(len(values), dtype=bool)
    at_once = max(1, _KERNEL_VALUES_AT_ONCE // max(len(vectors), len(first)))
    for begin in range(0, len(values), at_once):
        rows = slice(begin, begin + at_once)
        part = np.asarray(values[rows], dtype=np.float64)
        own_lengths = np.einsum("ij,ij->i", part, part)
        pairs = _pairs(machine, part, own_lengths, lengths)
        won = (pairs > 0).astype(np.float32)
        votes[rows] = won @ first + (1 - won) @ second
        margins[rows] = pairs @ (first - second).astype(np.float64)
        # What rounding may do to the distances, and so to all kernel values.
        error = machine._gamma * _ROUNDING * (own_lengths + lengths.max()) + _ROUNDING
        unsure[rows] = np.abs(pairs).min(axis=1) < weight * error
    return Decisions(votes, margins, unsure)


def majority(machine: Any, decisions: Decisions, values: NDArray[np.floating]) -> NDArray[Any]:
    """Give the class that wins most of its pairs, the first of equals: what ``predict`` gives.

    Parameters
    ----------
    machine : fitted SVC or NuSVC
    decisions : Decisions
    values : ndarray of shape (m, d)
        That the decisions are of.

    Returns
    -------
    classes : ndarray of shape (m,)
    """
    classes: NDArray[Any] = machine.classes_[decisions.votes.argmax(axis=1)]
    if decisions.unsure.any():
        classes[decisions.unsure] = machine.predict(values[decisions.unsure])
    return classes


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


def _pairs(
    machine: Any,
    values: NDArray[np.float64],
    own_lengths: NDArray[np.float64],
    lengths: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Decide between each two classes, (m, n_pairs): positive for the first of them."""
    kernel = values @ machine.support_vectors_.T
    kernel *= 2
    kernel -= lengths
    kernel -= own_lengths[:, None]
    # What rounding left of the distance of equal vectors is no distance.
    np.minimum(kernel, 0, out=kernel)
    kernel *= machine._gamma
    np.exp(kernel, out=kernel)
    n_classes = len(machine.classes_)
    # The vectors of a class have one coefficient for each other class.
    sums = np.empty((n_classes, len(values), n_classes - 1))
    for k, end in enumerate(np.cumsum(machine.n_support_)):
        own = slice(end - machine.n_support_[k], end)
        np.matmul(kernel[:, own], machine.dual_coef_[:, own].T, out=sums[k])
    first, second = np.triu_indices(n_classes, 1)
    # Before its own place, a class is the second of the two.
    decided = sums[first, :, second - 1] + sums[second, :, first]
    return decided.T + machine.intercept_


@cache
def _sides(n_classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Which class is the first, and the second, of each pair, (n_pairs, n_classes)."""
    first, second = np.triu_indices(n_classes, 1)
    every = np.eye(n_classes, dtype=np.float32)
    return every[first], every[second]
