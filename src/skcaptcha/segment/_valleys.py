"""Cuts where the ink is thinnest."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment._base import (
    N_CHARACTERS,
    BaseSegmenter,
    Boxes,
    Cut,
    Image,
    boxes_between,
    equal_edges,
)
from skcaptcha.segments import ink_mask

# The table of all pieces grows with the square of the columns: this many take 128 MiB.
MOST_COLUMNS = 4096


class ValleyCuts(NamedTuple):
    """The best ways to cut columns into 1, 2, ... pieces; see `cut_valleys`.

    Attributes
    ----------
    costs : ndarray of shape (n,)
        The total cost for each number of pieces.
    origins : ndarray of shape (n - 1, w + 1)
        For each number of pieces from 2 on and each column: where the last piece that ends there
        begins.
    """

    costs: NDArray[np.float64]
    origins: NDArray[np.intp]

    def edges(self, n: int) -> NDArray[np.intp]:
        """Give the edges of the best n pieces, an ndarray of shape (n + 1,).

        Piece i spans the columns ``edges[i]`` up to, but not including, ``edges[i + 1]``.
        """
        edges = [self.origins.shape[1] - 1]
        for origin in self.origins[: n - 1][::-1]:
            edges.append(origin[edges[-1]])
        return np.array([0, *edges[::-1]], dtype=np.intp)


def cut_valleys(
    cut_costs: NDArray[np.floating], n: int, *, width: float, balance: float
) -> ValleyCuts:
    """Cut columns into up to n pieces where cuts cost least.

    Of all ways to place the cuts it finds the one with the least total cost, by dynamic
    programming: that of its cuts, and for each piece ``balance`` times the square of its relative
    deviation from the expected width.

    Parameters
    ----------
    cut_costs : ndarray of shape (w - 1,) or (n - 1, w - 1), dtype float
        What it costs to cut between each column and the next; with two dimensions, for the first
        cut, the second, and so on.
    n : int
        The greatest number of pieces.
    width : float > 0
        The expected width of a piece, in columns.
    balance : float >= 0
        What it costs to be twice as wide as expected.

    Returns
    -------
    cuts : ValleyCuts

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
    >>> from skcaptcha.segment import cut_valleys
    >>> cut_costs = np.array([5, 1, 2, 7, 0, 3, 3.0])
    >>> cut_valleys(cut_costs, 3, width=8 / 3, balance=0.1).edges(3).tolist()
    [0, 2, 5, 8]
    """
    w = cut_costs.shape[-1] + 1
    if w < n:
        raise SegmentationError(f"{w} columns are too few for {n} characters")
    if w > MOST_COLUMNS:
        raise SegmentationError(f"{w} columns are too many; at most {MOST_COLUMNS} can be cut")
    if n == 1:
        return ValleyCuts(np.array([balance * (w / width - 1) ** 2]), np.empty((0, w + 1), np.intp))
    at = np.arange(w + 1)
    wide = at[None, :] - at[:, None]
    piece = np.where(wide > 0, balance * (wide / width - 1) ** 2, np.inf)
    best = piece[0]
    costs, origins = [best[w]], np.empty((n - 1, w + 1), dtype=np.intp)
    for k, cut in enumerate(np.broadcast_to(cut_costs, (n - 1, w - 1))):
        total = (best + np.concatenate([[np.inf], cut, [np.inf]]))[:, None] + piece
        origins[k] = total.argmin(axis=0)
        best = total[origins[k], at]
        costs.append(best[w])
    return ValleyCuts(np.array(costs), origins)


class ProjectionValleys(BaseSegmenter):
    """Cut between columns where the projection of the ink is lowest.

    Parameters
    ----------
    n_characters : int, default=None
        Number of pieces, found by dynamic programming over all places of the cuts. None: as many
        as there are runs of columns with more than ``max_ink`` pixels.
    balance : float >= 0, default=0.3
        With ``n_characters``: what uneven widths cost beside the ink that is cut. A piece half as
        wide as the mean, or half wider, costs a quarter of ``balance``; a cut costs the lesser
        share of ink in the two columns that it parts.
    max_ink : int >= 0, default=0
        Without ``n_characters``: columns with at most so many pixels of ink part two characters.
    tight : bool, default=True
        Whether each box shrinks to its ink, so that the crop does not depend on where in its
        piece the character stands. Otherwise the boxes stand side by side.

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

    def _cut(self, image: Image) -> Cut:
        ink = ink_mask(image)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        if not len(rows):
            return Cut(self._without_ink(ink))
        top, bottom = rows[0], rows[-1] + 1
        left, right = columns[0], columns[-1] + 1
        if self.n_characters is not None and right - left < self.n_characters:
            # So little ink is no string: a speck must not make the image unreadable.
            left, right = 0, ink.shape[1]
        profile = ink[:, left:right].sum(axis=0)
        if self.n_characters is None:
            edges = _gap_edges(profile, self.max_ink)
        else:
            n = self.n_characters
            cut_costs = np.minimum(profile[:-1], profile[1:]) / (bottom - top)
            width = (right - left) / n
            edges = cut_valleys(cut_costs, n, width=width, balance=self.balance).edges(n)
        boxes = boxes_between(edges + left, top, bottom)
        return Cut(tighten(boxes, ink) if self.tight else boxes)

    def _without_ink(self, ink: NDArray[np.bool_]) -> Boxes:
        if self.n_characters is None:
            return np.empty((0, 4), dtype=np.intp)
        height, width = ink.shape
        return boxes_between(equal_edges(0, width, self.n_characters), 0, height)


def _gap_edges(profile: NDArray[np.intp], max_ink: int) -> NDArray[np.intp]:
    """Cut in the middle of every run of columns with little ink that has more on both sides."""
    inked = profile > max_ink
    if not inked.any():
        return np.array([0, len(profile)], dtype=np.intp)
    change = np.flatnonzero(np.diff(inked)) + 1
    if not inked[0]:
        change = change[1:]
    if not inked[-1]:
        change = change[:-1]
    gap_starts, gap_ends = change[::2], change[1::2]
    return np.concatenate([[0], (gap_starts + gap_ends) // 2, [len(profile)]])


def tighten(boxes: Boxes, ink: NDArray[np.bool_]) -> Boxes:
    """Shrink boxes that stand side by side to the ink in each.

    Parameters
    ----------
    boxes : ndarray of shape (k, 4)
        All with the same rows, each beginning where the one before ends.
    ink : ndarray of shape (h, w), dtype bool

    Returns
    -------
    boxes : ndarray of shape (k, 4)
        A box without ink stays as it is.
    """
    x, y, w, h = boxes.T
    piece = np.repeat(np.arange(len(boxes)), w)
    row, column = np.nonzero(ink[y[0] : y[0] + h[0], x[0] : x[-1] + w[-1]])
    owner = piece[column]
    least = np.full((len(boxes), 2), np.iinfo(np.intp).max)
    most = np.full((len(boxes), 2), -1)
    place = np.stack([column + x[0], row + y[0]], axis=1)
    np.minimum.at(least, owner, place)
    np.maximum.at(most, owner, place)
    tight = np.concatenate([least, most - least + 1], axis=1)
    return np.where(most[:, :1] >= 0, tight, boxes)
