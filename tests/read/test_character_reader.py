"""CharacterReader."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skcaptcha import Segments
from skcaptcha.exceptions import ReadingError
from skcaptcha.read import CharacterReader


class OnlyPredicts(ClassifierMixin, BaseEstimator):
    """A classifier without probabilities: the nearest class mean."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def predict(self, X):
        distance = ((X[:, None] - self.means_) ** 2).sum(axis=2)
        return self.classes_[distance.argmin(axis=1)]


class GivenProbabilities(ClassifierMixin, BaseEstimator):
    """Its features are the probabilities; ``flip`` predicts the least probable class."""

    def __init__(self, flip=False):
        self.flip = flip

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return self.classes_[X.argmin(axis=1) if self.flip else X.argmax(axis=1)]


CLASSIFIERS = {
    "default": None,
    "knn": KNeighborsClassifier(1),
    "svc": SVC(),
    "svc ovo": SVC(decision_function_shape="ovo"),
    "linear svc": LinearSVC(),
    "lda": LinearDiscriminantAnalysis(),
    "pipeline": make_pipeline(StandardScaler(), PCA(3), SVC()),
    "calibrated": CalibratedClassifierCV(SVC(), ensemble=False, cv=2),
    "only predicts": OnlyPredicts(),
    "nearest centroid": NearestCentroid(),
}


def segments(values, counts):
    values = np.asarray(values, dtype=np.float32)
    boxes = np.stack([np.arange(len(values)), *np.ones((3, len(values)))], axis=1)
    return Segments(boxes, np.concatenate([[0], np.cumsum(counts)]), values=values)


def batch(alphabet, n=40, lengths=(4,), spread=0.25, seed=0):
    """Return captchas whose segments scatter around a corner of a cube for each character."""
    rng = np.random.default_rng(seed)
    counts = rng.choice(lengths, n)
    texts = ["".join(rng.choice(list(alphabet), count)) for count in counts]
    corners = {c: [(i >> k) & 1 for k in range(4)] for i, c in enumerate(alphabet)}
    values = [corners[c] for text in texts for c in text]
    return segments(rng.normal(values, spread), counts), np.array(texts)


@pytest.mark.parametrize("alphabet", ["QAZ019", "ba"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_any_classifier_reads(name, alphabet):
    X, y = batch(alphabet, lengths=(2, 3, 4))
    reader = CharacterReader(CLASSIFIERS[name]).fit(X, y)
    assert "".join(reader.classes_) == "".join(sorted(alphabet))
    fresh, texts = batch(alphabet, lengths=(1, 5), seed=1)
    found = reader.predict(fresh)
    assert found.shape == texts.shape
    assert found.dtype.kind == "U"
    assert reader.score(fresh, texts) == np.mean(found == texts) > 0.7
    check_readings(reader, fresh)


def check_readings(reader, X):
    readings = reader.read(X)
    assert [reading.text for reading in readings] == reader.predict(X).tolist()
    for i, reading in enumerate(readings):
        np.testing.assert_array_equal(reading.boxes, X[i].boxes)
        assert len(reading.probabilities) == len(reading.text)
        assert (reading.probabilities > 0).all()
        assert reading.confidence == pytest.approx(reading.probabilities.prod())
        assert 0 <= reading.confidence <= 1
        strings, scores = zip(*reading.runners_up, strict=True) if reading.runners_up else ((), ())
        assert list(scores) == sorted(scores, reverse=True)
        assert len({*strings, reading.text}) == len(strings) + 1
        assert {len(string) for string in strings} <= {len(reading.text)}
        possible = len(reader.classes_) ** len(reading.text)
        assert len(strings) == min(5, possible - 1)
        assert reading.confidence + sum(scores) <= 1 + 1e-6


def test_a_classifier_of_one_character():
    X, _ = batch("ab", n=4)
    y = ["aaaa"] * 4
    reader = CharacterReader(KNeighborsClassifier(1), calibration_cv=2).fit(X, y)
    assert reader.predict(X).tolist() == y
    assert [(r.confidence, r.runners_up) for r in reader.read(X)] == [(1, ())] * 4


@pytest.mark.parametrize("name", [n for n in CLASSIFIERS if n != "calibrated"])
def test_readings_do_not_depend_on_the_other_captchas(name):
    X, y = batch("QAZ019", lengths=(2, 3))
    reader = CharacterReader(CLASSIFIERS[name]).fit(X, y)
    together = reader.read(X)
    for i in (0, 7, 39):
        alone = reader.read(X[i])[0]
        assert alone.text == together[i].text
        assert alone.confidence == pytest.approx(together[i].confidence)
        assert [t for t, _ in alone.runners_up] == [t for t, _ in together[i].runners_up]


# --- left out of training -------------------------------------------------------------------------


def with_wrong_labels(n_wrong, n=10):
    X, y = batch("abcd", n=n)
    y = [text + "a" if i < n_wrong else text for i, text in enumerate(y)]
    return X, y


@pytest.mark.parametrize("n_wrong", [0, 1, 5])
def test_captchas_with_another_number_of_segments_are_excluded(n_wrong):
    X, y = with_wrong_labels(n_wrong)
    reader = CharacterReader().fit(X, y)
    assert reader.n_left_out_ == n_wrong
    assert reader.left_out_.tolist() == list(range(n_wrong))
    without = CharacterReader().fit(X[n_wrong:], y[n_wrong:])
    np.testing.assert_array_equal(reader.predict(X), without.predict(X))
    assert reader.estimator_.n_samples_fit_ == 4 * (10 - n_wrong)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=6))
