"""Lattices of columns, compared with an enumeration of all labels of all columns."""

from itertools import groupby, product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp

from skcaptcha.read.convolutional import _column_lattice
from skcaptcha.read.convolutional._column_lattice import ColumnLattice
from skcaptcha.read.convolutional._ctc_loss import log_likelihoods
from skcaptcha.read.sequence._constraints import Constraints
from skcaptcha.read.sequence._n_best import Alternatives


@st.composite
def problems(draw, own_constraints=False):
    """Draw scores of up to three captchas, their numbers of columns, and constraints."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_classes = draw(st.integers(1, 3))
    n_columns = np.array(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    shape = len(n_columns), max(n_columns) + draw(st.integers(0, 1)), n_classes + 1
    # Scores that favor few labels make blanks between equal characters necessary.
    scores = draw(st.sampled_from([1.0, 20.0])) * rng.normal(size=shape)
    scores += draw(st.sampled_from([0.0, 10.0])) * (rng.random(n_classes + 1) < 0.5)
    if draw(st.booleans()):
        scores[rng.random(shape) < 0.2] = -np.inf
    longest = draw(st.integers(1, 6))
    n = (len(n_columns),) if own_constraints else ()
    lengths = rng.normal(size=(*n, longest)) * draw(st.sampled_from([0.0, 3.0]))
    lengths[rng.random(lengths.shape) < 0.3] = -np.inf
    allowed = rng.random((*n, longest, n_classes)) < draw(st.sampled_from([0.6, 1.0]))
    return scores, n_columns, lengths, allowed


def spell(labels, n_classes):
    """Return each character of a string with its first and last column."""
    characters, column = [], 0
    for label, run in groupby(labels):
        width = len(list(run))
        if label < n_classes:
            characters.append((label, column, column + width - 1))
        column += width
    return characters


def all_paths(scores, lengths, allowed):
    """Return the score, the string and the columns of all allowed paths of a captcha."""
    n_columns, n_outputs = scores.shape
    found = []
    for labels in product(range(n_outputs), repeat=n_columns):
        characters = spell(labels, n_outputs - 1)
        string = tuple(k for k, _, _ in characters)
        score = scores[range(n_columns), labels].sum()
        if (
            0 < len(string) <= len(lengths)
            and all(allowed[i, k] for i, k in enumerate(string))
            and np.isfinite(score + lengths[len(string) - 1])
        ):
            found.append((score + lengths[len(string) - 1], string, characters))
    return found


def enumerate_paths(problem):
    scores, n_columns, lengths, allowed = problem
    n = len(scores)
    lengths = np.broadcast_to(lengths, (n, lengths.shape[-1]))
    allowed = np.broadcast_to(allowed, (n, *allowed.shape[-2:]))
    return [all_paths(scores[i, : n_columns[i]], lengths[i], allowed[i]) for i in range(n)]


def best_score(found):
    return max((path[0] for path in found), default=-np.inf)


def scores_of_strings(found):
    scores = {}
    for score, string, _ in found:
        scores[string] = max(score, scores.get(string, -np.inf))
    return scores


def string_of(paths, i):
    return tuple(paths.classes[i, : paths.lengths[i]].tolist())


@given(st.one_of(problems(), problems(own_constraints=True)))
def test_the_best_path_by_enumeration(problem):
    scores, n_columns, lengths, allowed = problem
    paths = ColumnLattice(scores, n_columns).viterbi(lengths, allowed)
    for i, found in enumerate(enumerate_paths(problem)):
        assert paths.scores[i] == pytest.approx(best_score(found))
        if found:
            _, string, characters = max(found)
            assert string_of(paths, i) == string
            where = paths.first[i, : len(string)], paths.last[i, : len(string)]
            assert list(zip(string, *where, strict=True)) == characters
        else:
            assert paths.lengths[i] == 0
        for table in (paths.classes, paths.first, paths.last):
            assert (table[i, paths.lengths[i] :] == -1).all()
        for k in range(1, lengths.shape[-1] + 1):
            of_length = best_score([path for path in found if len(path[1]) == k])
            assert paths.length_scores[i, k - 1] == pytest.approx(of_length)


@given(st.one_of(problems(), problems(own_constraints=True)))
def test_max_marginals_by_enumeration(problem):
    scores, n_columns, lengths, allowed = problem
    lattice = ColumnLattice(scores, n_columns)
    paths = lattice.viterbi(lengths, allowed)
    marginals, strings = lattice.max_marginals(paths, lengths, allowed)
    for i, found in enumerate(enumerate_paths(problem)):
        for position, kind in np.ndindex(marginals.shape[1:]):
            through = [
                path
                for path in found
                if len(path[1]) == paths.lengths[i] > position and path[1][position] == kind
            ]
            assert marginals[i, position, kind] == pytest.approx(best_score(through))
            if through:
                (string,) = strings(np.array([i]), np.array([position]), np.array([kind]))
                assert tuple(string[: paths.lengths[i]]) == max(through)[1]
                assert (string[paths.lengths[i] :] == -1).all()


@given(problems())
def test_alternatives_are_other_strings(problem):
    """Other paths of the same string are no alternatives."""
    scores, n_columns, lengths, allowed = problem
    lattice = ColumnLattice(scores, n_columns)
    paths = lattice.viterbi(lengths, allowed)
    alternatives = Alternatives(lattice, paths, Constraints(lengths, allowed))
    second = alternatives.best(1)[0]
    for i, found in enumerate(enumerate_paths(problem)):
        others = scores_of_strings(found)
        others.pop(string_of(paths, i), None)
        if others:
            string = max(others, key=others.get)
            assert string_of(second, i) == string
            assert second.scores[i] == pytest.approx(others[string])
            margin = min(paths.scores[i] - others[string], 100)
            assert alternatives.margins()[i] == pytest.approx(margin)
        else:
            assert second.lengths[i] == 0


@given(st.one_of(problems(), problems(own_constraints=True)))
def test_the_total_by_enumeration(problem):
    scores, n_columns, lengths, allowed = problem
    totals = ColumnLattice(scores, n_columns).log_total(lengths, allowed)
    for total, found in zip(totals, enumerate_paths(problem), strict=True):
        expected = logsumexp([path[0] for path in found]) if found else -np.inf
        assert total == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(problems())
def test_likelihoods_of_all_strings_add_up_to_the_total(problem):
    scores, n_columns, lengths, allowed = problem
    for i, found in enumerate(enumerate_paths(problem)):
        strings = sorted({string for _, string, _ in found})
        targets = np.full((len(strings), len(lengths)), -1)
        for row, string in zip(targets, strings, strict=True):
            row[: len(string)] = string
        same = np.repeat(scores[[i]], len(strings), axis=0)
        likelihoods = log_likelihoods(same, targets, np.repeat(n_columns[i], len(strings)))
        of_length = [lengths[len(string) - 1] for string in strings]
        total = ColumnLattice(scores[[i]], n_columns[[i]]).log_total(lengths, allowed)[0]
        expected = logsumexp(likelihoods + of_length) if strings else -np.inf
        assert total == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(problems(), st.data())
def test_alignments_by_enumeration(problem, data):
    scores, n_columns, _, allowed = problem
    label = st.lists(st.integers(0, allowed.shape[1] - 1), max_size=4)
    labels = [tuple(data.draw(label)) for _ in n_columns]
    targets = np.full((len(labels), 4), -1)
    for row, own in zip(targets, labels, strict=True):
        row[: len(own)] = own
    paths = ColumnLattice(scores, n_columns).align(targets)
    found = enumerate_paths((scores, n_columns, np.zeros(5), np.ones((5, allowed.shape[1]), bool)))
    for i, own in enumerate(labels):
        spelling = [path for path in found[i] if path[1] == own]
        assert paths.scores[i] == pytest.approx(best_score(spelling))
        if spelling:
            where = paths.first[i, : len(own)], paths.last[i, : len(own)]
            assert list(zip(own, *where, strict=True)) == max(spelling)[2]
        else:
            assert paths.lengths[i] == 0


@given(problems(), st.integers(0, 2**32 - 1))
def test_results_do_not_depend_on_padding_or_on_the_batch(problem, seed):
    scores, n_columns, lengths, allowed = problem
    lattice = ColumnLattice(scores, n_columns)
    paths = lattice.viterbi(lengths, allowed)
    marginals, _ = lattice.max_marginals(paths, lengths, allowed)
    totals = lattice.log_total(lengths, allowed)
    rng = np.random.default_rng(seed)
    for i, n in enumerate(n_columns):
        wider = rng.normal(size=(1, n + 3, scores.shape[2]))
        wider[0, :n] = scores[i, :n]
        own = ColumnLattice(wider, n_columns[[i]])
        own_paths = own.viterbi(lengths, allowed)
        for name in ("scores", "lengths", "classes", "length_scores", "first", "last"):
            expected = getattr(paths, name)[[i]]
            np.testing.assert_array_equal(getattr(own_paths, name), expected)
        own_marginals, _ = own.max_marginals(own_paths, lengths, allowed)
        np.testing.assert_array_equal(own_marginals[0], marginals[i])
        assert own.log_total(lengths, allowed)[0] == totals[i]


def test_totals_far_below_the_smallest_float():
    scores = np.zeros((1, 40, 2))
    scores[:, :, 0] = -400
    lengths = np.where(np.arange(1, 11) == 10, 0.0, -np.inf)
    total = ColumnLattice(scores, np.array([40])).log_total(lengths, np.ones((10, 1), dtype=bool))
    # Ten of the columns are characters, no two of them side by side.
    assert total[0] == pytest.approx(-4000 + np.log(comb(31, 10)), rel=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 12))
def test_the_best_labels_spell_a_string(seed, n_classes, n_columns):
    logits = np.random.default_rng(seed).normal(size=(n_columns, n_classes + 1))
    classes, columns = _column_lattice.spell(logits)
    expected = spell(logits.argmax(axis=1).tolist(), n_classes)
    assert classes.tolist() == [k for k, _, _ in expected]
    assert columns.tolist() == [(first + last) / 2 for _, first, last in expected]
