"""Matrix products in single precision predict the same classes as scikit-learn."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier

from skcaptcha.read.inference import _nearest_neighbors as module
from skcaptcha.read.inference import with_parameters_of
from skcaptcha.read.inference._nearest_neighbors import FastNearestNeighbors


@st.composite
def problems(draw):
    """Draw a fitted classifier and samples; with whole numbers, many distances are equal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d, n_classes = draw(st.integers(1, 40)), draw(st.integers(1, 20)), draw(st.integers(1, 5))
    m = draw(st.integers(1, 30))
    if draw(st.booleans()):
        known, values = rng.integers(0, 2, (n, d)), rng.integers(0, 2, (m, d))
    else:
        scale, offset = draw(st.sampled_from([(1, 0), (255, 0), (1e-3, 1e3), (1, 1e6)]))
        known, values = (scale * rng.normal(size=(k, d)) + offset for k in (n, m))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    known, values = known.astype(kind), values.astype(kind)
    values = np.concatenate([values, known[:5]])
    classifier = KNeighborsClassifier(
        draw(st.integers(1, min(n, 7))), algorithm=draw(st.sampled_from(["brute", "auto"]))
    )
    return classifier.fit(known, np.array(list("ZYXAB"))[rng.integers(0, n_classes, n)]), values


@given(problems())
def test_classes_equal_those_of_scikit_learn(problem):
    classifier, values = problem
    assert FastNearestNeighbors.supports(classifier)
    found = FastNearestNeighbors(classifier).predict(values)
    assert found.tolist() == classifier.predict(values).tolist()
    assert found.dtype == classifier.classes_.dtype


@pytest.mark.slow
@given(problems())
def test_classifiers_that_share_distances_predict_as_without_sharing(problem):
    classifier, values = problem
    shared = FastNearestNeighbors(classifier)
    for k in range(1, classifier.n_samples_fit_ + 1):
        other = clone(classifier).set_params(n_neighbors=k)
        other.fit(classifier._fit_X, classifier.classes_[classifier._y])
        shared = shared.for_classifier(other)
        for asked in (values, values[::-1].copy(), values):
            assert shared.predict(asked).tolist() == other.predict(asked).tolist()


@pytest.mark.parametrize(
    ("batch", "kept", "asked"), [(10**6, 10**6, 1), (90, 10**6, 7), (90, 599, 14)]
)
def test_distances_to_one_array_are_computed_once(batch, kept, asked, monkeypatch):
    monkeypatch.setattr(module, "_BATCH_DISTANCES", batch)
    monkeypatch.setattr(module, "_MAX_CACHED_DISTANCES", kept)
    calls = []
    distances = module._TrainingSet.distances
    monkeypatch.setattr(
        module._TrainingSet, "distances", lambda *args: calls.append(args) or distances(*args)
    )
    rng = np.random.default_rng(0)
    known, values = rng.normal(size=(30, 20)), rng.normal(size=(20, 20))
    names = np.array(list("ABC"))[np.arange(30) % 3]
    readers = [KNeighborsClassifier(k).fit(known, names) for k in (1, 3)]
    first = FastNearestNeighbors(readers[0])
    shared = first.for_classifier(readers[0])
    for fast, reader in ((shared, readers[0]), (shared.for_classifier(readers[1]), readers[1])):
        assert fast.predict(values).tolist() == reader.predict(values).tolist()
    assert len(calls) == asked


@given(problems())
def test_the_bound_of_the_rounding_error_holds(problem):
    """The k nearest are possible neighbors, and confirmed neighbors are among the k nearest."""
    classifier, values = problem
    fast = FastNearestNeighbors(classifier)
    found, own = fast._training_set.distances(values)
    inner, outer = fast._bounds_of_kth(found, own, classifier.n_neighbors)
    known, exact = classifier._fit_X.astype(np.longdouble), values.astype(np.longdouble)
    distance = ((exact[:, None] - known) ** 2).sum(axis=2)
    kth = np.sort(distance, axis=1)[:, classifier.n_neighbors - 1]
    assert (found < outer[:, None])[distance <= kth[:, None]].all()
    confirmed = found < inner[:, None]
    assert (distance <= kth[:, None])[confirmed].all()
    assert (confirmed.sum(axis=1) <= classifier.n_neighbors).all()


