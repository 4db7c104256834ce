"""Ctrl-C while processes start."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType

from joblib.externals.loky.backend import resource_tracker as resource_tracker_of_loky

_CAN_BLOCK = hasattr(signal, "pthread_sigmask")


@contextmanager
def deferred() -> Iterator[None]:
    """Heed Ctrl-C only at the end, and let processes that start meanwhile never hear it.

    A terminal sends Ctrl-C to all processes. This one hears it and ends the others, each of which
    would otherwise print a traceback of its own.

    Examples
    --------
    >>> import signal
    >>> from skcaptcha._process import deferred_interrupt
    >>> before = signal.signal(signal.SIGINT, signal.default_int_handler)
    >>> try:
    ...     with deferred_interrupt.deferred():
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("goes on")
    ... except KeyboardInterrupt:
    ...     print("interrupted")
    goes on
    interrupted
    >>> _ = signal.signal(signal.SIGINT, before)
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # They would start with the first process, and unblock what is blocked for that.
    for tracker in (resource_tracker, resource_tracker_of_loky):
        tracker.ensure_running()
    came: list[int] = []

    def remember(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGINT, remember)
    # A process inherits which signals are blocked from the thread that starts it.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if _CAN_BLOCK else set()
    try:
        yield
    finally:
        if _CAN_BLOCK:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(came[0], None)
