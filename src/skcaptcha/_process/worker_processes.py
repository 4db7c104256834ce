"""Worker processes: started early, silent, and gone when their parent is."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from threading import Thread

from skcaptcha._process.fast_imports import import_sklearn

_logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_CHECKS = 0.3
# What the tasks of a search and of a fit import.
_MODULES = ("skcaptcha.model_selection", "skcaptcha.recipes")


class _Pool:
    """Whether `start_workers` has started processes."""

    running = False


def workers_run() -> bool:
    """Return whether this process has started worker processes."""
    return _Pool.running


def start_workers(n_jobs: int | None) -> None:
    """Start the processes that joblib will use, so that their imports do not count as work.

    They ignore Ctrl-C and end soon after this process. Nothing is started for one process
    (1 or None), or if another backend of joblib is active, such as threads or a cluster.
    """
    import joblib
    from joblib._parallel_backends import LokyBackend

    from skcaptcha._process.deferred_interrupt import deferred_interrupt

    n = joblib.effective_n_jobs(n_jobs or 1)
    backend, _ = joblib.parallel.get_active_backend()
    if n == 1 or not isinstance(backend, LokyBackend):
        return
    _logger.info("starting %d processes", n)
    tasks = [joblib.delayed(_prepare)(os.getpid())] * n
    with silent(), deferred_interrupt():
        answers = joblib.Parallel(n, return_as="generator_unordered")(tasks)
    found = set(answers)
    # An early process may have taken the task of a late one.
    while len(found) < n:
        found |= set(joblib.Parallel(n)(tasks))
    _Pool.running = True


@contextmanager
def silent() -> Iterator[None]:
    """Turn off the warnings of the processes that are started in this context.

    Each would print the warnings of libraries by itself, bypassing this process's filters.
    """
    filters = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "ignore"
    try:
        yield
    finally:
        if filters is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = filters


def _prepare(parent: int) -> int:
    """Import what the tasks will need, and return the id of this process."""
    end_with(parent)
    import_sklearn()
    for module in _MODULES:
        import_module(module)
    time.sleep(0.01)
    return os.getpid()


@cache
def end_with(parent: int) -> None:
    """End this process soon after its parent, given by its id.

    The workers of a parent that was killed would otherwise wait for tasks for minutes.
    """
    Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_CHECKS)
    os._exit(1)
