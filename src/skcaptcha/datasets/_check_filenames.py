"""Checks of image names from which labels are taken."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, takewhile
from pathlib import Path

from skcaptcha.exceptions import DatasetError

# Names that cameras, browsers and programs give to any image.
_WORD = (
    r"(re|h)?[ck]apt?chas?|auth|check|code|crop|data|download|dsc|file|frame|gen(erate)?|get|image|img|"
    r"index|login|new|num(ber)?|out|output|page|photo|pic|picture|rand(om)?|register|"
    r"sample|scan|screen ?shot( from)?|screen|security|show|sign ?(in|up)|test|train|unnamed|"
    r"untitled|val|valid(ate|ation)?|verif(y|ication)|[vy]code|whatsapp image|yzm"
)
_WORDS_AND_NUMBER = re.compile(rf"((?:{_WORD})(?:[-_ .]?(?:{_WORD}))*)[-_ .()0-9]*", re.IGNORECASE)
_HASH = re.compile("[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Seconds since 1970, from 2008 to 2033, or fractions of them; or a date, optionally with a time.
_TIMESTAMP = re.compile(
    r"1[2-9][0-9]{8}([0-9]{3}|[0-9]{6}|[0-9]{9})?([._][0-9]+)?|"
    r"(19|20)[0-9]{2}(?P<dash>[-_.]?)(0[1-9]|1[0-2])(?P=dash)(0[1-9]|[12][0-9]|3[01])"
    r"([-_. T]*(at )?([01][0-9]|2[0-3])[-_.:]?[0-5][0-9]([-_.:]?[0-5][0-9]([-_.]?[0-9]+)?)?)?"
)
_DIGITS = re.compile("[0-9]+")
_FEWEST = 3
# Numbers of images fill most of their range; labels that are numbers are scattered over it.
_DENSE, _FULL = 0.5, 0.95
# If images were sampled from numbered ones, many numbers still begin with the same zeros.
_MANY, _SPARSE, _NARROW = 20, 0.02, 0.1
_LONGEST_NUMBER_IN_DOUBT = 3
# Maximum length of a part of a label after a dash: hashes and times are longer.
_LONGEST_PART_OF_LABEL = 7
_FEW_ENDINGS = 3
_CLOSE = 2


def check_filenames(folder: Path, labels: Mapping[str, str]) -> list[str]:
    """Raise DatasetError if images are not named by their labels.

    `labels` maps the name of each image of the folder to its label. The names, or at least three of
    them, must not be or begin with numbers, timestamps, words such as captcha_1, or hashes. Return
    warnings about names that are probably labels, but may be something else.
    """
    names = list(labels)
    stems = {_stem(name): name for name in names}
    whose, some, rule = "its images", list(stems), ""
    found = kind_of_names(some)
    if found is None and (found := _kind_of_beginnings(labels)) is not None:
        rule = "the label comes first in a name, as in 5UFQ_1.png; "
    if found is None:
        found, some = _kind_of_some_names({stem: labels[name] for stem, name in stems.items()})
        whose = f"{len(some)} of its {len(names)} images"
    if found is None:
        return [*_warnings_about_numbers(names), *_warnings_about_dashes(labels)]
    above = next((n for n in ("labels.csv", "labels.txt") if (folder.parent / n).is_file()), None)
    remedy = "name each by its label, such as 5UFQ.png, or write a labels.csv with the columns "
    remedy += "filename and label"
    if above is not None:
        remedy = f"move {folder.parent / above}, which is not read there, into the folder"
    which = f"({stems[some[0]]} to {stems[some[-1]]})"
    raise DatasetError(f"{folder}: {whose} have {found} {which}, not labels; {rule}{remedy}")


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # a Path would take ten times as long


def kind_of_names(stems: Sequence[str]) -> str | None:
    """Return the kind of names (without suffix) if they are not labels."""
    if len(stems) < _FEWEST:
        return None
    for kind, some in _names_unlike_labels(stems):
        if len(some) == len(stems):
            return kind
    first, last = min(stems), max(stems)  # a common prefix of both is one of all
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    prefix = re.sub("[0-9]+$", "", "".join(character for character, _ in same))
    # A suffix tells images of one label apart.
    if prefix.endswith(("-", "_")):
        return None
    digits = [stem[len(prefix) :] for stem in stems]
    if not all(map(_DIGITS.fullmatch, digits)):
        return None
    if not _are_numbers_of_images(digits) or (not prefix and _may_be_labels(digits)):
        return None
    return "numbers"


def _kind_of_beginnings(labels: Mapping[str, str]) -> str | None:
    """Return the kind of the names' beginnings if these are not labels."""
    rests = {_stem(name)[len(label) :] for name, label in labels.items()}
    # Endings that repeat are counters of equal labels.
    if 2 * len(rests) <= len(labels):
        return None
    match kind_of_names(list(labels.values())):
        case None:
            return None
        case "words and numbers":
            return "names that all begin with a word"
        case found:
            return f"names that begin with {found}"


