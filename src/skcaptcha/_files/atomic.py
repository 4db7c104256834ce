"""Atomic writing: a file is written completely or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from skcaptcha.exceptions import OutputError

Content = bytes | Callable[[IO[bytes]], Any]
"""Content of a file, or a function that writes it to a binary file opened for writing."""


def write_atomically(path: str | os.PathLike[str], content: Content) -> None:
    """Write a file completely or not at all: every reader finds the old content or the new.

    This holds if the process is killed, if the disk is full and, on file systems that keep their
    promises, after a power failure. Missing folders are created. If the path is a link, the file
    that it points to is written; a pipe or a device is written directly. Raise OutputError if the
    file cannot be written.
    """
    write_all_atomically({Path(path): content})


def write_all_atomically(files: Mapping[Path, Content]) -> None:
    """Write files that belong together: all are complete before the first replaces an old one.

    They replace the old files in the given order. Raise OutputError if one of them cannot be
    written; all old files then stay.
    """
    written: list[tuple[str, Path]] = []
    try:
        for path, content in files.items():
            write = _writer(content)
            if path.exists() and not path.is_file():
                # Replacing a pipe or a device with a file would destroy it.
                with path.open("wb") as stream:
                    write(stream)
                continue
            target = Path(os.path.realpath(path))
            target.parent.mkdir(parents=True, exist_ok=True)
            prefix = f".{target.name}."
            with _output_errors(path, prefix):
                handle, name = tempfile.mkstemp(dir=target.parent, prefix=prefix)
            written.append((name, target))
            with _output_errors(path, prefix), os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, _mode_of(target))
        folders = {target.parent for _, target in written}
        while written:
            name, target = written[0]
            with _output_errors(target, f".{target.name}."):
                os.replace(name, target)
            written.pop(0)
    except BaseException:
        for name, _ in written:
            os.unlink(name)
        raise
    for folder in folders:
        sync_folder(folder)


def _writer(content: Content) -> Callable[[IO[bytes]], Any]:
    return (lambda file: file.write(content)) if isinstance(content, bytes) else content


@contextmanager
def _output_errors(path: Path, prefix: str) -> Iterator[None]:
    """Convert an OSError that names the temporary file, or no file, to an OutputError."""
    try:
        yield
    except OSError as error:
        temporary = os.path.basename(os.fsdecode(error.filename or prefix)).startswith(prefix)
        if isinstance(error, OutputError) or not temporary:
            raise
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or use "
            "another path. The old content is unchanged"
        ) from error


def _mode_of(target: Path) -> int:
    """Return the permissions of the file to replace, which may be narrower than usual."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def sync_folder(folder: Path) -> None:
    """Make renamed files survive a power failure, on systems that can sync folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
