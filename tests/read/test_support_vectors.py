"""Matrix products decide as libsvm does."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.svm import SVC, NuSVC

from skcaptcha.read import _support_vectors
from skcaptcha.read._evidence import Classification
from skcaptcha.read._support_vectors import decide, majority, squashed


@st.composite
def problems(draw):
    """A machine of three to six classes, some with few vectors, and what it is to decide."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_classes, d = draw(st.integers(3, 6)), draw(st.integers(1, 8))
    classes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, 30)])
    scale = draw(st.sampled_from([1e-3, 1.0, 255.0]))
    train = scale * (rng.normal(size=(len(classes), d)) + classes[:, None] * draw(st.floats(0, 2)))
    gamma = draw(st.sampled_from(["scale", "auto", 0.5 / scale**2]))
    machine = SVC(C=draw(st.sampled_from([0.1, 1.0, 10.0])), gamma=gamma)
    machine.fit(train.astype(np.float32), np.array(list("ZYXABC"))[classes])
    values = scale * rng.normal(size=(draw(st.integers(8, 30)), d)) * 3
    # What it learnt from is decided as well, at a distance of nothing.
    return machine, np.concatenate([values, train[:5]]).astype(np.float32)


def by_libsvm(machine, values):
    """Decisions of each pair."""
    machine.set_params(decision_function_shape="ovo")
    try:
        return machine.decision_function(values)
    finally:
        machine.set_params(decision_function_shape="ovr")


@given(problems())
def test_it_decides_as_libsvm_does(problem):
    machine, values = problem
    decisions = decide(machine, values)
    pairs = by_libsvm(machine, values)
    n_classes = len(machine.classes_)
    votes, margins = np.zeros((2, len(values), n_classes))
    for (i, j), decision in zip(combinations(range(n_classes), 2), pairs.T, strict=True):
        votes[:, i] += decision > 0
        votes[:, j] += decision <= 0
        margins[:, i] += decision
        margins[:, j] -= decision
    sure = ~decisions.unsure
    assert decisions.votes[sure].tolist() == votes[sure].tolist()
    np.testing.assert_allclose(
        decisions.margins, margins, atol=1e-12 * np.abs(machine.dual_coef_).sum()
    )
    assert majority(machine, decisions, values).tolist() == machine.predict(values).tolist()
    expected = machine.decision_function(values)
    np.testing.assert_allclose(squashed(decisions)[sure], expected[sure], atol=1e-6)


def test_what_may_have_another_sign_is_left_to_libsvm():
    rng = np.random.default_rng(0)
    train, classes = rng.normal(size=(60, 4)), np.repeat(["A", "B", "C"], 20)
    machine = SVC().fit(train, classes)
    decisions = decide(machine, train)
    all_for_b = decisions._replace(votes=np.tile(np.float32([0, 1, 0]), (60, 1)))
    assert majority(machine, all_for_b, train).tolist() == ["B"] * 60
    unsure = all_for_b._replace(unsure=np.ones(60, dtype=bool))
    assert majority(machine, unsure, train).tolist() == machine.predict(train).tolist()


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
def test_distances_that_rounding_hides_are_left_to_libsvm(offset):
    """Vectors that are long, but near to each other: their products say little of distances."""
    rng = np.random.default_rng(2)
    classes = np.repeat(["A", "B", "C", "D"], 50)
    train = rng.normal(size=(200, 40)) + np.repeat(np.eye(4, 40), 50, axis=0) + offset
    machine = SVC(C=10).fit(train, classes)
    values = train + rng.normal(size=train.shape)
    found = majority(machine, decide(machine, values), values)
    assert found.tolist() == machine.predict(values).tolist()


def test_parts_are_decided_alike(monkeypatch):
    rng = np.random.default_rng(0)
    train = rng.normal(size=(60, 4))
    machine = SVC().fit(train, np.repeat(["A", "B", "C"], 20))
    whole = decide(machine, train)
    assert not whole.unsure.any()
    monkeypatch.setattr(_support_vectors, "_KERNEL_VALUES_AT_ONCE", 100)
    for part, expected in zip(decide(machine, train), whole, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-12)


class Own(SVC):
    """Predicts in another way."""

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class OwnPipeline(Pipeline):
    """Predicts in another way."""

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), SVC(kernel="linear")),
        make_pipeline(StandardScaler(), SVC(break_ties=True)),
        make_pipeline(StandardScaler(), SVC()),
        make_pipeline(StandardScaler(), NuSVC(nu=0.2)),
        make_pipeline(StandardScaler(), Own()),
        make_pipeline(SVC()),
        make_pipeline("passthrough", SVC()),
        make_pipeline(KBinsDiscretizer(strategy="uniform"), SVC()),
        OwnPipeline([("scale", StandardScaler()), ("machine", SVC())]),
        SVC(),
        SVC(decision_function_shape="ovo"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n", [0, 1, 40])
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
def test_any_classifier_is_asked_as_it_would_answer(model, n_classes, n):
    rng = np.random.default_rng(1)
    classes = rng.integers(0, n_classes, 80)
    train = (rng.normal(size=(80, 3)) + classes[:, None]).astype(np.float32)
    model.fit(train, np.array(list("ABCD"))[classes])
    found = Classification(model, train[:n])
    expected = model.predict(train[:n]).tolist() if n else []
    assert found.classes().tolist() == expected
    for scores in (found.log_scores(), found.evidence()):
        assert scores.shape == (n, n_classes)
        assert np.isfinite(scores).all()
