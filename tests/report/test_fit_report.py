"""The report on a fit is correct."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline

from report_pages import CheckedPage, X, Y, headline_of, make_model
from skcaptcha.auto import choose_recipe
from skcaptcha.denoise import Grayscale, PolarityNormalizer
from skcaptcha.inspection import predict_labeled
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.read import ConvolutionalReader
from skcaptcha.report import _fit_report as module
from skcaptcha.report import fit_report


@pytest.fixture(scope="module")
def search() -> SharedGridSearchCV:
    grid = {
        "binarizer__threshold": [90, 127],
        "fixedboxes__margin": [0, 1],
        "characterreader__estimator__n_neighbors": [1, 3],
    }
    folds = KFold(3, shuffle=True, random_state=0)
    return SharedGridSearchCV(make_model(), grid, cv=folds).fit(list(X[:60]), Y[:60])


def test_grid_and_out_of_fold_accuracy_are_shown(search):
    page = fit_report(
        search.best_estimator_, list(X[:60]), Y[:60].tolist(), search=search, budget=60
    )
    headings = [section.heading for section in page.sections]
    assert headings == [
        "Result", "Errors", "What each step does", "The grid", "Confidence",
        "Learning curve", "Time", "Model",
    ]  # fmt: skip
    text = CheckedPage(page).text
    assert "all 60 captchas, each read by a model that was fitted without it" in text
    # Each captcha is read by a model that was fitted to two of three folds.
    correct = [
        search.best_estimator_.__sklearn_clone__()
        .fit([X[i] for i in train], Y[train])
        .predict([X[i] for i in test])
        == Y[test]
        for train, test in KFold(3, shuffle=True, random_state=0).split(X[:60])
    ]
    assert f"{np.concatenate(correct).sum()} of 60 captchas were read correctly" in text
    for name in ("binarizer__threshold", "fixedboxes__margin"):
        assert name in text


def test_nothing_is_fitted_without_a_budget(search, monkeypatch):
    monkeypatch.setattr(
        module.BudgetedRefits, "_fit", lambda *_: pytest.fail("something was fitted")
    )
    page = fit_report(
        search.best_estimator_, list(X[:60]), Y[:60].tolist(), search=search, budget=0
    )
    assert "would have taken too long" in CheckedPage(page).text
    # The accuracy in cross-validation is shown instead.
    assert f"{100 * search.best_score_:.0f} %" in headline_of(page)
    assert "when the model was chosen" in headline_of(page)


def test_networks_on_images_are_not_fitted_again(monkeypatch):
    monkeypatch.setattr(
        module.BudgetedRefits, "_fit", lambda *_: pytest.fail("something was fitted")
    )
    reader = ConvolutionalReader(channels=(2, 2, 2, 2, 2), n_hidden=4, max_iter=1)
    model = make_pipeline(Grayscale(), PolarityNormalizer(), reader).fit(list(X[:30]), Y[:30])
    page = fit_report(model, list(X[:30]), Y[:30].tolist(), budget=10**4)
    assert "would have taken too long" in CheckedPage(page).text


def test_held_out_captchas_are_shown(search):
    held_out = predict_labeled(search.best_estimator_, list(X[60:100]), Y[60:100].tolist())
    page = fit_report(
        search.best_estimator_, list(X[:60]), Y[:60].tolist(), search=search, held_out=held_out
    )
    text = CheckedPage(page).text
    assert "40 held-out captchas" in text
    n_correct = sum(prediction.is_correct for prediction in held_out)
    assert f"{n_correct} of 40 captchas were read correctly" in text


@pytest.mark.slow
def test_comparison_of_recipes_is_shown():
    choice = choose_recipe(list(X), Y, budget=30)
    page = fit_report(choice.model, list(X), Y.tolist(), search=choice, budget=5)
    text = CheckedPage(page).text
    assert "Comparison of recipes" in text
    assert choice.trials[0].name in text
    for folds, where in ((4, "the training captchas"), (1, "captchas held out of the training")):
        found = replace(choice, folds=folds)
        page = fit_report(choice.model, list(X), Y.tolist(), search=found, budget=0)
        assert f"Measured on {where}, when the model was chosen" in headline_of(page)
