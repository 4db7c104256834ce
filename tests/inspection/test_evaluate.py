"""Evaluate a model on labeled captchas from Python."""

import json

import numpy as np
import pytest
from sklearn.base import clone

import skcaptcha
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.exceptions import DatasetError

CAPTCHAS = make_line_captchas(60, random_state=0)


@pytest.fixture(scope="module")
def model():
    recipe = skcaptcha.load_recipe("grid", ["final={}"])
    return recipe.pipeline().fit(*(part[:40] for part in CAPTCHAS))


def test_metrics_equal_those_of_the_command(model, tmp_path, monkeypatch):
    from skcaptcha.cli import main

    X, y = (part[40:] for part in CAPTCHAS)
    write_captchas(tmp_path / "test", list(X), [*y[:-1], "????"])
    (tmp_path / "test" / "00001.png").write_bytes(b"not an image")
    skcaptcha.save(model, tmp_path / "model.joblib")
    test = load_captchas(tmp_path / "test")
    metrics = skcaptcha.evaluate(model, test.data, test.target)
    assert metrics["n"] == 20
    assert metrics["n_failed"] == 1
    assert metrics["string_accuracy"] <= 0.9
    command = ["skcaptcha", "score", str(tmp_path / "test"), "--model"]
    command += [str(tmp_path / "model.joblib"), "--json", str(tmp_path / "figures.json")]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        main()
    written = json.loads((tmp_path / "figures.json").read_text())
    assert {key: written[key] for key in metrics} == json.loads(json.dumps(metrics))


@pytest.mark.parametrize(("n", "n_labels"), [(0, 0), (2, 1), (1, 2)])
def test_number_of_labels_must_equal_number_of_captchas(model, n, n_labels):
    X, y = CAPTCHAS
    with pytest.raises(DatasetError, match=f"{n} captchas and {n_labels} labels"):
        skcaptcha.evaluate(model, list(X[:n]), y[:n_labels])


def test_labels_may_be_any_array_of_strings(model):
    X, y = (part[40:] for part in CAPTCHAS)
    assert skcaptcha.evaluate(model, X, y) == skcaptcha.evaluate(model, [*X], np.array(y, object))


def entry_points():
    """Return all calls that accept labels, as functions of a model, captchas and labels."""
    from skcaptcha.audit import audit_captchas
    from skcaptcha.auto import choose_recipe, measure
    from skcaptcha.label_issues import find_label_issues
    from skcaptcha.measure import pitch
    from skcaptcha.metrics import (
        character_accuracy,
        confusions,
        coverage_accuracy_curve,
        string_accuracy,
    )
    from skcaptcha.report import fit_report, score_report

    return {
        "evaluate": skcaptcha.evaluate,
        "score": lambda model, X, y: model.score(X, y),
        "fit": lambda model, X, y: clone(model).fit(X, y),
        "Recipe.fit": lambda _, X, y: skcaptcha.load_recipe("grid").fit(X, y),
        "score_report": score_report,
        "fit_report": fit_report,
        "choose_recipe": lambda _, X, y: choose_recipe(X, y),
        "measure": lambda _, X, y: measure(X, y),
        "audit_captchas": lambda _, X, y: audit_captchas(X, y),
        "find_label_issues": lambda model, X, y: find_label_issues(X, y, model=model),
        "pitch": lambda _, X, y: pitch([x[:, :, 0] for x in X], y),
        "string_accuracy": lambda model, X, y: string_accuracy(y, model.predict(X)),
        "y_pred": lambda model, X, y: string_accuracy(model.predict(X), y),
        "character_accuracy": lambda model, X, y: character_accuracy(y, model.predict(X)),
        "confusions": lambda model, X, y: confusions(y, model.predict(X)),
        "coverage": lambda model, X, y: coverage_accuracy_curve(y, model.predict(X), [0] * len(X)),
    }


@pytest.mark.parametrize("what", entry_points())
@pytest.mark.parametrize(
    ("convert", "found"),
    [(hash, "int"), (str.encode, "bytes"), (lambda label: None, "NoneType"), (float, "float")],
)
def test_labels_that_are_not_strings_are_rejected_everywhere(model, what, convert, found):
    X, y = (part[40:] for part in CAPTCHAS)
    labels = [*y[:3].tolist(), convert("12"), *y[4:].tolist()]
    with pytest.raises(skcaptcha.exceptions.ReadingError, match=rf"found .* \({found}\) at 3"):
        entry_points()[what](model, list(X), labels)
    numbers = np.array([412] * len(X))
    with pytest.raises(skcaptcha.exceptions.ReadingError, match=r"found 412 \(int\) at 0"):
        entry_points()[what](model, list(X), numbers)
