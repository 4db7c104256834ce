"""How far a variant of a family has come in the race, and what is told of it afterwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skcaptcha.auto._families import Content, Family, Variant, name_of

# By so much errors may shrink from the screening to the full cross-validation.
_MORE_HELPS, _REAL_READER_HELPS = 4, 20


@dataclass(frozen=True)
class Trial:
    """What was tried and what came of it.

    Attributes
    ----------
    family : int
        The number of its family in auto.yaml, from 0.
    name : str
        The classes that segment, describe and read.
    settings : dict
        What sets it apart from others of its family.
    verdict : str
        Why it was chosen, or why not.
    screened : float or None
        String accuracy in the screening, on a part of the captchas, perhaps with a stand-in for
        the reader.
    n_screened : int
        On so many captchas.
    accuracy : float or None
        String accuracy in the cross-validation, perhaps in the first folds only.
    n_validated : int
        On so many captchas.
    seconds : float
        Spent on it.
    """

    family: int
    name: str
    settings: Content
    verdict: str
    screened: float | None
    n_screened: int
    accuracy: float | None
    n_validated: int
    seconds: float


@dataclass
class Entry:
    """How far a variant has come in the race."""

    family: Family
    variant: Variant | None
    verdict: str = ""
    screened: float | None = None
    accuracy: float | None = None
    # Of what was read last; tells more than strings that are all misread.
    characters: float = 0.0
    ignoring_case: float = 0.0
    recipe: Content | None = None  # of the best score so far
    n_validated: int = 0
    seconds: float = 0.0
    fold_work: float = 0.0  # seconds of one process for one fold of the cross-validation
    out_of_time: bool = False

    @property
    def value(self) -> float:
        """The best evidence of how many strings it reads; -1 without any."""
        if self.accuracy is not None:
            return self.accuracy
        return -1.0 if self.screened is None else self.screened

    @property
    def merit(self) -> tuple[float, float]:
        """What it reads: strings, then characters."""
        return self.value, self.characters

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Where it stands: what was left behind in the screening comes after all others."""
        return self.accuracy is not None or self.out_of_time, *self.merit

    @property
    def name(self) -> str:
        return self.family.name if self.recipe is None else name_of(self.recipe)

    @property
    def stood_in(self) -> bool:
        return self.variant is not None and len(self.variant.stages) > 1

    @property
    def hope(self) -> float:
        """What it may reach with all captchas, tuned, and read by its own reader."""
        assert self.screened is not None
        return 1 - (1 - self.screened) / (_REAL_READER_HELPS if self.stood_in else _MORE_HELPS)


def chance(accuracy: float, n: int) -> float:
    """Two standard deviations of an accuracy that was measured on n captchas."""
    return 2 * math.sqrt(max(accuracy * (1 - accuracy), 0.01) / n)
