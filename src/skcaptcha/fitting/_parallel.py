"""The processes or the cluster that a fit uses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import joblib

from skcaptcha._process.worker_processes import start_workers
from skcaptcha.prediction import connect_to_cluster

_logger = logging.getLogger(__name__)

_Fitted = TypeVar("_Fitted")

_ATTEMPTS = 5


@contextmanager
def parallel(n_jobs: int | None, scheduler: str | None, *, late: bool = False) -> Iterator[None]:
    """Fit in processes, or on the Dask cluster with this scheduler.

    With `late`, the search decides whether and when it starts processes.
    """
    with connect_to_cluster(scheduler) as client:
        if client is not None:
            with joblib.parallel_config(backend="dask", client=client):
                yield
        else:
            if not late:
                start_workers(n_jobs)
            yield


def retry_on_lost_worker(fit: Callable[[], _Fitted]) -> _Fitted:
    """Call `fit` again if a worker of the cluster ended and took what it had been sent with it.

    Finished work is not repeated if `fit` keeps a journal.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return fit()
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "distributed":
                raise
            _logger.warning(
                "the cluster lost a worker (%s); continuing with the others", type(error).__name__
            )
    return fit()
