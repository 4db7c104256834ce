"""Which file next to images holds their labels."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from skcaptcha.datasets._list_images import images_directly_in
from skcaptcha.datasets.label_formats.entry import NoLabelsError
from skcaptcha.datasets.label_formats.text_beside import has_texts_beside
from skcaptcha.exceptions import DatasetError

FIRST = ("labels.csv", "labels.txt")
_LABEL_FILE = re.compile(
    r"((.*[-_ ])?(labels?|gt|coco)([-_ ].*)?|ground[-_ ]?truth|annotations?|answers|captions?|"
    r"metadata|texts|transcriptions?|transcripts?|_annotations\.coco|instances_.*|"
    r"project-[0-9]+-at-.*)"
    r"(\.csv|\.txt)?\.(csv|tsv|txt|jsonl?|xml|ya?ml|xlsx?|ods|parquet)",
    re.IGNORECASE,
)
_READ = (".csv", ".tsv", ".txt", ".json", ".jsonl")
TEXTS_BESIDE = ".gt.txt files"


def may_hold_labels(name: str) -> bool:
    """Return whether a file next to images probably contains their labels.

    >>> may_hold_labels("labels.json"), may_hold_labels("results.json")
    (True, False)
    """
    return _LABEL_FILE.fullmatch(name) is not None


def find_label_file(folder: Path, names: Sequence[str]) -> str | None:
    """Return the name of the file that holds the labels of a folder, or None if there is none.

    It is `TEXTS_BESIDE` if each image has a file of its own. A labels.csv comes first, then a
    labels.txt. Raise DatasetError if one of several others could be meant, or if the only one has a
    format that is not read. `names` are those of the images.
    """
    for name in FIRST:
        if os.path.lexists(folder / name):  # broken links count as well
            return name
    files = sorted(
        name
        for name in os.listdir(folder)
        if may_hold_labels(name) and not name.lower().endswith(".gt.txt")
    )
    found = [name for name in files if name.lower().endswith(_READ)]
    if has_texts_beside(folder, names):
        found.append(TEXTS_BESIDE)
    if len(found) > 1:
        raise DatasetError(
            f"{folder}: labels could be read from {found[0]} or from {found[1]}; choose one with "
            "--labels (in Python, labels=), or move the other to another folder"
        )
    if files and not found:
        raise NoLabelsError(
            f"{folder}: labels are read from CSV, TSV, text and JSON files, not from {files[0]}; "
            "write a labels.csv with the columns filename and label, or, " + move_if_named(files[0])
        )
    return found[0] if found else None


def has_label_file(folder: Path) -> bool:
    """Return whether the labels of the images in a folder come from files, not from names.

    Raise DatasetError if several files could be meant.
    """
    try:
        return find_label_file(folder, images_directly_in(folder)) is not None
    except NoLabelsError:
        return False  # the only one is not read


def move_if_named(name: str) -> str:
    """Return what to do if a file that seems to hold labels does not."""
    return f"if the names of the images are their labels, move {name} to another folder"
