"""gt.txt and TSV: the name of an image, a tab and its label in each line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from skcaptcha.datasets._file_kinds import is_image
from skcaptcha.datasets.label_formats.columns import find_columns
from skcaptcha.datasets.label_formats.entry import LabelEntry, NoLabelsError, make_entry
from skcaptcha.exceptions import DatasetError


def split_lines(text: str) -> list[str]:
    r"""Return the lines of a text, which end in ``\r\n``, ``\r`` or ``\n``."""
    return re.split(r"\r\n|\r|\n", text)


def begins_with_image(lines: Sequence[str]) -> bool:
    """Return whether the first line that is not empty has the name of an image and a tab."""
    first = next(filter(str.strip, lines), "")
    name, tab, _ = first.partition("\t")
    return bool(tab) and is_image(name.strip())


def has_header(lines: Sequence[str]) -> bool:
    """Return whether the first line names columns, which are separated by tabs."""
    return find_columns(lines[0].split("\t")) is not None


def tab_separated_entries(path: Path, lines: Sequence[str]) -> list[LabelEntry]:
    r"""Return the images with their labels; raise DatasetError if a line has no or two tabs.

    >>> tab_separated_entries(Path("gt.txt"), ["train/1.png\t5UFQ", ""])
    [LabelEntry(filename='train/1.png', label='5UFQ', place='line 1')]
    """
    entries: list[LabelEntry] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if line.count("\t") != 1:
            found = "no tab" if "\t" not in line else "more than one tab"
            kind = DatasetError if entries else NoLabelsError
            raise kind(
                f"{path}: line {number}, {line!r}, has {found}; write the name of an image, a tab "
                "and its label in each line"
            )
        name, label = line.split("\t")
        if label.startswith('[{"transcription"'):
            raise DatasetError(
                f"{path}: line {number} contains boxes instead of a label; export the recognition "
                "result from PPOCRLabel, with one image and its text per line"
            )
        entries.append(make_entry(path, f"line {number}", name, label))
    return entries
