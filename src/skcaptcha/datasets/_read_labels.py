"""Reading label files: their bytes, their text, and the rows of a CSV file."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from skcaptcha._files.regular_file import UnreadableError, check_text_size, read_regular_file
from skcaptcha.datasets._file_kinds import is_image
from skcaptcha.datasets.label_formats.columns import find_columns
from skcaptcha.datasets.label_formats.entry import LabelEntry, NoLabelsError
from skcaptcha.exceptions import DatasetError

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}


class LabelCsv(NamedTuple):
    """The rows of a CSV file of labels, and how the file is written."""

    header: list[str]
    rows: dict[str, list[str]]
    """Row of each image by file name; as long as the header."""
    lines: dict[str, int]
    """Number of the line in which each row ends."""
    filename: int
    """Position of the column of file names."""
    label: int
    """Position of the column of labels."""
    separator: str = ","

    def entries(self) -> list[LabelEntry]:
        """Return the images with their labels."""
        return [
            LabelEntry(name, row[self.label], f"line {self.lines[name]}")
            for name, row in self.rows.items()
        ]

    def description(self) -> str:
        """Return how the file differs from one with ``filename,label`` as its first line."""
        columns = self.header[self.filename], self.header[self.label]
        differs = []
        if columns != ("filename", "label"):
            differs.append(f"columns {columns[0]} and {columns[1]}")
        if self.separator != ",":
            differs.append(f"separated by {_SEPARATORS[self.separator]}")
        return ", ".join(differs)


def read_label_file(path: Path) -> bytes:
    """Return the content of a file; raise DatasetError if it cannot be read."""
    try:
        return read_regular_file(path, check_text_size)
    except UnreadableError as error:
        raise DatasetError(f"{path}: {error}") from error


def decode_labels(path: Path, content: bytes) -> str:
    """Return the content of a file as text; raise DatasetError if it is not UTF-8."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    if "\0" in text:  # as in ASCII characters that are written in UTF-16
        raise DatasetError(f"{path}: is not UTF-8 text: it contains zero bytes; save it as UTF-8")
    return text


def parse_labels_csv(path: Path, content: bytes) -> LabelCsv:
    """Return the rows of a CSV file of labels.

    Values are separated by commas, semicolons, tabs or bars. The columns are ``filename`` and
    ``label``, or have other usual names; if there are only two (or two and ``source``, which the
    labeling page adds), the names of images may tell which is which. Raise DatasetError if the
    content is not a table of labels.
    """
    text = decode_labels(path, content)
    failed: csv.Error | None = None
    header: list[str] = []
    for separator in _SEPARATORS:
        try:
            first: list[str] = next(_reader(text, separator), [])
            columns = find_columns(first) or _columns_of_images(text, separator)
        except csv.Error as error:
            failed = failed or error
            continue
        header = header or first
        if columns is not None:
            return _parse_rows(path, text, separator, columns)
    if failed is not None:
        raise DatasetError(
            f"{path}: is not a well-formed CSV file ({failed}); correct it"
        ) from failed
    found = ", ".join(header) or "none"
    raise NoLabelsError(
        f"{path}: its first line must name the columns filename and label; found {found}"
    )


def _reader(text: str, separator: str, *, strict: bool = False) -> Any:
    """Return a reader of rows; spaces follow the separators if they do so in the first line."""
    first = re.split("[\r\n]", text, maxsplit=1)[0]
    return csv.reader(
        StringIO(text, newline=""),
        delimiter=separator,
        skipinitialspace=f"{separator} " in first,
        strict=strict,
    )


def _columns_of_images(text: str, separator: str) -> tuple[int, int] | None:
    """Return the positions of names and labels in a table of two columns with unknown names."""
    rows = list(filter(None, _reader(text, separator)))
    header = rows.pop(0) if rows else []
    n = len(header)
    if header[2:] not in ([], ["source"]) or n < 2 or not rows or any(map(is_image, header)):
        return None
    for filename, label in ((0, 1), (1, 0)):
        if all(2 <= len(row) <= n and is_image(row[filename]) for row in rows):
            return filename, label
    return None


def _parse_rows(path: Path, text: str, separator: str, columns: tuple[int, int]) -> LabelCsv:
    filename, label = columns
    reader = _reader(text, separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        header = next(reader)
        for row in filter(None, reader):
            if len(row) > len(header):
                raise DatasetError(
                    f"{path}: line {reader.line_num} has more columns than the first line names; "
                    + _put_in_quotes(separator)
                )
            rows.append(row + [""] * (len(header) - len(row)))
            lines.append(reader.line_num)
    except csv.Error as error:
        raise DatasetError(
            f"{path}: is not a well-formed CSV file (line {reader.line_num}: {error}); correct it"
        ) from error
    _check_unique(path, [row[filename] for row in rows], lines)
    for row, line in zip(rows, lines, strict=True):
        if not row[filename]:
            raise DatasetError(
                f"{path}: line {line} does not name an image; write its name or delete the line"
            )
        if not row[label]:
            raise DatasetError(
                f"{path}: line {line}: the label of {row[filename]} is empty; write it or delete "
                "the line"
            )
    named = {row[filename]: row for row in rows}
    at = dict(zip(named, lines, strict=True))
    return LabelCsv(header, named, at, filename, label, separator)


def _put_in_quotes(separator: str) -> str:
    if separator == ",":
        return 'put a label that contains a comma in quotes, as in 1.png,"a,b"'
    example = f'1.png{separator}"a{separator}b"'.replace("\t", "<TAB>")
    return (
        f"put a label that contains one of the {_SEPARATORS[separator]} in quotes, as in {example}"
    )


def _check_unique(path: Path, names: Sequence[str], lines: Sequence[int]) -> None:
    counts = Counter(names)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        places = [line for name, line in zip(names, lines, strict=True) if name == repeated[0]]
        raise DatasetError(
            f"{path}: {len(repeated)} of its files occur more than once, first {repeated[0]} "
            f"(lines {places[0]} and {places[1]}); keep one line for each"
        )
