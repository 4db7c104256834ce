"""At its end, ``fit`` says what to do next, or why it learned little."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skcaptcha.cli._after_fit import advice, chance, learned_nothing
from skcaptcha.datasets import load_captchas


def test_chance_is_what_guessing_reaches():
    digits = ["".join(each) for each in product("0123456789", repeat=2)]
    assert chance(digits) == pytest.approx(0.01)  # each of a hundred once
    assert chance(["yes", "no"] * 500) == pytest.approx(0.5, abs=1e-3)
    assert chance(["a"] * 9 + ["b"]) == pytest.approx(0.9)
    assert chance(["same"] * 5) == 1
    assert chance(["alone"]) == 1


@pytest.mark.parametrize("n_labels", [2, 20, 100])
def test_guesses_have_learned_nothing(n_labels):
    """Whoever draws labels at random is hardly ever taken for somebody who reads."""
    random = np.random.default_rng(0)
    taken = 0
    for _ in range(200):
        labels, guesses = (random.integers(n_labels, size=200) + 1000 for _ in range(2))
        accuracy = float((labels == guesses).mean())
        taken += not learned_nothing(accuracy, 200, chance(labels.astype(str).tolist()))
    assert taken <= 200 * 0.05
    assert not learned_nothing(0.7, 200, 0.5)


def fit(run, workshop, folder, out, *options):
    return run(
        "fit", workshop / "recipe.yaml", "--data", folder, "--out", out, "--jobs", 1, "--set",
        "grid.segment__margin=[0]", *options,
    )  # fmt: skip


@pytest.fixture
def relabeled(captchas, tmp_path):
    """The captchas with other labels."""

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


@pytest.mark.parametrize("mistyped", [0, 1, 2])
def test_a_wrong_alphabet_is_a_cause_only_if_characters_are_rare(mistyped):
    labels = ["AB", "BC", "CA"] * 20
    labels[:mistyped] = ["Ao"] * mistyped
    causes = advice(
        labels, 0.4, 60, model=Path("m"), page=None, data="d", image="", recipe=False
    )  # fmt: skip
    found = [cause for cause in causes if "wrong alphabet" in cause]
    times = f"of the 4 characters of the labels, o occurs {['', 'once', '2 times'][mistyped]}; if"
    assert [times in cause for cause in found] == [True] * (mistyped > 0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["moved by one", "one of two"])
def test_a_fit_that_learned_nothing(run, workshop, captchas, relabeled, tmp_path, kind):
    labels = load_captchas(captchas).target.tolist()
    labels = [*labels[1:], labels[0]] if kind == "moved by one" else ["ABCD", "EFGH", "EFGH"] * 10
    folder, out = relabeled(labels), tmp_path / "m.joblib"
    outcome = fit(run, workshop, folder, out, "--json", tmp_path / "a.json")
    assert outcome.code == 0
    causes = outcome.err.partition("warning: nothing was learned: ")[2].splitlines()
    assert "labels of other images" in outcome.err
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


def test_a_good_fit_says_what_comes_next(run, workshop, captchas, tmp_path, monkeypatch):
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
