"""Matrix products decide as libsvm does."""

import pickle
from itertools import combinations, product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.svm import SVC, LinearSVC, NuSVC

from skcaptcha.read import _support_vectors
from skcaptcha.read._evidence import FittedClassifier
from skcaptcha.read._support_vectors import KernelMachine, squashed


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
    # What it learned from is decided as well, at a distance of nothing.
    return machine, np.concatenate([values, train[:5]]).astype(np.float32)


def by_libsvm(machine, values):
    """Decisions of each pair."""
    machine.set_params(decision_function_shape="ovo")
    try:
        return machine.decision_function(values)
    finally:
        machine.set_params(decision_function_shape="ovr")


def decided(machine, pairs):
    """Votes and sums of margins, pair by pair."""
    n_classes = len(machine.classes_)
    votes, margins = np.zeros((2, len(pairs), n_classes))
    for (i, j), decision in zip(combinations(range(n_classes), 2), pairs.T, strict=True):
        votes[:, i] += decision > 0
        votes[:, j] += decision <= 0
        margins[:, i] += decision
        margins[:, j] -= decision
    return votes, margins


@given(problems())
def test_it_decides_as_libsvm_does(problem):
    machine, values = problem
    fast = KernelMachine(machine)
    decisions = fast.decide(values)
    pairs = by_libsvm(machine, values)
    votes, margins = decided(machine, pairs)
    weight = np.abs(machine.dual_coef_).sum()
    clear = (np.abs(pairs) > 1e-9 * weight).all(axis=1)
    assert decisions.votes[clear].tolist() == votes[clear].tolist()
    np.testing.assert_allclose(decisions.margins, margins, atol=1e-12 * weight)
    expected = machine.predict(values).tolist()
    assert fast.majority(decisions, values).tolist() == expected
    assert fast.predict(values).tolist() == expected
    expected = machine.decision_function(values)
    np.testing.assert_allclose(squashed(decisions)[clear], expected[clear], atol=1e-6)


@given(problems(), st.sampled_from(["_single", "_double"]))
def test_the_bound_of_rounding_holds(problem, precision):
    """Every pair that turned lies within the bound, and every winner that turned is unsure."""
    machine, values = problem
    fast = KernelMachine(machine)
    vectors = getattr(fast, precision)
    part = values.astype(vectors.kind)
    lengths = np.einsum("ij,ij->i", part, part)
    kernel = vectors.kernel(part, lengths)
    error = np.abs(vectors.pairs(kernel).T - by_libsvm(machine, values))
    assert (error <= vectors.rounding(vectors.magnitudes(kernel), lengths.max()).T).all()
    assert (vectors.magnitudes(kernel) <= 1.001 * vectors.weights[:, None]).all()
    decisions = fast._decide(values, vectors)
    winners = machine.classes_[decisions.votes.argmax(axis=1)]
    assert ((winners == machine.predict(values)) | decisions.unsure).all()


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    train, classes = rng.normal(size=(60, 4)), np.repeat(["A", "B", "C"], 20)
    return SVC().fit(train, classes), train


def test_what_may_have_another_winner_is_left_to_libsvm():
    machine, train = blobs()
    fast = KernelMachine(machine)
    decisions = fast.decide(train)
    all_for_b = decisions._replace(votes=np.tile(np.float32([0, 1, 0]), (60, 1)))
    assert fast.majority(all_for_b, train).tolist() == ["B"] * 60
    unsure = all_for_b._replace(unsure=np.ones(60, dtype=bool))
    assert fast.majority(unsure, train).tolist() == machine.predict(train).tolist()


@pytest.mark.parametrize("rung", ["_single", "_double"])
def test_what_one_precision_leaves_open_the_next_decides(rung, monkeypatch):
    machine, train = blobs()
    fast = KernelMachine(machine)
    vectors = getattr(fast, rung)
    # So coarse that nothing is sure, and signs that are wrong.
    monkeypatch.setattr(vectors, "rounding", lambda given, longest: np.full(given.shape, np.inf))
    monkeypatch.setattr(vectors, "pairs", lambda kernel: -np.ones((3, kernel.shape[1])))
    if rung == "_double":
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
def test_a_winner_is_sure_only_if_no_open_pair_can_change_it(problem):
    """Pairs of margin 1 are open: try them both ways."""
    n_classes, margins = problem
    ends = [(1, -1) if abs(margin) == 1 else (margin,) for margin in margins]
    winners = set()
    for choice in product(*ends):
        votes, _ = decided(SimpleNamespace(classes_=range(n_classes)), np.array([choice]))
        winners.add(int(votes[0].argmax()))
    votes, _ = decided(SimpleNamespace(classes_=range(n_classes)), np.array([margins]))
    open_ = np.abs(margins) == 1
    unsure = _support_vectors._unsure(votes.T.astype(np.float32), open_[:, None])
    assert unsure[0] or len(winners) == 1


