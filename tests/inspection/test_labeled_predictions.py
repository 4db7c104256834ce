"""Predictions together with their labels."""

import numpy as np
import pytest
from sklearn.pipeline import Pipeline

from skcaptcha.exceptions import ImageError
from skcaptcha.inspection import predict_labeled
from skcaptcha.read import Reading


def reading(text: str, confidence: float) -> Reading:
    n = len(text)
    return Reading(text, confidence, np.zeros((n, 4), np.intp), np.ones(n), ())


def test_correct_doubtful_and_failed_predictions():
    results = [
        reading("AB", 0.5),
        reading("AB", 0.96),
        reading("AB", 0.94),
        reading("", 0.99),
        ImageError("4.png", "the file is empty"),
    ]
    labels = ["AB", "AC", "AC", "", ""]
    predictions = predict_labeled(Pipeline([("read", None)]), "abcde", labels, results=results)
    assert [p.name for p in predictions] == [f"captcha {k}" for k in range(1, 6)]
    assert [p.source for p in predictions] == list("abcde")
    assert [p.text for p in predictions] == ["AB", "AB", "AB", "", ""]
    assert [p.confidence for p in predictions] == [0.5, 0.96, 0.94, 0.99, 0.0]
    # A captcha that could not be read is wrong even if its label is empty.
    assert [p.is_correct for p in predictions] == [True, False, False, True, False]
    assert [p.label_is_doubtful for p in predictions] == [False, True, False, False, False]


def test_numbers_of_results_and_labels_must_be_equal():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        predict_labeled(Pipeline([("read", None)]), "ab", ["A", "B"], results=[reading("A", 1)])
