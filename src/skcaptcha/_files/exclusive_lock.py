"""Locks: only one process at a time writes to a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import IO

from skcaptcha.exceptions import SkcaptchaError


def open_exclusively(file: Path, output: Path | None = None) -> FileIO:
    """Open a file for appending and lock it. Create it if it is missing.

    The lock ends when the file is closed or the process ends. Raise SkcaptchaError if another
    process has locked the file; the message names `output` if it is given.
    """
    while True:
        stream = FileIO(file, "ab")
        try:
            if not try_lock(stream):
                raise SkcaptchaError(
                    f"{output or file}: another process is writing to it; wait until it ends, or "
                    "use another path"
                )
            # The previous owner may have removed or replaced the file in the meantime.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(stream.fileno()), os.stat(file)):
                    return stream
        except BaseException:
            stream.close()
            raise
        stream.close()


@contextmanager
def exclusive_lock(file: Path) -> Iterator[None]:
    """Be the only process that writes to a file and to those that belong to it.

    The file need not exist. During the context, the lock file ``.NAME.lock`` exists next to it.
    Raise SkcaptchaError if another process has the lock.
    """
    if file.exists() and not file.is_file():  # a pipe or a device may have several writers
        yield
        return
    target = Path(os.path.realpath(file))
    made = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.parent / f".{target.name}.lock"
    with open_exclusively(lock, file):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows cannot remove open files
                lock.unlink()
                for folder in made:
                    folder.rmdir()  # only if it is empty


def try_lock(stream: IO[bytes]) -> bool:
    """Lock a file until it is closed; return False if another process has locked it."""
    with suppress(ImportError):
        import fcntl  # noqa: PLC0415 - not available on Windows

        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # some file systems do not support locks
    return True
