"""What the commands write to files: all of it or nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from skcaptcha.errors import SkcaptchaError


def check_output(path: Path | None) -> None:
    """Find out before the work whether its result can be written, and make the folder for it.

    Parameters
    ----------
    path : Path or None
        None or ``-``: nothing to check.

    Raises
    ------
    SkcaptchaError
        If the path is a folder.
    OSError
        If its folder cannot be made or written to.
    """
    if path is None or str(path) == "-":
        return
    if path.is_dir():
        raise SkcaptchaError(f"{path}: it is a folder; give the name of a file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise SkcaptchaError(f"{path}: its folder may not be written to (permission denied)")


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """Open a new text file that takes its place only when it is complete.

    Parameters
    ----------
    path : Path
        An older file of this name stays until then, and for good if anything fails.

    Yields
    ------
    stream : text file, UTF-8, with line ends as they are written
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            yield stream
        # mkstemp lets nobody else read; a report is an ordinary file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
