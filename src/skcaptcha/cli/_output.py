"""What the commands write to files: all of it or nothing."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

STDOUT = Path("-")

_CHARACTERS_AT_ONCE = 2**16


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
    from skcaptcha._files.atomic import write_atomically

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


def _write_text(file: Path, text: str) -> None:
    from skcaptcha._files.atomic import write_atomically

    # File names need not be valid UTF-8; they come back as the same bytes.
    write_atomically(file, lambda stream: stream.write(text.encode(errors="surrogateescape")))


def _plain(value: Any) -> Any:
    """Bring numpy's numbers and arrays, and anything else by its text, into JSON."""
    return value.tolist() if hasattr(value, "tolist") else str(value)
