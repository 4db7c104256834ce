"""Cutting touching characters apart, in many images at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment._base import Cut
from skcaptcha.segment._valleys import MOST_COLUMNS

# Of the tables of many groups, so many entries at a time.
_ENTRIES_AT_ONCE = 2**18

# There are more slanted cuts to choose from than upright ones; they must be this much cheaper.
_SLANT_COST = 0.03
# A slanted cut through a corner severs little; it is no boundary of characters if it leaves a piece
# with less than this share of the ink of the smallest piece between upright cuts.
_LEAST_SHARE = 0.5


class _Ink(NamedTuple):
    """Pixels of ink, image after image.

    Attributes
    ----------
    image, group, row, x : ndarray of shape (p,), dtype intp
    rows : ndarray of shape (k,), dtype intp
        Number of rows with ink of each image.
    """

    image: NDArray[np.intp]
    group: NDArray[np.intp]
    row: NDArray[np.intp]
    x: NDArray[np.intp]
    rows: NDArray[np.intp]


class _Columns(NamedTuple):
    """Columns of ink: image after image, group after group, from left to right.

    Attributes
    ----------
    image, group, x : ndarray of shape (s,), dtype intp
    ink : ndarray of shape (s, h), dtype bool
        Which pixels of the column belong to the group.
    of_pixel : ndarray of shape (p,), dtype intp
        The column that each pixel is in.
    """

    image: NDArray[np.intp]
    group: NDArray[np.intp]
    x: NDArray[np.intp]
    ink: NDArray[np.bool_]
    of_pixel: NDArray[np.intp]


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
    ink = _ink(owners)
    columns = _columns(ink)
    widths = np.diff(np.flatnonzero(_is_first(columns)), append=len(columns.x))
    if (widths > MOST_COLUMNS).any():
        k = int((widths > MOST_COLUMNS).argmax())
        raise SegmentationError(
            f"{widths[k]} columns are too many; at most {MOST_COLUMNS} can be cut",
            int(columns.image[widths[:k].sum()]),
        )
    cut_upright = partial(
        _upright_cuts, n=n, places=places, balance=balance, connectivity=connectivity
    )
    pieces, costs = cut_upright(ink, columns)
    for slant in slants:
        # A slanted cut cannot win where the present one costs no more than the handicap.
        dear = np.flatnonzero(costs > _SLANT_COST)
        if not len(dear):
            break
        at, sheared = _shear(ink, dear, slant)
        columns = _columns(sheared)
        n_columns = np.bincount(columns.image)
        possible = (n_columns >= n) & (n_columns <= MOST_COLUMNS)
        if not possible.all():
            dear = dear[possible]
            if not len(dear):
                continue
            at, sheared = _shear(ink, dear, slant)
            columns = _columns(sheared)
        slanted, slanted_costs = cut_upright(sheared, columns)
        least, present = (_least_ink(sheared.image, of, n) for of in (slanted, pieces[at]))
        cheaper = slanted_costs + _SLANT_COST < costs[dear]
        cheaper &= least >= _LEAST_SHARE * present
        won = cheaper[sheared.image]
        pieces[at[won]] = slanted[won]
        costs[dear[cheaper]] = slanted_costs[cheaper] + _SLANT_COST
    return list(_cuts(ink, pieces, owners.shape, n))


def _ink(owners: NDArray[np.int32]) -> _Ink:
    k, height, width = owners.shape
    where = np.flatnonzero(owners != 0)
    line, x = np.divmod(where, width)
    image, row = np.divmod(line, height)
    inked = np.zeros(k * height, dtype=bool)
    inked[line] = True
    rows = np.count_nonzero(inked.reshape(k, height), axis=1)
    return _Ink(image, owners.ravel()[where].astype(np.intp) - 1, row, x, rows)


def _least_ink(image: NDArray[np.intp], pieces: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Count the pixels of each image's smallest piece."""
    counts = np.bincount(n * image + pieces, minlength=n * (int(image[-1]) + 1))
    least: NDArray[np.intp] = counts.reshape(-1, n).min(axis=1)
    return least


def _shear(ink: _Ink, chosen: NDArray[np.intp], slant: float) -> tuple[NDArray[np.intp], _Ink]:
    """Shear some of the images so that lines of a certain slant become upright.

    Gives the places of their pixels in the ink of all, and the sheared ones.
    """
    number = np.full(len(ink.rows), -1)
    number[chosen] = np.arange(len(chosen))
    image = number[ink.image]
    at = np.flatnonzero(image >= 0)
    image, row = image[at], ink.row[at]
    # Counted from the first row with ink, so that the same ink is cut alike wherever it stands.
    down = row - row[np.searchsorted(image, np.arange(len(chosen)))][image]
    x = ink.x[at] + np.floor(slant * down + 0.5).astype(np.intp)
    return at, _Ink(image, ink.group[at], row, x - x.min(), ink.rows[chosen])


