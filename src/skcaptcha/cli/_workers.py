"""Processes that work for a command."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import os
import signal


def start_workers(jobs: int) -> None:
    """Start the processes that joblib will find running, and deaf to Ctrl-C.

    A terminal sends Ctrl-C to all processes. This one hears it and ends the others, each of which
    would otherwise print a traceback of its own.

    Parameters
    ----------
    jobs : int
        As everywhere in joblib.
    """
    import joblib

    # What a process ignores, those that it starts ignore too. A Ctrl-C in the moment that this
    # takes is lost, and has to be pressed again.
    hears = signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Each would show by itself what libraries warn of, past what shows warnings here.
    filters = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = "ignore"
    try:
        n = joblib.effective_n_jobs(jobs)
        joblib.Parallel(n_jobs=jobs)(joblib.delayed(int)() for _ in range(n))
    finally:
        signal.signal(signal.SIGINT, hears)
        if filters is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = filters
