"""Names of images that are no labels, and files of labels that are not read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, takewhile
from pathlib import Path

from skcaptcha.errors import DatasetError

# What cameras, browsers and programs call an image, whatever it shows.
_WORDS = (
    r"captchas?|capchas?|code|crop|data|download|dsc|file|frame|image|img|index|out|output|page|"
    r"photo|pic|picture|sample|scan|screen ?shot( from)?|screen|test|train|unnamed|untitled|val|"
    r"whatsapp image"
)
_WORD_AND_NUMBER = re.compile(rf"({_WORDS})[-_ .()0-9]*", re.IGNORECASE)
_HASH = re.compile("[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
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
_FEWEST = 3
# Numbers of images fill much of their range; labels that are numbers are scattered over it.
_DENSE = 0.5
# Of images that were drawn from numbered ones, many numbers still begin with the same zeros.
_MANY, _SPARSE, _NARROW = 20, 0.02, 0.1


def refuse_names(folder: Path, labels: Mapping[str, str]) -> None:
    """Refuse a folder whose images are named by anything but their labels.

    Parameters
    ----------
    folder : Path
    labels : mapping of str to str
        The name of each of its images, and what would be its label.

    Raises
    ------
    DatasetError
        If a file that probably holds the labels is not one that is read, or if the names are, or
        begin with, numbers, words such as captcha_1, or hashes.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.datasets._names import refuse_names
    >>> names = ["00001.png", "00002.png", "00004.png"]
    >>> refuse_names(Path("artifacts"), {name: name[:-4] for name in names})
    Traceback (most recent call last):
        ...
    skcaptcha.errors.DatasetError: artifacts: its images have numbers (00001.png to 00004.png)...
    """
    names = list(labels)
    _refuse_unread_files(folder, names)
    found = _what_else(names)
    rule = ""
    if found is None:
        found = _what_else_first(labels)
        rule = "the label comes first in a name, as in 5UFQ_1.png; "
    if found is None:
        return
    above = next((n for n in ("labels.csv", "labels.txt") if (folder.parent / n).is_file()), None)
    remedy = "name each by its label, such as 5UFQ.png, or write a labels.csv with the columns "
    remedy += "filename and label"
    if above is not None:
        remedy = f"move {folder.parent / above}, which is not read there, into the folder"
    raise DatasetError(
        f"{folder}: its images have {found} ({names[0]} to {names[-1]}), not labels; {rule}{remedy}"
    )


def _what_else(names: Sequence[str]) -> str | None:
    """Say what the names are, if they are no labels."""
    if len(names) < _FEWEST:
        return None
    stems = [Path(name).stem for name in names]
    if all(map(_HASH.fullmatch, stems)):
        return "hashes"
    words = {match and match[1].lower() for match in map(_WORD_AND_NUMBER.fullmatch, stems)}
    if len(words) == 1 and None not in words:
        return "words and numbers"
    first, last = min(stems), max(stems)  # what begins both, begins all
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    prefix = re.sub("[0-9]+$", "", "".join(character for character, _ in same))
    # A suffix tells images of one label apart.
    if prefix.endswith(("-", "_")):
        return None
    digits = [stem[len(prefix) :] for stem in stems]
    if not all(re.fullmatch("[0-9]+", number) for number in digits):
        return None
    return "numbers" if _are_numbers_of_images(digits) else None


def _what_else_first(labels: Mapping[str, str]) -> str | None:
    """Say what the names begin with, if no label stands before what tells equal labels apart."""
    rests = {Path(name).stem[len(label) :] for name, label in labels.items()}
    # What repeats is a counter of equal labels.
    if 2 * len(rests) <= len(labels):
        return None
    match _what_else(list(labels.values())):
        case None:
            return None
        case "words and numbers":
            return "names that all begin with a word"
        case found:
            return f"names that begin with {found}"


def _are_numbers_of_images(digits: Sequence[str]) -> bool:
    n, longest = len(digits), max(map(len, digits))
    numbers = set(map(int, digits))
    # Single digits may well be what the images show.
    if len(numbers) < n or longest == 1:
        return False
    span = max(numbers) - min(numbers) + 1
    scattered = n >= _MANY and n >= _SPARSE * span and span <= _NARROW * 10**longest
    return n >= _DENSE * span or scattered


def _refuse_unread_files(folder: Path, names: Sequence[str]) -> None:
    files = sorted(os.listdir(folder))
    unread = [name for name in files if _LABELS_ELSEWHERE.fullmatch(name)]
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
    >>> from skcaptcha.datasets._names import refuse_pairs
    >>> refuse_pairs(Path("labels.txt"), ["5UFQ", "HOTS"])
    >>> refuse_pairs(Path("labels.txt"), ["1.png 5UFQ", "2.png HOTS"])
    Traceback (most recent call last):
        ...
    skcaptcha.errors.DatasetError: labels.txt: its lines hold names beside the labels, such as...
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
