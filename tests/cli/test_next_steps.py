"""``fit`` ends with the next steps, or with the causes of a low accuracy."""

import json

import pytest
from PIL import Image

from skcaptcha.datasets import load_captchas


def fit(run, workshop, folder, out, *options):
    return run(
        "fit", workshop / "recipe.yaml", "--data", folder, "--out", out, "--jobs", 1, "--set",
        "grid.segment__margin=[0]", *options,
    )  # fmt: skip


@pytest.fixture
def relabeled(captchas, tmp_path):
    """Function that copies the captchas with other labels."""

    def make(labels):
        folder = tmp_path / "captchas"
        folder.mkdir()
        bunch = load_captchas(captchas)
        lines = ["filename,label"]
        for name, path, label in zip(bunch.filenames, bunch.data, labels, strict=False):
            Image.open(path).save(folder / name)
            lines.append(f"{name},{label}")
        (folder / "labels.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["moved by one", "one of two"])
def test_a_fit_that_learned_nothing(run, workshop, captchas, relabeled, tmp_path, kind):
    labels = load_captchas(captchas).target.tolist()
    labels = [*labels[1:], labels[0]] if kind == "moved by one" else ["ABCD", "EFGH", "EFGH"] * 10
    folder, out = relabeled(labels), tmp_path / "m.joblib"
    outcome = fit(run, workshop, folder, out, "--json", tmp_path / "a.json")
    assert outcome.code == 0
    causes = outcome.err.partition("warning: nothing was learned: ")[2].splitlines()
    assert "labels that belong to other images" in outcome.err
    assert f"open {tmp_path / 'm.html'}" in outcome.err
    assert f"skcaptcha show {out} {folder}" in outcome.err
    assert "next:" not in outcome.out
    said = json.loads((tmp_path / "a.json").read_text())["advice"]
    assert said[1:] == causes[1:]
    assert len(said) >= 3


def test_a_fit_that_learned_little_and_mixes_case(run, workshop, captchas, relabeled, tmp_path):
    labels = load_captchas(captchas).target.tolist()
    labels[::2] = map(str.lower, labels[::2])
    outcome = fit(run, workshop, relabeled(labels), tmp_path / "m.joblib", "--quiet")
    assert "- case: " in outcome.err
    assert "- too few captchas: 30 show each character" in outcome.err


def test_a_good_fit_shows_the_next_steps(run, workshop, captchas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe, out = workshop / "recipe.yaml", tmp_path / "my model.joblib"
    command = ("fit", recipe, "--out", out, "--jobs", 1, "--set", "grid.segment__margin=[0]")
    outcome = run(*command)
    assert outcome.code == 0
    first, second = (line for line in outcome.out.splitlines() if "skcaptcha" in line)
    assert first.startswith(f"next: skcaptcha predict NEW --model '{out}'")
    assert second.strip().startswith(f"skcaptcha score OTHERS --model '{out}'")
    assert "learned" not in outcome.err
    assert "next:" not in run(*command, "--quiet").out
