"""How well a model reads labelled captchas, from Python."""

import json

import numpy as np
import pytest

import skcaptcha
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.errors import DatasetError

CAPTCHAS = make_line_captchas(60, random_state=0)


@pytest.fixture(scope="module")
def model():
    recipe = skcaptcha.load_recipe("configs/grid.yaml", ["final={}"])
    return recipe.pipeline().fit(*(part[:40] for part in CAPTCHAS))


def test_it_says_what_the_command_says(model, tmp_path, monkeypatch):
    from skcaptcha.cli import main

    X, y = (part[40:] for part in CAPTCHAS)
    write_captchas(tmp_path / "test", list(X), [*y[:-1], "????"])
    (tmp_path / "test" / "00001.png").write_bytes(b"no image")
    skcaptcha.save(model, tmp_path / "model.joblib")
    test = load_captchas(tmp_path / "test")
    figures = skcaptcha.evaluate(model, test.data, test.target)
    assert figures["n"] == 20
    assert figures["n_failed"] == 1
    assert figures["string_accuracy"] <= 0.9
    command = ["skcaptcha", "score", str(tmp_path / "test"), "--model"]
    command += [str(tmp_path / "model.joblib"), "--json", str(tmp_path / "figures.json")]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        main()
    written = json.loads((tmp_path / "figures.json").read_text())
    assert {key: written[key] for key in figures} == json.loads(json.dumps(figures))


@pytest.mark.parametrize(("n", "n_labels"), [(0, 0), (2, 1), (1, 2)])
def test_each_captcha_needs_a_label(model, n, n_labels):
    X, y = CAPTCHAS
    with pytest.raises(DatasetError, match=f"{n} captchas and {n_labels} labels"):
        skcaptcha.evaluate(model, list(X[:n]), y[:n_labels])


def test_labels_may_be_any_array_of_strings(model):
    X, y = (part[40:] for part in CAPTCHAS)
    assert skcaptcha.evaluate(model, X, y) == skcaptcha.evaluate(model, [*X], np.array(y, object))
