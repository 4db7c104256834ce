"""Metrics of read strings: accuracies, edit distance, confusions, intervals, coverage."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from skcaptcha.base import as_texts

__all__ = [
    "Confusion",
    "character_accuracy",
    "confusions",
    "coverage_accuracy_curve",
    "edit_distance",
    "string_accuracy",
    "wilson_interval",
]

Strings: TypeAlias = Sequence[str] | np.ndarray


class Confusion(NamedTuple):
    """One character read as another.

    Attributes
    ----------
    true : str
        Character of the label; empty if a character was inserted.
    read : str
        Character that was read; empty if the character was missed.
    count : int
        Number of times.

    Examples
    --------
    >>> from skcaptcha.metrics import Confusion
    >>> Confusion("O", "0", 3)
    Confusion(true='O', read='0', count=3)
    """

    true: str
    read: str
    count: int  # type: ignore[assignment]  # shadows tuple.count


def string_accuracy(y_true: Strings, y_pred: Strings, *, ignore_case: bool = False) -> float:
    """Compute the fraction of strings that are correct as a whole.

    Parameters
    ----------
    y_true, y_pred : sequence of n str
        Labels and predicted strings.
    ignore_case : bool, default=False
        Whether ``"a"`` and ``"A"`` are equal.

    Returns
    -------
    accuracy : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the sequences are empty, differ in length or hold anything but strings.

    Examples
    --------
    >>> from skcaptcha.metrics import string_accuracy
    >>> string_accuracy(["AB1", "CD2"], ["AB1", "cd2"])
    0.5
    >>> string_accuracy(["AB1", "CD2"], ["AB1", "cd2"], ignore_case=True)
    1.0
    """
    pairs = _pairs(y_true, y_pred)
    if ignore_case:
        pairs = [(true.casefold(), read.casefold()) for true, read in pairs]
    return sum(true == read for true, read in pairs) / len(pairs)


def character_accuracy(y_true: Strings, y_pred: Strings) -> float:
    """Compute the fraction of characters that are correct.

    One minus the sum of the edit distances divided by the sum of the lengths of the labels, but at
    least 0.

    Parameters
    ----------
    y_true, y_pred : sequence of n str
        Labels and predicted strings.

    Returns
    -------
    accuracy : float
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the sequences are empty, differ in length or hold anything but strings, or if all
        labels are empty.

    Examples
    --------
    >>> from skcaptcha.metrics import character_accuracy
    >>> character_accuracy(["1234", "5678"], ["1234", "578"])
    0.875
    """
    pairs = _pairs(y_true, y_pred)
    n_characters = sum(len(true) for true, _ in pairs)
    if n_characters == 0:
        raise ValueError("y_true holds no characters: every label is empty")
    errors = sum(edit_distance(true, read) for true, read in pairs)
    return max(0.0, 1 - errors / n_characters)


def edit_distance(a: str, b: str) -> int:
    """Compute the Levenshtein distance: the least number of insertions, deletions, substitutions.

    Parameters
    ----------
    a, b : str
        Strings to compare.

    Returns
    -------
    distance : int
        From 0 to the length of the longer string.

    References
    ----------
    R. A. Wagner and M. J. Fischer, "The string-to-string correction problem", Journal of the
    ACM 21(1), 1974, pp. 168-173.

    Examples
    --------
    >>> from skcaptcha.metrics import edit_distance
    >>> edit_distance("kitten", "sitting")
    3
    """
    return 0 if a == b else _distances(a, b)[-1][-1]


def confusions(y_true: Strings, y_pred: Strings) -> list[Confusion]:
    """Count which characters were read as which others.

    Each string is aligned with its label by a minimum number of edits. Of several such alignments,
    the one that pairs characters from the end backwards is used.

    Parameters
    ----------
    y_true, y_pred : sequence of n str
        Labels and predicted strings.

    Returns
    -------
    confusions : list of Confusion
        Confusions in descending order of their count, then by `true` and `read`. The sum of the
        counts is the sum of the edit distances.

    Raises
    ------
    ValueError
        If the sequences are empty, differ in length or hold anything but strings.

    Examples
    --------
    >>> from skcaptcha.metrics import confusions
    >>> for confusion in confusions(["O1O", "2S"], ["010", "2SS"]):
    ...     print(confusion)
    Confusion(true='O', read='0', count=2)
    Confusion(true='', read='S', count=1)
    """
    counts = Counter(edit for true, read in _pairs(y_true, y_pred) for edit in _edits(true, read))
    found = (Confusion(true, read, count) for (true, read), count in counts.items())
    return sorted(found, key=lambda confusion: (-confusion.count, confusion.true, confusion.read))


def coverage_accuracy_curve(
    y_true: Strings, y_pred: Strings, confidences: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute the accuracy of the most confident readings for every fraction that is accepted.

    Parameters
    ----------
    y_true, y_pred : sequence of n str
        Labels and predicted strings.
    confidences : array-like of shape (n,)
        Confidence of each reading.

    Returns
    -------
    coverage : ndarray of shape (n_thresholds,)
        Fraction of strings with at least that confidence, ascending to 1.
    accuracy : ndarray of shape (n_thresholds,)
        String accuracy of these strings.
    thresholds : ndarray of shape (n_thresholds,)
        Distinct confidences, descending.

    Raises
    ------
    ValueError
        If the sequences are empty, differ in length, or hold anything but strings and numbers.

    References
    ----------
    R. El-Yaniv and Y. Wiener, "On the foundations of noise-free selective classification", Journal
    of Machine Learning Research 11 (2010), 1605-1641 (risk and coverage).

    Examples
    --------
    >>> from skcaptcha.metrics import coverage_accuracy_curve
    >>> coverage, accuracy, thresholds = coverage_accuracy_curve(
    ...     ["AB", "CD", "EF", "GH"], ["AB", "CD", "EX", "GH"], [0.9, 0.8, 0.3, 0.8]
    ... )
    >>> coverage, accuracy, thresholds
    (array([0.25, 0.75, 1.  ]), array([1.  , 1.  , 0.75]), array([0.9, 0.8, 0.3]))
    """
    correct = np.array([true == read for true, read in _pairs(y_true, y_pred)])
    confidence = np.asarray(confidences, dtype=np.float64)
    if confidence.shape != correct.shape or np.isnan(confidence).any():
        raise ValueError(
            f"confidences must be {len(correct)} numbers, one for each string; found "
            f"{int(np.isnan(confidence).sum())} NaN in an array of shape {confidence.shape}"
        )
    order = np.argsort(-confidence, kind="stable")
    n_accepted, n_correct = np.arange(1, len(correct) + 1), correct[order].cumsum()
    # Readings with equal confidence are accepted or rejected together.
    last = np.flatnonzero(np.diff(confidence[order], append=-np.inf))
    return (
        n_accepted[last] / len(correct),
        n_correct[last] / n_accepted[last],
        confidence[order][last],
    )


