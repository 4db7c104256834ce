"""Ctrl-C while worker processes start."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType

from joblib.externals.loky.backend import resource_tracker as loky_resource_tracker

_CAN_BLOCK = hasattr(signal, "pthread_sigmask")


@contextmanager
def deferred_interrupt() -> Iterator[None]:
    """Handle Ctrl-C at the end of the context; processes started in the context ignore it.

    A terminal sends Ctrl-C to all processes. Only this process handles it and ends the others,
    each of which would otherwise print a traceback.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # They would start with the first process, and unblock the signal for it.
    for tracker in (resource_tracker, loky_resource_tracker):
        tracker.ensure_running()
    received: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        received.append(number)

    before = signal.signal(signal.SIGINT, remember)
    # A process inherits the blocked signals of the thread that starts it.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if _CAN_BLOCK else set()
    try:
        yield
    finally:
        if _CAN_BLOCK:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, before)
    if received and callable(before):
        before(received[0], None)
