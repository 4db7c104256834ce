"""Immediate exit of the command: on Ctrl-C, or when no cleanup is pending."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

EXIT_INTERRUPTED = 130


class _Command:
    fast_exit = False


def handle_interrupt(number: int = signal.SIGINT, frame: FrameType | None = None) -> NoReturn:
    """Print a message and exit. Use it as the signal's handler while no cleanup is pending."""
    os.write(2, b"interrupted\n")
    exit_now()


def request_fast_exit() -> None:
    """Make the command end with `exit_now`. It must have started no other processes."""
    _Command.fast_exit = True


def fast_exit_requested() -> bool:
    """Return whether `request_fast_exit` was called."""
    return _Command.fast_exit


def exit_now(code: int = EXIT_INTERRUPTED) -> NoReturn:
    """Exit without the interpreter's cleanup, which takes half a second."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, RuntimeError, ValueError):
            continue  # closed, missing, or interrupted during a write
    os._exit(code)
