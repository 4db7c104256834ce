import string

import numpy as np

from report_pages import CheckedPage, X, Y, make_model
from skcaptcha.inspection import LabeledPrediction
from skcaptcha.read import Reading
from skcaptcha.report import score_report
from skcaptcha.report._errors_section import errors_section


def test_matrix_shows_the_most_frequent_confusions():
    """More characters are confused than the matrix has rows; most confusions occur once."""
    pairs = [("a", "b")] * 3 + [("", "c")] * 2 + [(c, "x") for c in string.ascii_uppercase]
    model = make_model().fit(list(X[:20]), Y[:20])
    predictions = []
    for label, text in pairs:
        reading = Reading(f"1{text}", 0.5, np.zeros((0, 4), dtype=int), np.zeros(0), ())
        predictions.append(LabeledPrediction("a.png", X[0], f"1{label}", reading, model))
    section = errors_section(predictions, "these captchas")
    chart = str(section.blocks[-1])
    assert "the most frequent confusion is a read as b, 3 times" in chart
    assert "4 less frequent confusions are not shown" in chart
    assert ">\u2205</text>" in chart


def test_no_errors():
    model = make_model().fit(list(X), Y)
    text = CheckedPage(score_report(model, list(X[:20]), Y[:20].tolist())).text
    assert "No errors on the 20 captchas." in text


def test_label_is_doubted_if_the_model_is_confident():
    model = make_model().fit(list(X), Y)
    other = "A" if Y[0][0] != "A" else "B"
    labels = [f"{other}{Y[0][1:]}", *Y[1:10]]
    text = CheckedPage(score_report(model, list(X[:10]), labels)).text
    assert "the label is wrong: the model is very confident" in text
