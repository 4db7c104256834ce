"""labels.txt, whose line N is the label of the image named N."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from skcaptcha.datasets._unusual_labels import normalize_label
from skcaptcha.exceptions import DatasetError

_NOT_A_COUNT = 10**18  # longer numbers are timestamps or hashes
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


def labels_of_lines(path: Path, lines: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return the label of each image that has one; raise DatasetError if the lines are not so."""
    _check_no_pairs(path, lines)
    numbered: dict[int, list[str]] = {}
    for name in names:
        if re.fullmatch("[0-9]+", stem := Path(name).stem):
            numbered.setdefault(int(stem), []).append(name)
    _check_no_header(path, lines, max((n for n in numbered if n < _NOT_A_COUNT), default=0))
    labels: dict[str, str] = {}
    for number, (name, *others) in numbered.items():
        if not 1 <= number <= len(lines):
            continue
        if label := lines[number - 1]:
            labels[name] = normalize_label(label)
            if others:
                raise DatasetError(
                    f"{path}: line {number} could belong to {name} or to {others[0]}; "
                    "rename or delete one"
                )
        elif any(lines[number:]):
            raise DatasetError(
                f"{path}: line {number}, the label of {name}, is empty; write it or delete {name}"
            )
    if not labels:
        raise DatasetError(
            f"{path}: labels none of the {len(names)} images; line N is the label of the image "
            "named N, such as 1.png"
        )
    if 0 in numbered:
        first = numbered.get(1, ["image 1"])[0]
        raise DatasetError(
            f"{path}: line N is the label of the image named N, so {numbered[0][0]} has no label; "
            f"if line 1 is its label, and not that of {first}, write a labels.csv with the columns "
            "filename and label; otherwise move it to another folder"
        )
    return labels


def _check_no_pairs(path: Path, lines: Iterable[str]) -> None:
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


def _check_no_header(path: Path, lines: Sequence[str], n_images: int) -> None:
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