def test_characters_are_the_segments_where_there_are_as_many(counts):
    offsets = np.cumsum([0, *(n for n, _ in counts)])
    boxes = np.arange(4 * offsets[-1]).reshape(-1, 4)
    aligned = CharacterReader().align(Segments(boxes, offsets), ["a" * n for _, n in counts])
    assert len(aligned) == len(counts)
    for i, (found, (n_segments, length)) in enumerate(zip(aligned, counts, strict=True)):
        expected = [boxes[k] for k in range(offsets[i], offsets[i + 1])]
        assert [*map(list, found)] == [*map(list, expected if n_segments == length else [])]
        assert found.shape[1] == 4


@pytest.mark.parametrize("n_wrong", [6, 10])
def test_more_than_half_excluded_raises_with_advice(n_wrong):
    X, y = with_wrong_labels(n_wrong)
    with pytest.raises(
        ReadingError,
        match=rf"^{n_wrong} of 10 captchas .*\(4 segments, 5 characters\).*n_characters.*show",
    ):
        CharacterReader().fit(X, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["ab", "ba", "ab"], r"labels \(3\) differs from number of captchas \(4\)"),
        (["ab", "ba", 12, "ab"], r"labels must hold strings, found 12 \(int\) at 2"),
        (["ab", "ba", "ab", np.nan], r"found nan \(float\) at 3"),
        (["ab", None, "ab", "ab"], r"found None \(NoneType\) at 1"),
        (np.array([11, 22, 33, 44]), r"found 11 \(int\) at 0"),
        ([b"ab"] * 4, r"found b'ab' \(bytes\) at 0"),
        (None, "y is None"),
    ],
)
def test_errors_name_bad_labels(y, message):
    X, _ = batch("ab", n=4, lengths=(2,))
    with pytest.raises(ReadingError, match=message):
        CharacterReader().fit(X, y)
    if y is not None and len(y) == 4:
        with pytest.raises(ReadingError, match=message):
            CharacterReader().fit(X, ["ab"] * 4).score(X, y)


@pytest.mark.parametrize("n", [0, 3])
def test_labels_without_characters_raise(n):
    X = segments(np.empty((0, 4)), [0] * n)
    with pytest.raises(ReadingError, match=f"{n} captchas have no characters"):
        CharacterReader().fit(X, [""] * n)


def test_segments_without_features_raise():
    X, y = batch("ab")
    bare = Segments(X.boxes, X.offsets)
    with pytest.raises(ValueError, match="have no features"):
        CharacterReader().fit(bare, y)
    with pytest.raises(NotFittedError):
        CharacterReader().predict(X)
    with pytest.raises(NotFittedError):
        CharacterReader().read(X)


def test_labels_are_compared_exactly():
    X, y = batch("aA")
    reader = CharacterReader(KNeighborsClassifier(1)).fit(X, y)
    assert reader.score(X, y) == 1
    assert reader.score(X, np.char.swapcase(y)) == 0
    assert set(reader.classes_) == {"a", "A"}


# --- read -----------------------------------------------------------------------------------------


def test_captchas_without_segments():
    X, y = batch("abc", lengths=(0, 2, 3))
    assert 0 in X.counts
    reader = CharacterReader().fit(X, y)
    for i in np.flatnonzero(X.counts == 0):
        assert reader.predict(X)[i] == ""
        reading = reader.read(X)[i]
        assert (reading.text, reading.confidence, reading.runners_up) == ("", 0.0, ())
        assert reading.boxes.shape == (0, 4)
    nothing = segments(np.empty((0, 4)), [0, 0])
    assert reader.predict(nothing).tolist() == ["", ""]
    assert [reading.text for reading in reader.read(nothing)] == ["", ""]


@st.composite
def probabilities(draw):
    """Draw captchas whose features are probabilities, all well above the smallest one used."""
    n_classes = draw(st.integers(2, 4))
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    weights = st.lists(st.floats(0.1, 1), min_size=n_classes, max_size=n_classes)
    values = np.array([draw(weights) for _ in range(sum(counts))])
    return segments(values / values.sum(axis=1, keepdims=True), counts)


