"""Worker processes of a race, started when they save time."""

from __future__ import annotations

import joblib
from joblib._parallel_backends import LokyBackend

from skcaptcha._process.worker_processes import start_workers

# Seconds until new processes have imported their modules; work has to save more than that.
_START_SECONDS = 5.0


class ProcessPool:
    """Starts worker processes as soon as they save more time than their start takes.

    ``n_max`` is the largest number of processes, from ``n_jobs`` as everywhere in joblib.
    """

    def __init__(self, n_jobs: int | None) -> None:
        self.n_max = int(joblib.effective_n_jobs(n_jobs))
        backend, _ = joblib.parallel.get_active_backend()
        # Threads and Dask workers have no start-up time.
        self._running = self.n_max == 1 or not isinstance(backend, LokyBackend)

    def n_jobs_for(self, work: float) -> int:
        """Return the number of processes for work that takes one process these seconds."""
        if not self._running and self.seconds(work) < work:
            start_workers(self.n_max)
            self._running = True
        return self.n_max if self._running else 1

    def seconds(self, work: float, n_tasks: int | None = None) -> float:
        """Estimate the time of work that takes one process these seconds, including the start.

        The work consists of `n_tasks` tasks of equal length; by default, of many short ones.
        """
        parallel = work / self.n_max
        if n_tasks is not None:
            parallel = work * -(-n_tasks // self.n_max) / n_tasks
        return parallel if self._running else min(work, _START_SECONDS + parallel)
