"""Reading whole files: never from what has no end, or may change meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

# Opening a pipe would wait for its writer.
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


# A million rows of labels take a third of it.
MOST_BYTES_OF_TEXT = 2**26
"""How large a file of text may be that is read whole, such as labels.csv."""


class UnreadableError(Exception):
    """A path leads to no file that can be read; says why."""


def check_size_of_text(n_bytes: int) -> None:
    """Refuse a file that is too large to be what it is called; for `read_regular_file`.

    Parameters
    ----------
    n_bytes : int

    Raises
    ------
    UnreadableError
        If it has more than `MOST_BYTES_OF_TEXT`.

    Examples
    --------
    >>> from skcaptcha._files.regular_file import check_size_of_text
    >>> check_size_of_text(3 * 10**9)
    Traceback (most recent call last):
        ...
    skcaptcha._files.regular_file.UnreadableError: it has 3,000,000,000 bytes, and at most...
    """
    if n_bytes > MOST_BYTES_OF_TEXT:
        raise UnreadableError(
            f"it has {n_bytes:,} bytes, and at most {MOST_BYTES_OF_TEXT:,} are read; is it the "
            "right file?"
        )


def read_regular_file(path: str | os.PathLike[str], check_size: Callable[[int], object]) -> bytes:
    """Read a file.

    Parameters
    ----------
    path : path-like
        Links are followed.
    check_size : callable
        Is given the number of bytes before they are read; raises an error of its own.

    Returns
    -------
    content : bytes

    Raises
    ------
    UnreadableError
        If it is missing, is no regular file, may not be read, or changes while it is read.

    Examples
    --------
    >>> from skcaptcha._files.regular_file import read_regular_file
    >>> read_regular_file("configs", print)
    Traceback (most recent call last):
        ...
    skcaptcha._files.regular_file.UnreadableError: it is a folder; a file was expected
    """
    try:
        file = os.open(path, _READ_ONLY)
        try:
            status = os.fstat(file)
            # A device would be read without end.
            if not stat.S_ISREG(status.st_mode):
                folder = stat.S_ISDIR(status.st_mode)
                raise UnreadableError(
                    "it is a folder; a file was expected" if folder else "it is not a regular file"
                )
            size = status.st_size
            check_size(size)
            content = os.read(file, size)
            while len(content) < size and (more := os.read(file, size)):
                content += more
            after = os.fstat(file)
        finally:
            os.close(file)
    except FileNotFoundError as error:
        raise UnreadableError("there is no such file") from error
    except PermissionError as error:
        if os.path.isdir(path):  # Windows does not open them
            raise UnreadableError("it is a folder; a file was expected") from error
        raise UnreadableError("it may not be read (permission denied)") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"it cannot be read ({reason})") from error
    if len(content) != after.st_size or after.st_mtime_ns != status.st_mtime_ns:
        raise UnreadableError("it changed while it was read; try again when it is written")
    return content
