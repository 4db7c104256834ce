"""A .gt.txt file beside each image, as kraken, Calamari and OCRopus use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from skcaptcha.datasets._read_labels import decode_labels, read_label_file
from skcaptcha.datasets._unusual_labels import normalize_label
from skcaptcha.datasets.label_formats.tab_separated import split_lines
from skcaptcha.exceptions import DatasetError

_SUFFIX = ".gt.txt"
_PREPROCESSED = (".bin", ".nrm", ".dew")  # as in 0001.bin.png


def has_texts_beside(folder: Path, names: Sequence[str]) -> bool:
    """Return whether an image of a folder has a file with its text beside it."""
    files = _files(folder)
    return bool(files) and not files.isdisjoint(map(_file_of, names))


def labels_beside(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the label of each image that has a file with its text beside it.

    Raise DatasetError if such a file has no image, no text, or more than one line.
    """
    files = _files(folder)
    of_image = {name: _file_of(name) for name in names}
    alone = sorted(files - set(of_image.values()))
    if alone:
        raise DatasetError(
            f"{folder}: {len(alone)} of its {len(files)} .gt.txt files have no image beside them, "
            f"first {alone[0]}; restore the images or delete these files"
        )
    return {name: _label(folder / file) for name, file in of_image.items() if file in files}


def _files(folder: Path) -> set[str]:
    return {
        name for name in os.listdir(folder) if name.endswith(_SUFFIX) and not name.startswith(".")
    }


def _file_of(name: str) -> str:
    stem = os.path.splitext(name)[0]
    first, suffix = os.path.splitext(stem)
    return f"{first if suffix in _PREPROCESSED else stem}{_SUFFIX}"


def _label(path: Path) -> str:
    lines = [line for line in split_lines(decode_labels(path, read_label_file(path))) if line]
    if not lines:
        raise DatasetError(f"{path}: the label is empty; write it or delete the file")
    if len(lines) > 1:
        raise DatasetError(
            f"{path}: line 2: {len(lines)} lines were found; an image has one line of text"
        )
    return normalize_label(lines[0])
