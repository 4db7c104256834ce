"""What a further character must be worth, so that strings get the right length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_COSTS = np.arange(-4.0, 24.25, 0.25)


def fit_cost(scores: NDArray[np.float64], lengths: NDArray[np.intp]) -> float:
    """Find the cost of a character with which most strings come out neither longer nor shorter.

    Overlapping windows see the same ink; without a cost, what is seen twice would count twice.

    Parameters
    ----------
    scores : ndarray of shape (n, longest)
        Log-odds of the best string of 1, 2, ... characters of each captcha; -inf: there is none.
    lengths : ndarray of shape (n,), dtype int
        Right lengths, from 1 to ``longest``.

    Returns
    -------
    cost : float
        From -4 to 24; the median of those that are equally good.
    """
    characters = np.arange(1, scores.shape[1] + 1)
    right = [
        np.count_nonzero(characters[(scores - cost * characters).argmax(axis=1)] == lengths)
        for cost in _COSTS
    ]
    return float(np.median(_COSTS[right == np.max(right)]))