def _upright_cuts(
    ink: _Ink,
    columns: _Columns,
    *,
    n: int,
    places: NDArray[np.float64] | None,
    balance: float,
    connectivity: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Give the piece, from 0 on, of each pixel, and what the cuts of each image cost."""
    k = len(ink.rows)
    starts = np.searchsorted(columns.image, np.arange(k + 1))
    cost = np.broadcast_to(_severed(ink, columns, connectivity), (n, len(columns.x)))
    if places is not None:
        begins, costs = _cheapest(columns, cost + balance * _misplacement(columns, starts, places))
    else:
        begins, costs = np.empty((k, n), dtype=np.intp), np.empty(k)
        # So many groups at a time that their tables stay in the processor's cache.
        widths = np.diff(np.flatnonzero(_is_first(columns)), append=len(columns.x))
        at_once = max(1, _ENTRIES_AT_ONCE // (n * int(widths.max(initial=0)) ** 2))
        for first in range(0, k, at_once):
            own = slice(starts[first], starts[min(first + at_once, k)])
            part = columns._replace(
                image=columns.image[own], group=columns.group[own], x=columns.x[own]
            )
            some = slice(first, first + at_once)
            begins[some], costs[some] = _cheapest(part, cost[:, own], balance)
            begins[some] += own.start
    new = np.zeros(len(columns.x), dtype=np.intp)
    new[begins.ravel()] = 1
    return (np.cumsum(new) - 1 - n * columns.image)[columns.of_pixel], costs


def _columns(ink: _Ink) -> _Columns:
    n_groups, width = int(ink.group.max(initial=-1)) + 1, int(ink.x.max(initial=-1)) + 1
    place = (ink.image * n_groups + ink.group) * width + ink.x
    there = np.zeros(len(ink.rows) * n_groups * width, dtype=bool)
    there[place] = True
    group, x = np.divmod(np.flatnonzero(there), width)
    image, group = np.divmod(group, n_groups)
    of_pixel = (np.cumsum(there) - 1)[place]
    inked = np.zeros((len(x), int(ink.row.max(initial=-1)) + 1), dtype=bool)
    inked[of_pixel, ink.row] = True
    return _Columns(image, group, x, inked, of_pixel)


def _severed(ink: _Ink, columns: _Columns, connectivity: int) -> NDArray[np.float64]:
    """Pixels that a cut before each column disconnects, as a share of the rows with ink, (s,)."""
    here = columns.ink
    reached = here[:-1]
    if connectivity == 8:
        reached = reached.copy()
        reached[:, 1:] |= here[:-1, :-1]
        reached[:, :-1] |= here[:-1, 1:]
    severed = np.zeros(len(here))
    severed[1:] = np.count_nonzero(here[1:] & reached, axis=1)
    # Groups are not connected.
    severed[_is_first(columns)] = 0
    return severed / ink.rows[columns.image]


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
    image, group = columns.image, columns.group
    first = np.ones(len(image), dtype=bool)
    first[1:] = (np.diff(image) != 0) | (np.diff(group) != 0)
    return first


def _cheapest(
    columns: _Columns, cost: NDArray[np.float64], weight: float = 0.0
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
    pieces = None
    if weight:
        wide = at - at[:, None] + 1
        # Entry (a, b) is the piece from column a to column b of a group, both included.
        piece = np.where(wide > 0, 0.0, np.inf)
        n_groups = np.diff(np.searchsorted(left, starts), append=len(left))
        mean = np.repeat(counts / n, n_groups)
        pieces = piece + weight * (wide / mean[:, None, None] - 1) ** 2
    best = np.full(len(columns.x), np.inf)
    best[starts] = 0
    origins = np.empty((n, len(columns.x)), dtype=np.intp)
    reached = best
    for place in range(n):
        begin = np.where(inside, (best + cost[place])[where], np.inf)
        if pieces is None:
            least = np.minimum.accumulate(begin, axis=1)
            fresh = np.zeros(begin.shape, dtype=np.intp)
            fresh[:, 1:] = np.where(least[:, 1:] < least[:, :-1], at[1:], 0)
            origin = np.maximum.accumulate(fresh, axis=1)
        else:
            total = begin[:, :, None] + pieces
            origin = total.argmin(axis=1)
            least = np.take_along_axis(total, origin[:, None], axis=1)[:, 0]
        reached = least[inside]
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


def _cuts(ink: _Ink, pieces: NDArray[np.intp], shape: tuple[int, ...], n: int) -> Iterator[Cut]:
    """Give each image the boxes of its n pieces, from left to right, and number these so."""
    k, height, width = shape
    piece = n * ink.image + pieces
    place = np.stack([ink.x, ink.row], axis=1)
    least = np.full((k * n, 2), np.iinfo(np.intp).max)
    most = np.zeros((k * n, 2), dtype=np.intp)
    np.minimum.at(least, piece, place)
    np.maximum.at(most, piece, place)
    boxes = np.concatenate([least, most - least + 1], axis=1).reshape(k, n, 4)
    order = np.argsort(boxes[:, :, 0], axis=1, kind="stable")
    rank = np.zeros((k, n), dtype=np.int32)
    np.put_along_axis(rank, order, np.arange(1, n + 1, dtype=np.int32)[None], axis=1)
    owner = np.zeros(shape, dtype=np.int32)
    owner.ravel()[(ink.image * height + ink.row) * width + ink.x] = rank.ravel()[piece]
    return map(Cut, np.take_along_axis(boxes, order[:, :, None], axis=1), owner)
