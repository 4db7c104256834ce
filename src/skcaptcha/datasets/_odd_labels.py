"""Labels that are unlike the others of their folder, which are mostly typing errors."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

# From so many labels on it is known what is usual, if that share of them agrees.
_FEWEST = 20
_USUALLY = 0.9
_SHOWN = 3
_USUAL_FORM = "ordinary"
_ALPHABETS = frozenset({"LATIN", "GREEK", "CYRILLIC"})  # which have letters that look alike


class _Kind(NamedTuple):
    """A property that all labels of a folder usually share.

    Attributes
    ----------
    of : callable
        Gives the property of a label; None if the label does not tell.
    usual : callable
        Says of a property what most labels then are or have; None if others are no surprise.
    shown : callable
        Writes an odd label.
    """

    of: Callable[[str], str | int | None]
    usual: Callable[[Any], str | None]
    shown: Callable[[str], str] = str


def normalized(text: str) -> str:
    r"""Give a text with its letters composed (Unicode's form NFC).

    Parameters
    ----------
    text : str

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.datasets._odd_labels import normalized
    >>> len("e\u0301"), len(normalized("e\u0301"))
    (2, 1)
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def odd_labels(labels: Sequence[str]) -> list[str]:
    """Say which labels of a folder are probably not what was meant.

    Parameters
    ----------
    labels : sequence of str

    Returns
    -------
    sentences : list of str
        Empty for ordinary labels.

    Examples
    --------
    >>> from skcaptcha.datasets._odd_labels import odd_labels
    >>> odd_labels(["XUD2"] * 98 + ["xud2", "jlpk"])
    ['98 labels are upper case, 2 are not (xud2, jlpk); if they are mistyped, correct them']
    >>> odd_labels(["XUD2"] * 98 + ["4217"])
    []
    """
    sentences = []
    unseen = [label for label in labels if _is_partly_unseen(label)]
    if unseen:
        verbs = "begins or ends with a space, or holds", "begin or end with a space, or hold"
        sentences.append(
            f"{_counted(len(unseen))} {verbs[len(unseen) > 1]} a character that cannot be seen "
            f"({_listed(map(ascii, unseen))}); remove it"
        )
        labels = [label for label in labels if not _is_partly_unseen(label)]
    for kind in _KINDS:
        properties = {label: kind.of(label) for label in dict.fromkeys(labels)}
        shares = Counter(found for label in labels if (found := properties[label]) is not None)
        usual, words = _usual(kind, shares)
        odd = [label for label in labels if properties[label] not in (usual, None)]
        if words is None or not odd:
            continue
        verb, _, _ = words.partition(" ")
        one, many = {"are": ("is", "are"), "have": ("does", "do")}[verb]
        remedy = "if they are mistyped, correct them"
        if len(odd) == 1:
            remedy = "if it is mistyped, correct it"
        sentences.append(
            f"{shares[usual]} labels {words}, {len(odd)} {one if len(odd) == 1 else many} not "
            f"({_listed(map(kind.shown, odd))}); {remedy}"
        )
    leftward = [label for label in labels if _runs_leftward(label)]
    if leftward:
        sentences.append(
            f"{_counted(len(leftward))} {'holds' if len(leftward) == 1 else 'hold'} letters that "
            f"are written from right to left ({_listed(leftward)}); images are read from left to "
            "right, so each label must begin with the leftmost character of its image; reverse "
            "those that were typed in reading order"
        )
    return sentences


def doubt_about(label: str, others: Iterable[str]) -> str | None:
    """Say why a label is probably not what was meant, if the others are unlike it.

    Parameters
    ----------
    label : str
    others : iterable of str

    Returns
    -------
    sentence : str or None

    Examples
    --------
    >>> from skcaptcha.datasets._odd_labels import doubt_about
    >>> doubt_about("5UFQHOTS", ["5UFQ"] * 30)
    '5UFQHOTS is unusual: 30 labels have 4 characters.'
    """
    others = list(others)
    reasons = []
    for kind in _KINDS:
        shares = Counter(found for other in others if (found := kind.of(other)) is not None)
        usual, words = _usual(kind, shares)
        if words is not None and kind.of(label) not in (usual, None):
            of_all = "" if shares[usual] == shares.total() else f" of {shares.total()}"
            reasons.append(f"{shares[usual]}{of_all} labels {words}")
    return f"{label} is unusual: {', and '.join(reasons)}." if reasons else None


def _usual(kind: _Kind, shares: Counter[str | int]) -> tuple[str | int, str | None]:
    """Give the property that nearly all labels share, if they do, and what it is in words."""
    if shares.total() < _FEWEST:
        return "", None
    usual, count = shares.most_common(1)[0]
    return usual, kind.usual(usual) if count >= _USUALLY * shares.total() else None


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
    usual = label.isascii() or unicodedata.normalize("NFKC", label) == normalized(label)
    return _USUAL_FORM if usual else "variant"


def _of_length(n: int) -> str:
    return f"have {n} {'character' if n == 1 else 'characters'}"


_KINDS = (
    # Where both cases occur, a label may well have one of them by chance.
    _Kind(_case, lambda case: None if case == "mixed case" else f"are {case}"),
    _Kind(len, _of_length),
    _Kind(_alphabet, lambda name: f"are written in {name} letters", ascii),
    # Such as full-width letters.
    _Kind(_form, lambda form: f"have {form} letters and digits" if form == _USUAL_FORM else None),
)


def _is_partly_unseen(label: str) -> bool:
    return not label.isprintable() or label != label.strip()


def _runs_leftward(label: str) -> bool:
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