def _kind_of_some_names(labels: Mapping[str, str]) -> tuple[str | None, list[str]]:
    """Return the kind of those names (without suffix) that are not labels, and these names.

    The others are labels, and of another length.
    """
    for kind, some in _names_unlike_labels(labels):
        if len(some) < _FEWEST:
            continue
        others = {labels[stem] for stem in labels.keys() - set(some)}
        lengths = set(map(len, others))
        if lengths.isdisjoint(len(labels[stem]) for stem in some) and (
            kind != "words and numbers" or len(lengths) < _FEWEST
        ):
            return kind, some
    for some, fewest in _numbers_among_labels(labels):
        consecutive = _consecutive(some)
        if len(consecutive) >= fewest and not _may_be_labels(some):
            return "numbers", consecutive
    return None, []


def _numbers_among_labels(labels: Mapping[str, str]) -> Iterator[tuple[list[str], int]]:
    """Yield numbers that may not be labels, and the number of consecutive ones that proves it.

    Labels may be numbers by chance.
    """
    numbers = list(filter(_DIGITS.fullmatch, labels))
    others = {labels[stem] for stem in labels.keys() - set(numbers)}
    if 2 * sum(any(map(str.isalpha, label)) for label in others) > len(others):
        lengths = set(map(len, others))
        yield [number for number in numbers if len(number) not in lengths], _FEWEST
        yield numbers, _MANY
    else:
        # Labels consist of digits as well.
        by_length = [
            [number for number in numbers if len(number) == n] for n in set(map(len, numbers))
        ]
        scattered = [some for some in by_length if not _are_numbers_of_images(some)]
        if scattered:
            length = len(max(scattered, key=len)[0])
            yield [number for number in numbers if len(number) != length], _MANY


def _consecutive(numbers: Iterable[str]) -> list[str]:
    """Return, in ascending order, the numbers with a close neighbor."""
    ascending = sorted(numbers, key=int)
    close = [int(b) - int(a) <= _CLOSE for a, b in pairwise(ascending)]
    return [
        number
        for number, before, after in zip(ascending, [False, *close], [*close, False], strict=False)
        if before or after
    ]


def _names_unlike_labels(stems: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the names that do not look like labels by kind, with equal words together."""
    by_word = defaultdict(list)
    hashes, times = [], []
    for stem in stems:
        if _HASH.fullmatch(stem):
            hashes.append(stem)
        elif _TIMESTAMP.fullmatch(stem):
            times.append(stem)
        elif word := _WORDS_AND_NUMBER.fullmatch(stem):
            by_word[word[1].lower()].append(stem)
    yield "hashes", hashes
    yield "timestamps", times
    for some in by_word.values():
        yield "words and numbers", some


def _are_numbers_of_images(digits: Sequence[str]) -> bool:
    n, longest = len(digits), max(map(len, digits))
    numbers = set(map(int, digits))
    # Single digits may be labels.
    if len(numbers) < n or longest == 1:
        return False
    span = max(numbers) - min(numbers) + 1
    scattered = n >= _MANY and n >= _SPARSE * span and span <= _NARROW * 10**longest
    return n >= _DENSE * span or scattered


def _may_be_labels(digits: Sequence[str]) -> bool:
    """Return whether numbers fill most, but not all, of a small range."""
    longest = max(map(len, digits))
    if longest > _LONGEST_NUMBER_IN_DOUBT or len(digits) < _MANY or len(set(map(len, digits))) > 1:
        return False
    numbers = list(map(int, digits))
    least = 0 if any(text.startswith("0") for text in digits) else 10 ** (longest - 1)
    span = max(numbers) - min(numbers) + 1
    return span >= (1 - _NARROW) * (10**longest - least) and len(digits) <= _FULL * span


def _warnings_about_numbers(names: Sequence[str]) -> Iterator[str]:
    stems = [_stem(name) for name in names]
    numbers = len(stems) >= _FEWEST and all(map(_DIGITS.fullmatch, stems))
    if numbers and _are_numbers_of_images(stems) and _may_be_labels(stems):
        yield (
            f"its images are named by numbers ({names[0]} to {names[-1]}), which are used as "
            "labels; if they only number the images, write a labels.csv with the columns filename "
            "and label"
        )


def _warnings_about_dashes(labels: Mapping[str, str]) -> Iterator[str]:
    """Warn if the text after a dash looks like a part of the label."""
    cut = {
        name: match[1]
        for name, label in labels.items()
        if (match := re.match(r"-([^-_\s(]+)", _stem(name)[len(label) :]))
    }
    endings = set(cut.values())
    if len(cut) < _FEWEST or len(endings) <= min(_FEW_ENDINGS, len(cut) - 1):
        return
    if not 1 < max(map(len, endings)) <= _LONGEST_PART_OF_LABEL or _count(cut, labels):
        return
    name = next(iter(cut))
    yield (
        f"the first dash ends a label: {name} is labeled {labels[name]}; if the dash and the text "
        "after it belong to the label, write a labels.csv with the columns "
        "filename and label"
    )


def _count(endings: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Return whether the endings number all images, or those of each label."""
    digits = list(endings.values())
    if not all(map(_DIGITS.fullmatch, digits)):
        return False
    n_of = Counter(labels[name] for name in endings)
    within = sum(int(ending) <= n_of[labels[name]] + 1 for name, ending in endings.items())
    return 2 * within > len(digits) or _are_numbers_of_images(digits)
