"""Writing files as a whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from skcaptcha.exceptions import OutputError

Write = Callable[[IO[bytes]], Any]
"""Writes a file's content to a binary file opened for writing."""


def write_atomically(path: str | os.PathLike[str], write: Write) -> None:
    """Write a file as a whole or not at all: whoever looks finds the old content or the new.

    That holds for a process that is killed, a full disk and, where the system keeps its promises,
    a power cut.

    Parameters
    ----------
    path : path-like
        Missing folders are made. A link stays one: the file that it leads to is written. A pipe
        or a device takes the bytes as they come.
    write : callable
        Given a binary file opened for writing.

    Raises
    ------
    OutputError
        If there is no room or no permission to write it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha._files.atomic import write_atomically
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "a.txt", lambda file: file.write(b"all of it"))
    ...     (Path(folder) / "a.txt").read_text()
    'all of it'
    """
    write_all_atomically({Path(path): write})


def write_all_atomically(files: Mapping[Path, Write]) -> None:
    """Write files that belong together: every one in full, before the first takes its place.

    Parameters
    ----------
    files : mapping of Path to callable
        As `write_atomically` takes them; they take their places in this order.

    Raises
    ------
    OutputError
        If there is no room or no permission to write one of them; all old ones then stay.
    """
    written: list[tuple[str, Path]] = []
    try:
        for path, write in files.items():
            if path.exists() and not path.is_file():
                # To put a file in its place would destroy a pipe or a device.
                with path.open("wb") as stream:
                    write(stream)
                continue
            target = Path(os.path.realpath(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            prefix = f".{target.name}."
            with _named(path, prefix):
                handle, name = tempfile.mkstemp(dir=target.parent, prefix=prefix)
            written.append((name, target))
            with _named(path, prefix), os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, _mode_of(target))
        folders = {target.parent for _, target in written}
        while written:
            name, target = written[0]
            with _named(target, f".{target.name}."):
                os.replace(name, target)
            written.pop(0)
    except BaseException:
        for name, _ in written:
            os.unlink(name)
        raise
    for folder in folders:
        _sync(folder)


@contextmanager
def _named(path: Path, prefix: str) -> Iterator[None]:
    """Let an error name the file that was to be written, not the one beside it, or none at all."""
    try:
        yield
    except OSError as error:
        beside = os.path.basename(os.fsdecode(error.filename or prefix)).startswith(prefix)
        if isinstance(error, OutputError) or not beside:
            raise
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); make room or name another "
            "place; what was there is unchanged"
        ) from error


def _mode_of(target: Path) -> int:
    """Keep the permissions of the file that is replaced: they may be narrower than usual."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    return 0o666 & ~_umask()


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


def _sync(folder: Path) -> None:
    """Make renamed files survive a power cut, where folders can be told to."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
