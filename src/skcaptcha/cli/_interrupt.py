"""What Ctrl-C does to a command that may be deep in a computation."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from skcaptcha.cli._app import EXIT_INTERRUPTED
from skcaptcha.cli._console import say

_SECONDS_TO_END = 0.3


@contextmanager
def interruptible(sentence: str) -> Iterator[None]:
    """End on Ctrl-C in less than a second, and say this.

    Python hears Ctrl-C between its own steps alone: the fit of a support vector machine, or the
    end of processes that are deep in one, can take minutes.

    Parameters
    ----------
    sentence : str
    """
    if threading.current_thread() is not threading.main_thread():  # which signals do not reach
        yield
        return
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    said = threading.Event()
    before = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_end_after_signal, args=(ear, sentence, said), daemon=True).start()
    try:
        yield
    except KeyboardInterrupt:
        said.set()
        raise KeyboardInterrupt(sentence) from None
    finally:
        if not said.is_set():
            signal.set_wakeup_fd(before)
            mouth.close()


def _end_after_signal(ear: socket.socket, sentence: str, said: threading.Event) -> None:
    with ear:
        while signals := ear.recv(1):
            if signals[0] == signal.SIGINT:
                break
        else:
            return  # the command is done
    time.sleep(_SECONDS_TO_END)
    if not said.is_set():
        say(sentence)
    os._exit(EXIT_INTERRUPTED)
