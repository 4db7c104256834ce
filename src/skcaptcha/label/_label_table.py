"""The file labels.csv of a folder that is being labeled, which other programs may edit too."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from skcaptcha._files.atomic import write_atomically
from skcaptcha.datasets import load_captchas
from skcaptcha.datasets._load import match_filenames
from skcaptcha.datasets._read_labels import column, parse_labels_csv, read_label_file
from skcaptcha.datasets._unusual_labels import normalize_label
from skcaptcha.exceptions import DatasetError, LabelWarning

_BOM = b"\xef\xbb\xbf"
_NOT_UTF8 = re.compile("[\ud800-\udfff]")


class LabelTable:
    """The labels of a folder, as its labels.csv holds them.

    The file is read before every change and written right after it, so that other programs' edits
    are kept: their rows, the order of rows, and columns other than ``filename`` and ``label``.

    Parameters
    ----------
    folder : Path
        Folder of the images.
    name_labels : bool, default=False
        Whether file names are labels if there is no file of labels. With the first change, they
        are written to labels.csv, as are the labels of a labels.txt.

    Attributes
    ----------
    path : Path
        Path of labels.csv, which is created by the first change.
    labels : dict of str to str
        Labels by file name, as last read or written.

    Raises
    ------
    DatasetError
        If `load_captchas` could not read the labels.
    """

    def __init__(self, folder: Path, *, name_labels: bool = False) -> None:
        self.path = folder / "labels.csv"
        self.labels: dict[str, str] = {}
        self._header = ["filename", "label"]
        self._rows: dict[str, list[str]] = {}
        self._newline = "\n"
        self._content: bytes | None = None
        self.refresh()
        if self._content is None and (name_labels or os.path.lexists(folder / "labels.txt")):
            # The caller reports unusual labels.
            with warnings.catch_warnings(action="ignore", category=LabelWarning):
                captchas = load_captchas(folder)
            found = zip(captchas.filenames, captchas.target.tolist(), strict=True)
            self._rows = {name: [name, label] for name, label in found}
            self._index()

    def refresh(self) -> None:
        """Read the file if it has changed.

        If this raises DatasetError because the file is not a table of labels, nothing changes.
        """
        content = read_label_file(self.path) if os.path.lexists(self.path) else None
        # While another program replaces the file, it may be missing; the labels are kept then.
        if content is not None and content != self._content:
            header, rows = parse_labels_csv(self.path, content)
            if not all(map(str.isascii, rows)):
                on_disk = match_filenames(rows, os.listdir(self.path.parent))
                rows = {on_disk.get(name, name): row for name, row in rows.items()}
            self._header, self._rows = header, rows
            self._newline = "\r\n" if b"\r\n" in content else "\n"
            self._index()
        self._content = content

    def put(self, filename: str, label: str, row: Mapping[str, str] | None = None) -> None:
        """Write the label of an image; `row` holds the other columns of a new row, by name.

        If this raises DatasetError or OutputError because the file cannot be read or written,
        nothing changes.
        """
        self.refresh()
        known = self._rows.get(filename)
        if known is None:
            known = [(row or {}).get(name, "") for name in self._header]
        changed = list(known)
        changed[column(self._header, "filename")] = filename
        changed[column(self._header, "label")] = label
        self._write({**self._rows, filename: changed})

    def remove(self, filename: str) -> None:
        """Remove the row of an image, if it has one; the same errors as those of `put`."""
        self.refresh()
        if filename in self._rows:
            self._write({name: row for name, row in self._rows.items() if name != filename})

    def row(self, filename: str) -> dict[str, str]:
        """Return the row of an image by column; empty if it has none."""
        return dict(zip(self._header, self._rows.get(filename, ()), strict=False))

    def _write(self, rows: dict[str, list[str]]) -> None:
        odd = next(filter(_NOT_UTF8.search, rows), None)
        if odd is not None:
            raise DatasetError(
                f"{self.path}: the file name {odd!r} is not UTF-8 and cannot be written; rename "
                "the image"
            )
        buffer = StringIO(newline="")
        plain = csv.writer(buffer, lineterminator=self._newline)
        # The csv module quotes a carriage return only if lines end with one.
        quoted = csv.writer(buffer, lineterminator=self._newline, quoting=csv.QUOTE_ALL)
        for row in [self._header, *rows.values()]:
            (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
        begins_with_bom = self._content is not None and self._content.startswith(_BOM)
        content = begins_with_bom * _BOM + buffer.getvalue().encode()
        write_atomically(self.path, content)
        self._content, self._rows = content, rows
        self._index()

    def _index(self) -> None:
        label = column(self._header, "label")
        self.labels = {name: normalize_label(row[label]) for name, row in self._rows.items()}


def check_label(text: str) -> str:
    """Check a label that a user typed.

    Returns the text without surrounding spaces and in Unicode's composed form (NFC). Raises
    ValueError if the rest is empty or contains line breaks or control characters.
    """
    label = normalize_label(text.strip())
    if not label:
        raise ValueError("the label is empty; type the text of the image, or skip it")
    if not label.isprintable():
        raise ValueError(f"the label {label!r} contains an invisible character; type it again")
    return label
