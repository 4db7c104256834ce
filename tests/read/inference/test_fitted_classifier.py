"""Any fitted classifier predicts the same classes as without its fast evaluation."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.svm import SVC, LinearSVC, NuSVC

from skcaptcha.read.inference import FittedClassifier


def blobs(seed=0):
    rng = np.random.default_rng(seed)
    train, classes = rng.normal(size=(60, 4)), np.repeat(["A", "B", "C"], 20)
    return SVC().fit(train, classes), train


@pytest.mark.parametrize("model", [KNeighborsClassifier(1), SVC(), make_pipeline(PCA(2), SVC())])
def test_a_classifier_fitted_again_is_not_current(model):
    machine, train = blobs()
    classes = machine.predict(train)
    fitted = FittedClassifier(model.fit(train, classes))
    assert fitted.is_current(model)
    assert not fitted.is_current(clone(model).fit(train, classes))
    last = model[-1] if isinstance(model, Pipeline) else model
    last.fit(fitted.transformers.transform(train) if fitted.transformers else train, classes)
    assert not fitted.is_current(model)
    again = FittedClassifier(KNeighborsClassifier(1).fit(train, classes))
    again.classifier.set_params(weights="distance")
    assert not again.is_current(again.classifier)


@pytest.mark.parametrize(
    "machine", [LinearSVC(), RidgeClassifier(), SVC(), KNeighborsClassifier(1)], ids=repr
)
def test_bad_values_raise_the_errors_of_scikit_learn(machine):
    _, train = blobs()
    fitted = FittedClassifier(machine.fit(train, np.repeat(["A", "B", "C"], 20)))
    with pytest.raises(ValueError, match="2 features"):
        fitted.classify(train[:, :2]).classes()
    train[2, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        fitted.classify(train).classes()


class Own(SVC):
    """A subclass that predicts otherwise."""

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class OwnLinear(LinearSVC):
    """A subclass with a different decision function."""

    def decision_function(self, X):
        return -super().decision_function(X)


class OwnPipeline(Pipeline):
    """A subclass that predicts otherwise."""

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
        KNeighborsClassifier(2, weights="distance"),
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
def test_classes_equal_those_of_predict(model, n_classes, n):
    rng = np.random.default_rng(1)
    classes = rng.integers(0, n_classes, 80)
    train = (rng.normal(size=(80, 3)) + classes[:, None]).astype(np.float32)
    model.fit(train, np.array(list("ABCD"))[classes])
    fitted = FittedClassifier(model)
    found = fitted.classify(train[:n])
    expected = model.predict(train[:n]).tolist() if n else []
    assert found.classes().tolist() == expected
    for scores in (found.log_scores(), found.uncalibrated_scores()):
        assert scores.shape == (n, n_classes)
        assert np.isfinite(scores).all()
    # Repeat with cached scores and after pickling.
    assert found.classes().tolist() == expected
    assert pickle.loads(pickle.dumps(fitted)).classify(train[:n]).classes().tolist() == expected


def test_distances_of_neighbors_are_scores_without_the_fast_evaluation():
    rng = np.random.default_rng(0)
    train, values = rng.normal(size=(80, 3)), rng.normal(size=(20, 3))
    classes = np.array(list("ABCD"))[np.arange(80) % 4]
    fast, other = (
        FittedClassifier(KNeighborsClassifier(2, weights=weights).fit(train, classes))
        for weights in ("uniform", "distance")
    )
    assert fast.neighbors is not None
    assert other.neighbors is None
    np.testing.assert_allclose(
        fast.classify(values).uncalibrated_scores(),
        other.classify(values).uncalibrated_scores(),
        atol=1e-3,
    )
