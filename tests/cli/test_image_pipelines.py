"""Commands take the model of a pipeline whose reader reads images."""

import json
from pathlib import Path

import pytest

from skcaptcha import save
from skcaptcha.datasets import make_line_captchas, write_captchas
from template_reader import template_pipeline

N_TRAIN = 50
X, Y = make_line_captchas(80, charset="ABC7", random_state=0)
NEW, NEW_LABELS = X[N_TRAIN:], Y[N_TRAIN:]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("new") / "captchas"
    write_captchas(path, NEW, NEW_LABELS)
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.joblib"
    save(template_pipeline().fit(list(X[:N_TRAIN]), Y[:N_TRAIN]), path)
    return path


def test_commands_take_its_model(run, file, folder, tmp_path):
    shown = run("show", file)
    assert shown.code == 0, shown.err
    assert "TemplateReader" in shown.out
    image = folder / "00001.png"
    drawn = run("show", file, image, "--out", tmp_path / "steps.png")
    assert drawn.code == 0, drawn.err
    in_terminal = run("show", file, image)
    assert NEW_LABELS[0] in in_terminal.out
    outputs = "--json", tmp_path / "s.json", "--report", tmp_path / "s.html"
    scored = run("score", folder, "--model", file, *outputs)
    assert scored.code == 0, scored.err
    assert json.loads((tmp_path / "s.json").read_text())["string_accuracy"] > 0.9
    cut = run("cut", folder, tmp_path / "characters", "--model", file)
    assert cut.code == 0, cut.err
    checked = run("check-labels", folder, "--model", file, "--json", tmp_path / "c.json")
    assert checked.code == 0, checked.err
    assert json.loads((tmp_path / "c.json").read_text())["judged_by"] == "TemplateReader"


def test_predict_takes_constraints(run, file, folder):
    image = folder / "00001.png"
    read = run("predict", image, "--model", file)
    assert read.out.split("\t")[1] == NEW_LABELS[0]
    read = run("predict", image, "--model", file, "--charset", "AB", "--length", 3)
    assert read.code == 0, read.err
    assert set(read.out.split("\t")[1]) <= {"A", "B"}
    assert len(read.out.split("\t")[1]) == 3
    refused = run("predict", image, "--model", file, "--charset", "~")
    assert refused.code == 2
    assert "charset: allows only '~'" in refused.err


RECIPE = """
data: {generate: lines}
steps:
  denoise:
    gray: {use: Grayscale}
    polarity: {use: PolarityNormalizer}
    rescale: {use: HeightScaler, height: 24, margin: 0}
  read: {use: ConvolutionalReader, channels: [8, 8, 16, 16, 16], max_iter: 60, random_state: 0}
search: {cv: 2}
"""


@pytest.mark.slow
def test_a_convolutional_reader_from_recipe_to_readings(run, folder, tmp_path):
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    write_captchas(tmp_path / "train", X[:N_TRAIN], Y[:N_TRAIN])
    of_folder = "fit", tmp_path / "recipe.yaml", "--data", tmp_path / "train", "--jobs", 1
    for name in ("m.joblib", "m.skops"):
        file = tmp_path / name
        fitted = run(*of_folder, "--out", file, "--format", name.rpartition(".")[2])
        assert fitted.code == 0, fitted.err
        outputs = "--json", tmp_path / "s.json", "--report", tmp_path / "s.html"
        scored = run("score", folder, "--model", file, *outputs)
        assert scored.code == 0, scored.err
        assert json.loads((tmp_path / "s.json").read_text())["string_accuracy"] > 0.8
    image = folder / "00001.png"
    read = run("predict", image, "--model", file, "--charset", "AB", "--length", 3)
    assert len(read.out.split("\t")[1]) == 3, read.err
    assert set(read.out.split("\t")[1]) <= {"A", "B"}
    assert run("show", file, image, "--out", tmp_path / "steps.png").code == 0
    assert "ConvolutionalReader" in run("show", file).out
    cut = run("cut", folder, tmp_path / "characters", "--model", file)
    assert f"of {len(NEW)} captchas written" in cut.err
    checked = run("check-labels", folder, "--recipe", tmp_path / "recipe.yaml", "--jobs", 1)
    assert checked.code == 0, checked.err
    assert "ConvolutionalReader" in checked.out
