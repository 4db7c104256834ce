"""Split touching characters, in many images at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment._base import Boxes, Owners, extent_of_groups
from skcaptcha.segment._projection_valleys import MAX_COLUMNS

# Number of entries of the tables that are computed at a time; more would not stay in the
# processor's cache.
_ENTRIES_AT_ONCE = 2**18

# There are more slanted cuts to choose from than upright ones; they must be cheaper by this much.
_SLANT_COST = 0.03
# A slanted cut through a corner disconnects little ink. It is not a boundary of characters if it
# leaves a piece with less than this fraction of the ink of the smallest piece between upright cuts.
_MIN_INK = 0.5


class _Ink(NamedTuple):
    """Pixels of ink, image after image."""

    image: NDArray[np.intp]  # (p,)
    group: NDArray[np.intp]  # (p,)
    row: NDArray[np.intp]  # (p,)
    x: NDArray[np.intp]  # (p,)
    n_rows: NDArray[np.intp]  # (k,): number of rows with ink of each image


class _Columns(NamedTuple):
    """Columns of ink: image after image, group after group, from left to right."""

    image: NDArray[np.intp]  # (s,)
    group: NDArray[np.intp]  # (s,)
    x: NDArray[np.intp]  # (s,)
    ink: NDArray[np.bool_]  # (s, h): which pixels of the column belong to the group
    of_pixel: NDArray[np.intp]  # (p,): the column that each pixel of ink is in


def split_touching_characters(
    owners: Owners,
    n: int,
    *,
    expected_starts: NDArray[np.float64] | None,
    balance: float,
    connectivity: int,
    slants: Sequence[float] = (),
) -> tuple[list[Boxes], Owners]:
    """Split groups of ink at the least cost, so that every image has n of them.

    ``owners`` (k, h, w) holds the group of each pixel, counted from 1; 0 is background. No image
    has more than n groups, or fewer than n columns of ink. Returns the n boxes of each image, from
    left to right, and the piece of each pixel, counted from 1.

    The cost of a cut is the number of pixels that it disconnects, as a fraction of the rows with
    ink. ``balance`` times the square of the distance of each piece from its expected start is added
    (mean and standard deviation, (2, n), in pixels from the first piece), or without expected
    starts, of its relative deviation from the mean number of columns. Dynamic programming over the
    columns of ink finds the minimum over all possible cuts. Cuts are upright unless slanted ones,
    of one slant in each image, are clearly cheaper; a slant is the number of pixels that a cut goes
    left for each row down.
    """
    ink = _ink(owners)
    columns = _columns(ink)
    widths = np.diff(np.flatnonzero(_is_first(columns)), append=len(columns.x))
    if (widths > MAX_COLUMNS).any():
        raise SegmentationError(
            f"{widths.max()} columns are too many; at most {MAX_COLUMNS} can be cut"
        )
    cut_upright = partial(
        _upright_cuts,
        n=n,
        expected_starts=expected_starts,
        balance=balance,
        connectivity=connectivity,
    )
    pieces, costs = cut_upright(ink, columns)
    for slant in slants:
        # A slanted cut cannot win if the present one costs no more than the handicap.
        costly = np.flatnonzero(costs > _SLANT_COST)
        if not len(costly):
            break
        at, sheared = _shear(ink, costly, slant)
        columns = _columns(sheared)
        n_columns = np.bincount(columns.image)
        possible = (n_columns >= n) & (n_columns <= MAX_COLUMNS)
        if not possible.all():
            costly = costly[possible]
            if not len(costly):
                continue
            at, sheared = _shear(ink, costly, slant)
            columns = _columns(sheared)
        slanted, slanted_costs = cut_upright(sheared, columns)
        smallest, present = (_smallest_piece(sheared.image, of, n) for of in (slanted, pieces[at]))
        cheaper = slanted_costs + _SLANT_COST < costs[costly]
        cheaper &= smallest >= _MIN_INK * present
        won = cheaper[sheared.image]
        pieces[at[won]] = slanted[won]
        costs[costly[cheaper]] = slanted_costs[cheaper] + _SLANT_COST
    return _number_from_left(ink, pieces, owners.shape, n)


def _ink(owners: Owners) -> _Ink:
    k, height, width = owners.shape
    where = np.flatnonzero(owners != 0)
    line, x = np.divmod(where, width)
    image, row = np.divmod(line, height)
    inked = np.zeros(k * height, dtype=bool)
    inked[line] = True
    n_rows = np.count_nonzero(inked.reshape(k, height), axis=1)
    return _Ink(image, owners.ravel()[where].astype(np.intp) - 1, row, x, n_rows)


def _smallest_piece(image: NDArray[np.intp], pieces: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Return the number of pixels of each image's smallest piece."""
    counts = np.bincount(n * image + pieces, minlength=n * (int(image[-1]) + 1))
    smallest: NDArray[np.intp] = counts.reshape(-1, n).min(axis=1)
    return smallest


