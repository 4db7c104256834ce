"""Emission scores of candidates."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skcaptcha.read.sequence._candidate_classifier import (
    BLANK,
    CandidateClassifier,
    ScaledClassifier,
)

CLASSES = np.array(list("ABCD"))


def fitted(seed=0, names=(BLANK, "A", "C", "D")):
    """Return a classifier, and 40 features of each name."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.array(names), 40)
    centers = 300 * np.random.default_rng(9).normal(size=(len(names), 6))
    values = np.repeat(centers, 40, axis=0) + 90 * rng.normal(size=(len(of), 6))
    values = values.astype(np.float32)
    return ScaledClassifier(LogisticRegression()).fit(values, of), values, of


def test_scores_are_log_odds_against_blank():
    member, values, _ = fitted()
    scores = CandidateClassifier([member], CLASSES).emission_scores(values)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0).mean()
    probabilities = np.maximum(member.estimator.predict_proba(scaled), 1e-6)
    expected = np.log(probabilities[:, 1:] / probabilities[:, :1])
    np.testing.assert_allclose(scores[:, [0, 2, 3]], expected, atol=1e-3)
    assert (scores[:, [0, 2, 3]].argmax(axis=1) == expected.argmax(axis=1)).all()
    # No member has seen a B.
    assert np.isneginf(scores[:, 1]).all()


def test_scores_do_not_depend_on_the_other_candidates():
    members = [fitted(seed)[0] for seed in (0, 1)]
    values = fitted(2)[1].repeat(3, axis=0)
    classifier = CandidateClassifier(members, CLASSES)
    together = classifier.emission_scores(values)
    for part in (slice(0, 1), slice(255, 258), slice(300, 480)):
        np.testing.assert_array_equal(classifier.emission_scores(values[part]), together[part])


def test_a_single_class_has_equal_scores():
    member, values, _ = fitted(names=("A",))
    scores = CandidateClassifier([member], CLASSES[:1]).emission_scores(values)
    assert (scores == 0).all()


def test_another_number_of_features_raises():
    member, values, _ = fitted()
    with pytest.raises(ValueError, match="expected 6 features, as in training; found 5"):
        CandidateClassifier([member], CLASSES).emission_scores(values[:, :5])
