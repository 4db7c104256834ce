"""What a network says is what scikit-learn says of features brought to the same scale."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from skcaptcha.read._network import Network


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("layers", [(), (7,), (6, 9)])
@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-4), (np.float64, 1e-10)])
def test_it_says_what_scikit_learn_says(activation, n_classes, layers, dtype, error):
    rng = np.random.default_rng(0)
    values = (5 + 3 * rng.normal(size=(80, 12))).astype(dtype)
    center, scale = values.mean(axis=0), 0.4
    names = np.array(list("ABCDE"))[np.arange(80) % n_classes]
    classifier = MLPClassifier(layers, activation=activation, max_iter=40, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classifier.fit(((values - center) * scale).astype(dtype), names)
    assert Network.takes(classifier)
    asked = np.concatenate([values, 50 * values[:5]])
    expected = classifier.predict_proba(((asked - center) * scale).astype(dtype))
    found = Network(classifier, center, scale).log_probabilities(asked)
    assert found.shape == expected.shape
    assert (found >= np.log(1e-6) - 1e-5).all()
    np.testing.assert_allclose(np.exp(found), np.maximum(expected, 1e-6), atol=error)


class Own(MLPClassifier):
    """May predict in another way."""


def test_others_are_left_alone():
    values, names = np.eye(4), np.array(list("ABAB"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = Own((3,), max_iter=2).fit(values, names)
    assert not Network.takes(own)
    assert not Network.takes(LogisticRegression().fit(values, names))
