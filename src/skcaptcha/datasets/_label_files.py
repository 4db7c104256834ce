"""Checks of label files: those that are not read, and those with more than labels in a line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from skcaptcha.exceptions import DatasetError

_UNREAD_LABEL_FILE = re.compile(
    r"((.*[-_ ])?(labels?|gt)([-_ ].*)?|ground[-_ ]?truth|annotations?|answers|captions?|metadata|"
    r"texts|transcriptions?|transcripts?|_annotations\.coco)"
    r"(\.csv|\.txt)?\.(csv|tsv|txt|jsonl?|xml|ya?ml|xlsx?|ods|parquet)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\s*\"?\S.*?\.(png|jpe?g|gif|bmp|webp|tiff?)\"?[\t ,;:|=]+[^\s,;:|=]", re.IGNORECASE
)
_NAMED_LAST = re.compile(
    r"[\t ,;:|=]\"?[^\s,;:|=]+\.(png|jpe?g|gif|bmp|webp|tiff?)\"?\s*$", re.IGNORECASE
)
_NUMBERED = re.compile(r"\s*([0-9]{1,18})[\t ,;:|=]+[^\s,;:|=]")
_HEADER = re.compile(
    r"\W*(image|captcha)?[-_ ]?(labels?|texts?|captchas?|codes?|strings?|words?|answers?|"
    r"solutions?|values?|targets?|characters?|transcriptions?|ground[-_ ]?truth|gt)\W*",
    re.IGNORECASE,
)
_FEWEST = 3


def may_hold_labels(name: str) -> bool:
    """Return whether a file next to images probably contains their labels, but is not read.

    >>> may_hold_labels("labels.json"), may_hold_labels("results.json")
    (True, False)
    """
    return _UNREAD_LABEL_FILE.fullmatch(name) is not None


def check_unread_files(folder: Path, names: Sequence[str]) -> None:
    """Raise DatasetError if a file that is not read probably contains the labels of the images.

    The folder has neither a labels.csv nor a labels.txt; `names` are those of its images.
    """
    files = sorted(os.listdir(folder))
    unread = [name for name in files if may_hold_labels(name)]
    if not unread:
        # OCR programs keep the text of each image in a file next to it.
        beside = {f"{Path(name).stem}.gt.txt" for name in names}
        unread = [name for name in files if name in beside]
    if unread:
        raise DatasetError(
            f"{folder}: labels are read from labels.csv or labels.txt, not from {unread[0]}; write "
            "a labels.csv with the columns filename and label, or, if the names of the images are "
            f"their labels, move {unread[0]} to another folder"
        )


def check_no_pairs(path: Path, lines: Iterable[str]) -> None:
    """Raise DatasetError if the lines of a labels.txt contain the names of images as well."""
    filled = [line for line in lines if line.strip()]
    pairs = [line for line in filled if _NAMED.match(line) or _NAMED_LAST.search(line)]
    if 2 * len(pairs) <= len(filled):
        matches = list(map(_NUMBERED.match, filled))
        numbers = [int(match[1]) for match in matches if match]
        ascend = all(a < b for a, b in pairwise(numbers))
        pairs = filled if _FEWEST <= len(numbers) == len(filled) and ascend else []
    if pairs:
        raise DatasetError(
            f"{path}: its lines contain names as well as labels, such as {pairs[0]!r}, but line "
            "N must be the label of image N only; save it as labels.csv instead, with "
            "filename,label as its first line and a comma between the two in each line"
        )


def check_no_header(path: Path, lines: Sequence[str], n_images: int) -> None:
    """Raise DatasetError if the first line of a labels.txt is a header, which shifts all labels.

    A word such as label or text is a header unless there is one line for each of the `n_images` and
    other lines are as long as the word.
    """
    first, *others = [line for line in lines if line.strip()] or [""]
    if not others or not _HEADER.fullmatch(first):
        return
    if len(others) >= n_images or len(first) not in map(len, others):
        raise DatasetError(
            f"{path}: its first line, {first!r}, seems to be a header, but line 1 must be the "
            "label of image 1; delete that line, or, if it is a label, write a labels.csv with the "
            "columns filename and label"
        )