def wilson_interval(successes: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the Wilson score interval of a proportion.

    Parameters
    ----------
    successes : int
        Number of successes, from 0 to `n`.
    n : int
        Number of trials, at least 1.
    confidence : float, default=0.95
        Probability that the interval contains the proportion, strictly between 0 and 1.

    Returns
    -------
    low, high : float
        Bounds of the interval, in [0, 1].

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal
    of the American Statistical Association 22(158), 1927, pp. 209-212.

    Examples
    --------
    >>> from skcaptcha.metrics import wilson_interval
    >>> low, high = wilson_interval(50, 50)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.929 to 1.000
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"expected 0 <= successes <= n and n >= 1, found {successes} of {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, found {confidence}")
    interval = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def has_both_cases(texts: Iterable[str]) -> bool:
    """Check whether both upper-case and lower-case letters occur.

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    has : bool

    Examples
    --------
    >>> from skcaptcha.metrics import has_both_cases
    >>> has_both_cases(["AB", "c1"]), has_both_cases(["AB", "12"])
    (True, False)
    """
    letters = set("".join(texts))
    return any(map(str.isupper, letters)) and any(map(str.islower, letters))


def _pairs(y_true: Strings, y_pred: Strings) -> list[tuple[str, str]]:
    true, read = as_texts(y_true, "y_true"), as_texts(y_pred, "y_pred")
    if len(true) != len(read):
        raise ValueError(
            f"y_true and y_pred must have the same length, found {len(true)} and {len(read)}"
        )
    if not true:
        raise ValueError("y_true and y_pred are empty; at least one string is needed")
    return list(zip(true, read, strict=True))


def _distances(a: str, b: str) -> list[list[int]]:
    """Return the edit distance between every prefix of `a` (row) and of `b` (column).

    `rapidfuzz` computes distances faster, but not the alignments of `_edits`, which need the whole
    table: for "AB" read as "BA", its edits are an insertion and a deletion, not two confusions.
    """
    table = [list(range(len(b) + 1))]
    for i, in_a in enumerate(a, start=1):
        above, row = table[-1], [i]
        for j, in_b in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (in_a != in_b)))
        table.append(row)
    return table


def _edits(true: str, read: str) -> Iterator[tuple[str, str]]:
    """Yield (character, character read for it) at each edit of an alignment, last first."""
    if true == read:
        return
    table = _distances(true, read)
    i, j = len(true), len(read)
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (true[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            if true[i] != read[j]:
                yield true[i], read[j]
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            yield true[i], ""
        else:
            j -= 1
            yield "", read[j]
