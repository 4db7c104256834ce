"""Reading whole files: regular files of limited size that do not change during reading."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

# Without O_NONBLOCK, opening a pipe would wait for its writer.
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

MAX_TEXT_BYTES = 2**26
"""Maximum size of a text file that is read whole, such as labels.csv: three million labels."""


class UnreadableError(Exception):
    """The reason why a file cannot be read."""


def check_text_size(n_bytes: int) -> None:
    """Raise UnreadableError if a text file has more than `MAX_TEXT_BYTES`."""
    if n_bytes > MAX_TEXT_BYTES:
        raise UnreadableError(
            f"it has {n_bytes:,} bytes, more than the maximum of {MAX_TEXT_BYTES:,}; is it the "
            "right file?"
        )


def read_regular_file(path: str | os.PathLike[str], check_size: Callable[[int], object]) -> bytes:
    """Return the content of a file; links are followed.

    `check_size` is called with the number of bytes before they are read, and may raise an error.
    Raise UnreadableError if the file is missing, is not a regular file, lacks read permission, or
    changes while it is read.
    """
    try:
        file = os.open(path, _READ_ONLY)
        try:
            status = os.fstat(file)
            # Reading a device might never end.
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
        raise UnreadableError("no such file") from error
    except PermissionError as error:
        if os.path.isdir(path):  # Windows does not open folders
            raise UnreadableError("it is a folder; a file was expected") from error
        raise UnreadableError("it cannot be read (permission denied)") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadableError(f"it cannot be read ({reason})") from error
    if len(content) != after.st_size or after.st_mtime_ns != status.st_mtime_ns:
        raise UnreadableError("it changed while it was read; try again when it is complete")
    return content
