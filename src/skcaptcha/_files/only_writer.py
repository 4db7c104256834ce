"""Only one process at a time writes to a file; a second one is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from skcaptcha.exceptions import SkcaptchaError


def opened_for_one(file: Path, meant: Path | None = None) -> FileIO:
    """Open a file, which is made if it is missing, so that no other process opens it like this.

    Parameters
    ----------
    file : Path
    meant : Path, optional
        What is to be written, for the message, if it is another one.

    Returns
    -------
    stream : FileIO
        Opened for appending. The file is free again when it is closed, also by a process that is
        killed.

    Raises
    ------
    SkcaptchaError
        If another process has it open.
    """
    while True:
        stream = FileIO(file, "ab")
        try:
            _lock(stream, meant or file)
            # Its owner may have removed it, or given it its place, meanwhile.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(stream.fileno()), os.stat(file)):
                    return stream
        except BaseException:
            stream.close()
            raise
        stream.close()


@contextmanager
def only_writer(file: Path) -> Iterator[None]:
    """Be the only process that writes to a file and to what belongs to it.

    Parameters
    ----------
    file : Path
        It need not exist. Beside it is another one meanwhile: with a dot before its name and .lock
        after it.

    Raises
    ------
    SkcaptchaError
        If another process is.

    Examples
    --------
    >>> import os, tempfile
    >>> from pathlib import Path
    >>> from skcaptcha._files.only_writer import only_writer
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with only_writer(Path(folder) / "m.joblib"):
    ...         print(os.listdir(folder))
    ...     print(os.listdir(folder))
    ['.m.joblib.lock']
    []
    """
    if file.exists() and not file.is_file():  # a pipe or a device takes anything, even twice
        yield
        return
    target = Path(os.path.realpath(file))
    made = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = target.parent / f".{target.name}.lock"
    with opened_for_one(lock, file):
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no file that is open
                lock.unlink()
                for folder in made:
                    folder.rmdir()  # if nothing came of it


def _lock(stream: FileIO, meant: Path) -> None:
    with suppress(ImportError):
        import fcntl  # noqa: PLC0415 - Windows has none

        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SkcaptchaError(
                f"{meant}: another process is writing to it; wait for its end, or name another file"
            ) from None
        except OSError:
            pass  # not all file systems can
