"""Matrix products give the same decisions as libsvm."""

from itertools import combinations, product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.svm import SVC

from skcaptcha.read.inference import _support_vector_machine as module
from skcaptcha.read.inference._support_vector_machine import FastSVC, decision_function


@st.composite
def problems(draw):
    """Draw a support vector machine with three to six classes, and samples."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_classes, d = draw(st.integers(3, 6)), draw(st.integers(1, 8))
    classes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, 30)])
    scale = draw(st.sampled_from([1e-3, 1.0, 255.0]))
    train = scale * (rng.normal(size=(len(classes), d)) + classes[:, None] * draw(st.floats(0, 2)))
    gamma = draw(st.sampled_from(["scale", "auto", 0.5 / scale**2]))
    machine = SVC(C=draw(st.sampled_from([0.1, 1.0, 10.0])), gamma=gamma)
    machine.fit(train.astype(np.float32), np.array(list("ZYXABC"))[classes])
    values = scale * rng.normal(size=(draw(st.integers(8, 30)), d)) * 3
    # Training samples have a distance of 0 from a support vector.
    return machine, np.concatenate([values, train[:5]]).astype(np.float32)


def by_libsvm(machine, values):
    """Return the decisions of each pair."""
    machine.set_params(decision_function_shape="ovo")
    try:
        return machine.decision_function(values)
    finally:
        machine.set_params(decision_function_shape="ovr")


def decided(machine, pairs):
    """Return votes and sums of margins, added pair by pair."""
    n_classes = len(machine.classes_)
    votes, margins = np.zeros((2, len(pairs), n_classes))
    for (i, j), decision in zip(combinations(range(n_classes), 2), pairs.T, strict=True):
        votes[:, i] += decision > 0
        votes[:, j] += decision <= 0
        margins[:, i] += decision
        margins[:, j] -= decision
    return votes, margins


@given(problems())
def test_decisions_equal_those_of_libsvm(problem):
    machine, values = problem
    fast = FastSVC(machine)
    decisions = fast.decide(values)
    pairs = by_libsvm(machine, values)
    votes, margins = decided(machine, pairs)
    weight = np.abs(machine.dual_coef_).sum()
    clear = (np.abs(pairs) > 1e-9 * weight).all(axis=1)
    assert decisions.votes[clear].tolist() == votes[clear].tolist()
    # The rounding error of an exponent is proportional to the squared lengths of both vectors.
    squares = np.square(np.concatenate([values, machine.support_vectors_]), dtype=float).sum(axis=1)
    error = 16 * np.finfo(float).eps * machine._gamma * squares.max()
    np.testing.assert_allclose(decisions.margins, margins, atol=(1e-12 + error) * weight)
    expected = machine.predict(values).tolist()
    assert fast.majority(decisions, values).tolist() == expected
    assert fast.predict(values).tolist() == expected
    expected = machine.decision_function(values)
    np.testing.assert_allclose(decision_function(decisions)[clear], expected[clear], atol=1e-6)


@given(problems(), st.sampled_from(["_single", "_double"]))
def test_the_bound_of_the_rounding_error_holds(problem, precision):
    """Every decision lies within the bound, and every different winner is uncertain."""
    machine, values = problem
    fast = FastSVC(machine)
    vectors = getattr(fast, precision)
    part = values.astype(vectors.dtype)
    lengths = np.einsum("ij,ij->i", part, part)
    kernel = vectors.kernel(part, lengths)
    error = np.abs(vectors.pairs(kernel).T - by_libsvm(machine, values))
    assert (error <= vectors.rounding_error(vectors.magnitudes(kernel), lengths.max()).T).all()
    assert (vectors.magnitudes(kernel) <= 1.001 * vectors.weights[:, None]).all()
    decisions = fast._decide(values, vectors)
    winners = machine.classes_[decisions.votes.argmax(axis=1)]
    assert ((winners == machine.predict(values)) | decisions.uncertain).all()


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    train, classes = rng.normal(size=(60, 4)), np.repeat(["A", "B", "C"], 20)
    return SVC().fit(train, classes), train


def test_libsvm_predicts_samples_with_uncertain_winners():
    machine, train = blobs()
    fast = FastSVC(machine)
    decisions = fast.decide(train)
    all_for_b = decisions._replace(votes=np.tile(np.float32([0, 1, 0]), (60, 1)))
    assert fast.majority(all_for_b, train).tolist() == ["B"] * 60
    uncertain = all_for_b._replace(uncertain=np.ones(60, dtype=bool))
    assert fast.majority(uncertain, train).tolist() == machine.predict(train).tolist()


@pytest.mark.parametrize("precision", ["_single", "_double"])
def test_the_next_precision_decides_uncertain_samples(precision, monkeypatch):
    machine, train = blobs()
    fast = FastSVC(machine)
    vectors = getattr(fast, precision)
    # The error bound is so large that every sample is uncertain, and the signs are wrong.
    monkeypatch.setattr(vectors, "rounding_error", lambda given, _: np.full(given.shape, np.inf))
    monkeypatch.setattr(vectors, "pairs", lambda kernel: -np.ones((3, kernel.shape[1])))
    if precision == "_double":
        monkeypatch.setattr(fast, "_single", vectors)
    assert fast.predict(train).tolist() == machine.predict(train).tolist()


@given(
    st.integers(3, 5).flatmap(
        lambda n: st.tuples(
            st.just(n), st.lists(st.sampled_from([-2, -1, 1, 2]), min_size=n * (n - 1) // 2,
                                 max_size=n * (n - 1) // 2)
        )
    )
)  # fmt: skip
def test_a_winner_is_certain_only_if_no_undecided_pair_can_change_it(problem):
    """Pairs with a margin of 1 are undecided: try both outcomes."""
    n_classes, margins = problem
    ends = [(1, -1) if abs(margin) == 1 else (margin,) for margin in margins]
    winners = set()
    for choice in product(*ends):
        votes, _ = decided(SimpleNamespace(classes_=range(n_classes)), np.array([choice]))
        winners.add(int(votes[0].argmax()))
    votes, _ = decided(SimpleNamespace(classes_=range(n_classes)), np.array([margins]))
    undecided = np.abs(margins) == 1
    may_change = module._may_change(votes.T.astype(np.float32), undecided[:, None])
    assert may_change[0] or len(winners) == 1


def test_values_that_are_not_finite_raise_the_error_of_libsvm():
    machine, train = blobs()
    train[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        FastSVC(machine).predict(train)


def test_values_too_large_for_single_precision():
    machine, train = blobs()
    far = np.concatenate([train, train * 1e30])
    assert FastSVC(machine).predict(far).tolist() == machine.predict(far).tolist()


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
def test_libsvm_decides_if_rounding_hides_the_distances(offset):
    """Products of long vectors that are close together give inaccurate distances."""
    rng = np.random.default_rng(2)
    classes = np.repeat(["A", "B", "C", "D"], 50)
    train = rng.normal(size=(200, 40)) + np.repeat(np.eye(4, 40), 50, axis=0) + offset
    machine = SVC(C=10).fit(train, classes)
    values = train + rng.normal(size=train.shape)
    assert FastSVC(machine).predict(values).tolist() == machine.predict(values).tolist()


@pytest.mark.parametrize("gamma", [10.0, 20.0])
@pytest.mark.parametrize("C", [1e-9, 1e-12])
def test_values_too_small_for_single_precision(C, gamma):
    rng = np.random.default_rng(0)
    machine = SVC(C=C, gamma=gamma).fit(rng.normal(size=(30, 6)), np.arange(30) % 6)
    values = rng.normal(size=(200, 6))
    assert FastSVC(machine).predict(values).tolist() == machine.predict(values).tolist()


def test_batches_change_no_decision(monkeypatch):
    machine, train = blobs()
    whole = FastSVC(machine).decide(train)
    assert not whole.uncertain.any()
    monkeypatch.setattr(module, "_MAX_KERNEL_VALUES", 100)
    for part, expected in zip(FastSVC(machine).decide(train), whole, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-12)
