"""Which defenses a scheme has, what they cost a reader, and the rules that judge them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skcaptcha.audit._intervals import Difference, Share, difference, share

Verdict = Literal["holds", "does not hold", "not told by these images", "not there"]

BROKEN = 0.10
"""A defense does not hold if more than this share of the captchas that have it is read."""

_LENGTH = "length"
_FEWEST = 15  # captchas of which a share is worth telling
FAMILY_RISK = 0.05
"""That any interval, of all that are compared, misses what it should hold."""


@dataclass(frozen=True)
class Defense:
    """Something that captchas do against being read, and how its amount is measured.

    Attributes
    ----------
    key, name : str
    amount : str
        What is measured of each captcha.
    least : float
        From this amount on a captcha has the defense.
    """

    key: str
    name: str
    amount: str
    least: float


DEFENSES = (
    Defense("noise", "dots and specks", "specks of ink", 2),
    Defense("lines", "lines", "thin straight lines, also short, pale, or colored ones", 1),
    Defense(
        "touching",
        "touching or overlapping characters",
        "how many more characters there are than pieces of ink large enough to be one",
        1,
    ),
    Defense(
        "rotation",
        "rotated characters",
        "how many degrees characters lean away from the mean of their kind",
        6,
    ),
    Defense(
        "shape",
        "several fonts or warping",
        "distance between pictures of one character, relative to that between different characters",
        0.5,
    ),
    # There in those that are not as long as most; longer ones have more of it.
    Defense(_LENGTH, "varying length", "characters", 1),
    Defense(
        "ground",
        "uneven background or weak contrast",
        "deviation of the shades of the background, relative to the contrast with the ink",
        0.1,
    ),
    Defense("alphabet", "look-alike characters", "characters that others are easily taken for", 1),
)


@dataclass(frozen=True)
class Finding:
    """What was found of one defense.

    Attributes
    ----------
    defense : Defense
    amounts : tuple of three floats, or None
        The tenth, the half and nine tenths of the captchas have no more of it; None if it could
        not be measured.
    n_with : int
        How many of the captchas have it, of `n_measured`.
    n_measured : int
    more, less : Share or None
        What was read of the captchas with more and of those with less of it; None if they cannot
        be told apart in two groups.
    cost : Difference or None
        `less` minus `more`.
    read_with : Share or None
        What was read of those that have it: of `more`, or else of all that have it, if they are 15
        or more.
    verdict : str
    """

    defense: Defense
    amounts: tuple[float, float, float] | None
    n_with: int
    n_measured: int
    more: Share | None
    less: Share | None
    cost: Difference | None
    read_with: Share | None
    verdict: Verdict


def find(amounts: Mapping[str, NDArray[np.float64]], right: NDArray[np.bool_]) -> list[Finding]:
    """Judge every defense by what was read of captchas that have more and less of it.

    Intervals are as wide as it takes for those of all defenses together to hold with 95 %.

    Parameters
    ----------
    amounts : dict of str to ndarray of shape (n,)
        How much of each defense every captcha has; nan where that is not known.
    right : ndarray of shape (n,), dtype bool
        Which captchas were read right.

    Returns
    -------
    findings : list of Finding
        In the order of `DEFENSES`.
    """
    there = {defense.key: _has(defense, amounts[defense.key]) for defense in DEFENSES}
    n_there = sum(bool(has.any()) for has in there.values())
    confidence = 1 - FAMILY_RISK / max(1, n_there)
    return [
        _finding(defense, amounts[defense.key], there[defense.key], right, confidence)
        for defense in DEFENSES
    ]


def judge(there: bool, read_with: Share | None, cost: Difference | None) -> Verdict:
    """Apply the rules.

    A defense does not hold if, for sure, more than 10 % of the captchas that have it are read. It
    holds if, for sure, less than 10 % of the captchas with more of it are read, and less than of
    those with less of it: else something else may be what holds. "For sure" is: by the whole
    interval.

    Parameters
    ----------
    there : bool
        Whether captchas have the defense at all.
    read_with : Share or None
        What was read of those that have it, or have more of it.
    cost : Difference or None
        By how much less than of those with less of it.

    Returns
    -------
    verdict : str

    Examples
    --------
    >>> from skcaptcha.audit._defenses import judge
    >>> from skcaptcha.audit._intervals import difference, share
    >>> judge(True, share(50, 100), None)
    'does not hold'
    >>> judge(True, share(1, 100), difference(share(70, 100), share(1, 100)))
    'holds'
    >>> judge(True, share(1, 100), None)
    'not told by these images'
    """
    if not there:
        return "not there"
    if read_with is None:
        return "not told by these images"
    if read_with.low > BROKEN:
        return "does not hold"
    if read_with.high < BROKEN and cost is not None and cost.low > 0:
        return "holds"
    return "not told by these images"


def _has(defense: Defense, amounts: NDArray[np.float64]) -> NDArray[np.bool_]:
    if defense.key == _LENGTH:
        # One label that is wrong does not make the length of all strings vary.
        lengths, counts = np.unique(amounts, return_counts=True)
        return amounts != lengths[counts.argmax()]
    return amounts >= defense.least


def _groups(
    amounts: NDArray[np.float64], there: NDArray[np.bool_], *, by_amount: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Tell captchas that have it from those without, or else those with more from those with less.

    Half and half if possible.

    Parameters
    ----------
    amounts : ndarray of shape (n,)
    there : ndarray of shape (n,), dtype bool
    by_amount : bool
        In any case by more and less of it.
    """
    known = ~np.isnan(amounts)
    if there.sum() < _FEWEST:
        return None
    more = there
    if by_amount or (known & ~there).sum() < _FEWEST:
        cuts = np.unique(amounts[known])[1:]
        parts = [(amounts >= cut) & known for cut in cuts]
        if not parts:
            return None
        more = min(parts, key=lambda part: abs(2 * part.sum() - known.sum()))
    less = known & ~more
    return (more, less) if min(more.sum(), less.sum()) >= _FEWEST else None


def _finding(
    defense: Defense,
    amounts: NDArray[np.float64],
    there: NDArray[np.bool_],
    right: NDArray[np.bool_],
    confidence: float,
) -> Finding:
    def read(part: NDArray[np.bool_]) -> Share:
        return share(int(right[part].sum()), int(part.sum()), confidence=confidence)

    more = less = cost = None
    groups = _groups(amounts, there, by_amount=defense.key == _LENGTH)
    if groups is not None:
        more, less = map(read, groups)
        cost = difference(less, more)
    read_with = more or (read(there) if there.sum() >= _FEWEST else None)
    known = amounts[~np.isnan(amounts)]
    tenths = None
    if len(known):
        low, middle, high = np.percentile(known, [10, 50, 90], method="inverted_cdf").tolist()
        tenths = low, middle, high
    return Finding(
        defense=defense,
        amounts=tenths,
        n_with=int(there.sum()),
        n_measured=len(known),
        more=more,
        less=less,
        cost=cost,
        read_with=read_with,
        verdict=judge(bool(there.any()), read_with, cost)
        if len(known)
        else "not told by these images",
    )
