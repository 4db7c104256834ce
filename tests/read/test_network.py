"""What a network says is what scikit-learn says."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from skcaptcha.read._evidence import FittedClassifier
from skcaptcha.read._network import Network


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("layers", [(), (7,), (6, 9)])
@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_it_says_what_scikit_learn_says(activation, n_classes, layers, dtype, error):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 12)).astype(dtype)
    names = np.array(list("ABCDE"))[np.arange(80) % n_classes]
    classifier = MLPClassifier(layers, activation=activation, max_iter=40, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(values, names)
    assert Network.takes(classifier)
    asked = np.concatenate([values, 50 * values[:5]])
    expected = classifier.predict_proba(asked)
    found = Network(classifier).log_probabilities(asked)
    assert found.shape == expected.shape
    np.testing.assert_allclose(np.exp(found), expected, atol=error)
    scores = FittedClassifier(classifier)(asked).log_scores()
    assert (scores >= np.log(1e-6) - 1e-5).all()
    np.testing.assert_allclose(np.exp(scores), np.maximum(expected, 1e-6), atol=error)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_as_by_scikit_learn(value):
    values, names = np.eye(6, dtype=np.float32), np.array(list("ABABAB"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier = MLPClassifier((3,), max_iter=2, random_state=0).fit(values, names)
    values[4, 2] = value
    with pytest.raises(ValueError, match=r"contains (NaN|infinity)"):
        Network(classifier).log_probabilities(values)


class Own(MLPClassifier):
    """May predict in another way."""


def test_others_are_left_alone():
    values, names = np.eye(4), np.array(list("ABAB"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = Own((3,), max_iter=2).fit(values, names)
    assert not Network.takes(own)
    assert not Network.takes(LogisticRegression().fit(values, names))
