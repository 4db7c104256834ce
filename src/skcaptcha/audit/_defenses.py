"""The defenses of a captcha scheme, their effect on a reader, and the rules for conclusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skcaptcha.audit._proportions import Difference, Proportion, difference, proportion

Conclusion = Literal["holds", "does not hold", "inconclusive", "absent"]

BROKEN = 0.10
"""A defense does not hold if more than this proportion of the captchas that have it is read."""

FAMILY_RISK = 0.05
"""Probability that any of the intervals that are compared misses the true value."""

_LENGTH = "length"
_MIN_GROUP = 15  # captchas


@dataclass(frozen=True)
class Defense:
    """A property of captchas that makes them harder to read.

    A captcha has the defense from the amount `least` on; `amount` describes how it is measured.
    """

    key: str
    name: str
    amount: str
    least: float


DEFENSES = (
    Defense("noise", "dots and specks", "specks of ink", 2),
    Defense("lines", "lines", "thin straight lines, including short, pale and colored ones", 1),
    Defense(
        "touching",
        "touching or overlapping characters",
        "number of characters minus number of pieces of ink that are large enough to be one",
        1,
    ),
    Defense(
        "rotation",
        "rotated characters",
        "degrees by which characters are tilted against the mean of the same character",
        6,
    ),
    Defense(
        "shape",
        "several fonts or warping",
        "distance between pictures of one character, relative to that between different characters",
        0.5,
    ),
    # Strings have it if their length is not the most frequent one; longer strings have more of it.
    Defense(_LENGTH, "varying length", "characters", 1),
    Defense(
        "background",
        "uneven background or weak contrast",
        "deviation of the shades of the background, relative to the contrast with the ink",
        0.1,
    ),
    Defense(
        "look_alikes",
        "look-alike characters",
        "characters that are easily mistaken for another one of the labels",
        1,
    ),
)


@dataclass(frozen=True)
class Finding:
    """What was measured for one defense.

    Attributes
    ----------
    defense : Defense
    amounts : tuple of three floats, or None
        The 10th, 50th and 90th percentile of its amount; None if it could not be measured.
    n_with, n_measured : int
        Number of captchas that have it, and in which it could be measured.
    more, less : Proportion or None
        Proportion read of the captchas with more and with less of it; None if the captchas cannot
        be divided into two groups.
    cost : Difference or None
        `less` minus `more`.
    read_with : Proportion or None
        Proportion read of the captchas with the defense: `more`, or that of all captchas that have
        it, if there are at least 15.
    conclusion : str
    """

    defense: Defense
    amounts: tuple[float, float, float] | None
    n_with: int
    n_measured: int
    more: Proportion | None
    less: Proportion | None
    cost: Difference | None
    read_with: Proportion | None
    conclusion: Conclusion


def assess(amounts: Mapping[str, NDArray[np.float64]], correct: NDArray[np.bool_]) -> list[Finding]:
    """Return a finding for each defense, in the order of `DEFENSES`.

    `amounts` has one array of shape (n,) for each defense, with NaN for unknown amounts; `correct`
    has shape (n,). The intervals are widened so that all of them together hold with 95 %.
    """
    present = [_is_present(defense, amounts[defense.key]) for defense in DEFENSES]
    confidence = 1 - FAMILY_RISK / max(1, sum(bool(mask.any()) for mask in present))
    return [
        _finding(defense, amounts[defense.key], mask, correct, confidence)
        for defense, mask in zip(DEFENSES, present, strict=True)
    ]


def _conclude(
    is_present: bool, read_with: Proportion | None, cost: Difference | None
) -> Conclusion:
    """Apply the rules.

    A defense does not hold if the whole interval of `read_with` is above 10 %. It holds if the
    whole interval is below 10 % and the whole interval of the cost is above 0: otherwise something
    else may be what prevents reading.
    """
    if not is_present:
        return "absent"
    if read_with is not None:
        if read_with.low > BROKEN:
            return "does not hold"
        if read_with.high < BROKEN and cost is not None and cost.low > 0:
            return "holds"
    return "inconclusive"


def _is_present(defense: Defense, amounts: NDArray[np.float64]) -> NDArray[np.bool_]:
    if defense.key == _LENGTH:
        # One wrong label does not make all lengths vary.
        lengths, counts = np.unique(amounts, return_counts=True)
        return amounts != lengths[counts.argmax()]
    return amounts >= defense.least


def _groups(
    amounts: NDArray[np.float64], present: NDArray[np.bool_], *, by_amount: bool
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Divide captchas into those with and without a defense.

    With `by_amount`, or if nearly all captchas have the defense, they are divided into those with
    more and less of it, into halves if possible.
    """
    known = ~np.isnan(amounts)
    if present.sum() < _MIN_GROUP:
        return None
    more = present
    if by_amount or (known & ~present).sum() < _MIN_GROUP:
        cuts = np.unique(amounts[known])[1:]
        parts = [(amounts >= cut) & known for cut in cuts]
        if not parts:
            return None
        more = min(parts, key=lambda part: abs(2 * part.sum() - known.sum()))
    less = known & ~more
    return (more, less) if min(more.sum(), less.sum()) >= _MIN_GROUP else None


def _finding(
    defense: Defense,
    amounts: NDArray[np.float64],
    present: NDArray[np.bool_],
    correct: NDArray[np.bool_],
    confidence: float,
) -> Finding:
    def read(mask: NDArray[np.bool_]) -> Proportion:
        return proportion(int(correct[mask].sum()), int(mask.sum()), confidence=confidence)

    more = less = cost = percentiles = None
    groups = _groups(amounts, present, by_amount=defense.key == _LENGTH)
    if groups is not None:
        more, less = map(read, groups)
        cost = difference(less, more)
    read_with = more or (read(present) if present.sum() >= _MIN_GROUP else None)
    known = amounts[~np.isnan(amounts)]
    if len(known):
        low, middle, high = np.percentile(known, [10, 50, 90], method="inverted_cdf").tolist()
        percentiles = low, middle, high
    return Finding(
        defense=defense,
        amounts=percentiles,
        n_with=int(present.sum()),
        n_measured=len(known),
        more=more,
        less=less,
        cost=cost,
        read_with=read_with,
        conclusion=_conclude(bool(present.any()), read_with, cost)
        if len(known)
        else "inconclusive",
    )
