"""The file labels.csv of a folder that is being labeled, which other programs may edit too."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections.abc import Collection, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from skcaptcha._files.atomic import write_atomically
from skcaptcha.datasets import load_captchas
from skcaptcha.datasets._label_files import has_label_file
from skcaptcha.datasets._match_filenames import match_filenames
from skcaptcha.datasets._read_labels import LabelCsv, parse_labels_csv, read_label_file
from skcaptcha.datasets._unusual_labels import normalize_label
from skcaptcha.exceptions import DatasetError, LabelWarning

_SOURCE, _TYPED, _ACCEPTED = "source", "typed", "accepted"
_BOM = b"\xef\xbb\xbf"
_LINE_ENDS = ("\r\n", "\n", "\r")
_NOT_UTF8 = re.compile("[\ud800-\udfff]")


class LabelTable:
    """The labels of a folder, as its labels.csv holds them.

    The file is read before every change and written right after it, so that other programs' edits
    are kept: their rows, the order of rows, the separator, and columns other than those of the
    file name and the label. A column ``source`` is added with the first accepted reading: it is
    ``accepted`` for readings of a model that were accepted with others, and ``typed`` for labels.

    Parameters
    ----------
    folder : Path
        Folder of the images.
    name_labels : bool, default=False
        Whether file names are labels if there is no file of labels. With the first change, they
        are written to labels.csv, as are the labels of another file.

    Attributes
    ----------
    path : Path
        Path of labels.csv, which is created by the first change.
    labels : dict of str to str
        Labels by file name, as last read or written.
    accepted : frozenset of str
        Images whose labels are accepted readings.

    Raises
    ------
    DatasetError
        If `load_captchas` could not read the labels.
    """

    def __init__(self, folder: Path, *, name_labels: bool = False) -> None:
        self.path = folder / "labels.csv"
        self.labels: dict[str, str] = {}
        self.accepted: frozenset[str] = frozenset()
        self._table = LabelCsv(["filename", "label"], {}, {}, 0, 1)
        self._newline = "\n"
        self._content: bytes | None = None
        self.refresh()
        if self._content is None and (name_labels or has_label_file(folder)):
            # The caller reports unusual labels.
            with warnings.catch_warnings(action="ignore", category=LabelWarning):
                captchas = load_captchas(folder)
            found = zip(captchas.filenames, captchas.target.tolist(), strict=True)
            self._set_rows({name: [name, label] for name, label in found})

    def refresh(self) -> None:
        """Read the file if it has changed.

        If this raises DatasetError because the file is not a table of labels, nothing changes.
        """
        content = read_label_file(self.path) if os.path.lexists(self.path) else None
        # While another program replaces the file, it may be missing; the labels are kept then.
        if content is not None and content != self._content:
            table = parse_labels_csv(self.path, content)
            rows = table.rows
            if not all(map(str.isascii, rows)):
                on_disk = match_filenames(rows, os.listdir(self.path.parent))
                rows = {on_disk.get(name, name): row for name, row in rows.items()}
            self._table = table
            self._newline = next((end for end in _LINE_ENDS if end.encode() in content), "\n")
            self._set_rows(rows)
        self._content = content

    def check_sources(self) -> None:
        """Raise DatasetError if another program uses the column ``source`` for something else."""
        if self._has_other_sources:
            raise DatasetError(
                f"{self.path}: the column source has other values than {_TYPED} and {_ACCEPTED}; "
                "rename it, so that accepted readings can be marked there"
            )

    def put(
        self,
        labels: Mapping[str, str],
        *,
        accepted: Collection[str] = (),
        row: Mapping[str, str] | None = None,
    ) -> None:
        """Write the labels of images at once: either all of them or none.

        `accepted` are the images whose labels are accepted readings. `row` holds the other columns
        of new rows, by name. If this raises DatasetError or OutputError because the file cannot be
        read or written, nothing changes.
        """
        self.refresh()
        if accepted:
            self.check_sources()
        table, source = self._table, None if self._has_other_sources else self._source
        rows = dict(table.rows)
        if accepted and source is None:
            source = len(table.header)
            rows = {name: [*cells, _TYPED] for name, cells in rows.items()}
            table = table._replace(header=[*table.header, _SOURCE])
        for filename, label in labels.items():
            known = rows.get(filename) or [(row or {}).get(name, "") for name in table.header]
            changed = list(known)
            changed[table.filename] = filename
            changed[table.label] = label
            if source is not None:
                changed[source] = _ACCEPTED if filename in accepted else _TYPED
            rows[filename] = changed
        self._write(table._replace(rows=rows))

    def remove(self, filenames: Collection[str]) -> None:
        """Remove the rows of images that have one; the same errors as those of `put`."""
        self.refresh()
        rows = self._table.rows
        if not rows.keys().isdisjoint(filenames):
            kept = {name: row for name, row in rows.items() if name not in filenames}
            self._write(self._table._replace(rows=kept))

    def row(self, filename: str) -> dict[str, str]:
        """Return the row of an image by column; empty if it has none."""
        return dict(zip(self._table.header, self._table.rows.get(filename, ()), strict=False))

    @property
    def _source(self) -> int | None:
        if self._is_name_or_label or _SOURCE not in self._table.header:
            return None
        return self._table.header.index(_SOURCE)

    @property
    def _is_name_or_label(self) -> bool:
        """Whether the column ``source`` holds the names of the images or their labels."""
        table = self._table
        return _SOURCE in {table.header[table.filename], table.header[table.label]}

    @property
    def _has_other_sources(self) -> bool:
        k = self._source
        values = set() if k is None else {row[k] for row in self._table.rows.values()}
        return self._is_name_or_label or not values <= {"", _TYPED, _ACCEPTED}

    def _write(self, table: LabelCsv) -> None:
        odd = next(filter(_NOT_UTF8.search, table.rows), None)
        if odd is not None:
            raise DatasetError(
                f"{self.path}: the file name {odd!r} is not UTF-8 and cannot be written; rename "
                "the image"
            )
        buffer = StringIO(newline="")
        form: Any = {"delimiter": table.separator, "lineterminator": self._newline}
        plain = csv.writer(buffer, **form)
        # The csv module quotes a carriage return only if lines end with one.
        quoted = csv.writer(buffer, **form, quoting=csv.QUOTE_ALL)
        for row in [table.header, *table.rows.values()]:
            (quoted if any("\r" in cell for cell in row) else plain).writerow(row)
        begins_with_bom = self._content is not None and self._content.startswith(_BOM)
        content = begins_with_bom * _BOM + buffer.getvalue().encode()
        write_atomically(self.path, content)
        self._content = content
        self._table = table
        self._set_rows(table.rows)

    def _set_rows(self, rows: dict[str, list[str]]) -> None:
        self._table = self._table._replace(rows=rows)
        label = self._table.label
        self.labels = {name: normalize_label(row[label]) for name, row in rows.items()}
        source = self._source
        self.accepted = frozenset(
            name for name, row in rows.items() if source is not None and row[source] == _ACCEPTED
        )


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
