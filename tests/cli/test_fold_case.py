"""``--fold-case``: labels whose case does not matter."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

import skcaptcha
from cli.tables import rows_of
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.fitting import fit_recipe
from skcaptcha.persistence import load_manifest
from skcaptcha.report import score_report

LOWER = {"00005.png", "00031.png"}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captchas of which two labels are in lower case."""
    folder = tmp_path_factory.mktemp("case") / "mixed"
    images, labels = make_line_captchas(80, charset="ABCDEH7", random_state=2)
    names = [f"{i:05}.png" for i in range(1, 81)]
    write_captchas(
        folder,
        list(images),
        [t.lower() if n in LOWER else t for n, t in zip(names, labels.tolist(), strict=True)],
    )
    return folder


@pytest.fixture(scope="module")
def lower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other captchas, with all labels in lower case."""
    folder = tmp_path_factory.mktemp("case") / "lower"
    images, labels = make_line_captchas(30, charset="ABCDEH7", random_state=3)
    write_captchas(folder, list(images), [label.lower() for label in labels.tolist()])
    return folder


@pytest.fixture(scope="module")
def folding(start, workshop, mixed, tmp_path_factory) -> Path:
    """A model that a real command has fitted with --fold-case."""
    model = tmp_path_factory.mktemp("case") / "model.joblib"
    command = start(
        "fit", workshop / "recipe.yaml", "--data", mixed, "--fold-case", "--out", model,
        "--jobs", 1,
    )  # fmt: skip
    outcome = command.outcome()
    assert outcome.code == 0, outcome.err
    assert "case" not in outcome.err
    assert "ignored" in outcome.out
    return model


def test_a_few_labels_in_another_case_are_reported(run, workshop, mixed, tmp_path):
    command = ("fit", workshop / "recipe.yaml", "--data", mixed, "--jobs", 1)
    outcome = run(*command, "--out", tmp_path / "m.joblib")
    assert "78 labels are upper case, 2 are not" in outcome.err
    assert "fit with --fold-case" in outcome.err
    classes = load_manifest(tmp_path / "m.joblib")["characters"]
    assert set(classes) > set("ABCDEH7")


def test_a_fit_learns_one_class_for_both_cases(folding):
    manifest = load_manifest(folding)
    assert manifest["characters"] == "7ABCDEH"
    assert manifest["fold_case"] is True
    assert manifest["recipe_content"]["data"]["fold_case"] is True
    assert skcaptcha.load(folding)[-1].fold_case


def test_score_ignores_case_without_being_told(run, folding, lower, tmp_path):
    table, page = tmp_path / "score.csv", tmp_path / "score.html"
    outcome = run(
        "score", lower, "--model", folding, "--json", "-", "--csv", table, "--report", page
    )
    assert outcome.code == 0
    assert "warning" not in outcome.err
    figures = json.loads(outcome.out)
    assert figures["fold_case"] is True
    assert figures["string_accuracy"] == figures["string_accuracy_ignoring_case"] > 0.8
    assert figures["character_accuracy"] > 0.8
    rows = rows_of(table)
    right = np.mean([row["text"] == row["label"] for row in rows])
    assert right == figures["string_accuracy"]
    assert "ignored, as in the fit of the model" in outcome.err


def test_python_ignores_case_without_a_manifest(folding, lower):
    model, captchas = skcaptcha.load(folding), load_captchas(lower)
    figures = skcaptcha.evaluate(model, captchas.data, captchas.target)
    accuracy = model.score(captchas.data, captchas.target)
    assert figures["string_accuracy"] == accuracy > 0.8
    wrong = round((1 - accuracy) * 30)
    text = score_report(model, captchas.data, captchas.target.tolist()).to_html()
    assert f"{30 - wrong} of 30 captchas were read correctly" in text


def test_score_of_a_model_that_minds_case(run, model, lower):
    outcome = run("score", lower, "--model", model, "--json", "-")
    figures = json.loads(outcome.out)
    assert figures["fold_case"] is False
    assert figures["string_accuracy"] < figures["string_accuracy_ignoring_case"]


@pytest.mark.slow
def test_fit_of_a_folder_writes_a_recipe_that_folds_case(run, mixed, tmp_path):
    model = tmp_path / "m.joblib"
    outcome = run("fit", mixed, "--fold-case", "--out", model, "--budget", 10, "--jobs", 1)
    assert outcome.code == 0, outcome.err
    assert "upper case" not in outcome.err
    content = yaml.safe_load(model.with_suffix(".yaml").read_text())
    assert content["data"]["fold_case"] is True
    assert load_manifest(model)["characters"] == "7ABCDEH"
    assert skcaptcha.load_recipe(model.with_suffix(".yaml")).pipeline()[-1].fold_case
    assert skcaptcha.load(model)[-1].fold_case


def test_folded_captchas_make_a_recipe_fold_case(workshop, mixed, lower, tmp_path):
    recipe = skcaptcha.load_recipe(workshop / "recipe.yaml")
    captchas, test = load_captchas(mixed, fold_case=True), load_captchas(lower)
    result = fit_recipe(recipe, captchas, tmp_path / "m.joblib", held_out=test)
    assert result.model[-1].fold_case
    assert not recipe.pipeline()[-1].fold_case
    accuracy = result.report["held_out"]["string_accuracy"]
    assert accuracy == result.report["held_out"]["string_accuracy_ignoring_case"] > 0.8


def test_check_labels_finds_no_suspects_by_case(run, workshop, mixed, folding, tmp_path):
    folder = shutil.copytree(mixed, tmp_path / "captchas")
    text = (folder / "labels.csv").read_text()
    first = text.splitlines()[1].partition(",")[2]
    (folder / "labels.csv").write_text(text.replace(f"00001.png,{first}", "00001.png,7777"))
    by_recipe = ("--recipe", workshop / "recipe.yaml")
    for options in ((*by_recipe, "--fold-case"), ("--model", folding)):
        outcome = run("check-labels", folder, "--jobs", 1, "--json", "-", *options)
        suspects = {each["filename"] for each in json.loads(outcome.out)["suspects"]}
        assert "00001.png" in suspects
        assert not suspects & LOWER
        assert "upper case" not in outcome.err


@pytest.mark.slow
def test_an_audit_ignores_case(run, mixed, tmp_path):
    page = tmp_path / "audit.html"
    outcome = run(
        "audit", mixed, "--fold-case", "--out", page, "--budget", 3, "--jobs", 1, "--json", "-"
    )
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["fold_case"] is True
    assert "upper case" not in outcome.err
    assert re.search("case +ignored", outcome.err)
    assert page.with_suffix(".md").read_text().startswith("# Audit of mixed, ignoring case")
