"""Insertion penalty: the cost of a character, which controls the length of strings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PENALTIES = np.arange(-4.0, 24.25, 0.25)


def fit_insertion_penalty(scores: NDArray[np.float64], lengths: NDArray[np.intp]) -> float:
    """Return the penalty with which most strings get the right length.

    Overlapping candidates show the same ink; without a penalty, ink that is seen twice would count
    twice. ``scores`` (n, longest) are the scores of the best string of each length, ``-inf`` if
    no string has it, and ``lengths`` (n,) the correct lengths. If several penalties are equally
    good, their median is returned.
    """
    characters = np.arange(1, scores.shape[1] + 1)
    n_right = [
        np.count_nonzero((scores - penalty * characters).argmax(axis=1) + 1 == lengths)
        for penalty in _PENALTIES
    ]
    return float(np.median(_PENALTIES[n_right == np.max(n_right)]))
