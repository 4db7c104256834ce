"""Valleys of the projection profile: cuts compared with all possible ones, and drawn strings."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.testing import assert_array_equal

from skcaptcha.exceptions import SegmentationError
from skcaptcha.segment import ProjectionValleys, minimum_cost_cuts


def cost(edges: list[int], cut_costs: np.ndarray, width: float, balance: float) -> float:
    total = sum(cut_costs[edge - 1] for edge in edges[1:-1])
    return total + sum(balance * (w / width - 1) ** 2 for w in np.diff(edges))


@settings(max_examples=150)
@given(data=st.data())
def test_no_other_cuts_are_cheaper(data: st.DataObject) -> None:
    w = data.draw(st.integers(1, 9))
    n = data.draw(st.integers(1, min(w, 5)))
    cut_costs = data.draw(npst.arrays(float, w - 1, elements=st.integers(0, 9)))
    width, balance = data.draw(st.sampled_from([w / n, 2.5])), data.draw(st.floats(0, 20))
    ways = [[0, *inner, w] for inner in combinations(range(1, w), n - 1)]
    least = min(cost(edges, cut_costs, width, balance) for edges in ways)
    found = minimum_cost_cuts(cut_costs, n, width=width, balance=balance).tolist()
    assert found in ways
    assert cost(found, cut_costs, width, balance) == pytest.approx(least)


def test_too_few_columns() -> None:
    with pytest.raises(SegmentationError, match="3 columns are too few for 4 characters"):
        minimum_cost_cuts(np.zeros(2), 4, width=1, balance=0)


@given(
    ink=npst.arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 14))),
    max_ink=st.integers(0, 2),
)
def test_as_many_pieces_as_runs_of_ink(ink: np.ndarray, max_ink: int) -> None:
    """Every run of columns with more ink than allowed is in a segment of its own."""
    loud = "".join("x" if many else " " for many in ink.sum(axis=0) > max_ink)
    runs = loud.split()
    segmenter = ProjectionValleys(max_ink=max_ink, tight=False)
    boxes = segmenter.fit_transform([ink.astype(np.uint8) * 255]).boxes.tolist()
    assert [loud[x : x + w].strip() for x, _, w, _ in boxes] == (runs or [""] * int(ink.any()))


def test_tight_boxes_shrink_to_their_ink() -> None:
    image = np.zeros((12, 40), dtype=np.uint8)
    image[2:6, 5:10] = image[3:11, 20:23] = image[5:7, 30:38] = 255
    tight = [[5, 2, 5, 4], [20, 3, 3, 8], [30, 5, 8, 2]]
    assert ProjectionValleys().fit_transform([image]).boxes.tolist() == tight
    assert ProjectionValleys(3).fit_transform([image]).boxes.tolist() == tight
    loose = ProjectionValleys(tight=False).fit_transform([image]).boxes
    assert_array_equal(loose, [[5, 2, 10, 9], [15, 2, 11, 9], [26, 2, 12, 9]])


def test_touching_glyphs_are_cut_at_the_thinnest_ink() -> None:
    image = np.zeros((12, 40), dtype=np.uint8)
    image[1:11, 2:12] = image[5:7, 12:14] = image[1:11, 14:20] = image[1:11, 23:33] = 255
    edges = ProjectionValleys(3, tight=False).fit_transform([image]).boxes[:, 0]
    assert edges[0] == 2
    assert 12 <= edges[1] <= 14
    assert 20 <= edges[2] <= 23


def test_one_thin_column_is_a_valley() -> None:
    image = np.zeros((12, 40), dtype=np.uint8)
    image[1:11, 2:9] = image[5, 9] = image[1:11, 10:31] = 255
    assert ProjectionValleys(2).fit_transform([image]).boxes[1, 0] in (9, 10)


def test_without_ink() -> None:
    blank = np.zeros((4, 8), dtype=np.uint8)
    assert ProjectionValleys().fit_transform([blank]).counts.tolist() == [0]
    assert ProjectionValleys(2).fit_transform([blank]).boxes.tolist() == [
        [0, 0, 4, 4],
        [4, 0, 4, 4],
    ]
