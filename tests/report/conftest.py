import pytest
from sklearn.pipeline import Pipeline

from report_pages import HOSTILE, X, Y, make_model
from skcaptcha.exceptions import ImageError
from skcaptcha.read import read_captchas
from skcaptcha.report import Page, score_report


@pytest.fixture(scope="session")
def model() -> Pipeline:
    """Return a model with few training captchas, which makes errors."""
    return make_model().fit(list(X[:14]), Y[:14])


@pytest.fixture(scope="session")
def scored(model) -> Page:
    names = [f"{k}{HOSTILE}" for k in range(60)]
    labels = [f"<{label[1:]}" if k == 7 else str(label) for k, label in enumerate(Y[60:120])]
    results = [*read_captchas(model, X[60:119]), ImageError("image 0", "it is <empty>")]
    return score_report(model, list(X[60:120]), labels, names=names, results=results)
