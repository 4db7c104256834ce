"""The fast forward pass gives the same probabilities as scikit-learn."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from skcaptcha.read.inference import FittedClassifier
from skcaptcha.read.inference._multilayer_perceptron import mlp_log_proba


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("layers", [(), (7,), (6, 9)])
@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_probabilities_equal_those_of_scikit_learn(activation, n_classes, layers, dtype, error):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 12)).astype(dtype)
    names = np.array(list("ABCDE"))[np.arange(80) % n_classes]
    classifier = MLPClassifier(layers, activation=activation, max_iter=40, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(values, names)
    assert FittedClassifier(classifier).mlp
    asked = np.concatenate([values, 50 * values[:5]])
    expected = classifier.predict_proba(asked)
    found = mlp_log_proba(classifier, asked)
    assert found.shape == expected.shape
    np.testing.assert_allclose(np.exp(found), expected, atol=error)
    scores = FittedClassifier(classifier).classify(asked).log_scores()
    assert (scores >= np.log(1e-6) - 1e-5).all()
    np.testing.assert_allclose(np.exp(scores), np.maximum(expected, 1e-6), atol=error)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_raise_the_error_of_scikit_learn(value):
    values, names = np.eye(6, dtype=np.float32), np.array(list("ABABAB"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = MLPClassifier((3,), max_iter=2, random_state=0).fit(values, names)
    values[4, 2] = value
    with pytest.raises(ValueError, match=r"contains (NaN|infinity)"):
        mlp_log_proba(classifier, values)


class Own(MLPClassifier):
    """A subclass, whose predictions may differ."""


def test_other_classifiers_are_not_supported():
    values, names = np.eye(4), np.array(list("ABAB"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = Own((3,), max_iter=2).fit(values, names)
    assert not FittedClassifier(own).mlp
    assert not FittedClassifier(LogisticRegression().fit(values, names)).mlp