def _shear(ink: _Ink, chosen: NDArray[np.intp], slant: float) -> tuple[NDArray[np.intp], _Ink]:
    """Shear chosen images so that lines of a slant become upright.

    Returns the indices of their pixels in ``ink``, and the sheared pixels.
    """
    number = np.full(len(ink.n_rows), -1)
    number[chosen] = np.arange(len(chosen))
    image = number[ink.image]
    at = np.flatnonzero(image >= 0)
    image, row = image[at], ink.row[at]
    # Counted from the first row with ink, so that cuts do not depend on the position of the ink.
    down = row - row[np.searchsorted(image, np.arange(len(chosen)))][image]
    x = ink.x[at] + np.floor(slant * down + 0.5).astype(np.intp)
    return at, _Ink(image, ink.group[at], row, x - x.min(), ink.n_rows[chosen])


def _upright_cuts(
    ink: _Ink,
    columns: _Columns,
    *,
    n: int,
    expected_starts: NDArray[np.float64] | None,
    balance: float,
    connectivity: int,
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the piece of each pixel, counted from 0, and the cost of each image's cuts."""
    k = len(ink.n_rows)
    starts = np.searchsorted(columns.image, np.arange(k + 1))
    cost = np.broadcast_to(_disconnected(ink, columns, connectivity), (n, len(columns.x)))
    if expected_starts is not None:
        mean, deviation = expected_starts[:, :, None]
        from_first = columns.x - columns.x[starts[columns.image]]
        begins, costs = _cheapest(columns, cost + balance * ((from_first - mean) / deviation) ** 2)
    else:
        begins, costs = np.empty((k, n), dtype=np.intp), np.empty(k)
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
    exists = np.zeros(len(ink.n_rows) * n_groups * width, dtype=bool)
    exists[place] = True
    group, x = np.divmod(np.flatnonzero(exists), width)
    image, group = np.divmod(group, n_groups)
    of_pixel = (np.cumsum(exists) - 1)[place]
    inked = np.zeros((len(x), int(ink.row.max(initial=-1)) + 1), dtype=bool)
    inked[of_pixel, ink.row] = True
    return _Columns(image, group, x, inked, of_pixel)


def _disconnected(ink: _Ink, columns: _Columns, connectivity: int) -> NDArray[np.float64]:
    """Return the cost (s,) of a cut before each column: pixels as a fraction of the inked rows."""
    here = columns.ink
    reached = here[:-1]
    if connectivity == 8:
        reached = reached.copy()
        reached[:, 1:] |= here[:-1, :-1]
        reached[:, :-1] |= here[:-1, 1:]
    disconnected = np.zeros(len(here))
    disconnected[1:] = np.count_nonzero(here[1:] & reached, axis=1)
    # Groups are not connected.
    disconnected[_is_first(columns)] = 0
    return disconnected / ink.n_rows[columns.image]


def _is_first(columns: _Columns) -> NDArray[np.bool_]:
    """Return which columns are the first of their group."""
    image, group = columns.image, columns.group
    first = np.ones(len(image), dtype=bool)
    first[1:] = (np.diff(image) != 0) | (np.diff(group) != 0)
    return first


def _cheapest(
    columns: _Columns, cost: NDArray[np.float64], weight: float = 0.0
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Find the columns (k, n) at which the pieces of each image begin, and their cost (k,)."""
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
    for k in range(n):
        begin = np.where(inside, (best + cost[k])[where], np.inf)
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
        origins[k] = (left[:, None] + origin)[inside]
        # The next piece begins where this one ends.
        best[1:] = reached[:-1]
        best[starts] = np.inf
    begins = np.empty((len(starts), n), dtype=np.intp)
    last = starts + counts - 1
    costs = reached[last]
    for k in range(n - 1, -1, -1):
        begins[:, k] = origins[k, last]
        last = begins[:, k] - 1
    return begins, costs


def _number_from_left(
    ink: _Ink, pieces: NDArray[np.intp], shape: tuple[int, ...], n: int
) -> tuple[list[Boxes], Owners]:
    """Return the boxes of each image's n pieces, from left to right, and number these so."""
    k, height, width = shape
    piece = n * ink.image + pieces
    position = np.stack([ink.x, ink.row], axis=1)
    first, end = extent_of_groups(piece, position, position + 1, k * n)
    boxes = np.concatenate([first, end - first], axis=1).reshape(k, n, 4)
    order = np.argsort(boxes[:, :, 0], axis=1, kind="stable")
    rank = np.zeros((k, n), dtype=np.int32)
    np.put_along_axis(rank, order, np.arange(1, n + 1, dtype=np.int32)[None], axis=1)
    owners = np.zeros(shape, dtype=np.int32)
    owners.ravel()[(ink.image * height + ink.row) * width + ink.x] = rank.ravel()[piece]
    return list(np.take_along_axis(boxes, order[:, :, None], axis=1)), owners
