"""Images that are there more than once, with different labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


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
