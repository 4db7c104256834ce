"""Times of several variants, measured in turn, so that other load affects all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_QUARTILES = (25, 50, 75)


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, numbers: NDArray[np.float64]) -> Spread:
        """Return the quartiles of numbers."""
        return cls(*np.percentile(numbers, _QUARTILES).tolist())


def seconds(do: Callable[[], object]) -> float:
    """Time one call."""
    begin = time.perf_counter()
    do()
    return time.perf_counter() - begin


def in_turn(*ways: Callable[[], float], repeat: int, warm_up: int = 1) -> list[NDArray[np.float64]]:
    """Call each of several timers in turn, `repeat` times after `warm_up` rounds.

    Return an array of seconds with shape (repeat,) for each timer.
    """
    rounds = [[way() for way in ways] for _ in range(warm_up + repeat)]
    return list(np.array(rounds[warm_up:], dtype=float).T)
