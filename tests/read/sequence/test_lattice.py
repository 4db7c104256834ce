"""Lattices and their n-best strings, compared with an enumeration of all paths."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skcaptcha.read.sequence._constraints import Constraints, exact_length
from skcaptcha.read.sequence._lattice import Lattice, Spacing, Spans
from skcaptcha.read.sequence._n_best import Alternatives


@st.composite
def lattices(draw):
    """Draw two or three small captchas with scores that are rarely equal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_classes = draw(st.integers(1, 3))
    counts = draw(st.lists(st.integers(0, 5), min_size=2, max_size=3))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    scores = rng.normal(size=(offsets[-1], n_classes))
    left = rng.integers(-3, 12, scores.shape)
    right = left + rng.integers(1, 6, scores.shape)
    if draw(st.booleans()):
        left, right = left[:, :1], right[:, :1]
    spacing = Spacing(draw(st.integers(-6, 2)), rng.normal(size=draw(st.integers(1, 12))))
    longest = draw(st.integers(1, 4))
    lengths = np.where(rng.random(longest) < 0.3, -np.inf, rng.normal(size=longest))
    allowed = rng.random((longest, n_classes)) < 0.8
    return Lattice(scores, Spans(left, right), offsets, spacing), (left, right), lengths, allowed


def every_path(lattice, edges, lengths, allowed, captcha):
    """Return all paths of a captcha and their scores, by definition."""
    n_classes = lattice.scores.shape[1]
    rows = range(lattice.offsets[captcha], lattice.offsets[captcha + 1])
    left, right = (np.broadcast_to(edge, lattice.scores.shape) for edge in edges)
    spacing, center = lattice.spacing, left + right
    found = []
    for length in range(1, len(lengths) + 1):
        for path in product(product(rows, range(n_classes)), repeat=length):
            score = lengths[length - 1]
            for position, (row, kind) in enumerate(path):
                score += lattice.scores[row, kind] if allowed[position, kind] else -np.inf
                if position:
                    gap = left[row, kind] - right[path[position - 1]] - spacing.first
                    inside = 0 <= gap < len(spacing.log_density)
                    score += spacing.log_density[gap] if inside else -np.inf
                    if center[row, kind] <= center[path[position - 1]]:
                        score = -np.inf
            if np.isfinite(score):
                found.append((score, path))
    return found


@settings(max_examples=30)
@given(lattices())
def test_the_best_path_by_brute_force(problem):
    lattice, edges, lengths, allowed = problem
    paths = lattice.viterbi(lengths, allowed)
    for i in range(len(lattice.offsets) - 1):
        found = every_path(lattice, edges, lengths, allowed, i)
        if not found:
            assert paths.lengths[i] == 0
            assert paths.scores[i] == -np.inf
            continue
        score, path = max(found)
        assert paths.scores[i] == pytest.approx(score)
        length = paths.lengths[i]
        mine = tuple(zip(paths.segments[i, :length], paths.classes[i, :length], strict=True))
        assert mine == path
        for k in range(1, len(lengths) + 1):
            best = max((s for s, p in found if len(p) == k), default=-np.inf)
            assert paths.length_scores[i, k - 1] == pytest.approx(best)


@settings(max_examples=30)
@given(lattices(), st.integers(0, 2**32 - 1))
def test_each_captcha_has_its_own_constraints(problem, seed):
    lattice, edges, lengths, allowed = problem
    rng = np.random.default_rng(seed)
    n = len(lattice.offsets) - 1
    own_lengths = np.where(rng.random((n, len(lengths))) < 0.5, lengths, -np.inf)
    own_allowed = allowed & (rng.random((n, *allowed.shape)) < 0.8)
    paths = lattice.viterbi(own_lengths, own_allowed)
    for i in range(n):
        found = every_path(lattice, edges, own_lengths[i], own_allowed[i], i)
        assert paths.scores[i] == pytest.approx(max((s for s, _ in found), default=-np.inf))


@settings(max_examples=30)
@given(lattices(), st.integers(0, 2**32 - 1))
def test_the_first_of_equally_good_ends_is_chosen(problem, seed):
    """The last character uses the first candidate and the first class with that score."""
    lattice, edges, lengths, allowed = problem
    rng = np.random.default_rng(seed)
    lattice.scores[:] = rng.integers(0, 2, lattice.scores.shape)
    lattice.spacing.log_density[:] = 0
    # Sums of whole numbers are exact in any order.
    lengths = np.where(np.isfinite(lengths), 0, lengths)
    paths = lattice.viterbi(lengths, allowed)
    for i in range(len(lattice.offsets) - 1):
        found = every_path(lattice, edges, lengths, allowed, i)
        if found:
            best = [path for score, path in found if score == paths.scores[i]]
            last = paths.lengths[i] - 1
            first = min(path[-1] for path in best if len(path) == paths.lengths[i])
            assert (paths.segments[i, last], paths.classes[i, last]) == first


@given(st.integers(1, 9), st.integers(1, 12))
def test_no_candidate_is_used_twice(n, length):
    """This holds even if its score is high and steps back cost little."""
    scores = np.where(np.arange(n)[:, None] == n // 2, 100.0, 0.0)
    left = 2 * np.arange(n)[:, None]
    lattice = Lattice(scores, Spans(left, left + 8), np.array([0, n]), Spacing(-60, np.zeros(100)))
    paths = lattice.viterbi(exact_length(length, length), np.ones((length, 1), dtype=bool))
    if length > n:
        assert paths.lengths[0] == 0
        assert np.isneginf(paths.scores[0])
        return
    assert paths.lengths[0] == length
    assert (np.diff(paths.segments[0]) > 0).all()
    assert paths.scores[0] == 100


@settings(max_examples=25)
@given(lattices())
def test_max_marginals_by_brute_force(problem):
    lattice, edges, lengths, allowed = problem
    paths = lattice.viterbi(lengths, allowed)
    scores, _ = lattice.max_marginals(paths, lengths, allowed)
    for i in range(len(lattice.offsets) - 1):
        found = every_path(lattice, edges, lengths, allowed, i)
        for position, kind in product(range(paths.lengths[i]), range(scores.shape[2])):
            expected = max(
                (s for s, p in found if len(p) == paths.lengths[i] and p[position][1] == kind),
                default=-np.inf,
            )
            assert scores[i, position, kind] == pytest.approx(expected)


@settings(max_examples=30)
@given(lattices())
def test_the_first_alternative_is_the_second_best_string(problem):
    lattice, edges, lengths, allowed = problem
    paths = lattice.viterbi(lengths, allowed)
    alternatives = Alternatives(lattice, paths, Constraints(lengths, allowed))
    second = alternatives.best(1)[0]
    for i in range(len(lattice.offsets) - 1):
        strings = {}
        for score, path in every_path(lattice, edges, lengths, allowed, i):
            text = tuple(kind for _, kind in path)
            strings[text] = max(score, strings.get(text, -np.inf))
        ranked = sorted(strings, key=strings.get, reverse=True)
        if len(ranked) < 2:
            assert not np.isfinite(second.scores[i])
            continue
        # The same candidates in another order may spell another, equally good string.
        text = tuple(second.classes[i, : second.lengths[i]])
        assert text != tuple(paths.classes[i, : paths.lengths[i]])
        assert strings[text] == pytest.approx(strings[ranked[1]])
        assert second.scores[i] == pytest.approx(strings[ranked[1]])
        margin = strings[ranked[0]] - strings[ranked[1]]
        assert alternatives.margins()[i] == pytest.approx(margin)
