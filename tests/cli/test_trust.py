"""Commands with models from other users, and with models that do not need trust."""

import json
import os
import pickle
import shutil
import sys
from hashlib import sha256

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.persistence import load_manifest
from skcaptcha.persistence._model_file import add_manifest

HOMES = ("XDG_DATA_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA")


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Change to an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def other_user(monkeypatch, folder):
    """Run the test as another user."""
    for variable in HOMES:
        monkeypatch.setenv(variable, str(folder / "home of another"))


@pytest.mark.usefixtures("other_user")
@pytest.mark.parametrize("command", ["score", "predict", "show", "cut"])
def test_a_model_from_another_user_needs_trust(run, model, captchas, folder, command):
    arguments = {
        "score": ("score", captchas, "--model", model),
        "predict": ("predict", captchas, "--model", model),
        "show": ("show", model, load_captchas(captchas).data[0]),
        "cut": ("cut", captchas, "out", "--model", model),
    }[command]
    refused = run(*arguments)
    assert refused.code == 2
    assert refused.sentence().startswith(f"error: {model}: loading it may run any code")
    assert not refused.out
    assert os.listdir(folder) == []
    trusted = run(*arguments, "--trust")
    assert trusted.code == 0, trusted.err


@pytest.mark.usefixtures("other_user")
def test_show_prints_the_manifest_of_an_untrusted_model(run, model, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    outcome = run("show", model)
    assert outcome.code == 2
    assert " 100 captchas" in outcome.out
    outcome = run("show", model, "--all")
    assert outcome.code == 2
    assert "--trust" in outcome.sentence()
    assert load_manifest(model)["training_sha256"] in outcome.out
    assert "FixedBoxes" not in outcome.out
    assert "FixedBoxes" in run("show", model, "--trust").out


def test_escape_sequences_in_a_manifest_do_not_reach_the_terminal(run, tmp_path):
    payload = pickle.dumps(None)
    about = {"maker": "some\x1b[31mbody", "payload_sha256": sha256(payload).hexdigest()}
    manifest = json.dumps(about | {"format_version": 1}).encode()
    (tmp_path / "m.joblib").write_bytes(add_manifest(payload, manifest))
    outcome = run("show", tmp_path / "m.joblib")
    assert outcome.code == 2
    assert "some\\x1b[31mbody" in outcome.out
    assert "\x1b[31m" not in outcome.out


def test_the_manifest_records_the_training_set_and_recipe(workshop, model):
    manifest = load_manifest(model)
    assert manifest["n_train"] == 100
    assert manifest["lengths"] == {"4": 100}
    assert manifest["image_sizes"] == {"120 x 30": 100}
    assert len(manifest["training_sha256"]) == 64
    assert manifest["recipe_content"]["steps"]["segment"]["use"] == "FixedBoxes"
    assert manifest["recipe_content"]["grid"] == {"segment__margin": [0, 1]}
    report = json.loads((workshop / "fit.json").read_text())
    assert manifest["cv_string_accuracy"] == report["cv_string_accuracy"]
    assert len(manifest["characters"]) == 33


def test_every_command_loads_skops_models_from_any_user(run, workshop, captchas, texts, request):
    folder = request.getfixturevalue("folder")
    shutil.copy(workshop / "recipe.yaml", folder)
    outcome = run("fit", "recipe.yaml", "--jobs", 1, "--format", "skops")
    assert outcome.code == 0, outcome.err
    assert sorted(os.listdir("out")) == ["model.csv", "model.html", "model.json", "model.skops"]
    request.getfixturevalue("other_user")
    model = "out/model.skops"
    images = load_captchas(captchas).data
    read = run("predict", captchas, "--model", model)
    assert read.code == 0, read.err
    assert [line.split("\t")[1] for line in read.out.splitlines()] == texts
    assert run("score", captchas, "--model", model).code == 0
    assert run("cut", captchas, "pieces", "--model", model).code == 0
    assert run("show", model, images[0]).code == 0
    assert "FixedBoxes" in run("show", model).out
    # Each file is requested from the place where it would be.
    missing = run("score", captchas, "--model", "out/model.joblib")
    assert missing.code == 2
    assert "use out/model.skops, which exists" in missing.sentence()


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        ("{use: RandomForestClassifier}", "RandomForestClassifier cannot be saved"),
        ("{scale: {use: StandardScaler}, net: {use: ConvolutionalClassifier}}", "PyTorch"),
    ],
)
def test_estimators_that_skops_cannot_save_are_refused_before_fitting(
    run, workshop, tmp_path, estimator, why
):
    override = f"grid.read__estimator=[{{use: SVC}}, {estimator}]"
    recipe = workshop / "recipe.yaml"
    out = tmp_path / "m.skops"
    outcome = run("fit", recipe, "--set", override, "--format", "skops", "--out", out)
    assert outcome.code == 2
    assert outcome.sentence().startswith(f"error: {recipe}: ")
    assert why in outcome.sentence()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("what", ["recipe.yaml", "captchas"])
def test_missing_skops_is_reported_before_fitting(run, workshop, tmp_path, monkeypatch, what):
    monkeypatch.setitem(sys.modules, "skops", None)  # simulates a missing installation
    out = tmp_path / "m.skops"
    outcome = run("fit", workshop / what, "--format", "skops", "--out", out)
    assert outcome.code == 2
    assert outcome.sentence() == (
        "error: to write a skops file, install the extra skops: pip install 'skcaptcha[skops]'"
    )
    assert os.listdir(tmp_path) == []


def test_a_model_that_skops_cannot_save_is_saved_with_joblib(run, workshop, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    few = "{reduce: {use: PCA, n_components: 3}, knn: {use: KNeighborsClassifier}}"
    text = (workshop / "recipe.yaml").read_text()
    recipe.write_text(text.replace("{use: CharacterReader}", f"""
    use: CharacterReader
    estimator: {few}"""))  # fmt: skip
    out = tmp_path / "m.skops"
    outcome = run("fit", recipe, "--jobs", 1, "--format", "skops", "--out", out)
    assert outcome.code == 2
    assert "KDTree" in outcome.sentence()
    assert f"saved as {tmp_path / 'm.joblib'} instead" in outcome.sentence()
    assert not out.exists()
    assert run("show", tmp_path / "m.joblib").code == 0


def test_fit_of_a_folder_writes_a_skops_model(run, captchas, texts, request):
    folder = request.getfixturevalue("folder")
    outcome = run("fit", captchas, "--jobs", 1, "--budget", 2, "--format", "skops")
    assert outcome.code == 0, outcome.err
    files = sorted(os.listdir(folder / "artifacts"))
    assert files == ["model.csv", "model.html", "model.json", "model.skops", "model.yaml"]
    manifest = load_manifest(folder / "artifacts" / "model.skops")
    assert manifest["n_train"] == len(texts)
    assert set(manifest["recipe_content"]) >= {"steps", "search"}
    request.getfixturevalue("other_user")
    assert run("score", captchas, "--model", "artifacts/model.skops").code == 0
