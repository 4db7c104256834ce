"""Batches that are processed here, by other processes or by a cluster, and come back in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from multiprocessing import active_children
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import cv2
import joblib
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import BrokenProcessPool
from sklearn.pipeline import Pipeline

from skcaptcha._process.deferred_interrupt import deferred_interrupt
from skcaptcha._process.worker_processes import end_with, silent
from skcaptcha.exceptions import SkcaptchaError

_WAITING_FOR_EACH = 3  # batches, so that a process always has the next one at hand
_BLAS_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Each would show by itself what libraries warn of, past what shows warnings here.
_QUIET = {"PYTHONWARNINGS": "ignore"}

Work = Callable[[Pipeline, Any], Any]


class WorkersEndedError(SkcaptchaError):
    """Those who process batches cannot go on; what came before stays good."""


class Workers(NamedTuple):
    """Who processes batches.

    Attributes
    ----------
    submit : callable
        Takes a batch, and gives what waits for its result.
    window : int
        How many batches to submit before the first result is waited for.
    """

    submit: Callable[[Any], Callable[[], Any]]
    window: int


def in_order(batches: Iterable[Any], workers: Workers) -> Iterator[tuple[Any, Any]]:
    """Process batches; no more are held than the workers have at hand.

    Parameters
    ----------
    batches : iterable
    workers : Workers

    Yields
    ------
    batch, result

    Examples
    --------
    >>> from functools import partial
    >>> from skcaptcha.prediction._ordered_batches import Workers, in_order
    >>> list(in_order([[1, 2], [3]], Workers(lambda batch: partial(sum, batch), window=2)))
    [([1, 2], 3), ([3], 3)]
    """
    submitted: deque[tuple[Any, Callable[[], Any]]] = deque()
    for batch in batches:
        submitted.append((batch, workers.submit(batch)))
        if len(submitted) >= workers.window:
            first, result = submitted.popleft()
            yield first, result()
    for batch, result in submitted:
        yield batch, result()


def this_process(work: Work, model: Pipeline) -> Workers:
    """Process each batch here, when its result is asked for.

    Parameters
    ----------
    work : callable
        Takes the model and a batch.
    model : Pipeline

    Returns
    -------
    workers : Workers
    """
    return Workers(lambda batch: partial(work, model, batch), window=1)


@contextmanager
def processes(work: Work, model: Pipeline, n: int) -> Iterator[Workers]:
    """Process batches by other processes of this machine.

    Parameters
    ----------
    work : callable
        Takes the model and a batch, and can be pickled, as must be what it gives.
    model : Pipeline
    n : int
        How many processes.

    Yields
    ------
    workers : Workers

    Raises
    ------
    WorkersEndedError
        If a process ends before its time.
    """
    # Windows does not remove a file that a process maps.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # Uncompressed, so that all processes map the same pages of it.
        path = os.path.join(folder, "model")
        joblib.dump(model, path)
        with silent(), deferred_interrupt():
            executor = _executor(n)
        work_there = partial(_in_a_process, work, path)

        def submit(batch: Any) -> Callable[[], Any]:
            # Processes start when there is work for them.
            with deferred_interrupt():
                result: Callable[[], Any] = executor.submit(work_there, batch).result
            return result

        try:
            yield Workers(submit, n * _WAITING_FOR_EACH)
        except BrokenProcessPool as error:
            _executor.cache_clear()
            raise WorkersEndedError(
                "a process that was reading was ended from outside, perhaps for lack of memory; "
                "try fewer --jobs"
            ) from error
        except BaseException:
            # Its own way to kill them may fail if it comes while work is given out.
            for child in active_children():
                if child.name.startswith("LokyProcess"):
                    child.terminate()
            executor.shutdown(wait=True)
            _executor.cache_clear()
            raise


@lru_cache(maxsize=1)
def _executor(n: int) -> ProcessPoolExecutor:
    """Start processes, or find them running; joblib's own have an executor of another kind."""
    environment = {**dict.fromkeys(_BLAS_THREADS, "1"), **_QUIET}
    parent = os.getpid()
    return ProcessPoolExecutor(
        n, timeout=300, env=environment, initializer=end_with, initargs=(parent,)
    )


def _in_a_process(work: Work, path: str, batch: Any) -> Any:
    # There is a process for each core already.
    cv2.setNumThreads(1)
    return work(_load_once(path), batch)


@lru_cache(maxsize=1)
def _load_once(path: str) -> Pipeline:
    return joblib.load(path, mmap_mode="r")
