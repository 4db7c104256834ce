"""Segments of equal width, and the repair of characters that the cuts go through."""

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
    Boxes,
    Images,
    boxes_between,
    equal_edges,
)
from skcaptcha.segments import ink_mask


class EqualSplit(BaseSegmenter):
    """Crop to the ink and cut into segments of equal width.

    For strings of known length with evenly spaced characters. An image without ink is cut as a
    whole.

    Parameters
    ----------
    n_characters : int
        Number of segments.
    left : int, default=None
        First column to use. None: the first column with ink. If strings always start at the same
        column, that column is more reliable than the ink, which noise may widen.
    right_limit : int, default=None
        Column that the string does not reach: connected components of ink that reach it do not
        count for the right end. If no component is left, the limit is the end. None: all ink
        counts.
    halves_first : bool, default=False
        Whether to cut into halves first and then each half, which rounds differently. Needs an even
        ``n_characters``.
    repair : bool, default=False
        Whether to repair cuts that go through a character: if ink at the left edge of a segment is
        separate from the rest (after closing with a 3 x 3 cross) and narrow, the cut moves right,
        past that ink, which then belongs to the previous character.
    repair_width : float in (0, 1], default=0.35
        Fraction of the segment's width below which such ink is narrow.

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

    def _segment(self, images: Images) -> tuple[list[Boxes], None]:
        return [self._boxes(ink) for ink in ink_mask(images)], None

    def _boxes(self, ink: NDArray[np.bool_]) -> Boxes:
        left, right = self._span(ink)
        rows = np.flatnonzero(ink[:, left:right].any(axis=1))
        top, bottom = (rows[0], rows[-1] + 1) if len(rows) else (0, len(ink))
        n = self.n_characters
        if self.halves_first:
            middle = (left + right) // 2
            halves = equal_edges(left, middle, n // 2), equal_edges(middle, right, n // 2)
            edges = np.concatenate([halves[0], halves[1][1:]])
        else:
            edges = equal_edges(left, right, n)
        if self.repair:
            edges = self._repair(ink[top:bottom], edges)
        return boxes_between(edges, top, bottom)

    def _span(self, ink: NDArray[np.bool_]) -> tuple[int, int]:
        """Return the first column of the string, and the first column after it."""
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
            # Too little ink for a string: a speck must not make the image unreadable.
            left, right = self.left or 0, min(self.right_limit or width, width)
        return left, right

    def _repair(self, ink: NDArray[np.bool_], edges: NDArray[np.intp]) -> NDArray[np.intp]:
        """Move each inner cut past the narrow loose ink to its right."""
        gap = 3  # wide enough that closing does not join two segments
        widths = np.diff(edges)
        # All segments side by side with background between: one closing and one labeling for all.
        starts = np.concatenate([[0], np.cumsum(widths[:-1] + gap)]) + gap
        sheet = np.zeros((len(ink) + 2 * gap, starts[-1] + widths[-1] + gap), dtype=np.uint8)
        columns = np.arange(edges[0], edges[-1])
        segment = np.repeat(np.arange(len(widths)), widths)
        sheet[gap:-gap, columns - edges[segment] + starts[segment]] = ink[:, columns]
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
