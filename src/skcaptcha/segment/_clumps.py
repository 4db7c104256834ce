"""Cutting touching characters apart, in many images at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.errors import SegmentationError
from skcaptcha.segment._base import Cut
from skcaptcha.segment._valleys import MOST_COLUMNS

# Of the tables of many groups, so many entries at a time.
_ENTRIES_AT_ONCE = 2**18


class _Columns(NamedTuple):
    """Columns of ink: image after image, group after group, from left to right.

    Attributes
    ----------
    image, group, x : ndarray of shape (s,), dtype intp
    ink : ndarray of shape (s, h), dtype bool
        Which pixels of the column belong to the group.
    """

    image: NDArray[np.intp]
    group: NDArray[np.intp]
    x: NDArray[np.intp]
    ink: NDArray[np.bool_]


def cut_clumps(
    owners: NDArray[np.int32],
    n: int,
    *,
    places: NDArray[np.float64] | None,
    balance: float,
    connectivity: int,
) -> list[Cut]:
    """Cut groups of ink where it costs least, so that every image has n of them.

    A cut costs the pixels that it disconnects, as a share of the rows with ink. Beside it counts,
    ``balance`` times, the square of how far each piece begins from its place, in standard
    deviations; or without places, of the relative deviation of its columns from their mean number.
    Of all ways to place the cuts, dynamic programming over the columns of ink finds the cheapest.

    Parameters
    ----------
    owners : ndarray of shape (k, h, w), dtype int32
        Which group, from 1 on, each pixel belongs to; 0: none. No image has more than n groups, nor
        fewer columns of ink than n.
    n : int
    places : ndarray of shape (2, n) or None
        Mean and standard deviation of where pieces begin, in pixels from the first one.
    balance : float >= 0
    connectivity : {4, 8}
        Whether pixels that meet at a corner only are connected.

    Returns
    -------
    cuts : list of k Cut
        With n boxes each, from left to right.

    Raises
    ------
    SegmentationError
        If a group has more than 4096 columns; names the index of its image.
    """
    columns = _columns(owners)
    starts = np.searchsorted(columns.image, np.arange(len(owners) + 1))
    widths = np.diff(np.flatnonzero(_is_first(columns)), append=len(columns.x))
    if (widths > MOST_COLUMNS).any():
        k = int((widths > MOST_COLUMNS).argmax())
        raise SegmentationError(
            f"{widths[k]} columns are too many; at most {MOST_COLUMNS} can be cut",
            int(columns.image[widths[:k].sum()]),
        )
    cost = np.broadcast_to(_severed(owners, columns, connectivity), (n, len(columns.x)))
    weight = balance
    if places is not None:
        cost, weight = cost + balance * _misplacement(columns, starts, places), 0.0
    begins = np.empty((len(owners), n), dtype=np.intp)
    # So many groups at a time that their tables stay in the processor's cache.
    at_once = max(1, _ENTRIES_AT_ONCE // (n * int(widths.max(initial=0)) ** 2))
    for first in range(0, len(owners), at_once):
        some = slice(first, first + at_once)
        own = slice(starts[first], starts[min(first + at_once, len(owners))])
        image, group, x, ink = columns
        part = _Columns(image[own], group[own], x[own], ink[own])
        begins[some] = _cheapest(part, cost[:, own], weight) + own.start
    return list(_cuts(owners, columns, begins))


def _columns(owners: NDArray[np.int32]) -> _Columns:
    k, _, width = owners.shape
    at, row, column = np.nonzero(owners)
    of_pixel = owners[at, row, column] - 1
    inked = np.zeros((k, int(of_pixel.max(initial=0)) + 1, width), dtype=bool)
    inked[at, of_pixel, column] = True
    image, group, x = np.nonzero(inked)
    return _Columns(image, group, x, owners[image, :, x] == group[:, None] + 1)


def _severed(
    owners: NDArray[np.int32], columns: _Columns, connectivity: int
) -> NDArray[np.float64]:
    """Pixels that a cut before each column disconnects, as a share of the rows with ink, (s,)."""
    image, _, _, ink = columns
    reached = ink[:-1]
    if connectivity == 8:
        reached = reached.copy()
        reached[:, 1:] |= ink[:-1, :-1]
        reached[:, :-1] |= ink[:-1, 1:]
    severed = np.zeros(len(ink))
    severed[1:] = np.count_nonzero(ink[1:] & reached, axis=1)
    # Groups are not connected.
    severed[_is_first(columns)] = 0
    height = np.count_nonzero(owners.any(axis=2), axis=1)
    return severed / height[image]


def _misplacement(
    columns: _Columns, starts: NDArray[np.intp], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Squares of how far off each column is as the place of each piece, (n, s)."""
    mean, deviation = places[:, :, None]
    from_first = columns.x - columns.x[starts[columns.image]]
    squares: NDArray[np.float64] = ((from_first - mean) / deviation) ** 2
    return squares


