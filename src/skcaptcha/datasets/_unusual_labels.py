"""Labels that are unlike the others of their folder: most of them are typing errors."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

# Minimum number of labels, and fraction that must agree, for a property to be usual.
_FEWEST = 20
_USUALLY = 0.9
_SHOWN = 3
_USUAL_FORM = "ordinary"
_ALPHABETS = frozenset({"LATIN", "GREEK", "CYRILLIC"})  # these have look-alike letters


class _Kind(NamedTuple):
    """A property that all labels of a folder usually share."""

    of: Callable[[str], str | int | None]
    """Returns the property of a label, or None if the label does not have it."""
    usual: Callable[[Any], str | None]
    """Describes labels with that property, or returns None if others are not unusual."""
    shown: Callable[[str], str] = str
    """Formats an unusual label."""
    remedy: str = ""
    """What else to do than to correct the labels."""
    remedy_for_one: str = ""
    """What else to do before a label is stored."""


def normalize_label(text: str) -> str:
    r"""Return a label with its letters composed (Unicode form NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def describe_unusual_labels(labels: Sequence[str]) -> list[str]:
    """Return sentences about the labels of a folder that are probably mistyped.

    >>> describe_unusual_labels(["XUD2"] * 98 + ["xud2", "jlpk"])
    ['98 labels are upper case, 2 are not (xud2, jlpk); if they are mistyped, correct them; ...']
    >>> describe_unusual_labels(["XUD2"] * 98 + ["4217"])
    []
    """
    sentences = []
    invisible = [label for label in labels if _has_invisible_characters(label)]
    if invisible:
        verbs = "begins or ends with a space, or contains", "begin or end with a space, or contain"
        sentences.append(
            f"{_counted(len(invisible))} {verbs[len(invisible) > 1]} an invisible character "
            f"({_listed(map(ascii, invisible))}); remove it"
        )
        labels = [label for label in labels if not _has_invisible_characters(label)]
    for kind in _KINDS:
        properties = {label: kind.of(label) for label in dict.fromkeys(labels)}
        counts = Counter(found for label in labels if (found := properties[label]) is not None)
        usual, words = _usual(kind, counts)
        odd = [label for label in labels if properties[label] not in (usual, None)]
        if words is None or not odd:
            continue
        verb, _, _ = words.partition(" ")
        one, many = {"are": ("is", "are"), "have": ("does", "do")}[verb]
        remedy = "if they are mistyped, correct them"
        if len(odd) == 1:
            remedy = "if it is mistyped, correct it"
        sentences.append(
            f"{counts[usual]} labels {words}, {len(odd)} {one if len(odd) == 1 else many} not "
            f"({_listed(map(kind.shown, odd))}); {remedy}{kind.remedy}"
        )
    right_to_left = [label for label in labels if _is_right_to_left(label)]
    if right_to_left:
        sentences.append(
            f"{_counted(len(right_to_left))} contain{'s' * (len(right_to_left) == 1)} letters that "
            f"are written from right to left ({_listed(right_to_left)}); images are read from left "
            "to right, so each label must begin with the leftmost character of its image; reverse "
            "those that were typed in reading order"
        )
    return sentences


def describe_unusual_label(label: str, others: Iterable[str]) -> str | None:
    """Return a sentence about a label that is unlike the others, or None.

    >>> describe_unusual_label("5UFQHOTS", ["5UFQ"] * 30)
    '5UFQHOTS is unusual: 30 labels have 4 characters.'
    """
    others = list(others)
    reasons, remedies = [], []
    for kind in _KINDS:
        counts = Counter(found for other in others if (found := kind.of(other)) is not None)
        usual, words = _usual(kind, counts)
        if words is not None and kind.of(label) not in (usual, None):
            of_all = "" if counts[usual] == counts.total() else f" of {counts.total()}"
            reasons.append(f"{counts[usual]}{of_all} labels {words}")
            remedies.append(kind.remedy_for_one)
        elif kind.of is len and _is_new(len(label), counts):
            reasons.append(f"none of {counts.total()} labels {_of_length(len(label))}")
    if not reasons:
        return None
    return f"{label} is unusual: {', and '.join(reasons)}.{''.join(remedies)}"


def _is_new(length: int, counts: Counter[str | int]) -> bool:
    return counts.total() >= _FEWEST and length not in counts


def _usual(kind: _Kind, counts: Counter[str | int]) -> tuple[str | int, str | None]:
    """Return the property that nearly all labels share, and its description, if there is one."""
    if counts.total() < _FEWEST:
        return "", None
    usual, count = counts.most_common(1)[0]
    return usual, kind.usual(usual) if count >= _USUALLY * counts.total() else None


def _case(label: str) -> str | None:
    upper, lower = label.upper(), label.lower()
    if upper == lower:
        return None
    return "upper case" if label == upper else "lower case" if label == lower else "mixed case"


def _alphabet(label: str) -> str | None:
    if label.isascii():
        return "Latin" if any(map(str.isalpha, label)) else None
    names = {unicodedata.name(character, "").partition(" ")[0] for character in label}
    return " and ".join(name.title() for name in sorted(names & _ALPHABETS)) or None


def _form(label: str) -> str:
    usual = label.isascii() or unicodedata.normalize("NFKC", label) == normalize_label(label)
    return _USUAL_FORM if usual else "variant"


def _of_length(n: int) -> str:
    return f"have {n} {'character' if n == 1 else 'characters'}"


_KINDS = (
    # If both cases occur, a label may have only one of them by chance.
    _Kind(
        _case,
        lambda case: None if case == "mixed case" else f"are {case}",
        remedy="; if case does not matter, fit with --fold-case (in Python: "
        "load_captchas(..., fold_case=True))",
        remedy_for_one=" If case does not matter, label --fold-case stores all labels in one case.",
    ),
    _Kind(len, _of_length),
    _Kind(_alphabet, lambda name: f"are written in {name} letters", ascii),
    # Such as full-width letters.
    _Kind(_form, lambda form: f"have {form} letters and digits" if form == _USUAL_FORM else None),
)


def _has_invisible_characters(label: str) -> bool:
    return not label.isprintable() or label != label.strip()


def _is_right_to_left(label: str) -> bool:
    return (
        len(label) > 1
        and not label.isascii()
        and any(unicodedata.bidirectional(character) in ("R", "AL") for character in label)
    )


def _counted(n: int) -> str:
    return f"{n} label" if n == 1 else f"{n} labels"


def _listed(labels: Iterable[str]) -> str:
    different = list(dict.fromkeys(labels))
    return ", ".join(different[:_SHOWN]) + (", ..." if len(different) > _SHOWN else "")
