"""Reading label files: their bytes, their text, and the rows of a labels.csv."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO
from pathlib import Path

from skcaptcha._files.regular_file import UnreadableError, check_text_size, read_regular_file
from skcaptcha.exceptions import DatasetError


def read_label_file(path: Path) -> bytes:
    """Return the content of a file; raise DatasetError if it cannot be read."""
    try:
        return read_regular_file(path, check_text_size)
    except UnreadableError as error:
        raise DatasetError(f"{path}: {error}") from error


def decode_labels(path: Path, content: bytes) -> str:
    """Return the content of a file as text; raise DatasetError if it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text; save it as UTF-8") from error


def parse_labels_csv(path: Path, content: bytes) -> tuple[list[str], dict[str, list[str]]]:
    """Return the header of a labels.csv, and the row of each image by file name.

    Rows are as long as the header. Raise DatasetError if the content is not a table of labels.
    """
    reader = csv.reader(StringIO(decode_labels(path, content), newline=""), strict=True)
    try:
        header = next(reader, [])
        if not {"filename", "label"} <= set(header):
            found = ", ".join(header) or "none"
            raise DatasetError(
                f"{path}: its first line must name the columns filename and label; found {found}"
            )
        rows = []
        for row in filter(None, reader):
            if len(row) > len(header):
                raise DatasetError(
                    f"{path}: line {reader.line_num} has more columns than the first line names; "
                    'put a label that contains a comma in quotes, as in 1.png,"a,b"'
                )
            rows.append(row + [""] * (len(header) - len(row)))
    except csv.Error as error:
        raise DatasetError(
            f"{path}: is not a well-formed CSV file ({error}); correct it"
        ) from error
    filename, label = column(header, "filename"), column(header, "label")
    counts = Counter(row[filename] for row in rows)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise DatasetError(
            f"{path}: {len(repeated)} of its files occur more than once, first {repeated[0]}; "
            "keep one line for each"
        )
    for row in rows:
        if not row[label]:
            raise DatasetError(
                f"{path}: the label of {row[filename]} is empty; write it or delete the line"
            )
    return header, {row[filename]: row for row in rows}


def column(header: list[str], name: str) -> int:
    """Return the position of a column; the last one counts, as in `csv.DictReader`."""
    return len(header) - 1 - header[::-1].index(name)
