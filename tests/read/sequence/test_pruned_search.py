"""Pruning improbable gaps changes no result."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skcaptcha.read.sequence import _pruned_search
from skcaptcha.read.sequence._constraints import Constraints
from skcaptcha.read.sequence._lattice import Lattice, Spacing, Spans
from skcaptcha.read.sequence._pruned_search import search_lattice


@st.composite
def problems(draw):
    """Draw captchas with gaps so improbable that emission scores cannot compensate for them."""
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
    expected = Lattice(*lattice).viterbi(*constraints)
    for found in search_lattice(*lattice, constraints):
        for name in ("lengths", "classes"):
            ours = getattr(found.paths, name)[found.chosen]
            assert ours.tolist() == getattr(expected, name)[found.captchas].tolist()


@given(problems())
def test_it_finds_the_best_path(problem):
    assert_same(problem)


@pytest.fixture(scope="module", params=[1e-3, 1.0, 1e3])
def pruned_gaps(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pruned_search, "_MIN_LOG_RATIO", request.param)
        yield


@pytest.mark.usefixtures("pruned_gaps")
@given(problem=problems())
def test_the_number_of_pruned_gaps_changes_no_result(problem):
    assert_same(problem)


@pytest.mark.usefixtures("pruned_gaps")
@given(problem=problems(), within=st.sampled_from([0.0, 1.0, 10.0, 100.0]))
def test_alternatives_within_the_margin_are_found(problem, within):
    *lattice, constraints = problem
    complete = Lattice(*lattice)
    paths = complete.viterbi(*constraints)
    expected, _ = complete.max_marginals(paths, *constraints)
    n_found = np.zeros(len(paths.scores), dtype=int)
    for found in search_lattice(*lattice, constraints, within=within):
        marginals, _ = found.lattice.max_marginals(found.paths, *constraints)
        marginals = marginals[found.chosen]
        best, of_length = paths.scores[found.captchas], paths.length_scores[found.captchas]
        near = expected[found.captchas] >= best[:, None, None] - within
        assert marginals[near] == pytest.approx(expected[found.captchas][near])
        assert (marginals <= expected[found.captchas] + 1e-9).all()
        near = of_length >= best[:, None] - within
        near &= np.isfinite(best)[:, None]
        assert found.paths.length_scores[found.chosen][near] == pytest.approx(of_length[near])
        n_found[found.captchas] += 1
    assert (n_found == 1).all()


def test_an_improbable_gap_is_used_if_no_other_is_possible():
    middle = np.array([[0], [30]])
    spacing = Spacing(0, -(np.arange(30.0) ** 2))
    scores = np.array([[9.0, 0.0], [0.0, 9.0]])
    two = Constraints(np.array([-np.inf, 0.0]), np.ones((2, 2), dtype=bool))
    spans = Spans(middle - 5, middle + 5)
    (found,) = search_lattice(scores, spans, np.array([0, 2]), spacing, two)
    assert found.paths.lengths.tolist() == [2]
    assert found.paths.classes.tolist() == [[0, 1]]
