"""What the commands write to files: all of it or nothing."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from skcaptcha.errors import SkcaptchaError

STDOUT = Path("-")


def check_output(path: Path | None) -> None:
    """Find out before the work whether its result can be written; nothing is made yet.

    Parameters
    ----------
    path : Path or None
        None or ``-``: nothing to check.

    Raises
    ------
    SkcaptchaError
        If the path is a folder, or its own folder cannot be made or written to.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.cli._output import check_output
    >>> check_output(Path("/"))
    Traceback (most recent call last):
        ...
    skcaptcha.errors.SkcaptchaError: /: it is a folder; give the name of a file to write
    """
    if path is None or path == STDOUT:
        return
    if path.is_dir():
        raise SkcaptchaError(f"{path}: it is a folder; give the name of a file to write")
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if not there.is_dir():
        raise SkcaptchaError(f"{path}: cannot be written, since {there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise SkcaptchaError(f"{path}: cannot be written (permission denied in {there})")


def write_json(report: Mapping[str, Any], file: Path | None) -> None:
    """Write what ``--json`` asks for.

    Parameters
    ----------
    report : mapping
        numpy's numbers and arrays are taken too.
    file : Path or None
        ``-`` is the standard output; None: nothing is written.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.cli._output import STDOUT, write_json
    >>> write_json({"n": np.int64(3)}, STDOUT)
    {
      "n": 3
    }
    """
    if file is None:
        return
    text = json.dumps(report, indent=2, ensure_ascii=False, default=_plain)
    if file == STDOUT:
        print(text)
    else:
        _write_text(file, text + "\n")


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], file: Path) -> None:
    """Write a table.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequences as long as the header
    file : Path
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    _write_text(file, text.getvalue())


def _write_text(file: Path, text: str) -> None:
    from skcaptcha.model_io import write_atomically

    # File names need not be valid UTF-8; they come back as the same bytes.
    write_atomically(file, lambda stream: stream.write(text.encode(errors="surrogateescape")))


def _plain(value: Any) -> Any:
    """Bring numpy's numbers and arrays, and anything else by its text, into JSON."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
