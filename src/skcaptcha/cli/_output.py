"""What the commands write to files: all of it or nothing."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from skcaptcha.errors import SkcaptchaError

STDOUT = Path("-")

_CHARACTERS_AT_ONCE = 2**16


def check_outputs(*files: Path | None, json: Path | None = None) -> None:
    """Find out before the work whether its results can be written; nothing is made yet.

    Parameters
    ----------
    *files : Path or None
        None: nothing to check.
    json : Path or None
        What ``--json`` was given: alone, it may be ``-``.

    Raises
    ------
    SkcaptchaError
        If a path is a folder, if its own folder cannot be made or written to, or if two results
        would go to one file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.cli._output import check_outputs
    >>> check_outputs(Path("/"))
    Traceback (most recent call last):
        ...
    skcaptcha.errors.SkcaptchaError: /: it is a folder; give the name of a file to write
    """
    if STDOUT in files:
        raise SkcaptchaError(
            "-: only --json can write to the standard output; give the name of a file"
        )
    seen = set()
    for path in (*files, None if json == STDOUT else json):
        # A pipe or a device takes anything, even twice.
        if path is None or (path.exists() and not (path.is_file() or path.is_dir())):
            continue
        target = Path(os.path.realpath(path))
        _check_file(path, target)
        if target in seen:
            raise SkcaptchaError(f"{path}: two results would go to this file; name another")
        seen.add(target)


class JsonList:
    """A list for a report whose elements are too many for the memory; a context manager.

    Examples
    --------
    >>> from skcaptcha.cli._output import STDOUT, JsonList, write_json
    >>> with JsonList() as captchas:
    ...     for text in ("AB", "CD"):
    ...         captchas.append({"text": text})
    ...     write_json({"captchas": captchas}, STDOUT)
    {
      "captchas": [
        {
          "text": "AB"
        },
        {
          "text": "CD"
        }
      ]
    }
    """

    def __init__(self) -> None:
        import tempfile

        # Without many elements there need be no room for temporary files.
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed at the exit
            _CHARACTERS_AT_ONCE, "w+", encoding="utf-8", newline=""
        )
        self._n = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self._n

    def append(self, value: Any) -> None:
        """Add a value.

        Parameters
        ----------
        value : object
            numpy's numbers and arrays are taken too.
        """
        self._file.write(f"{',' if self._n else ''}\n    {_json(value, indent=4)}")
        self._n += 1

    def chunks(self) -> Iterator[str]:
        """Give the list's text, in parts.

        Yields
        ------
        text : str
        """
        yield "["
        self._file.seek(0)
        while text := self._file.read(_CHARACTERS_AT_ONCE):
            yield text
        yield "\n  ]" if self._n else "]"


def write_json(report: Mapping[str, Any], file: Path | None) -> None:
    """Write what ``--json`` asks for.

    Parameters
    ----------
    report : mapping of str
        numpy's numbers and arrays are taken too, and at its top level instances of `JsonList`.
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
    if file == STDOUT:
        for text in _report(report):
            print(text, end="")
        return
    from skcaptcha.model_io import write_atomically

    def write(stream: IO[bytes]) -> None:
        stream.writelines(text.encode() for text in _report(report))

    write_atomically(file, write)


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


def _report(report: Mapping[str, Any]) -> Iterator[str]:
    begin = "{\n"
    for key, value in report.items():
        yield f"{begin}  {_json(key)}: "
        if isinstance(value, JsonList):
            yield from value.chunks()
        else:
            yield _json(value, indent=2)
        begin = ",\n"
    yield "\n}\n" if report else "{}\n"


def _json(value: Any, indent: int = 0) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    # Strings have their line feeds escaped, but may hold other characters that end lines.
    text = text.replace("\n", "\n" + " " * indent)
    # What has no place in UTF-8, as parts of file names may, is escaped as JSON can.
    return text.encode(errors="backslashreplace").decode()


def _check_file(path: Path, target: Path) -> None:
    if target.is_dir():
        raise SkcaptchaError(f"{path}: it is a folder; give the name of a file to write")
    there = next(folder for folder in target.parents if folder.exists())
    if not there.is_dir():
        raise SkcaptchaError(f"{path}: cannot be written, since {there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise SkcaptchaError(f"{path}: cannot be written (permission denied in {there})")


def _write_text(file: Path, text: str) -> None:
    from skcaptcha.model_io import write_atomically

    # File names need not be valid UTF-8; they come back as the same bytes.
    write_atomically(file, lambda stream: stream.write(text.encode(errors="surrogateescape")))


def _plain(value: Any) -> Any:
    """Bring numpy's numbers and arrays, and anything else by its text, into JSON."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
