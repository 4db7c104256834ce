"""What Ctrl-C does to a command that may be deep in a computation."""

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
    """Ctrl-C, by a name that nobody else knows.

    scikit-learn's networks take a KeyboardInterrupt for the wish to go on with what they have
    learned so far.
    """


@contextmanager
def interruptible(sentence: str) -> Iterator[None]:
    """End on Ctrl-C in less than a second, and say this.

    Python hears Ctrl-C between its own steps alone: the fit of a support vector machine can take
    minutes.

    Parameters
    ----------
    sentence : str

    Raises
    ------
    KeyboardInterrupt
        With the sentence.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.default_int_handler:  # nobody is to be interrupted
        yield
        return
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    before = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    came, heard = threading.Event(), threading.Event()

    def interrupt(*_: object) -> NoReturn:
        came.set()
        raise _Interrupted

    signal.signal(signal.SIGINT, interrupt)
    threading.Thread(target=_end_after_signal, args=(ear, sentence, heard), daemon=True).start()
    try:
        yield
    except BaseException:
        if not came.is_set():
            raise
        # Libraries that are interrupted while they are loaded make an ImportError of it.
        heard.set()
        raise KeyboardInterrupt(sentence) from None
    finally:
        signal.signal(signal.SIGINT, handler)
        signal.set_wakeup_fd(before)
        mouth.close()


def _end_after_signal(ear: socket.socket, sentence: str, heard: threading.Event) -> None:
    with ear:
        while signals := ear.recv(1):
            if signals[0] == signal.SIGINT:
                break
        else:
            return  # the command is done
    if not heard.wait(_SECONDS_TO_END):
        # A bar would be drawn again, and has hidden the cursor; whoever draws it may hang.
        end_of_bars = threading.Thread(target=stop_bars, daemon=True)
        end_of_bars.start()
        end_of_bars.join(_SECONDS_TO_END)
        say(sentence)
    else:
        time.sleep(_SECONDS_TO_END)
    os._exit(EXIT_INTERRUPTED)
