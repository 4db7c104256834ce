"""Matrix products in single precision find the neighbors that scikit-learn finds."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier

from skcaptcha.read import _neighbors
from skcaptcha.read._neighbors import NearestNeighbors, with_parameters_of


@st.composite
def problems(draw):
    """A fitted classifier and what it is to classify; of whole numbers, many are equally near."""
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
def test_it_predicts_what_scikit_learn_predicts(problem):
    classifier, values = problem
    assert NearestNeighbors.takes(classifier)
    found = NearestNeighbors(classifier).predict(values)
    assert found.tolist() == classifier.predict(values).tolist()
    assert found.dtype == classifier.classes_.dtype


@pytest.mark.slow
@given(problems())
def test_those_that_share_distances_predict_what_each_would(problem):
    classifier, values = problem
    shared = NearestNeighbors(classifier)
    for k in range(1, classifier.n_samples_fit_ + 1):
        other = clone(classifier).set_params(n_neighbors=k)
        other.fit(classifier._fit_X, classifier.classes_[classifier._y])
        shared = shared.for_classifier(other)
        for asked in (values, values[::-1].copy(), values):
            assert shared.predict(asked).tolist() == other.predict(asked).tolist()


@pytest.mark.parametrize(
    ("at_once", "kept", "asked"), [(10**6, 10**6, 1), (90, 10**6, 7), (90, 599, 14)]
)
def test_distances_to_one_array_are_computed_once(at_once, kept, asked, monkeypatch):
    monkeypatch.setattr(_neighbors, "_DISTANCES_AT_ONCE", at_once)
    monkeypatch.setattr(_neighbors, "_MOST_DISTANCES_KEPT", kept)
    calls = []
    distances = _neighbors._Known.distances
    monkeypatch.setattr(
        _neighbors._Known, "distances", lambda *args: calls.append(args) or distances(*args)
    )
    rng = np.random.default_rng(0)
    known, values = rng.normal(size=(30, 20)), rng.normal(size=(20, 20))
    names = np.array(list("ABC"))[np.arange(30) % 3]
    readers = [KNeighborsClassifier(k).fit(known, names) for k in (1, 3)]
    first = NearestNeighbors(readers[0])
    shared = first.for_classifier(readers[0])
    for fast, reader in ((shared, readers[0]), (shared.for_classifier(readers[1]), readers[1])):
        assert fast.predict(values).tolist() == reader.predict(values).tolist()
    assert len(calls) == asked


@given(problems())
def test_the_bound_of_rounding_holds(problem):
    """In single precision the k nearest are among those that it finds possible."""
    classifier, values = problem
    fast = NearestNeighbors(classifier)
    found, own = fast._known.distances(values)
    certain, possible = fast._nearest(found, own, classifier.n_neighbors)
    known, exact = classifier._fit_X.astype(np.longdouble), values.astype(np.longdouble)
    distance = ((exact[:, None] - known) ** 2).sum(axis=2)
    kth = np.sort(distance, axis=1)[:, classifier.n_neighbors - 1]
    assert (found < possible[:, None])[distance <= kth[:, None]].all()
    surely = found < certain[:, None]
    assert (distance <= kth[:, None])[surely].all()
    assert (surely.sum(axis=1) <= classifier.n_neighbors).all()


@given(problems(), st.integers(1, 3))
def test_few_directions_predict_what_all_would(problem, n_directions):
    classifier, values = problem
    n_directions = min(n_directions, values.shape[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_neighbors, "_DIRECTIONS", n_directions)
        patch.setattr(_neighbors, "_LEAST_GAIN", 0)
        patch.setattr(_neighbors, "_LEAST_FOR_SKETCH", 0)
        fast = NearestNeighbors(classifier)
        found = fast.predict(values)
    assert found.tolist() == classifier.predict(values).tolist()
    # None seems farther than it is, but for the bound of rounding.
    single = values.astype(np.float32)
    seems = fast._known._sketch.least_distances(single).astype(np.longdouble)
    known, exact = classifier._fit_X.astype(np.longdouble), values.astype(np.longdouble)
    own, lengths = (exact**2).sum(axis=1)[:, None], (known**2).sum(axis=1)
    distance = ((exact[:, None] - known) ** 2).sum(axis=2)
    assert (seems + own <= distance + fast._known._sketch.rounding * (own + lengths.max())).all()


def test_few_directions_are_looked_at_where_that_is_faster(monkeypatch):
    rng = np.random.default_rng(0)
    glyphs = rng.integers(0, 2, (10, 400)).repeat(80, axis=0)
    known, values = (
        np.abs(glyphs - (rng.random(glyphs.shape) < 0.05)).astype(np.float32) for _ in range(2)
    )
    classifier = KNeighborsClassifier(3).fit(known, np.array(list("ABCDEFGHIJ")).repeat(80))
    asked = []
    distances = _neighbors._Known.distances
    monkeypatch.setattr(
        _neighbors._Known, "distances", lambda own, v: asked.append(len(v)) or distances(own, v)
    )
    fast = NearestNeighbors(classifier)
    assert fast.predict(values).tolist() == classifier.predict(values).tolist()
    assert sum(asked) < len(values) / 10
    # For one image it would not pay to look for them.
    alone = NearestNeighbors(classifier)
    assert alone.predict(values[:4]).tolist() == classifier.predict(values[:4]).tolist()
    assert "_sketch" not in vars(alone._known)


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=7),
)
def test_a_winner_is_sure_only_if_no_choice_has_another(k, neighbors):
    certain = [kind for kind, sure in neighbors if sure][:k]
    open_ = [kind for kind, sure in neighbors if not sure]
    left = k - len(certain)
    if left > len(open_):
        return
    winners = {
        int(np.bincount([*certain, *choice], minlength=3).argmax())
        for choice in combinations(open_, left)
    }
    votes = [np.bincount(np.array(of, dtype=int), minlength=3)[None] for of in
             (certain, certain + (open_ if left else []))]  # fmt: skip
    winner, sure = _neighbors._vote(*votes, k)
    if sure[0]:
        assert winners == {winner[0]}
    if len(set(certain + open_)) == 1:
        assert sure[0]


@given(problems(), st.integers(1, 40))
def test_it_tells_how_far_the_nearest_of_each_class_is(problem, k):
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
    error = _neighbors._rounding(values.shape[1]) * 2 * lengths
    found = NearestNeighbors(classifier).distances(values, k)
    assert (np.abs(found**2 - expected) <= error).all()


def test_parts_are_classified_alike(monkeypatch):
    rng = np.random.default_rng(0)
    classifier = KNeighborsClassifier(3).fit(rng.normal(size=(20, 3)), list("ABCDE" * 4))
    values = rng.normal(size=(30, 3))
    monkeypatch.setattr(_neighbors, "_DISTANCES_AT_ONCE", 100)
    found = NearestNeighbors(classifier).predict(values)
    assert found.tolist() == classifier.predict(values).tolist()
    nearest, _ = classifier.kneighbors(values, 20)
    found = NearestNeighbors(classifier).distances(values, 20)
    np.testing.assert_allclose(found.min(axis=1), nearest[:, 0], atol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_as_by_scikit_learn(value):
    classifier = KNeighborsClassifier(1).fit([[0.0], [1.0]], list("AB"))
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        NearestNeighbors(classifier).predict(np.array([[0.0], [value]]))


@pytest.mark.parametrize("scale", [1e19, 1e30, 1e60])
@pytest.mark.parametrize("k", [1, 2])
def test_what_single_precision_cannot_hold_is_left_to_scikit_learn(scale, k):
    known = np.array([[0.0], [0.1], [1.0], [1.1], [2.0], [2.1]])
    classifier = KNeighborsClassifier(k).fit(scale * known, list("AABBCC"))
    values = np.array([[1.9], [0.2], [1e-30]]) * scale
    assert NearestNeighbors(classifier).predict(values).tolist() == ["C", "A", "A"]


@pytest.mark.parametrize("scale", [1e-18, 1e-20, 1e-22, 1e-24, 1e-40])
def test_what_is_too_little_for_single_precision_is_left_to_scikit_learn(scale):
    rng = np.random.default_rng(0)
    classifier = KNeighborsClassifier(5).fit(scale * rng.normal(size=(40, 20)), list("ABCD" * 10))
    values = scale * rng.normal(size=(300, 20))
    assert NearestNeighbors(classifier).predict(values).tolist() == (
        classifier.predict(values).tolist()
    )


@pytest.mark.parametrize("k", [0, 3])
def test_a_number_of_neighbors_that_cannot_be_is_refused(k):
    classifier = KNeighborsClassifier(1).fit([[0.0], [1.0]], list("AB")).set_params(n_neighbors=k)
    with pytest.raises(ValueError, match=r"must be >= 1|n_neighbors"):
        NearestNeighbors(classifier).predict(np.zeros((2, 1)))


@pytest.mark.parametrize("shape", [(2, 3), (0, 3)])
def test_other_features_are_refused_as_by_scikit_learn(shape):
    classifier = KNeighborsClassifier(1).fit([[0.0], [1.0]], list("AB"))
    with pytest.raises(ValueError, match=r"3 features|minimum of 1"):
        NearestNeighbors(classifier).predict(np.zeros(shape))


class Own(KNeighborsClassifier):
    """Predicts in another way."""


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
def test_other_classifiers_are_left_alone(classifier):
    assert not NearestNeighbors.takes(classifier.fit([[0.0], [1.0]], list("AB")))


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
def test_a_fit_is_spared_only_where_it_would_learn_the_same(other, d):
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
