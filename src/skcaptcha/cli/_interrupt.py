"""Handling Ctrl-C during long computations."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from skcaptcha._display.progress import stop_bars
from skcaptcha._process.fast_exit import EXIT_INTERRUPTED
from skcaptcha.cli._console import say

_SECONDS_TO_END = 0.3


class _Interrupted(BaseException):
    """Ctrl-C, under a name that no library catches.

    The networks of scikit-learn stop training on a KeyboardInterrupt, and then continue.
    """


@contextmanager
def interruptible(sentence: str) -> Iterator[None]:
    """End on Ctrl-C within a second, and raise KeyboardInterrupt with this sentence.

    Python handles signals only between its own instructions, and the fit of a support vector
    machine can take minutes.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.default_int_handler:  # Ctrl-C is ignored, or handled elsewhere
        yield
        return
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    came, handled = threading.Event(), threading.Event()

    def interrupt(*_: object) -> NoReturn:
        came.set()
        raise _Interrupted

    signal.signal(signal.SIGINT, interrupt)
    arguments = (receiver, sentence, handled)
    threading.Thread(target=_end_after_signal, args=arguments, daemon=True).start()
    try:
        yield
    except BaseException:
        if not came.is_set():
            raise
        # A library that is interrupted while it is imported raises an ImportError instead.
        handled.set()
        raise KeyboardInterrupt(sentence) from None
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.set_wakeup_fd(before)
        sender.close()


def _end_after_signal(receiver: socket.socket, sentence: str, handled: threading.Event) -> None:
    with receiver:
        while signals := receiver.recv(1):
            if signals[0] == signal.SIGINT:
                break
        else:
            return  # the command is done
    if not handled.wait(_SECONDS_TO_END):
        # A progress bar has hidden the cursor and would be drawn again; its thread may hang.
        end_of_bars = threading.Thread(target=stop_bars, daemon=True)
        end_of_bars.start()
        end_of_bars.join(_SECONDS_TO_END)
        say(sentence)
    else:
        time.sleep(_SECONDS_TO_END)
    os._exit(EXIT_INTERRUPTED)
