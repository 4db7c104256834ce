"""Where the rows of a long reading go."""

# ruff: noqa: PLC0415 - what is not asked for is not imported

from __future__ import annotations

import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from skcaptcha.prediction._done_names import DoneNames

if TYPE_CHECKING:
    from skcaptcha.prediction._table_settings import Settings

# Also those that some terminals and programs take for the end of a line.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Table(ABC):
    """Takes rows; a context manager that, left without an error, makes it complete.

    Attributes
    ----------
    unfinished : Path or None
        What an interrupted run leaves for another one to resume.
    done : DoneNames or None
        The first columns of the rows that were there before; None: there were none.
    n_rows : int
        How many rows an interrupted run leaves.
    """

    unfinished: Path | None = None
    done: DoneNames | None = None
    n_rows: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.done is not None:
            self.done.__exit__(kind, error, traceback)
        self._end(complete=error is None)

    @abstractmethod
    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows.

        Parameters
        ----------
        rows : sequence of sequences as long as there are columns

        Raises
        ------
        SkcaptchaError
            If the disk is full.
        """

    @abstractmethod
    def _end(self, *, complete: bool) -> None:
        """Close what is open; put what is complete in its place."""


class Lines(Table):
    r"""Prints rows with tabs between, or nothing.

    A row is one line: control characters are escaped, which file names may hold.

    Examples
    --------
    >>> from skcaptcha.prediction._tables import Lines
    >>> with Lines(prints=True) as table:
    ...     table.write([("a.png", "XY", "0.9000"), ("b\n.png", "Z", "0.8000")])
    a.png	XY	0.9000
    b\n.png	Z	0.8000
    """

    def __init__(self, *, prints: bool) -> None:
        self._prints = prints

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Print rows.

        Parameters
        ----------
        rows : sequence of sequences
        """
        if self._prints:
            sys.stdout.writelines("\t".join(map(_on_one_line, row)) + "\n" for row in rows)
            sys.stdout.flush()

    def _end(self, *, complete: bool) -> None:
        pass


def _on_one_line(field: object) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), str(field))


def sync(folder: Path) -> None:
    """Make what was renamed in a folder survive a power cut, where folders can be told to.

    Parameters
    ----------
    folder : Path
    """
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def open_table(
    columns: Sequence[str],
    *,
    csv: Path | None,
    parquet: Path | None,
    resume: bool,
    settings: Settings,
    prints: bool,
) -> Table:
    """Open what the options of a command name.

    Parameters
    ----------
    columns : sequence of str
    csv, parquet : Path or None
        The file or the folder to write.
    resume : bool
        Go on from the rows that are there.
    settings : mapping
        What the rows are read with.
    prints : bool
        Print the rows if there is neither.

    Returns
    -------
    table : Table
    """
    if csv is not None:
        from skcaptcha.prediction._resumable_table import ResumableCsv

        return ResumableCsv(csv, columns, resume=resume, settings=settings)
    if parquet is not None:
        from skcaptcha.prediction._parquet import ResumableParquet

        return ResumableParquet(parquet, columns, resume=resume, settings=settings)
    return Lines(prints=prints)
