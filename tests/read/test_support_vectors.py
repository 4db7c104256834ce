"""Matrix products decide as libsvm does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, NuSVC

from skcaptcha.read import _support_vectors
from skcaptcha.read._evidence import Classification
from skcaptcha.read._support_vectors import majority, margins, pairwise_decisions, squashed


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


@given(problems())
def test_it_decides_as_libsvm_does(problem):
    machine, values = problem
    decisions = pairwise_decisions(machine, values)
    expected = machine.set_params(decision_function_shape="ovo").decision_function(values)
    scale = np.abs(machine.dual_coef_).sum()
    np.testing.assert_allclose(decisions, expected, atol=1e-12 * scale)
    assert majority(machine, decisions, values).tolist() == machine.predict(values).tolist()
    expected = machine.set_params(decision_function_shape="ovr").decision_function(values)
    found = squashed(decisions, expected.shape[1])
    sure = np.abs(decisions).min(axis=1) > 1e-12 * scale
    np.testing.assert_allclose(found[sure], expected[sure], atol=1e-6)


@given(problems())
def test_margins_are_sums_over_pairs(problem):
    machine, values = problem
    decisions = pairwise_decisions(machine, values)
    n_classes = len(machine.classes_)
    expected = np.zeros((len(values), n_classes))
    pairs = [(i, j) for i in range(n_classes) for j in range(i + 1, n_classes)]
    for (i, j), decision in zip(pairs, decisions.T, strict=True):
        expected[:, i] += decision
        expected[:, j] -= decision
    np.testing.assert_allclose(margins(decisions, n_classes), expected, atol=1e-9)


def test_what_may_have_another_sign_is_left_to_libsvm(monkeypatch):
    rng = np.random.default_rng(0)
    train, classes = rng.normal(size=(60, 4)), np.repeat(["A", "B", "C"], 20)
    machine = SVC().fit(train, classes)
    decisions = pairwise_decisions(machine, train)
    expected = machine.predict(train).tolist()
    assert majority(machine, np.zeros_like(decisions), train).tolist() == expected
    assert majority(machine, np.ones_like(decisions), train).tolist() == ["A"] * 60
    monkeypatch.setattr(_support_vectors, "_KERNEL_VALUES_AT_ONCE", 100)
    np.testing.assert_allclose(pairwise_decisions(machine, train), decisions, atol=1e-12)


@pytest.mark.parametrize(
    "machine",
    [SVC(kernel="linear"), SVC(break_ties=True), SVC(), NuSVC(nu=0.2), type("Own", (SVC,), {})()],
    ids=repr,
)
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("n", [1, 40])
def test_any_classifier_is_predicted(machine, n_classes, n):
    rng = np.random.default_rng(1)
    classes = rng.integers(0, n_classes, 80)
    train = (rng.normal(size=(80, 3)) + classes[:, None]).astype(np.float32)
    model = make_pipeline(StandardScaler(), machine).fit(train, np.array(list("ABCD"))[classes])
    assert Classification(model, train[:n]).classes().tolist() == model.predict(train[:n]).tolist()
