"""What a reader says of a label: how well its length and its characters fit the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Judgment:
    """How well a label fits its captcha, next to all other labels that it could have.

    All scores are on a scale of the reader's own, that of logarithms but for a factor.

    Attributes
    ----------
    characters : ndarray of shape (length of the label, n_classes) or None
        What each place of a string as long as the label is worth as each character, whatever stands
        at the others. None: the captcha cannot be cut into so many characters.
    lengths : ndarray of shape (longest + 1,)
        What a string of 0, 1, ... characters is worth; ``-inf`` where there is none.
    """

    characters: NDArray[np.float64] | None
    lengths: NDArray[np.float64]
