"""The examples of CONTRIBUTING.md work."""

from pathlib import Path

import pytest
from sklearn.pipeline import make_pipeline

from docs.pages import ROOT, blocks_of
from skcaptcha import load_recipe, read_captchas
from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.denoise import Grayscale, PolarityNormalizer
from skcaptcha.images import ImageDecoder


@pytest.fixture(scope="module")
def examples():
    """Map the file name of each example to its code."""
    blocks = blocks_of((ROOT / "CONTRIBUTING.md").read_text())
    return {Path(block.file).name: block.code for block in blocks if block.file}


@pytest.fixture(scope="module")
def names(examples):
    """The classes and functions defined by the examples."""
    namespace = {"__name__": "examples"}
    for file, code in examples.items():
        if file.endswith(".py"):
            exec(compile(code, file, "exec"), namespace)
    return namespace


def test_the_steps_form_a_pipeline(names):
    X, y = make_line_captchas(6, charset="01", random_state=0)
    steps = [names[name]() for name in ("MedianFilter", "WholeImage", "ColumnMeans")]
    model = make_pipeline(
        ImageDecoder(), Grayscale(), PolarityNormalizer(), *steps, names["BrightnessReader"]()
    ).fit(X, y)
    texts = model.predict(X).tolist()
    assert set(texts) <= {"0", "1"}
    assert [reading.text for reading in read_captchas(model, X)] == texts
    assert len(model[-1].score_labels(model[:-1].transform(X), y)) == len(X)


def test_the_recipe_learns_from_its_captchas(examples, tmp_path):
    file = tmp_path / "nearest.yaml"
    file.write_text(examples["nearest.yaml"])
    recipe = load_recipe(file)
    train, test = recipe.load_data()
    model = recipe.pipeline().fit(train.data, train.target)
    assert model.score(test.data, test.target) > 0.2  # guessing has a chance of one in a million


def test_the_command_counts_captchas(names, tmp_path, capsys):
    images, labels = make_line_captchas(3, random_state=0)
    write_captchas(tmp_path / "captchas", list(images), labels.tolist())
    names["count"](tmp_path / "captchas")
    assert capsys.readouterr().out == "3\n"
