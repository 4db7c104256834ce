"""Searches given where a pipeline is taken."""

import joblib
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skcaptcha import evaluate, load, read_captchas, save
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.inspection import explain_error, predict_labeled, time_steps, trace
from skcaptcha.label_issues import find_label_issues
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.read import CharacterReader
from skcaptcha.report import fit_report, score_report
from skcaptcha.segment import EqualSplit

X, Y = make_line_captchas(60, charset="ABC", random_state=0)
GRID = {"characterreader__estimator__n_neighbors": [1, 3]}


def pipeline():
    reader = CharacterReader(KNeighborsClassifier())
    return make_pipeline(
        ImageDecoder(), Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), reader
    )


@pytest.fixture(
    scope="module",
    params=[
        GridSearchCV(pipeline(), GRID, cv=2),
        SharedGridSearchCV(pipeline(), GRID, cv=2),
        RandomizedSearchCV(pipeline(), GRID, n_iter=1, cv=2),
        GridSearchCV(GridSearchCV(pipeline(), GRID, cv=2), {"refit": [True]}, cv=2),
    ],
    ids=lambda search: type(search).__name__,
)
def search(request):
    return request.param.fit(X[:40], Y[:40])


def best(search):
    found = search.best_estimator_
    return best(found) if hasattr(found, "best_estimator_") else found


def test_a_fitted_search_does_what_its_best_estimator_does(search, tmp_path):
    model = best(search)
    readings = read_captchas(model, X[40:])
    texts = [reading.text for reading in readings]
    assert [reading.text for reading in read_captchas(search, X[40:])] == texts
    assert evaluate(search, X[40:], Y[40:]) == evaluate(model, X[40:], Y[40:])
    assert [prediction.text for prediction in predict_labeled(search, X[40:], Y[40:])] == texts
    assert trace(search, X[40]).reading.text == texts[0]
    cause = explain_error(search, X[40], "ZZZZ", readings[0])
    assert cause == explain_error(model, X[40], "ZZZZ", readings[0])
    assert [time.name for time in time_steps(search, X[40:])] == [
        time.name for time in time_steps(model, X[40:])
    ]
    save(search, tmp_path / "a.joblib")
    assert load(tmp_path / "a.joblib").predict(X[40:]).tolist() == texts


def test_reports_of_a_fitted_search(search):
    html = score_report(search, X[40:], Y[40:]).to_html()
    assert "KNeighborsClassifier" in html
    page = fit_report(search, X[:40], Y[:40], budget=0)
    headings = [section.heading for section in page.sections]
    assert "The grid" in headings


def test_labels_are_judged_by_the_best_estimator(search):
    pytest.importorskip("cleanlab")
    wrong = [*Y[:40]]
    wrong[7] = "AB"
    assert find_label_issues(X[:40], wrong, model=search, n_folds=2).suspects[0].index == 7


def test_a_search_that_was_saved_by_joblib_is_loaded(tmp_path):
    search = GridSearchCV(pipeline(), GRID, cv=2).fit(X[:40], Y[:40])
    joblib.dump(search, tmp_path / "a.joblib")
    model = load(tmp_path / "a.joblib", trust=True)
    np.testing.assert_array_equal(model.predict(X[40:]), search.predict(X[40:]))


NOT_A_MODEL = [
    (GridSearchCV(pipeline(), GRID), NotFittedError, r"this GridSearchCV is not fitted; call"),
    (
        SharedGridSearchCV(pipeline(), GRID, cv=2, refit=False).fit(X[:20], Y[:20]),
        NotFittedError,
        "fitted with refit=False",
    ),
    (LogisticRegression(), TypeError, "must be a Pipeline.*found LogisticRegression"),
    (1, TypeError, "must be a Pipeline.*found int"),
]


@pytest.mark.parametrize(("model", "error", "message"), NOT_A_MODEL)
def test_what_is_no_fitted_model_is_named(model, error, message, tmp_path):
    calls = [
        lambda: read_captchas(model, X),
        lambda: evaluate(model, X, Y),
        lambda: trace(model, X[0]),
        lambda: save(model, tmp_path / "a.joblib"),
        lambda: score_report(model, X, Y),
        lambda: fit_report(model, X, Y),
        lambda: predict_labeled(model, X, Y),
        lambda: time_steps(model, X),
    ]
    for call in calls:
        with pytest.raises(error, match=message):
            call()
    assert not list(tmp_path.iterdir())


def test_a_pipeline_that_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError, match="the pipeline is not fitted; call its fit"):
        save(pipeline(), tmp_path / "a.joblib")
    assert not list(tmp_path.iterdir())
