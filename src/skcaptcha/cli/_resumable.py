"""A CSV file that grows row by row and can be continued after its writer was killed."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from skcaptcha.errors import SkcaptchaError


def open_resumable(file: Path, header: Sequence[str], *, resume: bool) -> tuple[IO[str], set[str]]:
    r"""Open a CSV file to append rows, each of which is in the file as soon as it is written.

    Parameters
    ----------
    file : Path
    header : sequence of str
        The names of the columns; the first one tells the rows apart.
    resume : bool
        Keep the rows that are there, but for a last one that was cut off; else begin anew.

    Returns
    -------
    stream : text file
    done : set of str
        The first column of the rows that were kept.

    Raises
    ------
    SkcaptchaError
        If the file to resume is not such a table.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha.cli._resumable import open_resumable
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "a.csv"
    ...     _ = file.write_text("filename,text\na.png,XY\nb.pn")
    ...     stream, done = open_resumable(file, ["filename", "text"], resume=True)
    ...     stream.close()
    ...     done, file.read_text()
    ({'a.png'}, 'filename,text\na.png,XY\n')
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    done: set[str] = set()
    begin = True
    if resume and file.exists():
        first_line = f"{','.join(header)}\r\n"
        rows, n_bytes = _complete_rows(file, len(header))
        if rows[:1] != [list(header)] and not first_line.encode().startswith(file.read_bytes()):
            raise SkcaptchaError(
                f"{file}: cannot be resumed: its first line is not {first_line.rstrip()}"
            )
        begin = not rows
        done.update(row[0] for row in rows[1:])
        os.truncate(file, n_bytes)
    stream = open(  # noqa: SIM115 - the caller closes it
        file,
        "w" if begin else "a",
        buffering=1,
        encoding="utf-8",
        errors="surrogateescape",
        newline="",
    )
    if begin:
        csv.writer(stream).writerow(header)
    return stream, done


def _complete_rows(file: Path, n_columns: int) -> tuple[list[list[str]], int]:
    """Read the rows that are complete, and how many bytes they take."""
    content = file.read_bytes()
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in content.splitlines(keepends=True):
            end += len(line)
            yield line.decode(errors="surrogateescape")

    rows: list[list[str]] = []
    n_bytes = 0
    for row in csv.reader(lines()):
        if len(row) == n_columns and content[end - 1 : end] == b"\n":
            rows.append(row)
            n_bytes = end
        elif end < len(content):
            raise SkcaptchaError(
                f"{file}: cannot be resumed: row {len(rows) + 1} has {len(row)} columns, "
                f"expected {n_columns}"
            )
    return rows, n_bytes
