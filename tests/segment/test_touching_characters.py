"""Touching characters are split at the lowest cost, compared with all other splits."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment import _touching_characters
from skcaptcha.segment._touching_characters import split_touching_characters

HEIGHT, WIDTH = 5, 9


class Split(NamedTuple):
    """Boxes and pieces of one image."""

    boxes: np.ndarray
    owner: np.ndarray


def split(owners, n, **options):
    boxes, pieces = split_touching_characters(owners, n, **options)
    return [Split(*of_image) for of_image in zip(boxes, pieces, strict=True)]


@st.composite
def groups(draw):
    """Images of up to three groups each, which may overlap and have gaps."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 5))
    images = []
    while len(images) < draw(st.integers(1, 4)):
        n_groups = rng.integers(1, min(n, 3) + 1)
        owner = np.zeros((HEIGHT, WIDTH), dtype=np.int32)
        for k in range(n_groups):
            left = rng.integers(0, WIDTH - 2)
            right = left + rng.integers(1, WIDTH - left + 1)
            owner[:, left:right][rng.random((HEIGHT, right - left)) < 0.6] = k + 1
        found = np.unique(owner[owner > 0])
        owner = np.searchsorted(np.concatenate([[0], found]), owner).astype(np.int32)
        if len(found) and np.count_nonzero(owner.any(axis=0)) >= n:
            images.append(owner)
    expected_starts = None
    if draw(st.booleans()):
        expected_starts = np.stack([np.sort(rng.uniform(0, WIDTH, n)), rng.uniform(0.5, 3, n)])
    options = {
        "expected_starts": expected_starts,
        "balance": draw(st.sampled_from([0.0, 0.2, 5.0])),
        "connectivity": draw(st.sampled_from([4, 8])),
    }
    return np.stack(images), n, options


def columns_of(owner):
    """Columns of ink with their groups, group by group."""
    return [
        (k, x) for k in range(1, owner.max() + 1) for x in np.flatnonzero((owner == k).any(axis=0))
    ]


def disconnected(owner, k, before, after, connectivity):
    """Number of pixels of group k in one column that touch pixels in the column before."""
    reach = 1 if connectivity == 8 else 0
    return sum(
        owner[y, after] == k
        and any(owner[z, before] == k for z in range(max(y - reach, 0), min(y + reach + 1, HEIGHT)))
        for y in range(HEIGHT)
    )


def cost_of(owner, begins, expected_starts, balance, connectivity):
    """The cost of pieces that begin at given columns of ink, by definition."""
    columns = columns_of(owner)
    rows = np.count_nonzero(owner.any(axis=1))
    ends = [*begins[1:], len(columns)]
    cost = 0.0
    for j, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        k, x = columns[begin]
        if len({group for group, _ in columns[begin:end]}) > 1:
            return np.inf
        if begin and columns[begin - 1][0] == k:
            cost += disconnected(owner, k, columns[begin - 1][1], x, connectivity) / rows
        if expected_starts is None:
            cost += balance * ((end - begin) / (len(columns) / len(begins)) - 1) ** 2
        else:
            cost += (
                balance * ((x - columns[0][1] - expected_starts[0, j]) / expected_starts[1, j]) ** 2
            )
    return cost


def begins_of(owner, cut):
    """The columns of ink at which the pieces of a cut begin."""
    pieces = [np.unique(cut.owner[:, x][owner[:, x] == k]).tolist() for k, x in columns_of(owner)]
    assert all(len(piece) == 1 for piece in pieces)
    return [s for s in range(len(pieces)) if not s or pieces[s] != pieces[s - 1]]


@settings(max_examples=60)
@given(groups())
def test_no_other_cut_is_cheaper(problem):
    owners, n, options = problem
    cuts = split(owners, n, **options)
    for owner, cut in zip(owners, cuts, strict=True):
        begins = begins_of(owner, cut)
        assert len(begins) == len(cut.boxes) == n
        every = range(1, len(columns_of(owner)))
        least = min(cost_of(owner, (0, *rest), **options) for rest in combinations(every, n - 1))
        assert cost_of(owner, begins, **options) == pytest.approx(least)


@given(groups())
def test_boxes_contain_their_ink_and_are_sorted(problem):
    owners, n, options = problem
    for owner, cut in zip(owners, split(owners, n, **options), strict=True):
        assert_array_equal(cut.owner > 0, owner > 0)
        assert (np.diff(cut.boxes[:, 0]) >= 0).all()
        for k, (x, y, w, h) in enumerate(cut.boxes.tolist(), 1):
            row, column = np.nonzero(cut.owner == k)
            assert (row.min(), row.max() + 1) == (y, y + h)
            assert (column.min(), column.max() + 1) == (x, x + w)


