"""How fast somebody labels."""

from __future__ import annotations

from collections import deque
from statistics import fmean

_REMEMBERED = 30
_PAUSE = 60.0  # seconds; whoever takes longer was doing something else
_FEWEST = 3


class Pace:
    """The time from one label to the next, lately.

    Examples
    --------
    >>> from skcaptcha.label._pace import Pace
    >>> pace = Pace()
    >>> for moment in (0, 3, 6, 3600, 3603):
    ...     pace.step(moment)
    >>> pace.seconds
    3.0
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._intervals: deque[float] = deque(maxlen=_REMEMBERED)

    def step(self, now: float) -> None:
        """Count a label.

        Parameters
        ----------
        now : float
            Seconds on a clock that never goes back.
        """
        if self._last is not None and now - self._last < _PAUSE:
            self._intervals.append(now - self._last)
        self._last = now

    @property
    def seconds(self) -> float | None:
        """Seconds for a label, without the pauses; None: not known yet."""
        return fmean(self._intervals) if len(self._intervals) >= _FEWEST else None
