"""Files of labels that are not read, and those whose lines are not labels alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from skcaptcha.exceptions import DatasetError

_LABELS_ELSEWHERE = re.compile(
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
    """Tell whether a file beside images seems to hold their labels, but is not read.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    may : bool

    Examples
    --------
    >>> from skcaptcha.datasets._label_files import may_hold_labels
    >>> may_hold_labels("labels.json"), may_hold_labels("results.json")
    (True, False)
    """
    return _LABELS_ELSEWHERE.fullmatch(name) is not None


def refuse_unread_files(folder: Path, names: Sequence[str]) -> None:
    """Refuse a folder in which a file that is not read probably holds the labels.

    Parameters
    ----------
    folder : Path
        It has neither a labels.csv nor a labels.txt.
    names : sequence of str
        Of its images.

    Raises
    ------
    DatasetError
        Names the file.
    """
    files = sorted(os.listdir(folder))
    unread = [name for name in files if may_hold_labels(name)]
    if not unread:
        # Programs for reading print keep the text of each image in a file beside it.
        beside = {f"{Path(name).stem}.gt.txt" for name in names}
        unread = [name for name in files if name in beside]
    if unread:
        raise DatasetError(
            f"{folder}: labels are read from labels.csv or labels.txt, not from {unread[0]}; write "
            "a labels.csv with the columns filename and label, or, if the names of the images are "
            f"their labels, move {unread[0]} to another folder"
        )


def refuse_pairs(path: Path, lines: Iterable[str]) -> None:
    """Refuse a labels.txt whose lines hold the names of images too.

    Parameters
    ----------
    path : Path
    lines : iterable of str

    Raises
    ------
    DatasetError
        If they do.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.datasets._label_files import refuse_pairs
    >>> refuse_pairs(Path("labels.txt"), ["5UFQ", "HOTS"])
    >>> refuse_pairs(Path("labels.txt"), ["1.png 5UFQ", "2.png HOTS"])
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.DatasetError: labels.txt: its lines hold names beside the labels...
    """
    filled = [line for line in lines if line.strip()]
    pairs = [line for line in filled if _NAMED.match(line) or _NAMED_LAST.search(line)]
    if 2 * len(pairs) <= len(filled):
        matches = list(map(_NUMBERED.match, filled))
        numbers = [int(match[1]) for match in matches if match]
        ascend = all(a < b for a, b in pairwise(numbers))
        pairs = filled if _FEWEST <= len(numbers) == len(filled) and ascend else []
    if pairs:
        raise DatasetError(
            f"{path}: its lines hold names beside the labels, such as {pairs[0]!r}, and line N "
            "must be the label of image N alone; save it as labels.csv instead, with "
            "filename,label as its first line and a comma between the two in each line"
        )


def refuse_header(path: Path, lines: Sequence[str], n_images: int) -> None:
    """Refuse a labels.txt whose first line names a column, which moves all labels by one image.

    Parameters
    ----------
    path : Path
    lines : sequence of str
    n_images : int
        The highest number that an image is named by.

    Raises
    ------
    DatasetError
        If the first line is a word such as label or text, unless there is one line for each image
        and the others are as long as the word.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.datasets._label_files import refuse_header
    >>> refuse_header(Path("labels.txt"), ["label", "horse", "house"], 3)
    >>> refuse_header(Path("labels.txt"), ["label", "5UFQ", "HOTS"], 2)
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.DatasetError: labels.txt: its first line, 'label', seems to be a header...
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
