"""Measuring how fast a user labels."""

from __future__ import annotations

from collections import deque
from statistics import fmean

_MAX_INTERVALS = 30
_PAUSE = 60.0  # seconds; longer intervals are pauses
_MIN_INTERVALS = 3


class Pace:
    """Mean time between recent labels, without pauses."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=_MAX_INTERVALS)

    def step(self, now: float) -> None:
        """Record a label at a time in seconds of a monotonic clock."""
        if self._last is not None and now - self._last < _PAUSE:
            self._intervals.append(now - self._last)
        self._last = now

    @property
    def seconds(self) -> float | None:
        """Seconds per label; None if there are too few labels to know."""
        return fmean(self._intervals) if len(self._intervals) >= _MIN_INTERVALS else None
