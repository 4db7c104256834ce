"""Cutting touching characters apart, in many images at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.errors import SegmentationError
from skcaptcha.segment._base import Cut
from skcaptcha.segment._valleys import MOST_COLUMNS

# Of the tables of many groups, so many entries at a time.
_ENTRIES_AT_ONCE = 2**18

# There are more slanted cuts to choose from than upright ones; they must be this much cheaper.
_SLANT_COST = 0.03
# A slanted cut through a corner severs little; it is no boundary of characters if it leaves a piece
# with less than this share of the ink of the smallest piece between upright cuts.
_LEAST_SHARE = 0.5


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
    slants: Sequence[float] = (),
) -> list[Cut]:
    """Cut groups of ink where it costs least, so that every image has n of them.

    A cut costs the pixels that it disconnects, as a share of the rows with ink. Beside it counts,
    ``balance`` times, the square of how far each piece begins from its place, in standard
    deviations; or without places, of the relative deviation of its columns from their mean number.
    Of all ways to place the cuts, dynamic programming over the columns of ink finds the cheapest.
    Cuts are upright unless slanted ones, all of one slant in each image, are clearly cheaper.

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
    slants : sequence of float, default=()
        Slants of cuts to try beside upright ones: how many pixels they go left for each row down.

    Returns
    -------
    cuts : list of k Cut
        With n boxes each, from left to right.

    Raises
    ------
    SegmentationError
        If a group has more than 4096 columns; names the index of its image.
    """
    cut_upright = partial(
        _upright_cuts, n=n, places=places, balance=balance, connectivity=connectivity
    )
    pieces, costs = cut_upright(owners)
    for slant in slants:
        # A slanted cut cannot win where the present one costs no more than the handicap.
        dear = np.flatnonzero(costs > _SLANT_COST)
        if not len(dear):
            break
        sheared, place = _shear(owners[dear], slant)
        slanted, slanted_costs = cut_upright(sheared)
        cheaper = slanted_costs + _SLANT_COST < costs[dear]
        cheaper &= _least_ink(slanted, n) >= _LEAST_SHARE * _least_ink(pieces[dear], n)
        won = dear[cheaper]
        pieces[won] = np.take_along_axis(slanted[cheaper], place[cheaper], axis=2)
        costs[won] = slanted_costs[cheaper] + _SLANT_COST
    return list(_cuts(pieces, n))


def _least_ink(pieces: NDArray[np.int32], n: int) -> NDArray[np.intp]:
    """Count the pixels of each image's smallest piece."""
    numbers = (n + 1) * np.arange(len(pieces))[:, None, None] + pieces
    ink = np.bincount(numbers.ravel(), minlength=(n + 1) * len(pieces)).reshape(-1, n + 1)
    least: NDArray[np.intp] = ink[:, 1:].min(axis=1)
    return least


def _shear(owners: NDArray[np.int32], slant: float) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Shear images so that lines of a certain slant become upright.

    Gives the sheared images, and the column of each of their pixels in these.
    """
    k, height, width = owners.shape
    # Counted from the first row with ink, so that the same ink is cut alike wherever it stands.
    top = owners.any(axis=2).argmax(axis=1)
    shift = np.floor(slant * (np.arange(height) - top[:, None]) + 0.5).astype(np.intp)
    shift -= shift.min()
    place = np.arange(width) + shift[:, :, None]
    sheared = np.zeros((k, height, width + int(shift.max())), dtype=np.int32)
    np.put_along_axis(sheared, place, owners, axis=2)
    return sheared, place


def _upright_cuts(
    owners: NDArray[np.int32],
    *,
    n: int,
    places: NDArray[np.float64] | None,
    balance: float,
    connectivity: int,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Give the piece, from 1 on, of each pixel, and what the cuts of each image cost."""
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
    begins, costs = np.empty((len(owners), n), dtype=np.intp), np.empty(len(owners))
    # So many groups at a time that their tables stay in the processor's cache.
    at_once = max(1, _ENTRIES_AT_ONCE // (n * int(widths.max(initial=0)) ** 2))
    for first in range(0, len(owners), at_once):
        some = slice(first, first + at_once)
        own = slice(starts[first], starts[min(first + at_once, len(owners))])
        image, group, x, ink = columns
        part = _Columns(image[own], group[own], x[own], ink[own])
        of_part, costs[some] = _cheapest(part, cost[:, own], weight)
        begins[some] = of_part + own.start
    return _pieces(owners, columns, begins), costs


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


def _cheapest(
    columns: _Columns, cost: NDArray[np.float64], weight: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Find the columns at which the pieces of each image begin, (k, n), and their cost, (k,)."""
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
    reached = best
    for place in range(n):
        begin = np.where(inside, (best + cost[place])[where], np.inf)
        total = begin[:, :, None] + pieces
        origin = total.argmin(axis=1)
        reached = np.take_along_axis(total, origin[:, None], axis=1)[:, 0][inside]
        origins[place] = (left[:, None] + origin)[inside]
        # Where one piece ends, the next begins.
        best[1:] = reached[:-1]
        best[starts] = np.inf
    begins = np.empty((len(starts), n), dtype=np.intp)
    last = starts + counts - 1
    costs = reached[last]
    for place in range(n - 1, -1, -1):
        begins[:, place] = origins[place, last]
        last = begins[:, place] - 1
    return begins, costs


def _pieces(
    owners: NDArray[np.int32], columns: _Columns, begins: NDArray[np.intp]
) -> NDArray[np.int32]:
    """Number the pieces, which begin at certain columns of all, in the order of these, from 1."""
    image, group, x, _ = columns
    k, _, width = owners.shape
    new = np.zeros(len(x), dtype=np.int32)
    new[begins.ravel()] = 1
    numbers = np.zeros((k, int(owners.max(initial=0)) + 1, width), dtype=np.int32)
    numbers[image, group + 1, x] = np.cumsum(new) - begins.shape[1] * image
    # One flat index takes half of the time of three index arrays.
    where = owners + (np.arange(k) * numbers.shape[1])[:, None, None]
    where *= width
    where += np.arange(width)
    return numbers.take(where)


def _cuts(pieces: NDArray[np.int32], n: int) -> Iterator[Cut]:
    """Give each image the boxes of its n pieces, from left to right, and number these so."""
    k = len(pieces)
    image, row, column = np.nonzero(pieces)
    piece = n * image + pieces[image, row, column] - 1
    place = np.stack([column, row], axis=1)
    least = np.full((k * n, 2), np.iinfo(np.intp).max)
    most = np.zeros((k * n, 2), dtype=np.intp)
    np.minimum.at(least, piece, place)
    np.maximum.at(most, piece, place)
    boxes = np.concatenate([least, most - least + 1], axis=1).reshape(k, n, 4)
    order = np.argsort(boxes[:, :, 0], axis=1, kind="stable")
    rank = np.zeros((k, n + 1), dtype=np.int32)
    np.put_along_axis(rank[:, 1:], order, np.arange(1, n + 1, dtype=np.int32)[None], axis=1)
    owner = rank[np.arange(k)[:, None, None], pieces]
    return map(Cut, np.take_along_axis(boxes, order[:, :, None], axis=1), owner)
