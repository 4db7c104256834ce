"""Leaving out improbable gaps changes no answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.read import _likeliest
from skcaptcha.read._constraints import Constraints
from skcaptcha.read._lattice import Lattice, Spacing, Spans
from skcaptcha.read._likeliest import likeliest, search


@st.composite
def problems(draw):
    """Captchas whose gaps are up to so improbable that no score of a character makes up for it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    counts = draw(st.lists(st.integers(0, 12), min_size=1, max_size=4))
    n_classes, n_groups = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    sharpness = draw(st.sampled_from([0.1, 1, 14]))
    scores = np.clip(sharpness * rng.normal(size=(offsets[-1], n_classes)), -14, 14)
    of_class = np.arange(n_classes) % min(n_groups, n_classes)
    half = rng.integers(1, 8, of_class.max() + 1)
    middle = np.concatenate([draw(st.integers(1, 4)) * np.arange(k) for k in counts])[:, None]
    spans = Spans(middle.astype(int) - half, middle.astype(int) + half, of_class)
    gaps = np.arange(draw(st.integers(2, 40))) + draw(st.integers(-20, 3))
    density = -draw(st.sampled_from([0.01, 0.3, 3.0])) * (gaps - rng.integers(-5, 9)) ** 2
    density += draw(st.sampled_from([-2.0, 0.0, 2.0]))
    longest = draw(st.integers(1, 5))
    lengths = np.where(rng.random(longest) < 0.3, -np.inf, rng.normal(size=longest))
    allowed = rng.random((longest, n_classes)) < draw(st.sampled_from([0.7, 1.0]))
    spacing = Spacing(int(gaps[0]), density)
    return scores, spans, offsets, spacing, Constraints(lengths, allowed)


def assert_same(problem):
    *lattice, constraints = problem
    expected = Lattice(*lattice).best(*constraints)
    lengths, classes = likeliest(*lattice, constraints)
    assert lengths.tolist() == expected.lengths.tolist()
    assert classes.tolist() == expected.classes.tolist()


@given(problems())
def test_it_finds_the_best_path(problem):
    assert_same(problem)


@pytest.fixture(scope="module", params=[1e-3, 1.0, 1e3])
def gaps_left_out(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_likeliest, "_IMPROBABLE", request.param)
        yield


@pytest.mark.usefixtures("gaps_left_out")
@given(problem=problems())
def test_how_many_gaps_it_leaves_out_does_not_matter(problem):
    assert_same(problem)


@pytest.mark.usefixtures("gaps_left_out")
@given(problem=problems(), within=st.sampled_from([0.0, 1.0, 10.0, 100.0]))
def test_no_rival_that_is_near_enough_gets_lost(problem, within):
    *lattice, constraints = problem
    complete = Lattice(*lattice)
    paths = complete.best(*constraints)
    expected = complete.best_with_each(paths, *constraints)
    n_found = np.zeros(len(paths.scores), dtype=int)
    for found in search(*lattice, constraints, within=within):
        with_each = found.lattice.best_with_each(found.paths, *constraints)[found.chosen]
        best, of_length = paths.scores[found.captchas], paths.of_length[found.captchas]
        near = expected[found.captchas] >= best[:, None, None] - within
        assert with_each[near] == pytest.approx(expected[found.captchas][near])
        assert (with_each <= expected[found.captchas] + 1e-9).all()
        near = of_length >= best[:, None] - within
        near &= np.isfinite(best)[:, None]
        assert found.paths.of_length[found.chosen][near] == pytest.approx(of_length[near])
        n_found[found.captchas] += 1
    assert (n_found == 1).all()


def test_where_only_an_improbable_gap_is_left_it_is_taken():
    middle = np.array([[0], [30]])
    spacing = Spacing(0, -(np.arange(30.0) ** 2))
    scores = np.array([[9.0, 0.0], [0.0, 9.0]])
    two = Constraints(np.array([-np.inf, 0.0]), np.ones((2, 2), dtype=bool))
    found = likeliest(scores, Spans(middle - 5, middle + 5), np.array([0, 2]), spacing, two)
    assert [part.tolist() for part in found] == [[2], [[0, 1]]]
