"""Constraints on strings, and the insertion penalty, which controls their length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skcaptcha._letter_case import fold_case as folded
from skcaptcha._letter_case import usual_case
from skcaptcha.exceptions import ReadingError

_PENALTIES = np.arange(-4.0, 24.25, 0.25)


class Constraints(NamedTuple):
    """Constraints on paths of a lattice.

    ``length_scores`` (longest,) are added to paths of 1, 2, ... characters; ``-inf`` forbids.
    ``allowed`` (longest, n_classes) are the classes allowed at each position.
    """

    length_scores: NDArray[np.float64]
    allowed: NDArray[np.bool_]


def exact_length(length: ArrayLike, longest: int) -> NDArray[np.float64]:
    """Return length scores (..., longest) that allow only one length, or one for each captcha."""
    return np.where(np.arange(1, longest + 1) == np.asarray(length)[..., None], 0.0, -np.inf)


def fit_insertion_penalty(scores: NDArray[np.float64], lengths: NDArray[np.intp]) -> float:
    """Return the penalty with which most strings get the right length.

    Overlapping candidates show the same ink; without a penalty, ink that is seen twice would count
    twice. ``scores`` (n, longest) are the scores of the best string of each length, ``-inf`` if
    no string has it, and ``lengths`` (n,) the correct lengths. If several penalties are equally
    good, their median is returned.
    """
    characters = np.arange(1, scores.shape[1] + 1)
    n_right = [
        np.count_nonzero((scores - penalty * characters).argmax(axis=1) + 1 == lengths)
        for penalty in _PENALTIES
    ]
    return float(np.median(_PENALTIES[n_right == np.max(n_right)]))


def make_constraints(
    classes: NDArray[np.str_],
    label_lengths: Mapping[int, int],
    longest: int,
    *,
    length: int | Sequence[int] | str | None = None,
    charset: str | None = None,
    mask: Sequence[str | None] | None = None,
    fold_case: bool = False,
) -> Constraints:
    """Convert the parameters of `SequenceReader` to constraints on paths.

    ``label_lengths`` counts the training labels of each length; ``longest`` is the greatest number
    of characters that any captcha of the batch can have. Raises a ReadingError if no string can
    meet the constraints.
    """
    _check_characters(charset, mask)
    low, high = _length_range(label_lengths, longest, length)
    if mask is not None:
        if length not in (None, "free") and not low <= len(mask) <= high:
            raise ReadingError(
                f"mask has {len(mask)} positions, but length allows {low} to {high} characters; "
                "change one of them, or set length to None"
            )
        low = high = len(mask)
    length_scores = np.full(high, -np.inf)
    length_scores[low - 1 :] = 0.0
    if length is None and mask is None:
        total = sum(label_lengths.values())
        # A length that no label has counts as half a label.
        probabilities = [(label_lengths.get(k, 0) + 0.5) / total for k in range(low, high + 1)]
        length_scores[low - 1 :] = np.log(probabilities)
    allowed = np.ones((high, len(classes)), dtype=bool)
    restrictions = [("charset", slice(None), charset)]
    for i, characters in enumerate(mask or ()):
        restrictions.append((f"mask, position {i + 1}", slice(i, i + 1), characters))
    for source, positions, only in restrictions:
        if only is None:
            continue
        readable = folded(only, usual_case(classes)) if fold_case else list(only)
        allowed[positions] &= np.isin(classes, readable)
        if not allowed[positions].any():
            raise ReadingError(
                f"{source}: allows only {only!r}, which leaves no character to read; the "
                f"reader knows {''.join(classes)!r}"
            )
    return Constraints(length_scores, allowed)


def _check_characters(charset: str | None, mask: Sequence[str | None] | None) -> None:
    if charset is not None and not isinstance(charset, str):
        raise ReadingError(f"charset must be a string of characters; found {charset!r}")
    if mask is None:
        return
    if isinstance(mask, str):
        raise ReadingError(
            "mask must be a list with the allowed characters of each position, such as "
            f"['AB', None]; found {mask!r}"
        )
    if len(mask) == 0:
        raise ReadingError(
            "mask is empty; list the allowed characters of each position, such as ['AB', None]"
        )
    for i, characters in enumerate(mask):
        if characters is not None and not isinstance(characters, str):
            raise ReadingError(
                f"mask, position {i + 1}: must be a string of characters or None; "
                f"found {characters!r}"
            )


def _length_range(
    label_lengths: Mapping[int, int], longest: int, length: int | Sequence[int] | str | None
) -> tuple[int, int]:
    if isinstance(length, str) and length == "free":
        return 1, max(longest, 1)
    if length is None:
        return min(label_lengths), max(label_lengths)
    pair = np.resize(np.asarray(length), 2)
    ints = np.size(length) in (1, 2) and pair.dtype.kind == "i"
    if not (ints and 1 <= pair[0] <= pair[1]):
        raise ReadingError(f"length must be an int, two ascending ints or 'free'; found {length}")
    return int(pair[0]), int(pair[1])