def test_what_is_not_finite_is_refused_as_by_libsvm():
    machine, train = blobs()
    train[3, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        KernelMachine(machine).predict(train)


def test_what_single_precision_cannot_hold_is_left_to_others():
    machine, train = blobs()
    far = np.concatenate([train, train * 1e30])
    assert KernelMachine(machine).predict(far).tolist() == machine.predict(far).tolist()


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e6])
def test_distances_that_rounding_hides_are_left_to_libsvm(offset):
    """Vectors that are long, but near to each other: their products say little of distances."""
    rng = np.random.default_rng(2)
    classes = np.repeat(["A", "B", "C", "D"], 50)
    train = rng.normal(size=(200, 40)) + np.repeat(np.eye(4, 40), 50, axis=0) + offset
    machine = SVC(C=10).fit(train, classes)
    values = train + rng.normal(size=train.shape)
    assert KernelMachine(machine).predict(values).tolist() == machine.predict(values).tolist()


@pytest.mark.parametrize("gamma", [10.0, 20.0])
@pytest.mark.parametrize("C", [1e-9, 1e-12])
def test_what_is_too_little_for_single_precision_is_left_to_others(C, gamma):
    rng = np.random.default_rng(0)
    machine = SVC(C=C, gamma=gamma).fit(rng.normal(size=(30, 6)), np.arange(30) % 6)
    values = rng.normal(size=(200, 6))
    assert KernelMachine(machine).predict(values).tolist() == machine.predict(values).tolist()


@pytest.mark.parametrize("model", [KNeighborsClassifier(1), SVC(), make_pipeline(PCA(2), SVC())])
def test_a_classifier_that_was_fitted_anew_is_not_the_same(model):
    machine, train = blobs()
    classes = machine.predict(train)
    fitted = FittedClassifier(model.fit(train, classes))
    assert fitted.is_still(model)
    assert not fitted.is_still(clone(model).fit(train, classes))
    last = model[-1] if isinstance(model, Pipeline) else model
    last.fit(fitted.before.transform(train) if fitted.before else train, classes)
    assert not fitted.is_still(model)
    again = FittedClassifier(KNeighborsClassifier(1).fit(train, classes))
    again.classifier.set_params(weights="distance")
    assert not again.is_still(again.classifier)


def test_parts_are_decided_alike(monkeypatch):
    machine, train = blobs()
    whole = KernelMachine(machine).decide(train)
    assert not whole.unsure.any()
    monkeypatch.setattr(_support_vectors, "_KERNEL_VALUES_AT_ONCE", 100)
    for part, expected in zip(KernelMachine(machine).decide(train), whole, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-12)


@pytest.mark.parametrize("machine", [LinearSVC(), RidgeClassifier()], ids=repr)
def test_what_a_linear_machine_cannot_take_is_refused_as_by_scikit_learn(machine):
    _, train = blobs()
    fitted = FittedClassifier(machine.fit(train, np.repeat(["A", "B", "C"], 20)))
    with pytest.raises(ValueError, match="2 features"):
        fitted(train[:, :2]).classes()
    train[2, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        fitted(train).classes()


class Own(SVC):
    """Predicts in another way."""

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class OwnLinear(LinearSVC):
    """Decides in another way."""

    def decision_function(self, X):
        return -super().decision_function(X)


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
        KNeighborsClassifier(2),
        LinearSVC(),
        OwnLinear(),
        make_pipeline(StandardScaler(), RidgeClassifier()),
        LinearDiscriminantAnalysis(),
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
    fitted = FittedClassifier(model)
    found = fitted(train[:n])
    expected = model.predict(train[:n]).tolist() if n else []
    assert found.classes().tolist() == expected
    for scores in (found.log_scores(), found.evidence()):
        assert scores.shape == (n, n_classes)
        assert np.isfinite(scores).all()
    # Asked once more, with the scores known, and after a journey through a file.
    assert found.classes().tolist() == expected
    assert pickle.loads(pickle.dumps(fitted))(train[:n]).classes().tolist() == expected
