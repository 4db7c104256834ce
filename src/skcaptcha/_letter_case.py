"""Folding letters to one case, so that upper and lower case count as the same character."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, TypeAlias

Case: TypeAlias = Literal["upper", "lower"]


def usual_case(texts: Iterable[str]) -> Case | None:
    """Return the case of most letters, upper case if both are equally frequent.

    It is None if no letter has two cases.

    >>> usual_case(["XUD2", "jlP7"]), usual_case(["aB"]), usual_case(["42"])
    ('upper', 'upper', None)
    """
    n_upper = n_lower = 0
    for character, n in Counter("".join(texts)).items():
        if _fold(character, "upper") != _fold(character, "lower"):
            n_upper += n * character.isupper()
            n_lower += n * character.islower()
    if not n_upper and not n_lower:
        return None
    return "upper" if n_upper >= n_lower else "lower"


def fold_case(texts: Iterable[str], case: Case | None = None) -> list[str]:
    """Return texts whose letters have one case, by default that of most letters of all texts.

    Each character is folded on its own, so that a text keeps its number of characters. A character
    without a single counterpart in that case, such as ß, stays in its other case.

    >>> fold_case(["XUD2", "jlpk", "STRAß", "STRAẞ"])
    ['XUD2', 'JLPK', 'STRAß', 'STRAß']
    """
    texts = list(texts)
    case = case or usual_case(texts)
    if case is None:
        return texts
    table = str.maketrans({c: _fold(c, case) for c in set("".join(texts))})
    return [text.translate(table) for text in texts]


def _fold(character: str, case: Case) -> str:
    plain = _without_case(character)
    folded = plain.upper() if case == "upper" else plain.lower()
    # In upper case, ß has two letters, and the dotless i would become that of i.
    return folded if len(folded) == 1 and _without_case(folded) == plain else plain


def _without_case(character: str) -> str:
    """Return the character that stands for both of its cases, by simple case folding."""
    found = character.casefold(), character.lower(), character
    return next(each for each in found if len(each) == 1)
