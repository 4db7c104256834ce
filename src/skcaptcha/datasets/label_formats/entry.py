"""What a label file says about one image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from skcaptcha.exceptions import DatasetError

# Files cannot hold surrogates, and numpy drops zeros at the end of a string.
_NOT_IN_LABELS = re.compile("[\0\ud800-\udfff]")
# Python has surrogates for the bytes of names that are not UTF-8.
_NOT_IN_NAMES = re.compile("[\ud800-\udc7f\udd00-\udfff]")


class NoLabelsError(DatasetError):
    """A file is not one of labels at all, and may be meant for something else."""


class LabelEntry(NamedTuple):
    """An image and its label, as a label file names them."""

    filename: str
    """Name of the image, perhaps with folders that do not exist here, or an address."""
    label: str
    place: str
    """Where the file says so, such as "line 3"."""


def make_entry(path: Path, place: str, filename: Any, label: Any) -> LabelEntry:
    """Return an entry; raise DatasetError if the name or the label is not a non-empty string.

    >>> make_entry(Path("labels.json"), "line 3", "1.png", 42)
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.DatasetError: labels.json: line 3: the label of 1.png is the number 42;
    write it in quotes, because numbers lose leading zeros
    """
    if not isinstance(filename, str) or not filename:
        raise DatasetError(f"{path}: {place} does not name an image; write its name or delete it")
    if label is None or label == "":
        raise DatasetError(
            f"{path}: {place}: the label of {filename} is empty; write it or delete the line"
        )
    if isinstance(label, int | float) and not isinstance(label, bool):
        raise DatasetError(
            f"{path}: {place}: the label of {filename} is the number {label}; write it in quotes, "
            "because numbers lose leading zeros"
        )
    if not isinstance(label, str):
        raise DatasetError(
            f"{path}: {place}: the label of {filename} is not a string; write it in quotes"
        )
    if found := _NOT_IN_NAMES.search(filename) or _NOT_IN_LABELS.search(label):
        raise DatasetError(
            f"{path}: {place}: the name or the label of {filename!a} contains "
            f"{found[0]!a}, which is not a character; correct it"
        )
    return LabelEntry(filename, label, place)