@given(problems(), st.integers(1, 3))
def test_the_projection_changes_no_class(problem, n_directions):
    classifier, values = problem
    n_directions = min(n_directions, values.shape[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_N_DIRECTIONS", n_directions)
        patch.setattr(module, "_MIN_SPEEDUP", 0)
        patch.setattr(module, "_MIN_SAMPLES", 0)
        fast = FastNearestNeighbors(classifier)
        found = fast.predict(values)
    assert found.tolist() == classifier.predict(values).tolist()
    # Projected distances never exceed true distances, except for rounding errors.
    single = values.astype(np.float32)
    seems = fast._training_set._projection.lower_bounds(single).astype(np.longdouble)
    known, exact = classifier._fit_X.astype(np.longdouble), values.astype(np.longdouble)
    own, lengths = (exact**2).sum(axis=1)[:, None], (known**2).sum(axis=1)
    distance = ((exact[:, None] - known) ** 2).sum(axis=2)
    error = fast._training_set._projection.rounding_error * (own + lengths.max())
    assert (seems + own <= distance + error).all()


def test_the_projection_is_used_if_it_is_faster(monkeypatch):
    rng = np.random.default_rng(0)
    glyphs = rng.integers(0, 2, (10, 400)).repeat(80, axis=0)
    known, values = (
        np.abs(glyphs - (rng.random(glyphs.shape) < 0.05)).astype(np.float32) for _ in range(2)
    )
    classifier = KNeighborsClassifier(3).fit(known, np.array(list("ABCDEFGHIJ")).repeat(80))
    asked = []
    distances = module._TrainingSet.distances
    monkeypatch.setattr(
        module._TrainingSet, "distances", lambda own, v: asked.append(len(v)) or distances(own, v)
    )
    fast = FastNearestNeighbors(classifier)
    assert fast.predict(values).tolist() == classifier.predict(values).tolist()
    assert sum(asked) < len(values) / 10
    # For a single image, computing the projection would take longer.
    alone = FastNearestNeighbors(classifier)
    assert alone.predict(values[:4]).tolist() == classifier.predict(values[:4]).tolist()
    assert "_projection" not in vars(alone._training_set)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=7),
)
def test_a_winner_is_certain_only_if_every_choice_has_it(k, neighbors):
    certain = [kind for kind, is_certain in neighbors if is_certain][:k]
    open_ = [kind for kind, is_certain in neighbors if not is_certain]
    left = k - len(certain)
    if left > len(open_):
        return
    winners = {
        int(np.bincount([*certain, *choice], minlength=3).argmax())
        for choice in combinations(open_, left)
    }
    votes = [np.bincount(np.array(of, dtype=int), minlength=3)[None] for of in
             (certain, certain + (open_ if left else []))]  # fmt: skip
    winner, is_certain = module._vote(*votes, k)
    if is_certain[0]:
        assert winners == {winner[0]}
    if len(set(certain + open_)) == 1:
        assert is_certain[0]


@given(problems(), st.integers(1, 40))
def test_distances_to_the_nearest_of_each_class(problem, k):
    classifier, values = problem
    k = min(k, classifier.n_samples_fit_)
    known, exact = classifier._fit_X.astype(np.longdouble), values.astype(np.longdouble)
    distance = ((exact[:, None] - known) ** 2).sum(axis=2)
    kth = np.sort(distance, axis=1)[:, k - 1]
    expected = np.stack(
        [distance[:, classifier._y == c].min(axis=1) for c in range(len(classifier.classes_))],
        axis=1,
    )
    expected = np.minimum(expected, kth[:, None])
    lengths = (exact**2).sum(axis=1)[:, None] + (known**2).sum(axis=1).max()
    error = module._rounding_error(values.shape[1]) * 2 * lengths
    found = FastNearestNeighbors(classifier).predict_with_distances(values, k)[1]
    assert (np.abs(found**2 - expected) <= error).all()


