"""What a string may be: how long, and of which characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.exceptions import ReadingError


class Constraints(NamedTuple):
    """What a path may be.

    Attributes
    ----------
    lengths : ndarray of shape (longest,)
        What a path of 1, 2, ... characters is worth; ``-inf`` forbids.
    allowed : ndarray of shape (longest, n_classes), dtype bool
        Which classes may stand at each place.
    """

    lengths: NDArray[np.float64]
    allowed: NDArray[np.bool_]


def constrain(
    classes: NDArray[np.str_],
    seen: Mapping[int, int],
    longest: int,
    *,
    length: int | Sequence[int] | str | None = None,
    charset: str | None = None,
    mask: Sequence[str | None] | None = None,
) -> Constraints:
    """Turn a reader's parameters into what a path may be.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The characters that the reader knows.
    seen : mapping of int to int
        How many training labels have each length.
    longest : int
        The most characters that any captcha of the batch can have.
    length, charset, mask
        As `SequenceReader` takes them.

    Returns
    -------
    constraints : Constraints

    Raises
    ------
    ReadingError
        If no string can meet them.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.read._constraints import constrain
    >>> lengths, allowed = constrain(np.array(["1", "A"]), {3: 9}, 7, mask=["A", None])
    >>> lengths, allowed.tolist()
    (array([-inf,   0.]), [[False, True], [True, True]])
    """
    _check_characters(charset, mask)
    low, high = _range(seen, longest, length)
    if mask is not None:
        if length not in (None, "free") and not low <= len(mask) <= high:
            raise ReadingError(
                f"mask has {len(mask)} places, but length allows {low} to {high} characters"
            )
        low = high = len(mask)
    lengths = np.full(high, -np.inf)
    lengths[low - 1 :] = 0.0
    if length is None and mask is None:
        total = sum(seen.values())
        # A length between those seen is no more than half a label's worth.
        likely = [(seen.get(k, 0) + 0.5) / total for k in range(low, high + 1)]
        lengths[low - 1 :] = np.log(likely)
    allowed = np.ones((high, len(classes)), dtype=bool)
    places: Sequence[str | None] = [None] * high if mask is None else mask
    for place, characters in enumerate(places):
        for source, only in (("charset", charset), (f"mask, place {place + 1}", characters)):
            if only is not None:
                allowed[place] &= np.isin(classes, list(only))
            if not allowed[place].any():
                raise ReadingError(
                    f"{source}: allows only {only!r}, of which nothing is left to read; the reader "
                    f"knows {''.join(classes)!r}"
                )
    return Constraints(lengths, allowed)


def _check_characters(charset: str | None, mask: Sequence[str | None] | None) -> None:
    if charset is not None and not isinstance(charset, str):
        raise ReadingError(f"charset must be a string of characters, got {charset!r}")
    if mask is None:
        return
    if isinstance(mask, str):
        raise ReadingError(
            f"mask must be a list of what may stand at each place, as in ['AB', None], got {mask!r}"
        )
    if len(mask) == 0:
        raise ReadingError("mask names no place; give the characters of each, as in ['AB', None]")
    for place, characters in enumerate(mask):
        if characters is not None and not isinstance(characters, str):
            raise ReadingError(
                f"mask, place {place + 1}: must be a string of characters or None, "
                f"got {characters!r}"
            )


def _range(
    seen: Mapping[int, int], longest: int, length: int | Sequence[int] | str | None
) -> tuple[int, int]:
    """Least and greatest number of characters."""
    if isinstance(length, str) and length == "free":
        return 1, max(longest, 1)
    if length is None:
        return min(seen), max(seen)
    pair = np.resize(np.asarray(length), 2)
    ints = np.size(length) in (1, 2) and pair.dtype.kind == "i"
    if not (ints and 1 <= pair[0] <= pair[1]):
        raise ReadingError(f"length must be an int, two ascending ints or 'free', got {length}")
    return int(pair[0]), int(pair[1])
