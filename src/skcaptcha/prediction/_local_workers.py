"""Batches that are processed in order, in this process or by others on the same machine."""

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
from skcaptcha.exceptions import WorkerError

BATCHES_PER_WORKER = 3  # so that a worker never waits for its next batch
BLAS_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

Work = Callable[[Pipeline, Any], Any]
"""Function of a model and a batch. For other processes, it and its result can be pickled."""


class Workers(NamedTuple):
    """Function that starts work on a batch and returns a function that waits for the result.

    At most `n_waiting` batches are submitted before the first result is used.
    """

    submit: Callable[[Any], Callable[[], Any]]
    n_waiting: int


def map_in_order(workers: Workers, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield each batch with its result, and hold `workers.n_waiting` batches at most.

    `joblib.Parallel(return_as="generator")` has no such limit: it continues while results wait
    to be used (with ``pre_dispatch=6`` it took 524 tasks when 40 results had been used), so that
    memory would grow with the number of images if results are written more slowly than read.
    """
    submitted: deque[tuple[Any, Callable[[], Any]]] = deque()
    for batch in batches:
        submitted.append((batch, workers.submit(batch)))
        if len(submitted) >= workers.n_waiting:
            first, result = submitted.popleft()
            yield first, result()
    for batch, result in submitted:
        yield batch, result()


def this_process(work: Work, model: Pipeline) -> Workers:
    """Process each batch in this process, when its result is asked for."""
    return Workers(lambda batch: partial(work, model, batch), n_waiting=1)


@contextmanager
def processes(work: Work, model: Pipeline, n: int) -> Iterator[Workers]:
    """Process batches in `n` other processes of this machine."""
    # Windows does not remove a file that a process has mapped.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # Not compressed, so that all processes share its memory.
        path = os.path.join(folder, "model")
        joblib.dump(model, path)
        with silent(), deferred_interrupt():
            executor = _executor(n)
        work_there = partial(_process_there, work, path)

        def submit(batch: Any) -> Callable[[], Any]:
            # The executor starts its processes with the first batches.
            with deferred_interrupt():
                result: Callable[[], Any] = executor.submit(work_there, batch).result
            return result

        try:
            yield Workers(submit, n * BATCHES_PER_WORKER)
        except BrokenProcessPool as error:
            _executor.cache_clear()
            raise WorkerError(
                "a worker process was killed, perhaps because memory was exhausted; "
                "try fewer processes (--jobs, n_jobs)"
            ) from error
        except BaseException:
            # The executor's own way to kill them may fail while a batch is being submitted.
            for child in active_children():
                if child.name.startswith("LokyProcess"):
                    child.terminate()
            executor.shutdown(wait=True)
            _executor.cache_clear()
            raise


@lru_cache(maxsize=1)
def _executor(n: int) -> ProcessPoolExecutor:
    """Start processes, or return those of the last call."""
    environment = dict.fromkeys(BLAS_THREADS, "1") | {"PYTHONWARNINGS": "ignore"}
    parent = os.getpid()
    return ProcessPoolExecutor(
        n, timeout=300, env=environment, initializer=end_with, initargs=(parent,)
    )


def _process_there(work: Work, path: str, batch: Any) -> Any:
    # There is a process for each core already.
    cv2.setNumThreads(1)
    return work(_load_once(path), batch)


@lru_cache(maxsize=1)
def _load_once(path: str) -> Pipeline:
    return joblib.load(path, mmap_mode="r")
