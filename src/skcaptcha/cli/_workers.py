"""Processes that work for a command."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Thread

_SECONDS_BETWEEN_LOOKS = 0.3


def start_workers(jobs: int) -> None:
    """Start the processes that joblib will find running: deaf to Ctrl-C, and gone without this one.

    A terminal sends Ctrl-C to all processes. This one hears it and ends the others, each of which
    would otherwise print a traceback of its own.

    Parameters
    ----------
    jobs : int
        As everywhere in joblib.
    """
    import joblib

    n = joblib.effective_n_jobs(jobs)
    if n == 1:
        return
    tasks = [joblib.delayed(_stay_with)(os.getpid())] * n
    with silent(), _deaf():
        answers = joblib.Parallel(n, return_as="generator_unordered")(tasks)
    found = set(answers)
    # One that is early may have done what was meant for a late one.
    while len(found) < n:
        found |= set(joblib.Parallel(n)(tasks))


@contextmanager
def _deaf() -> Iterator[None]:
    """Put Ctrl-C off; processes that are started meanwhile never hear it."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as of_loky

    for tracker in (resource_tracker, of_loky):
        tracker.ensure_running()  # which would end the deafness
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
