"""A CSV file that is whole or absent, while rows gather beside it that a later run goes on from."""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import IO, Any

from skcaptcha._files.exclusive_lock import open_exclusively
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.prediction._done_names import DoneNames
from skcaptcha.prediction._table_settings import BegunWith, Settings
from skcaptcha.prediction._tables import Table, sync

_NAMES_AT_ONCE = 1024
_MOST_BYTES_OF_LINE = 2**20
_ON_WINDOWS = os.name == "nt"  # where nobody replaces a file that is open


class ResumableCsv(Table):
    r"""A CSV file of which rows gather in a file beside it; a context manager.

    They take the place of the old file when the context is left without an error. Otherwise, even
    after SIGKILL, they stay in `unfinished`, for another one to resume. A pipe or a device
    takes the rows as they come.

    Parameters
    ----------
    file : Path
    header : sequence of str
        The names of the columns; the first one tells the rows apart.
    resume : bool
        Go on from the rows of `unfinished`, or else of the file, but for a last one that was cut
        off; else begin anew, if there are no rows in `unfinished`.
    settings : mapping, optional
        What the rows are read with, which is kept beside `unfinished`: rows that were read with
        others are not gone on from.

    Attributes
    ----------
    unfinished : Path or None
        Where rows gather: beside the file, with `.part` after its name; None: in a pipe or a
        device.
    done : DoneNames or None
        The first columns of the rows that were there; None: it began anew.
    n_rows : int
        How many rows there are.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha.prediction._resumable_table import ResumableCsv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file, part = Path(folder) / "a.csv", Path(folder) / "a.csv.part"
    ...     _ = part.write_text("filename,text\na.png,XY\nb.pn")
    ...     with ResumableCsv(file, ["filename", "text"], resume=True) as table:
    ...         table.done.take("a.png"), table.done.take("b.png"), file.exists()
    ...         table.write([("b.png", "Z")])
    ...     file.read_text(), part.exists()
    (True, False, False)
    ('filename,text\na.png,XY\nb.png,Z\n', False)
    """

    def __init__(
        self,
        file: Path,
        header: Sequence[str],
        *,
        resume: bool,
        settings: Settings | None = None,
    ) -> None:
        self._file = file
        self._header = header
        self._target = Path(os.path.realpath(file))
        self._direct = file.exists() and not file.is_file()
        self._part = file if self._direct else Path(f"{self._target}.part")
        self.unfinished = None if self._direct else self._part
        self._begun_with = None if settings is None else BegunWith(self._part, settings)
        if self._direct and resume:
            raise SkcaptchaError(f"{file}: is no regular file, so that there is nothing to resume")
        self._target.parent.mkdir(parents=True, exist_ok=True)
        if resume and not _size(self._part) and self._target.exists():
            self._check_first_line(self._target)
        self._stream = FileIO(self._part, "wb") if self._direct else open_exclusively(self._part)
        try:
            if not self._direct:
                self._prepare(resume=resume)
            self.done = DoneNames() if resume else None
            n_bytes = self._index() if resume else 0
            if not self._direct:
                self._stream.truncate(n_bytes)
            if n_bytes == 0:
                self._write([header])
        except BaseException:
            self._stream.close()
            raise

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, which are in the file when this returns.

        Parameters
        ----------
        rows : sequence of sequences as long as the header

        Raises
        ------
        SkcaptchaError
            If the disk is full.
        """
        self._write(rows)
        self.n_rows += len(rows)

    def _end(self, *, complete: bool) -> None:
        with self._stream:
            if not complete or self._direct:
                return
            try:
                os.fsync(self._stream.fileno())
            except OSError as error:
                raise self._unwritable(error) from error
            # What is locked is the file: closed before it has its place, another process could
            # begin to write to it.
            if self._begun_with is not None:
                self._begun_with.remove()
            self._replace(self._part, self._target)
        sync(self._target.parent)

    def _write(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        content = memoryview(text.getvalue().encode(errors="surrogateescape"))
        try:
            while content:
                content = content[self._stream.write(content) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> SkcaptchaError:
        return SkcaptchaError(
            f"{self._part}: cannot be written ({error.strerror}); make room, and --resume "
            "goes on from the rows that it has"
        )

    def _prepare(self, *, resume: bool) -> None:
        """See to it that what is there may be gone on from, or else begun anew."""
        has_rows = self._has_rows()
        if has_rows and resume and self._begun_with is not None:
            self._begun_with.check()
        self._check_first_line(self._part)
        if has_rows and not resume:
            raise SkcaptchaError(
                f"{self._part}: holds {_size(self._part)} bytes of an interrupted run: --resume "
                "goes on from them; delete it to begin anew"
            )
        if self._begun_with is not None:
            self._begun_with.keep()
        if resume and not _size(self._part) and _size(self._target):
            self._copy()
            self._stream.close()
            # Another process may be faster, and may even have ended.
            self._stream = open_exclusively(self._part)
            self._prepare(resume=True)

    def _has_rows(self) -> bool:
        with self._part.open("rb") as stream:
            next(_lines_of(stream, self._part), None)
            return next(_lines_of(stream, self._part), b"").endswith(b"\n")

    def _replace(self, old: Path | str, new: Path) -> None:
        if _ON_WINDOWS:
            self._stream.close()
        os.replace(old, new)

    def _copy(self) -> None:
        """Begin with the rows of the file, all of them or none."""
        handle, name = tempfile.mkstemp(dir=self._target.parent, prefix=f".{self._target.name}.")
        try:
            with os.fdopen(handle, "wb") as copy, self._target.open("rb") as original:
                shutil.copyfileobj(original, copy)
            shutil.copymode(self._target, name)
            self._replace(name, self._part)
        except BaseException:
            os.unlink(name)
            raise

    def _check_first_line(self, file: Path) -> None:
        """Refuse what is no such table, which may be somebody's work."""
        expected = ",".join(self._header).encode()
        with file.open("rb") as stream:
            found = stream.readline(len(expected) + 2)
        begun = not found.endswith(b"\n") and (expected + b"\r\n").startswith(found)
        if begun or found.rstrip(b"\r\n") == expected:
            return
        if file == self._target:
            raise SkcaptchaError(
                f"{file}: cannot be resumed: its first line is not {expected.decode()}"
            )
        raise SkcaptchaError(
            f"{file}: its first line is not {expected.decode()}, so it is not what an interrupted "
            f"run left; rename it, since the rows of {self._file} gather there"
        )

    def _index(self) -> int:
        """Take up the names of the rows that are complete; give how many bytes these take."""
        size = _size(self._part)
        n_bytes = 0
        names: list[str] = []
        try:
            for number, (row, end, ends_in_line_feed) in enumerate(_rows_of(self._part)):
                if len(row) == len(self._header) and ends_in_line_feed:
                    n_bytes = end
                    names += row[:1] if number else []
                elif end < size:
                    raise csv.Error(f"row {number} has {len(row)} columns")
                if len(names) == _NAMES_AT_ONCE:
                    self._count(names)
        except csv.Error as error:
            raise SkcaptchaError(f"{self._part}: cannot be resumed: {error}") from error
        self._count(names)
        return n_bytes

    def _count(self, names: list[str]) -> None:
        assert self.done is not None
        self.done.add(names)
        self.n_rows += len(names)
        names.clear()


def _size(file: Path) -> int:
    # Another process may replace it at any moment.
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _lines_of(stream: IO[bytes], file: Path) -> Iterator[bytes]:
    while line := stream.readline(_MOST_BYTES_OF_LINE):
        if len(line) == _MOST_BYTES_OF_LINE and not line.endswith(b"\n"):
            raise SkcaptchaError(
                f"{file}: has a line of more than {_MOST_BYTES_OF_LINE:,} bytes, so it is not "
                "what an interrupted run left; rename it, or name another file"
            )
        yield line


def _rows_of(file: Path) -> Iterator[tuple[list[str], int, bool]]:
    """Give each row, where it ends, and whether with a line feed."""
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
