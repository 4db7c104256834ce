"""The file labels.csv of a folder that is being labeled, which others may edit meanwhile."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from skcaptcha._files.atomic import write_atomically
from skcaptcha._files.regular_file import UnreadableError, check_size_of_text, read_regular_file
from skcaptcha.datasets import load_captchas
from skcaptcha.datasets._load import actual_names
from skcaptcha.datasets._odd_labels import normalized
from skcaptcha.exceptions import DatasetError, LabelWarning

_BOM = b"\xef\xbb\xbf"
_NOT_UTF8 = re.compile("[\ud800-\udfff]")


class LabelTable:
    """The labels of a folder, as its labels.csv holds them.

    Every change is read from the file before and written to it at once, so that what others write
    to it is kept: their rows, the order of rows, and columns besides ``filename`` and ``label``.

    Parameters
    ----------
    folder : Path
    name_labels : bool, default=False
        Whether images are labeled by their names where nothing else labels them. They then come
        into the file with the first change, as those of a labels.txt do.

    Attributes
    ----------
    path : Path
        The file; it is there only after the first change.
    labels : dict of str to str
        By file name, as last read or written.

    Raises
    ------
    DatasetError
        If the folder's labels are not as `load_captchas` wants them.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.label._table import LabelTable
    >>> with TemporaryDirectory() as folder:
    ...     table = LabelTable(Path(folder))
    ...     table.put("1.png", "5UFQ")
    ...     table.remove("1.png")
    ...     table.put("2.png", "HOTS")
    ...     table.path.read_text().split()
    ['filename,label', '2.png,HOTS']
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
            # What is odd is said by whoever shows the labels.
            with warnings.catch_warnings(action="ignore", category=LabelWarning):
                captchas = load_captchas(folder)
            found = zip(captchas.filenames, captchas.target.tolist(), strict=True)
            self._rows = {name: [name, label] for name, label in found}
            self._index()

    def refresh(self) -> None:
        """Read the file if it has changed.

        Raises
        ------
        DatasetError
            If it cannot be read as a table of labels; what was known then stays so.
        """
        content = self._read()
        # Who deletes the file, or has not finished moving another there, keeps what it held.
        if content is None or content == self._content:
            self._content = content
            return
        self._parse(content)
        self._content = content
        self._index()

    def put(self, filename: str, label: str, row: Mapping[str, str] | None = None) -> None:
        """Give an image a label, on disk.

        Parameters
        ----------
        filename, label : str
        row : mapping of str to str, optional
            What further columns are to hold, by name, if the image has no row yet.

        Raises
        ------
        DatasetError, OutputError
            If the file cannot be read or written; nothing is changed then.
        """
        self.refresh()
        known = self._rows.get(filename)
        if known is None:
            known = [(row or {}).get(column, "") for column in self._header]
        changed = list(known)
        changed[self._column("filename")], changed[self._column("label")] = filename, label
        self._write({**self._rows, filename: changed})

    def remove(self, filename: str) -> None:
        """Take an image's row out of the file, if it has one.

        Parameters
        ----------
        filename : str

        Raises
        ------
        DatasetError, OutputError
            If the file cannot be read or written; nothing is changed then.
        """
        self.refresh()
        if filename in self._rows:
            self._write({name: row for name, row in self._rows.items() if name != filename})

    def row(self, filename: str) -> dict[str, str]:
        """Give what the row of an image holds, by column; empty if it has none.

        Parameters
        ----------
        filename : str

        Returns
        -------
        row : dict of str to str
        """
        return dict(zip(self._header, self._rows.get(filename, ()), strict=False))

    def _read(self) -> bytes | None:
        if not os.path.lexists(self.path):
            return None
        try:
            return read_regular_file(self.path, check_size_of_text)
        except UnreadableError as error:
            raise DatasetError(f"{self.path}: {error}") from error

    def _parse(self, content: bytes) -> None:
        try:
            text = content.decode("utf-8-sig")
            header, *rows = csv.reader(StringIO(text, newline=""), strict=True) if text else [[]]
        except UnicodeDecodeError as error:
            raise DatasetError(f"{self.path}: is not UTF-8 text; save it as UTF-8") from error
        except csv.Error as error:
            raise DatasetError(
                f"{self.path}: is not a well-formed CSV file ({error}); correct it"
            ) from error
        if not {"filename", "label"} <= set(header):
            raise DatasetError(
                f"{self.path}: its first line must name the columns filename and label; found "
                f"{', '.join(header) or 'none'}"
            )
        place = {column: k for k, column in enumerate(header)}
        found: dict[str, list[str]] = {}
        for cut_short in filter(None, rows):
            row = cut_short + [""] * (len(header) - len(cut_short))
            if len(row) > len(header):
                raise DatasetError(
                    f"{self.path}: the row of {row[0]} has more columns than the first line names; "
                    'put a label that holds a comma in quotes, as in 1.png,"a,b"'
                )
            name = row[place["filename"]]
            if not row[place["label"]]:
                raise DatasetError(
                    f"{self.path}: the label of {name} is empty; write it or delete the line"
                )
            if name in found:
                raise DatasetError(
                    f"{self.path}: {name} occurs more than once; keep one line for it"
                )
            found[name] = row
        if not all(map(str.isascii, found)):
            there = actual_names(found, os.listdir(self.path.parent))
            found = {there.get(name, name): row for name, row in found.items()}
        self._header, self._rows = header, found
        self._newline = "\r\n" if b"\r\n" in content else "\n"

    def _column(self, name: str) -> int:
        # Of columns with the same name the last counts, as it does to csv.DictReader.
        return len(self._header) - 1 - self._header[::-1].index(name)

    def _write(self, rows: dict[str, list[str]]) -> None:
        odd = next(filter(_NOT_UTF8.search, rows), None)
        if odd is not None:
            raise DatasetError(
                f"{self.path}: cannot hold the file name {odd!r}, which is not UTF-8; rename the "
                "image"
            )
        buffer = StringIO(newline="")
        plain = csv.writer(buffer, lineterminator=self._newline)
        # A carriage return is only put in quotes by itself where lines end with one.
        quoted = csv.writer(buffer, lineterminator=self._newline, quoting=csv.QUOTE_ALL)
        for row in [self._header, *rows.values()]:
            (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
        begins_with_bom = self._content is not None and self._content.startswith(_BOM)
        content = begins_with_bom * _BOM + buffer.getvalue().encode()
        write_atomically(self.path, lambda file: file.write(content))
        self._content, self._rows = content, rows
        self._index()

    def _index(self) -> None:
        column = self._column("label")
        self.labels = {name: normalized(row[column]) for name, row in self._rows.items()}


def check_label(text: str) -> str:
    """Check what somebody typed as a label.

    Parameters
    ----------
    text : str

    Returns
    -------
    label : str
        The same without the spaces around it, which nobody would see, and with its letters
        composed (Unicode's form NFC).

    Raises
    ------
    ValueError
        If nothing is left, or it holds line breaks or control characters.

    Examples
    --------
    >>> from skcaptcha.label._table import check_label
    >>> check_label("5UFQ ")
    '5UFQ'
    """
    label = normalized(text.strip())
    if not label:
        raise ValueError("the label is empty; type what the image shows, or skip it")
    if not label.isprintable():
        raise ValueError(f"the label {label!r} holds a character that cannot be seen; type it anew")
    return label