def _is_first(columns: _Columns) -> NDArray[np.bool_]:
    """Which columns are the first of their group."""
    image, group, _, _ = columns
    first = np.ones(len(image), dtype=bool)
    first[1:] = (np.diff(image) != 0) | (np.diff(group) != 0)
    return first


def _cheapest(columns: _Columns, cost: NDArray[np.float64], weight: float) -> NDArray[np.intp]:
    """Find the columns at which the pieces of each image begin, (k, n), by their indices."""
    n = len(cost)
    starts = np.flatnonzero(np.diff(columns.image, prepend=-1))
    counts = np.diff(starts, append=len(columns.x))
    # A piece is part of one group: each group is a row of the tables.
    left = np.flatnonzero(_is_first(columns))
    width = np.diff(left, append=len(columns.x))
    at = np.arange(width.max())
    inside = at < width[:, None]
    where = np.where(inside, left[:, None] + at, 0)
    wide = at - at[:, None] + 1
    # Entry (a, b) is the piece from column a to column b of a group, both included.
    piece = np.where(wide > 0, 0.0, np.inf)
    pieces = np.broadcast_to(piece, (1, *piece.shape))
    if weight:
        n_groups = np.diff(np.searchsorted(left, starts), append=len(left))
        mean = np.repeat(counts / n, n_groups)
        pieces = piece + weight * (wide / mean[:, None, None] - 1) ** 2
    best = np.full(len(columns.x), np.inf)
    best[starts] = 0
    origins = np.empty((n, len(columns.x)), dtype=np.intp)
    for place in range(n):
        begin = np.where(inside, (best + cost[place])[where], np.inf)
        total = begin[:, :, None] + pieces
        origin = total.argmin(axis=1)
        reached = np.take_along_axis(total, origin[:, None], axis=1)[:, 0]
        origins[place] = (left[:, None] + origin)[inside]
        # Where one piece ends, the next begins.
        best[1:] = reached[inside][:-1]
        best[starts] = np.inf
    begins = np.empty((len(starts), n), dtype=np.intp)
    last = starts + counts - 1
    for place in range(n - 1, -1, -1):
        begins[:, place] = origins[place, last]
        last = begins[:, place] - 1
    return begins


def _cuts(owners: NDArray[np.int32], columns: _Columns, begins: NDArray[np.intp]) -> Iterator[Cut]:
    """Give each image its pieces, which begin at certain columns of all, from left to right."""
    image, group, x, ink = columns
    k, height, width = owners.shape
    n = begins.shape[1]
    flat = begins.ravel()
    ends = np.append(flat[1:], len(x)) - 1
    top = np.minimum.reduceat(ink.argmax(axis=1), flat)
    bottom = np.maximum.reduceat(height - ink[:, ::-1].argmax(axis=1), flat)
    boxes = np.stack([x[flat], top, x[ends] + 1 - x[flat], bottom - top], axis=1).reshape(k, n, 4)
    order = np.argsort(boxes[:, :, 0], axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable").ravel()
    piece = np.zeros(len(x), dtype=np.intp)
    piece[flat] = 1
    numbers = np.zeros((k, int(owners.max()) + 1, width), dtype=np.int32)
    numbers[image, group + 1, x] = 1 + rank[np.cumsum(piece) - 1]
    cut = numbers[np.arange(k)[:, None, None], owners, np.arange(width)]
    return map(Cut, np.take_along_axis(boxes, order[:, :, None], axis=1), cut)
