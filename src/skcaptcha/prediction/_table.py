"""A table of readings: complete or absent, while its rows survive any interruption."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from typing import IO, Any, Literal

from skcaptcha._files.atomic import sync_folder
from skcaptcha._files.exclusive_lock import open_exclusively
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.prediction import _parquet
from skcaptcha.prediction._names_on_disk import DoneNames, done_names
from skcaptcha.prediction._table_settings import (
    Settings,
    check_settings,
    remove_settings,
    store_settings,
)

Format = Literal["csv", "parquet"]

_NAMES_AT_ONCE = 1024
_MAX_BYTES_PER_LINE = 2**20
_ON_WINDOWS = os.name == "nt"  # which does not replace a file that is open


class Table:
    """Writes rows to an unfinished table or, if `is_unfinished` is False, to a pipe or a device.

    `n_rows` is the number of rows in the table, and `n_skipped` the number of images that
    `skip_done` has left out.
    """

    def __init__(
        self,
        path: Path,
        stream: FileIO,
        done: DoneNames | None = None,
        *,
        is_unfinished: bool = True,
    ) -> None:
        self.path = path
        self.is_unfinished = is_unfinished
        self.n_rows = self.n_skipped = 0
        self._stream = stream
        self._done = done

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows. They are in the file when this returns."""
        self._write(rows)
        self.n_rows += len(rows)

    def skip_done(self, images: Iterable[Any]) -> Iterator[Any]:
        """Yield the images that are not in the table; an image is its path here."""
        for image in images:
            if self._done is not None and self._done.take(str(image)):
                self.n_skipped += 1
            else:
                yield image

    def write_header(self, columns: Sequence[str]) -> None:
        """Write the first line."""
        self._write([columns])

    def sync(self) -> None:
        """Wait until the rows are on the disk."""
        try:
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def _write(self, rows: Iterable[Sequence[Any]]) -> None:
        content = memoryview(_csv_bytes(rows))
        try:
            while content:
                content = content[self._stream.write(content) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> SkcaptchaError:
        return SkcaptchaError(
            f"{self.path}: cannot be written ({error.strerror}); free some space, then resume: "
            "its rows are kept"
        )


@contextmanager
def open_table(
    file: str | os.PathLike[str],
    columns: Sequence[str],
    *,
    format: Format = "csv",  # noqa: A002
    resume: bool = False,
    settings: Settings | None = None,
) -> Iterator[Table]:
    """Open a table that takes the place of `file` when the context ends without an error.

    Its rows are collected next to it, in a CSV file with ``.part`` after its name, in both formats:
    a Parquet file cannot be read before it is complete. If the context ends with an error, or the
    process is killed, they stay there for another run with `resume`. The first column identifies
    the rows. Only one process at a time can open the same table.
    """
    file = Path(file)
    if format == "parquet":
        _parquet.check_installed()
    if file.exists() and not file.is_file():
        if resume or format == "parquet":
            raise SkcaptchaError(f"{file}: not a regular file; pass a file path")
        with FileIO(file, "wb") as stream:
            table = Table(file, stream, is_unfinished=False)
            table.write_header(columns)
            yield table
        return
    unfinished = _UnfinishedTable(file, columns, format)
    with ExitStack() as stack:
        stream = stack.enter_context(unfinished.opened(resume, settings))
        done = stack.enter_context(done_names()) if resume else None
        table = Table(unfinished.path, stream, done)
        n_bytes = unfinished.read_names(table, done) if done is not None else 0
        stream.truncate(n_bytes)
        if not n_bytes:
            table.write_header(columns)
        yield table
        table.sync()
        unfinished.finish(stream, settings)


class _UnfinishedTable:
    """The CSV file next to a table in which its rows are collected."""

    def __init__(self, file: Path, columns: Sequence[str], format: Format) -> None:  # noqa: A002
        self._file = file
        self._target = Path(os.path.realpath(file))
        self.path = Path(f"{self._target}.part")
        self._columns = columns
        self._header = ",".join(columns).encode()
        self._is_parquet = format == "parquet"

    @contextmanager
    def opened(self, resume: bool, settings: Settings | None) -> Iterator[FileIO]:
        """Open the file, for this process only, after checking that its rows may be continued."""
        self._target.parent.mkdir(parents=True, exist_ok=True)
        if resume and not _size(self.path) and _size(self._target):
            self._check_target()
        stream = open_exclusively(self.path)
        try:
            # Another process may have started, or even ended, in the meantime.
            while self._check(resume, settings) and _size(self._target):
                self._copy_target(stream)
                stream.close()
                stream = open_exclusively(self.path)
            yield stream
        finally:
            stream.close()

    def read_names(self, table: Table, done: DoneNames) -> int:
        """Count the complete rows and their names; return the number of bytes of these rows."""
        size = _size(self.path)
        n_bytes = 0
        names: list[str] = []

        def count() -> None:
            done.add(names)
            table.n_rows += len(names)
            names.clear()

        try:
            for number, (row, end, ends_with_line_feed) in enumerate(_rows_of(self.path)):
                if len(row) == len(self._columns) and ends_with_line_feed:
                    n_bytes = end
                    names += row[:1] if number else []
                elif end < size:
                    raise csv.Error(f"row {number} has {len(row)} columns")
                if len(names) == _NAMES_AT_ONCE:
                    count()
        except csv.Error as error:
            raise SkcaptchaError(f"{self.path}: cannot be resumed: {error}") from error
        count()
        return n_bytes

    def finish(self, stream: FileIO, settings: Settings | None) -> None:
        """Put the complete table in its place.

        The unfinished file stays open, and thereby locked, until then: otherwise another process
        could begin to write to it.
        """
        if self._is_parquet:
            rows = (row for row, _, _ in _rows_of(self.path))
            _parquet.write_rows(self._target, self._columns, rows)
        if settings is not None:
            remove_settings(self.path)
        if self._is_parquet:
            if _ON_WINDOWS:
                stream.close()
            os.unlink(self.path)
        else:
            _replace(stream, self.path, self._target)
            sync_folder(self._target.parent)

    def _check(self, resume: bool, settings: Settings | None) -> bool:
        """Check the rows that are there; return whether those of the complete table are missing."""
        has_rows = self._has_rows()
        if has_rows and resume and settings is not None:
            check_settings(self.path, settings)
        if not _has_header(self.path, self._header):
            raise SkcaptchaError(
                f"{self.path}: its first line is not {self._header.decode()}, so it is not from "
                f"an interrupted run; rename it, because the rows of {self._file} are collected "
                "there"
            )
        if has_rows and not resume:
            raise SkcaptchaError(
                f"{self.path}: contains {_size(self.path)} bytes of an interrupted run; resume it "
                "(--resume, resume=True), or delete the file to start over"
            )
        if settings is not None:
            store_settings(self.path, settings)
        return resume and not _size(self.path)

    def _has_rows(self) -> bool:
        with self.path.open("rb") as stream:
            next(_lines_of(stream, self.path), None)
            return next(_lines_of(stream, self.path), b"").endswith(b"\n")

    def _check_target(self) -> None:
        """Check that the complete table has the same columns."""
        if self._is_parquet:
            _parquet.check_columns(self._target, self._columns)
        elif not _has_header(self._target, self._header):
            raise SkcaptchaError(
                f"{self._target}: cannot be resumed: its first line is not {self._header.decode()}"
            )

    def _copy_target(self, stream: FileIO) -> None:
        """Start with the rows of the complete table, all of them or none."""
        handle, name = tempfile.mkstemp(dir=self._target.parent, prefix=f".{self._target.name}.")
        try:
            with os.fdopen(handle, "wb") as copy:
                if self._is_parquet:
                    copy.write(_csv_bytes([self._columns]))
                    copy.writelines(map(_csv_bytes, _parquet.read_rows(self._target)))
                else:
                    with self._target.open("rb") as original:
                        shutil.copyfileobj(original, copy)
            shutil.copymode(self._target, name)
            _replace(stream, name, self.path)
        except BaseException:
            os.unlink(name)
            raise


def _csv_bytes(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(errors="surrogateescape")


def _replace(stream: FileIO, old: Path | str, new: Path) -> None:
    if _ON_WINDOWS:
        stream.close()
    os.replace(old, new)


def _size(file: Path) -> int:
    # Another process may replace it at any moment.
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _has_header(file: Path, header: bytes) -> bool:
    """Return whether a file begins with a header, whose end may be missing."""
    with file.open("rb") as stream:
        found = stream.readline(len(header) + 2)
    cut_off = not found.endswith(b"\n") and (header + b"\r\n").startswith(found)
    return cut_off or found.rstrip(b"\r\n") == header


def _lines_of(stream: IO[bytes], file: Path) -> Iterator[bytes]:
    while line := stream.readline(_MAX_BYTES_PER_LINE):
        if len(line) == _MAX_BYTES_PER_LINE and not line.endswith(b"\n"):
            raise SkcaptchaError(
                f"{file}: has a line of more than {_MAX_BYTES_PER_LINE:,} bytes, so it is not from "
                "an interrupted run; rename it, or pass another file path"
            )
        yield line


def _rows_of(file: Path) -> Iterator[tuple[list[str], int, bool]]:
    """Yield each row, the position of its end, and whether it ends with a line feed."""
    end = 0
    line = b""

    def lines(stream: IO[bytes]) -> Iterator[str]:
        nonlocal end, line
        for line in _lines_of(stream, file):
            end += len(line)
            yield line.decode(errors="surrogateescape")

    with file.open("rb") as stream:
        for row in csv.reader(lines(stream)):
            yield row, end, line.endswith(b"\n")
