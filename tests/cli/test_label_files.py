"""Labels in the files of other programs, which commands find or are told."""

import json
import shutil

import pytest

from skcaptcha.datasets import load_captchas


@pytest.fixture
def folder(captchas, tmp_path):
    """Copy of the captchas, without labels."""
    folder = shutil.copytree(captchas, tmp_path / "in")
    (folder / "labels.csv").unlink()
    return folder


@pytest.fixture
def rows(captchas):
    bunch = load_captchas(captchas)
    return dict(zip(bunch.filenames, bunch.target.tolist(), strict=True))


def accuracy(run, *arguments, tmp_path):
    report = tmp_path / "score.json"
    outcome = run("score", *arguments, "--json", report)
    assert outcome.code == 0, outcome.err
    return json.loads(report.read_text())["string_accuracy"], outcome.err


def test_score_says_which_file_it_took(run, model, captchas, folder, rows, tmp_path):
    expected, said = accuracy(run, captchas, "--model", model, tmp_path=tmp_path)
    assert "labels" not in said
    (folder / "gt.txt").write_text("".join(f"x/{name}\t{text}\n" for name, text in rows.items()))
    found, said = accuracy(run, folder, "--model", model, tmp_path=tmp_path)
    assert (found, said) == (
        expected,
        f"{folder}: labels are taken from gt.txt (name, tab, label)\n",
    )


@pytest.mark.parametrize("command", ["score", "fit", "cut"])
def test_a_file_can_be_chosen(run, model, workshop, folder, rows, tmp_path, command):
    wrong = {name: text[::-1] for name, text in rows.items()}
    (folder / "labels.json").write_text(json.dumps(wrong))
    (folder / "gt.txt").write_text("".join(f"{name}\t{text}\n" for name, text in rows.items()))
    arguments = {
        "score": ("score", folder, "--model", model),
        "fit": ("fit", workshop / "recipe.yaml", "--data", folder, "--out", tmp_path / "m.joblib"),
        "cut": ("cut", folder, tmp_path / "out", "--model", model),
    }[command]
    outcome = run(*arguments)
    assert outcome.code == 2
    assert "choose one with --labels" in outcome.sentence()
    outcome = run(*arguments, "--labels", "labels.json")
    assert f"no such file; pass its path: {folder / 'labels.json'}" in outcome.sentence()
    outcome = run(*arguments, "--labels", folder / "gt.txt")
    assert outcome.code == 0, outcome.err
    assert "labels are taken from gt.txt" in outcome.err


def test_a_recipe_without_a_folder_has_no_label_file(run, workshop, folder):
    outcome = run("fit", workshop / "recipe.yaml", "--labels", folder / "gt.txt")
    assert outcome.code == 2
    assert "the recipe has no labeled folder" in outcome.sentence()


def test_the_chosen_file_is_not_overwritten(run, model, folder, rows):
    chosen = folder / "mine.json"
    chosen.write_text(json.dumps(rows))
    outcome = run("score", folder, "--model", model, "--labels", chosen, "--json", chosen)
    assert outcome.code == 2
    assert str(chosen) in outcome.sentence()
    assert json.loads(chosen.read_text()) == rows
