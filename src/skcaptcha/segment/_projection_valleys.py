"""Cuts at the valleys of the vertical projection profile."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment._base import (
    N_CHARACTERS,
    BaseSegmenter,
    Boxes,
    Images,
    boxes_between,
    equal_edges,
    extent_of_groups,
)
from skcaptcha.segments import ink_mask

# The table of all pieces grows with the square of the columns: 128 MiB for this many.
MAX_COLUMNS = 4096


def minimum_cost_cuts(
    cut_costs: NDArray[np.floating], n: int, *, width: float, balance: float
) -> NDArray[np.intp]:
    """Cut columns into n pieces at the least total cost.

    The total cost is the sum of the costs of the cuts and, for each piece, ``balance`` times the
    square of its relative deviation from the expected width. Dynamic programming finds the minimum
    over all possible cuts.

    Parameters
    ----------
    cut_costs : ndarray of shape (w - 1,), dtype float
        Cost of a cut between each column and the next.
    n : int
        Number of pieces.
    width : float > 0
        Expected width of a piece, in columns.
    balance : float >= 0
        Cost of a piece that is twice as wide as expected.

    Returns
    -------
    edges : ndarray of shape (n + 1,)
        Piece i spans the columns from ``edges[i]`` up to, but not including, ``edges[i + 1]``.

    Raises
    ------
    SegmentationError
        If there are fewer columns than pieces, or more than 4096.

    References
    ----------
    R. G. Casey and E. Lecolinet, "A survey of methods and strategies in character segmentation",
    IEEE Transactions on Pattern Analysis and Machine Intelligence 18 (1996), 690-706.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segment import minimum_cost_cuts
    >>> cut_costs = np.array([5, 1, 2, 7, 0, 3, 3.0])
    >>> minimum_cost_cuts(cut_costs, 3, width=8 / 3, balance=0.1).tolist()
    [0, 2, 5, 8]
    """
    w = len(cut_costs) + 1
    if w < n:
        raise SegmentationError(f"{w} columns are too few for {n} characters")
    if w > MAX_COLUMNS:
        raise SegmentationError(f"{w} columns are too many; at most {MAX_COLUMNS} can be cut")
    at = np.arange(w + 1)
    wide = at[None, :] - at[:, None]
    piece = np.where(wide > 0, balance * (wide / width - 1) ** 2, np.inf)
    best, origins = piece[0], []
    cost = np.concatenate([[np.inf], cut_costs, [np.inf]])
    for _ in range(n - 1):
        total = (best + cost)[:, None] + piece
        origins.append(total.argmin(axis=0))
        best = total[origins[-1], at]
    edges = [w]
    for origin in reversed(origins):
        edges.append(origin[edges[-1]])
    return np.array([0, *edges[::-1]], dtype=np.intp)


class ProjectionValleys(BaseSegmenter):
    """Cut at the valleys of the vertical projection profile: where columns have the least ink.

    Parameters
    ----------
    n_characters : int, default=None
        Number of segments; `minimum_cost_cuts` then finds the cuts. None: one segment for each run
        of columns with more than ``max_ink`` pixels of ink.
    balance : float >= 0, default=0.3
        Weight of even widths against the ink that is cut, if ``n_characters`` is given. A segment
        that is half as wide as the mean, or one and a half times as wide, costs a quarter of
        ``balance``; a cut costs the fraction of ink in the emptier of the two adjacent columns.
    max_ink : int >= 0, default=0
        Maximum number of pixels of ink in a column that separates two characters, if
        ``n_characters`` is not given.
    tight : bool, default=True
        Whether each box shrinks to its ink, so that crops do not depend on the position of the
        character in its segment. Otherwise the boxes are side by side.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segment import ProjectionValleys
    >>> image = np.zeros((6, 12), dtype=np.uint8)
    >>> image[1:5, 1:5] = image[2:4, 5:7] = image[1:5, 7:11] = 255
    >>> ProjectionValleys(2).fit_transform([image]).boxes.tolist()
    [[1, 1, 5, 4], [6, 1, 5, 4]]
    """

    _parameter_constraints: dict[str, Any] = {
        "n_characters": [*N_CHARACTERS, None],
        "balance": [Interval(Real, 0, None, closed="left")],
        "max_ink": [Interval(Integral, 0, None, closed="left")],
        "tight": ["boolean"],
    }

    def __init__(
        self,
        n_characters: int | None = None,
        *,
        balance: float = 0.3,
        max_ink: int = 0,
        tight: bool = True,
    ) -> None:
        self.n_characters = n_characters
        self.balance = balance
        self.max_ink = max_ink
        self.tight = tight

    def _segment(self, images: Images) -> tuple[list[Boxes], None]:
        return [self._boxes(ink) for ink in ink_mask(images)], None

    def _boxes(self, ink: NDArray[np.bool_]) -> Boxes:
        n, (height, image_width) = self.n_characters, ink.shape
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        if not len(rows):
            if n is None:
                return np.empty((0, 4), dtype=np.intp)
            return boxes_between(equal_edges(0, image_width, n), 0, height)
        top, bottom = rows[0], rows[-1] + 1
        left, right = columns[0], columns[-1] + 1
        if n is not None and right - left < n:
            # Too little ink for a string: a speck must not make the image unreadable.
            left, right = 0, image_width
        profile = ink[:, left:right].sum(axis=0)
        if n is None:
            edges = _gap_edges(profile, self.max_ink)
        else:
            cut_costs = np.minimum(profile[:-1], profile[1:]) / (bottom - top)
            edges = minimum_cost_cuts(cut_costs, n, width=(right - left) / n, balance=self.balance)
        boxes = boxes_between(edges + left, top, bottom)
        return _shrink_to_ink(boxes, ink) if self.tight else boxes


def _gap_edges(profile: NDArray[np.intp], max_ink: int) -> NDArray[np.intp]:
    """Cut in the middle of every run of columns with little ink that has more on both sides."""
    inked = profile > max_ink
    if not inked.any():
        return np.array([0, len(profile)], dtype=np.intp)
    change = np.flatnonzero(np.diff(inked)) + 1
    change = change[int(not inked[0]) : len(change) - int(not inked[-1])]
    gap_starts, gap_ends = change[::2], change[1::2]
    return np.concatenate([[0], (gap_starts + gap_ends) // 2, [len(profile)]])


def _shrink_to_ink(boxes: Boxes, ink: NDArray[np.bool_]) -> Boxes:
    """Shrink adjacent boxes to the ink in each; a box without ink stays as it is."""
    x, y, w, h = boxes.T
    piece = np.repeat(np.arange(len(boxes)), w)
    row, column = np.nonzero(ink[y[0] : y[0] + h[0], x[0] : x[-1] + w[-1]])
    position = np.stack([column + x[0], row + y[0]], axis=1)
    first, end = extent_of_groups(piece[column], position, position + 1, len(boxes))
    return np.where(end[:, :1] > 0, np.concatenate([first, end - first], axis=1), boxes)
