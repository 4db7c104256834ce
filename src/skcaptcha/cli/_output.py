"""The JSON and CSV files that the commands write, completely or not at all."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from skcaptcha._files.json_text import to_json

STDOUT = Path("-")

_CHARACTERS_AT_ONCE = 2**16


class JsonList:
    """List for `write_json` that is too long for the memory; a context manager.

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

        # A short list needs no space for temporary files.
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by __exit__
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
        """Add a value, which may contain numbers and arrays of numpy."""
        self._file.write(f"{',' if self._n else ''}\n    {_json(value, indent=4)}")
        self._n += 1

    def chunks(self) -> Iterator[str]:
        """Yield the JSON text of the list in parts."""
        yield "["
        self._file.seek(0)
        while text := self._file.read(_CHARACTERS_AT_ONCE):
            yield text
        yield "\n  ]" if self._n else "]"


def write_json(report: Mapping[str, Any], file: Path | None) -> None:
    """Write a report to a file; ``-`` is standard output, None writes nothing.

    The values may contain numbers and arrays of numpy, and be instances of `JsonList`.
    """
    if file is None:
        return
    if file == STDOUT:
        for text in _chunks(report):
            print(text, end="")
        return
    from skcaptcha._files.atomic import write_atomically

    def write(stream: IO[bytes]) -> None:
        stream.writelines(text.encode() for text in _chunks(report))

    write_atomically(file, write)


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], file: Path) -> None:
    """Write a table with a header."""
    from skcaptcha._files.atomic import write_atomically

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    # File names need not be valid UTF-8; their bytes are written as they are.
    content = text.getvalue().encode(errors="surrogateescape")
    write_atomically(file, content)


def _chunks(report: Mapping[str, Any]) -> Iterator[str]:
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
    # Line feeds in strings are escaped, but other characters that end lines are not.
    return to_json(value, indent=2).decode().replace("\n", "\n" + " " * indent)
