"""Processes that share the work of a race, started when there is enough of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import joblib

# Seconds until processes that are started have imported what they need, and what work has to save
# for that to be worth it.
_TO_START = 5.0


class Processes:
    """Decides how many processes work; starts them when that saves more time than it takes.

    Parameters
    ----------
    n_jobs : int or None
        How many there may be, as everywhere in joblib.

    Attributes
    ----------
    most : int
        How many there may be.

    Examples
    --------
    >>> from skcaptcha.auto._processes import Processes, started_by
    >>> processes = Processes(4)
    >>> with started_by(lambda n: None):
    ...     processes.for_work(2.0), processes.for_work(60.0), processes.for_work(2.0)
    (1, 4, 4)
    """

    def __init__(self, n_jobs: int | None) -> None:
        self.most = int(joblib.effective_n_jobs(n_jobs))
        backend, _ = joblib.parallel.get_active_backend()
        # The workers of a cluster run already.
        self._running = self.most == 1 or hasattr(backend, "client")

    def for_work(self, seconds: float) -> int:
        """Give the number of processes for some work, which run from now on.

        Parameters
        ----------
        seconds : float
            How long one process would take.

        Returns
        -------
        n : int
        """
        if not self._running and self.seconds(seconds) < seconds:
            _starter.get()(self.most)
            self._running = True
        return self.most if self._running else 1

    def seconds(self, work: float, n_tasks: int | None = None) -> float:
        """Estimate how long work takes, the start of processes included.

        Parameters
        ----------
        work : float
            Seconds that one process takes.
        n_tasks : int, optional
            Of how many tasks of equal length it consists; by default, of many.

        Returns
        -------
        seconds : float
        """
        side_by_side = work / self.most
        if n_tasks is not None:
            side_by_side = work * -(-n_tasks // self.most) / n_tasks
        return side_by_side if self._running else min(work, _TO_START + side_by_side)


@contextmanager
def started_by(start: Callable[[int], None]) -> Iterator[None]:
    """Have processes that work from now on started in another way than joblib does it by itself.

    Parameters
    ----------
    start : callable
        Is called with their number before they first work.
    """
    token = _starter.set(start)
    try:
        yield
    finally:
        _starter.reset(token)


def _start(n: int) -> None:
    joblib.Parallel(n)(joblib.delayed(int)() for _ in range(n))


_starter: ContextVar[Callable[[int], None]] = ContextVar("starter", default=_start)
