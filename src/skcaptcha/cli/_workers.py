"""Processes that work for a command."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread

from skcaptcha._process.fast_imports import import_sklearn

_logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 0.3


class _Pool:
    """What this process has started."""

    running = False


def workers_run() -> bool:
    """Tell whether this process has started others to work for it.

    Returns
    -------
    run : bool
    """
    return _Pool.running


def start_workers(jobs: int) -> None:
    """Start the processes that joblib will find running: deaf to Ctrl-C, and gone without this one.

    Parameters
    ----------
    jobs : int
        As everywhere in joblib.
    """
    import joblib

    from skcaptcha._process import deferred_interrupt

    n = joblib.effective_n_jobs(jobs)
    if n == 1:
        return
    _logger.info("starting %d processes", n)
    tasks = [joblib.delayed(_stay_with)(os.getpid())] * n
    with silent(), deferred_interrupt.deferred():
        answers = joblib.Parallel(n, return_as="generator_unordered")(tasks)
    found = set(answers)
    # One that is early may have done what was meant for a late one.
    while len(found) < n:
        found |= set(joblib.Parallel(n)(tasks))
    _Pool.running = True


@contextmanager
def silent() -> Iterator[None]:
    """Have processes that are started meanwhile not show warnings.

    Each would show by itself what libraries warn of, past what shows warnings here.
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


def _stay_with(parent: int) -> int:
    """Have this process end soon after the one that it works for, and give its number."""
    end_with(parent)
    import_sklearn()
    # Whatever it will be asked for: the imports are not to count as time of its first task.
    from skcaptcha import model_selection, recipes  # noqa: F401

    time.sleep(0.01)
    return os.getpid()


@cache
def end_with(parent: int) -> None:
    """Have this process end soon after the one that it works for.

    Nobody tells a worker whose parent was killed; it would wait for work for minutes.

    Parameters
    ----------
    parent : int
        Its number.
    """
    Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)