def test_batches_change_no_class(monkeypatch):
    rng = np.random.default_rng(0)
    classifier = KNeighborsClassifier(3).fit(rng.normal(size=(20, 3)), list("ABCDE" * 4))
    values = rng.normal(size=(30, 3))
    monkeypatch.setattr(module, "_BATCH_DISTANCES", 100)
    found = FastNearestNeighbors(classifier).predict(values)
    assert found.tolist() == classifier.predict(values).tolist()
    nearest, _ = classifier.kneighbors(values, 20)
    found = FastNearestNeighbors(classifier).predict_with_distances(values, 20)[1]
    np.testing.assert_allclose(found.min(axis=1), nearest[:, 0], atol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_raise_the_error_of_scikit_learn(value):
    classifier = KNeighborsClassifier(1).fit([[0.0], [1.0]], list("AB"))
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        FastNearestNeighbors(classifier).predict(np.array([[0.0], [value]]))


@pytest.mark.parametrize("scale", [1e19, 1e30, 1e60])
@pytest.mark.parametrize("k", [1, 2])
def test_scikit_learn_predicts_values_too_large_for_single_precision(scale, k):
    known = np.array([[0.0], [0.1], [1.0], [1.1], [2.0], [2.1]])
    classifier = KNeighborsClassifier(k).fit(scale * known, list("AABBCC"))
    values = np.array([[1.9], [0.2], [1e-30]]) * scale
    assert FastNearestNeighbors(classifier).predict(values).tolist() == ["C", "A", "A"]


@pytest.mark.parametrize("scale", [1e-18, 1e-20, 1e-22, 1e-24, 1e-40])
def test_scikit_learn_predicts_values_too_small_for_single_precision(scale):
    rng = np.random.default_rng(0)
    classifier = KNeighborsClassifier(5).fit(scale * rng.normal(size=(40, 20)), list("ABCD" * 10))
    values = scale * rng.normal(size=(300, 20))
    assert FastNearestNeighbors(classifier).predict(values).tolist() == (
        classifier.predict(values).tolist()
    )


@pytest.mark.parametrize("k", [0, 3])
def test_an_impossible_number_of_neighbors_raises(k):
    classifier = KNeighborsClassifier(1).fit([[0.0], [1.0]], list("AB")).set_params(n_neighbors=k)
    with pytest.raises(ValueError, match=r"must be >= 1|n_neighbors"):
        FastNearestNeighbors(classifier).predict(np.zeros((2, 1)))


class Own(KNeighborsClassifier):
    """A subclass, whose predictions may differ."""


@pytest.mark.parametrize(
    "classifier",
    [
        Own(1),
        KNeighborsClassifier(1, weights="distance"),
        KNeighborsClassifier(1, metric="manhattan"),
        KNeighborsClassifier(1, p=1),
    ],
    ids=repr,
)
def test_other_classifiers_are_not_supported(classifier):
    assert not FastNearestNeighbors.supports(classifier.fit([[0.0], [1.0]], list("AB")))


@pytest.mark.parametrize(
    "other",
    [
        KNeighborsClassifier(1),
        KNeighborsClassifier(5, weights="distance"),
        KNeighborsClassifier(7, algorithm="brute"),
        KNeighborsClassifier(2, p=1),
        KNeighborsClassifier(0),
        KNeighborsClassifier(3, weights="none"),
        KNeighborsClassifier(3, metric_params={"w": np.ones(40)}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("d", [3, 40])
def test_parameters_change_without_a_fit_only_if_a_fit_would_learn_the_same(other, d):
    rng = np.random.default_rng(0)
    known, classes = rng.normal(size=(40, d)).astype(np.float32), np.array(list("ABCD" * 10))
    fitted = KNeighborsClassifier(3).fit(known, classes)
    adapted = with_parameters_of(fitted, other)
    spared = d == 40 and other.algorithm == "auto" and other.p == 2
    spared &= other.n_neighbors > 0 and other.weights != "none" and not other.metric_params
    assert (adapted is not None) == spared
    if adapted is not None:
        again = clone(other).fit(known, classes)
        values = rng.normal(size=(30, d)).astype(np.float32)
        assert adapted.predict(values).tolist() == again.predict(values).tolist()
        assert adapted.get_params() == again.get_params()
        assert fitted.get_params() == KNeighborsClassifier(3).get_params()
