"""Measuring how fast a user labels."""

from __future__ import annotations

from collections import deque
from statistics import fmean

_MAX_INTERVALS = 30
# Longer intervals, in seconds, are pauses: between two labels, and while a page is looked at.
_PAUSE, _PAUSE_ON_PAGE = 60.0, 180.0
_MIN_INTERVALS = 3


class Pace:
    """Mean time between recent labels, without pauses."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=_MAX_INTERVALS)

    def step(self, now: float, n: int = 1) -> None:
        """Record a label, or a page of n, at a time in seconds of a monotonic clock."""
        pause = _PAUSE if n == 1 else _PAUSE_ON_PAGE
        if self._last is not None and now - self._last < pause:
            self._intervals.extend([(now - self._last) / n] * n)
        self._last = now

    @property
    def seconds(self) -> float | None:
        """Seconds per label; None if there are too few labels to know."""
        return fmean(self._intervals) if len(self._intervals) >= _MIN_INTERVALS else None
