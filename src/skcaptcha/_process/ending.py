"""How the command ends on Ctrl-C, and where nothing is left to put in order: at once."""

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

EXIT_INTERRUPTED = 130


def interrupted(number: int = signal.SIGINT, frame: FrameType | None = None) -> NoReturn:
    """Say so and end, as long as there is nothing to put in order; a signal's handler."""
    os.write(2, b"interrupted\n")
    leave()


class _Command:
    ends_at_once = False


def end_at_once() -> None:
    """Have this process `leave` when its command is done: it has started no others."""
    _Command.ends_at_once = True


def ends_at_once() -> bool:
    """Tell whether `end_at_once` was called.

    Returns
    -------
    at_once : bool
    """
    return _Command.ends_at_once


def leave(code: int = EXIT_INTERRUPTED) -> NoReturn:
    """End without taking everything down in good order, which takes half a second.

    Parameters
    ----------
    code : int
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, RuntimeError, ValueError):
            continue  # closed, gone, or interrupted while it wrote
    os._exit(code)
