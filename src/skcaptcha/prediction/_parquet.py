"""A Parquet data set of many files, made so that an interrupted run can be gone on from."""

# ruff: noqa: PLC0415 - pyarrow is imported late, since most do without it

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from skcaptcha.exceptions import OutputError, SkcaptchaError
from skcaptcha.prediction._done_names import DoneNames
from skcaptcha.prediction._table_settings import BegunWith, Settings
from skcaptcha.prediction._tables import Table, sync

_ROWS_IN_A_PART = 2**14
_PART = re.compile(r"part-[0-9]{5,}\.parquet")
_HALF_WRITTEN = re.compile(rf"\.{_PART.pattern}.*")


class ResumableParquet(Table):
    """A folder of Parquet files that gathers beside its place; a context manager.

    pandas and pyarrow read the folder as one table. It takes the place of the old folder when the
    context is left without an error. Otherwise, even after SIGKILL, the files that are complete
    stay in `unfinished`, for another one to resume.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        The names of the columns, which hold strings, but for ``confidence``, which holds floats;
        the first one tells the rows apart.
    resume : bool
        Go on from the rows of `unfinished`, or else of the folder; else begin anew, if there are
        no rows in `unfinished`.
    settings : mapping, optional
        What the rows are read with, which is kept beside `unfinished`: rows that were read with
        others are not gone on from.

    Attributes
    ----------
    unfinished : Path
        Where the files gather: beside the folder, with `.part` after its name.
    done : DoneNames or None
        The first columns of the rows that were there; None: it began anew.
    n_rows : int
        How many rows there are in complete files.

    Raises
    ------
    SkcaptchaError
        If pyarrow is not installed, or the folder holds other things than such files.
    """

    unfinished: Path

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        *,
        resume: bool,
        settings: Settings | None = None,
    ) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise SkcaptchaError(
                "--parquet needs pyarrow, which is not installed; pip install 'skcaptcha[parquet]'"
            ) from None
        numbers = {"confidence": pyarrow.float64()}
        self._schema = pyarrow.schema(
            [(name, numbers.get(name, pyarrow.string())) for name in names]
        )
        self._parquet = pyarrow.parquet
        self._target = Path(os.path.realpath(folder))
        self.unfinished = Path(f"{self._target}.part")
        self._replaced = Path(f"{self._target}.old")
        self._begun_with = None if settings is None else BegunWith(self.unfinished, settings)
        self._waiting: list[Sequence[Any]] = []
        for place in (self._target, self.unfinished, self._replaced):
            _check_folder(place)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        if self._replaced.exists() and not self._target.exists():
            # A run was killed between the two steps by which a table replaces another.
            os.rename(self._replaced, self._target)
        self._prepare(resume=resume)
        self.done = DoneNames() if resume else None
        if resume:
            self._index()
        self._n_parts = len(_parts_in(self.unfinished))

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, which are in a file as soon as it is full.

        Parameters
        ----------
        rows : sequence of sequences as long as there are columns

        Raises
        ------
        SkcaptchaError
            If the disk is full.
        """
        self._waiting += rows
        while len(self._waiting) >= _ROWS_IN_A_PART:
            self._write_part(self._waiting[:_ROWS_IN_A_PART])
            del self._waiting[:_ROWS_IN_A_PART]

    def _end(self, *, complete: bool) -> None:
        if not complete:
            return
        if self._waiting or not self._n_parts:
            self._write_part(self._waiting)
        if self._begun_with is not None:
            self._begun_with.remove()
        # A folder that is not empty cannot be replaced in one step.
        if self._target.exists():
            shutil.rmtree(self._replaced, ignore_errors=True)
            os.rename(self._target, self._replaced)
        os.rename(self.unfinished, self._target)
        sync(self._target.parent)
        shutil.rmtree(self._replaced, ignore_errors=True)

    def _prepare(self, *, resume: bool) -> None:
        """See to it that what is there may be gone on from, or else begun anew."""
        n_parts = len(_parts_in(self.unfinished)) if self.unfinished.exists() else 0
        if n_parts and not resume:
            raise SkcaptchaError(
                f"{self.unfinished}: holds {n_parts} Parquet files of an interrupted run: "
                "--resume goes on from them; delete it to begin anew"
            )
        if self._begun_with is not None:
            if n_parts:
                self._begun_with.check()
            self._begun_with.keep()
        if resume and not self.unfinished.exists() and self._target.exists():
            self._copy()
        if not n_parts and not resume:
            shutil.rmtree(self.unfinished, ignore_errors=True)
        self.unfinished.mkdir(exist_ok=True)

    def _write_part(self, rows: Sequence[Sequence[Any]]) -> None:
        import pyarrow

        from skcaptcha._files.atomic import write_atomically

        columns = [
            pyarrow.array([_plain(row[i]) for row in rows], field.type)
            for i, field in enumerate(self._schema)
        ]
        table = pyarrow.Table.from_arrays(columns, schema=self._schema)

        def write(stream: IO[bytes]) -> None:
            self._parquet.write_table(table, stream)

        try:
            write_atomically(self.unfinished / f"part-{self._n_parts:05}.parquet", write)
        except OutputError as error:
            reason = getattr(error.__cause__, "strerror", None) or error
            raise SkcaptchaError(
                f"{self.unfinished}: cannot be written ({reason}); make room, and "
                "--resume goes on from the files that it has"
            ) from error
        self._n_parts += 1
        self.n_rows += len(rows)

    def _copy(self) -> None:
        """Begin with the files of the folder, all of them or none."""
        copy = tempfile.mkdtemp(dir=self._target.parent, prefix=f".{self._target.name}.")
        try:
            shutil.copytree(self._target, copy, dirs_exist_ok=True)
            os.rename(copy, self.unfinished)
        except BaseException:
            shutil.rmtree(copy, ignore_errors=True)
            raise

    def _index(self) -> None:
        """Take up the names of the rows that are there."""
        for name in filter(_HALF_WRITTEN.fullmatch, os.listdir(self.unfinished)):
            os.unlink(self.unfinished / name)
        for number, part in enumerate(_parts_in(self.unfinished)):
            try:
                with self._parquet.ParquetFile(self.unfinished / part) as file:
                    table = file.read()
            except Exception as error:  # pyarrow has many kinds
                raise SkcaptchaError(
                    f"{self.unfinished / part}: cannot be resumed: {error}; delete it, and what "
                    "comes after it, to read those captchas again"
                ) from error
            if table.schema != self._schema or part != f"part-{number:05}.parquet":
                raise SkcaptchaError(
                    f"{self.unfinished / part}: cannot be resumed: it is not the next part of a "
                    f"table with the columns {', '.join(self._schema.names)}"
                )
            assert self.done is not None
            self.done.add(table.column(0).to_pylist())
            self.n_rows += len(table)


def _plain(value: Any) -> Any:
    # What has no place in UTF-8, as parts of file names may, is escaped.
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _check_folder(folder: Path) -> None:
    """Refuse to replace what may be somebody's work."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise SkcaptchaError(f"{folder}: it is a file; give the name of a folder for Parquet files")
    others = [
        name
        for name in sorted(os.listdir(folder))
        if not (_PART.fullmatch(name) or _HALF_WRITTEN.fullmatch(name))
    ]
    if others:
        raise SkcaptchaError(
            f"{folder}: it holds {others[0]}, which is no part of a table; give the name of "
            "another folder"
        )


def _parts_in(folder: Path) -> list[str]:
    return sorted(filter(_PART.fullmatch, os.listdir(folder)))