@given(groups())
def test_an_image_is_split_equally_in_any_batch(problem):
    owners, n, options = problem
    usual = _touching_characters._ENTRIES_AT_ONCE
    together = split(owners, n, **options)
    _touching_characters._ENTRIES_AT_ONCE = 1
    try:
        one_by_one = split(owners, n, **options)
    finally:
        _touching_characters._ENTRIES_AT_ONCE = usual
    for a, b in zip(together, one_by_one, strict=True):
        assert_array_equal(a.owner, b.owner)
        assert_array_equal(a.boxes, b.boxes)


SLANTS = (0.15, -0.15, 0.3, -0.3)


@given(groups())
def test_slanted_cuts_assign_all_ink_to_n_pieces(problem):
    owners, n, options = problem
    for owner, cut in zip(owners, split(owners, n, **options, slants=SLANTS), strict=True):
        assert_array_equal(cut.owner > 0, owner > 0)
        assert np.unique(cut.owner[cut.owner > 0]).tolist() == list(range(1, n + 1))
        assert (np.diff(cut.boxes[:, 0]) >= 0).all()
        for k, (x, y, w, h) in enumerate(cut.boxes.tolist(), 1):
            row, column = np.nonzero(cut.owner == k)
            assert (row.min(), row.max() + 1) == (y, y + h)
            assert (column.min(), column.max() + 1) == (x, x + w)


def leaning_bars(slant, height=20):
    """Two slanted bars that no vertical line separates, connected by a bridge of one row."""
    owner = np.zeros((height + 6, 40), dtype=np.int32)
    truth = owner.copy()
    for y in range(height):
        x = 18 - round(slant * (y - height / 2))
        truth[y + 3, x - 5 : x - 1] = 1
        truth[y + 3, x + 1 : x + 5] = 2
    owner[truth > 0] = 1
    owner[12, :][slice(*np.flatnonzero(truth[12])[[0, -1]])] = 1
    return owner, truth


@pytest.mark.parametrize("slant", [-0.3, 0.3])
@pytest.mark.parametrize("expected_starts", [None, np.array([[0.0, 6.0], [1.0, 2.0]])])
def test_leaning_characters_are_split_along_their_slant(slant, expected_starts):
    owner, truth = leaning_bars(slant)
    options = {"expected_starts": expected_starts, "balance": 0.2, "connectivity": 8}
    (upright,) = split(owner[None], 2, **options)
    (slanted,) = split(owner[None], 2, **options, slants=SLANTS)
    inked = truth > 0
    # Slants are rounded to whole pixels in each row.
    right = np.mean(slanted.owner[inked] == truth[inked])
    assert right > 0.98
    assert right > np.mean(upright.owner[inked] == truth[inked])


def test_slanted_cuts_do_not_depend_on_the_position_of_the_ink():
    owner, _ = leaning_bars(0.3)
    moved = np.roll(owner, (2, 1), axis=(0, 1))
    options = {"expected_starts": None, "balance": 0.2, "connectivity": 8, "slants": SLANTS}
    here, there = split(np.stack([owner, moved]), 2, **options)
    assert_array_equal(np.roll(here.owner, (2, 1), axis=(0, 1)), there.owner)


def test_ink_too_narrow_for_a_slant_does_not_affect_other_images():
    owners = np.zeros((2, 12, 14), dtype=np.int32)
    # Along its slant, a thin stroke is one column wide.
    for y in range(12):
        owners[0, y, 2 + int(np.floor(0.3 * (11 - y) + 0.5))] = 1
    owners[1, :, 2:12] = 1
    expected_starts = np.stack([3.0 * np.arange(4), np.ones(4)])
    options = {
        "expected_starts": expected_starts,
        "balance": 0.2,
        "connectivity": 8,
        "slants": SLANTS,
    }
    for owner, cut in zip(owners, split(owners, 4, **options), strict=True):
        (alone,) = split(owner[None], 4, **options)
        assert_array_equal(cut.owner, alone.owner)
        assert np.unique(cut.owner).tolist() == [0, 1, 2, 3, 4]


def test_no_corner_is_cut_off():
    block = np.ones((1, 12, 26), dtype=np.int32)
    options = {"expected_starts": None, "balance": 0.2, "connectivity": 8, "slants": SLANTS}
    (cut,) = split(block, 2, **options)
    assert cut.boxes.tolist() == [[0, 0, 13, 12], [13, 0, 13, 12]]


def test_too_many_columns_are_refused():
    owners = np.ones((2, 1, 5000), dtype=np.int32)
    owners[0, 0, 3000:] = 2
    assert (
        len(split(owners[:1], 2, expected_starts=None, balance=0.2, connectivity=8)[0].boxes) == 2
    )
    with pytest.raises(SegmentationError, match="5000 columns are too many"):
        split(owners, 2, expected_starts=None, balance=0.2, connectivity=8)
