"""Times of two ways to do the same, taken in turn, so that what slows one slows the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_QUARTILES = (25, 50, 75)


@dataclass(frozen=True)
class Spread:
    """Median and quartiles.

    Attributes
    ----------
    low, median, high : float
    """

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> Spread:
        """Take them of some numbers."""
        return cls(*np.percentile(numbers, _QUARTILES).tolist())


def seconds(do: Callable[[], object]) -> float:
    """Time one call."""
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin


def in_turn(*ways: Callable[[], float], repeat: int, warm_up: int = 1) -> list[NDArray[np.float64]]:
    """Let each way time itself, one after the other, again and again.

    Parameters
    ----------
    *ways : callables that give seconds
    repeat : int
    warm_up : int, default=1
        Rounds before those that count.

    Returns
    -------
    seconds : list of ndarrays of shape (repeat,), one for each way
    """
    rounds = [[way() for way in ways] for _ in range(warm_up + repeat)]
    return list(np.array(rounds[warm_up:], dtype=float).T)
