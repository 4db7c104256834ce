"""Images that are there more than once."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skcaptcha.images import decode


def pixel_digests(X: Sequence[Any]) -> list[str]:
    """Give each captcha a name that it shares with all of the same pixels.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.

    Returns
    -------
    digests : list of n str

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.label_issues._repeats import pixel_digests
    >>> a, b = np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8)
    >>> first, second, third = pixel_digests([a, b, a.copy()])
    >>> first == third, first == second
    (True, False)
    """
    return [_digest(decode(source)) for source in X]


def contradictions(digests: Sequence[str], y: NDArray[np.str_]) -> dict[int, int]:
    """Find captchas of the same pixels that have another label.

    Parameters
    ----------
    digests : sequence of n str
    y : ndarray of n str

    Returns
    -------
    other : dict of int to int
        For each of them the first one that contradicts it.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.label_issues._repeats import contradictions
    >>> contradictions(["p", "q", "p", "q"], np.array(["AB", "CD", "AX", "CD"]))
    {0: 2, 2: 0}
    """
    same: dict[str, list[int]] = {}
    for i, digest in enumerate(digests):
        same.setdefault(digest, []).append(i)
    return {
        i: next(k for k in group if y[k] != y[i])
        for group in same.values()
        if len({y[k] for k in group}) > 1
        for i in group
    }


def _digest(image: NDArray[np.uint8]) -> str:
    return sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()