@pytest.mark.parametrize("flip", [False, True])
@given(X=probabilities())
def test_runners_up_by_brute_force(flip, X):
    alphabet = "BCDE"[: X.values.shape[1]]
    train = segments(np.eye(len(alphabet)), [1] * len(alphabet))
    reader = CharacterReader(GivenProbabilities(flip)).fit(train, list(alphabet))
    for i, reading in enumerate(reader.read(X)):
        logs = np.log(X[i].values.astype(float))
        scores = {
            "".join(alphabet[k] for k in path): np.exp(
                sum(logs[position, k] for position, k in enumerate(path))
            )
            for path in product(range(len(alphabet)), repeat=len(logs))
        }
        assert reading.confidence == pytest.approx(scores.pop(reading.text), rel=1e-5)
        best = sorted(scores.values(), reverse=True)[:5]
        assert [score for _, score in reading.runners_up] == pytest.approx(best, rel=1e-5)
        for text, score in reading.runners_up:
            assert score == pytest.approx(scores[text], rel=1e-5)


# --- calibration ----------------------------------------------------------------------------------


def log_loss(reader, X, y):
    """Return the mean log loss of confidences, and their mean minus the accuracy."""
    readings = reader.read(X)
    right = np.array([r.text == text for r, text in zip(readings, y, strict=True)])
    confidences = np.clip([r.confidence for r in readings], 1e-9, 1 - 1e-9)
    return -np.where(right, np.log(confidences), np.log1p(-confidences)).mean(), abs(
        confidences.mean() - right.mean()
    )


@pytest.mark.parametrize(
    "classifier",
    [KNeighborsClassifier(3), GaussianNB(var_smoothing=1e-12), LogisticRegression(C=1e-3), SVC()],
    ids=lambda classifier: type(classifier).__name__,
)
def test_calibration_improves_confidences_and_changes_no_text(classifier):
    train, y = batch("QAZ019XY", n=150, lengths=(3,), spread=0.45)
    fresh, texts = batch("QAZ019XY", n=400, lengths=(3,), spread=0.45, seed=2)
    raw = CharacterReader(classifier).fit(train, y)
    calibrated = CharacterReader(classifier, calibration_cv=5).fit(train, y)
    assert raw.temperature_ == 1
    assert calibrated.temperature_ > 0
    np.testing.assert_array_equal(calibrated.predict(fresh), raw.predict(fresh))
    (loss, gap), (raw_loss, raw_gap) = (
        log_loss(calibrated, fresh, texts),
        log_loss(raw, fresh, texts),
    )
    assert loss <= raw_loss + 0.01
    assert gap <= max(raw_gap, 0.08)


def test_calibration_undoes_overconfidence():
    """A classifier that predicts p**3 instead of p has a temperature of 3."""
    rng = np.random.default_rng(0)
    truth = rng.dirichlet(np.ones(3) * 3, 6000)
    y = np.array([rng.choice(list("abc"), p=p) for p in truth])
    overconfident = truth**3 / (truth**3).sum(axis=1, keepdims=True)
    keep = overconfident.min(axis=1) > 0.02
    values, y = overconfident[keep], y[keep]
    X = segments(values, np.ones(len(values), dtype=int))
    reader = CharacterReader(GivenProbabilities(), calibration_cv=4).fit(X, y)
    assert reader.temperature_ == pytest.approx(3, rel=0.15)


def test_calibration_with_rare_characters_and_few_captchas():
    X, y = batch("ab", n=12)
    y[0] = "Zaba"  # the only Z: unknown in the fold that holds it
    CharacterReader(KNeighborsClassifier(1), calibration_cv=3).fit(X, y)
    few = CharacterReader(KNeighborsClassifier(1), calibration_cv=9).fit(X[:2], y[:2])
    assert few.temperature_ > 0
    assert CharacterReader(calibration_cv=5).fit(X[:1], y[:1]).temperature_ == 1


@pytest.mark.parametrize(
    "classifier",
    [
        KNeighborsClassifier(1),
        KNeighborsClassifier(3),
        make_pipeline(StandardScaler(), KNeighborsClassifier(1)),
        SVC(C=10),
        make_pipeline(StandardScaler(), SVC(C=10)),
        LinearDiscriminantAnalysis(),
    ],
    ids=["1-nn", "3-nn", "scaled 1-nn", "svc", "scaled svc", "lda"],
)
def test_wrong_readings_have_lower_confidence(classifier):
    train, y = batch("QAZ019XY", n=150, lengths=(3,), spread=0.2)
    fresh, texts = batch("QAZ019XY", n=600, lengths=(3,), spread=0.2, seed=2)
    readings = CharacterReader(classifier, calibration_cv=5).fit(train, y).read(fresh)
    right = np.array([r.text == text for r, text in zip(readings, texts, strict=True)])
    assert 0.05 < right.mean() < 0.98
    assert roc_auc_score(right, [r.confidence for r in readings]) > 0.75
