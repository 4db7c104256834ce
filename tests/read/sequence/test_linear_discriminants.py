"""Linear discriminants equal those of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.estimator_checks import parametrize_with_checks

from skcaptcha.read.sequence._linear_discriminants import LinearDiscriminants


@given(
    seed=st.integers(0, 1000),
    n_classes=st.integers(2, 6),
    n_features=st.integers(1, 12),
    shrinkage=st.sampled_from([0.05, 0.3, 1.0]),
)
def test_discriminants_equal_those_of_scikit_learn(seed, n_classes, n_features, shrinkage):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes)] * 2 + [rng.integers(n_classes, size=8)])
    X = rng.normal(size=(len(y), n_features)) + rng.normal(size=(n_classes, n_features))[y]
    names = np.array(list("abcdef"))[y]
    expected = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage).fit(X, names)
    ours = LinearDiscriminants(shrinkage).fit(X, names)
    np.testing.assert_allclose(ours.coef_, expected.coef_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, expected.intercept_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(
        ours.predict_proba(X), expected.predict_proba(X), rtol=1e-6, atol=1e-9
    )
    assert ours.fit(X.astype(np.float32), names).predict_proba(X).shape == (len(y), n_classes)


def test_one_sample_of_each_class_and_constant_features():
    X, y = np.eye(3), ["a", "b", "c"]
    assert LinearDiscriminants().fit(X, y).predict(X).tolist() == y
    constant = LinearDiscriminants().fit(np.ones((4, 2)), [0, 1, 1, 1])
    assert constant.predict_proba([[1, 1]])[0] == pytest.approx([0.25, 0.75])


@parametrize_with_checks([LinearDiscriminants()])
def test_estimator_checks(estimator, check):
    check(estimator)
