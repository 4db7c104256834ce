"""Pieces of equal width, and the repair of characters that the cuts cut off."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skcaptcha.segment._base import (
    N_CHARACTERS,
    BaseSegmenter,
    Cut,
    Image,
    boxes_between,
    equal_edges,
)
from skcaptcha.segments import ink_mask


class EqualSplit(BaseSegmenter):
    """Crop to the ink and cut into pieces of equal width.

    For strings of known length whose characters stand evenly. The cuts of an image without ink
    divide the whole image.

    Parameters
    ----------
    n_characters : int
        Number of pieces.
    left : int, default=None
        The first column that counts. None: the first with ink. Where a string always starts at
        one place, that place is surer than the ink, which noise may widen.
    right_limit : int, default=None
        Connected pieces of ink that reach this column or lie right of it do not count for the
        right end; where none is left, the end is the limit itself. None: all ink counts.
    halves_first : bool, default=False
        Whether to cut in halves first and then each half, which rounds differently. Needs an even
        ``n_characters``.
    repair : bool, default=False
        Whether to mend cuts that go through a character: where ink at the left edge of a piece is
        separate from the rest of it (after closing with a 3 x 3 cross) and narrow, the cut moves
        right, past that ink, which so returns to the character before.
    repair_width : float in (0, 1], default=0.35
        The share of the piece's width below which such ink is narrow.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segment import EqualSplit
    >>> image = np.zeros((10, 40), dtype=np.uint8)
    >>> image[2:8, 5:35] = 255
    >>> EqualSplit(3).fit_transform([image]).boxes.tolist()
    [[5, 2, 10, 6], [15, 2, 10, 6], [25, 2, 10, 6]]
    """

    _parameter_constraints: dict[str, Any] = {
        "n_characters": N_CHARACTERS,
        "left": [Interval(Integral, 0, None, closed="left"), None],
        "right_limit": [Interval(Integral, 1, None, closed="left"), None],
        "halves_first": ["boolean"],
        "repair": ["boolean"],
        "repair_width": [Interval(Real, 0, 1, closed="right")],
    }

    def __init__(
        self,
        n_characters: int,
        *,
        left: int | None = None,
        right_limit: int | None = None,
        halves_first: bool = False,
        repair: bool = False,
        repair_width: float = 0.35,
    ) -> None:
        self.n_characters = n_characters
        self.left = left
        self.right_limit = right_limit
        self.halves_first = halves_first
        self.repair = repair
        self.repair_width = repair_width

    def _validate_params(self) -> None:
        super()._validate_params()
        if self.halves_first and self.n_characters % 2:
            raise ValueError(f"halves_first needs an even n_characters, got {self.n_characters}")

    def _cut(self, image: Image) -> Cut:
        ink = ink_mask(image)
        left, right = self._columns(ink)
        rows = np.flatnonzero(ink[:, left:right].any(axis=1))
        top, bottom = (rows[0], rows[-1] + 1) if len(rows) else (0, len(ink))
        edges = self._edges(left, right)
        if self.repair:
            edges = self._repair(ink[top:bottom], edges)
        return Cut(boxes_between(edges, top, bottom))

    def _columns(self, ink: NDArray[np.bool_]) -> tuple[int, int]:
        width = ink.shape[1]
        inked = np.flatnonzero(ink.any(axis=0))
        first, end = (int(inked[0]), int(inked[-1]) + 1) if len(inked) else (0, width)
        left = first if self.left is None else self.left
        if self.right_limit is None:
            right = end
        else:
            _, _, stats, _ = cv2.connectedComponentsWithStats(ink.view(np.uint8), connectivity=8)
            ends = stats[1:, cv2.CC_STAT_LEFT] + stats[1:, cv2.CC_STAT_WIDTH]
            ends = ends[(ends <= self.right_limit) & (ends > left)]
            right = int(ends.max()) if len(ends) else min(self.right_limit, width)
        if right - left < self.n_characters and len(inked):
            # So little ink is no string: a speck must not make the image unreadable.
            left, right = self.left or 0, min(self.right_limit or width, width)
        return left, right

    def _edges(self, left: int, right: int) -> NDArray[np.intp]:
        n = self.n_characters
        if not self.halves_first:
            return equal_edges(left, right, n)
        middle = (left + right) // 2
        halves = equal_edges(left, middle, n // 2), equal_edges(middle, right, n // 2)
        return np.concatenate([halves[0], halves[1][1:]])

    def _repair(self, ink: NDArray[np.bool_], edges: NDArray[np.intp]) -> NDArray[np.intp]:
        """Move each inner cut past the narrow loose ink that begins at it."""
        gap = 3  # so wide that closing does not join two pieces
        widths = np.diff(edges)
        # All pieces side by side with ground between: one closing and one labeling do for all.
        starts = np.concatenate([[0], np.cumsum(widths[:-1] + gap)]) + gap
        sheet = np.zeros((len(ink) + 2 * gap, starts[-1] + widths[-1] + gap), dtype=np.uint8)
        columns = np.arange(edges[0], edges[-1])
        piece = np.repeat(np.arange(len(widths)), widths)
        spread = columns - edges[piece] + starts[piece]
        sheet[gap:-gap, spread] = ink[:, columns]
        cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
        closed = cv2.morphologyEx(sheet, cv2.MORPH_CLOSE, cross)
        _, _, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        x, width = stats[1:, cv2.CC_STAT_LEFT], stats[1:, cv2.CC_STAT_WIDTH]
        home = np.searchsorted(starts, x, side="right") - 1
        crowded = np.bincount(home, minlength=len(widths)) > 1
        loose = (x == starts[home]) & (width < self.repair_width * widths[home]) & crowded[home]
        loose &= home > 0
        shift = np.zeros(len(edges), dtype=np.intp)
        np.maximum.at(shift, home[loose], width[loose])
        return edges + shift
