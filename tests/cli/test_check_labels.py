"""``check-labels``: suspects, output files, and the page opened by --fix."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.label import LabelingSession

CHARSET = "ABCDEH7"
WRONG = {"00008.png": "7777", "00041.png": "AB"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty captchas with two wrong labels, and one file that is not an image."""
    folder = tmp_path_factory.mktemp("labels") / "captchas"
    images, labels = make_line_captchas(80, charset=CHARSET, random_state=2)
    names = [f"{i:05}.png" for i in range(1, 81)]
    write_captchas(
        folder, list(images), [WRONG.get(n, str(t)) for n, t in zip(names, labels, strict=True)]
    )
    return folder


@pytest.fixture
def check(run, workshop, folder):
    """Function that runs the command with the shared recipe."""

    def check(*arguments: object, where: Path = folder):
        fixed = ("--recipe", workshop / "recipe.yaml", "--jobs", 1)
        return run("check-labels", where, *fixed, *arguments)

    return check


def test_every_output_lists_the_worst_labels_first(check, folder, tmp_path):
    table, page, report = (tmp_path / name for name in ("l.csv", "l.html", "l.json"))
    before = (folder / "labels.csv").read_bytes()
    outcome = check("--csv", table, "--report", page, "--json", report)
    assert outcome.code == 0, outcome.err
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["filename", "label", "text", "confidence", "score", "reason"]
    assert len(rows) == 80
    assert {row["filename"] for row in rows[:2]} == WRONG.keys()
    assert [row["score"] for row in rows[2:]] == sorted(row["score"] for row in rows[2:])
    found = json.loads(report.read_text())
    assert found["n"] == 80
    suspects = [row["filename"] for row in rows if row["reason"]]
    assert [suspect["filename"] for suspect in found["suspects"]] == suspects
    assert found["n_suspects"] == len(suspects) >= 2
    assert all(name in outcome.out for name in WRONG)
    assert page.read_text().count('class="card"') == len(suspects)
    assert (folder / "labels.csv").read_bytes() == before


def test_steps_of_a_model_are_used(run, folder, model):
    outcome = run("check-labels", folder, "--model", model, "--jobs", 1, "--json", "-")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert found["judged_by"] == "FixedBoxes + RawPixels + CharacterReader"
    assert {suspect["filename"] for suspect in found["suspects"][:2]} == WRONG.keys()
    assert "suspects" in outcome.err  # the summary, because JSON uses standard output


def test_a_file_that_is_not_an_image_is_excluded(check, folder, tmp_path):
    mixed = shutil.copytree(folder, tmp_path / "mixed")
    (mixed / "00003.png").write_bytes(b"no image")
    outcome = check("--json", tmp_path / "l.json", where=mixed)
    assert outcome.code == 1
    assert "00003.png: " in outcome.err
    found = json.loads((tmp_path / "l.json").read_text())
    assert (found["n"], found["n_failed"]) == (79, 1)


def test_the_terminal_shows_the_twenty_worst_labels(check, folder, tmp_path):
    mixed = shutil.copytree(folder, tmp_path / "mixed")
    rows = (mixed / "labels.csv").read_text().splitlines()
    for k in range(1, 13):  # twelve images, each with two different labels
        shutil.copy(mixed / f"{k:05}.png", mixed / f"{100 + k:05}.png")
        rows.append(f"{100 + k:05}.png,ABCD")
    (mixed / "labels.csv").write_text("\n".join(rows) + "\n")
    outcome = check(where=mixed)
    assert outcome.code == 0, outcome.err
    assert " others" in outcome.out
    assert outcome.out.count("the same image as") <= 20


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--model", "m.joblib"), "--recipe and --model cannot be combined"),
        (("--budget", 9), "--budget is for choosing a recipe"),
        (("--no-browser",), "--port and --no-browser need --fix"),
        (("--csv", "x.csv", "--report", "x.csv"), "x.csv: the format is HTML"),
    ],
)
def test_invalid_arguments(check, arguments, sentence):
    outcome = check(*arguments)
    assert outcome.code == 2
    assert sentence in outcome.sentence()


def test_missing_cleanlab_is_reported_before_fitting(check, monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    outcome = check()
    assert outcome.code == 2
    assert "pip install 'skcaptcha[labels]'" in outcome.sentence()


def test_fix_without_a_web_server_is_reported_before_fitting(check, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = check("--fix")
    assert outcome.code == 2
    assert "pip install 'skcaptcha[web]'" in outcome.sentence()


def test_fix_of_a_chosen_file_is_reported_before_fitting(check, run, folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own")
    (own / "labels.csv").rename(tmp_path / "mine.csv")
    outcome = check("--fix", "--labels", tmp_path / "mine.csv", where=own)
    assert outcome.code == 2
    advised = outcome.err.splitlines()[-1].rpartition("write them there first: skcaptcha ")[2]
    assert run(*advised.split()).code == 0
    written, there = ((at / "labels.csv").read_text() for at in (own, folder))
    assert written == there


def test_fix_of_a_folder_in_use_is_reported_before_fitting(check, folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own")
    page = tmp_path / "l.html"
    with LabelingSession(own, train=False):
        outcome = check("--fix", "--report", page, where=own)
    assert outcome.code == 2
    assert "another process is labeling" in outcome.sentence()
    assert not page.exists()


@pytest.mark.slow
def test_fix_opens_only_suspects_with_their_predictions(start, workshop, folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own")
    command = start(
        "check-labels", own, "--recipe", workshop / "recipe.yaml", "--jobs", 1, "--quiet", "--fix",
        env=os.environ | {"BROWSER": "true"}, preexec_fn=_hears_ctrl_c,
    )  # fmt: skip
    try:
        assert command.stdout is not None
        address = command.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address) as page:
            assert page.status == 200
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        command.kill()
        raise
    assert command.returncode == 130
    assert "0 of 2 images are checked; nothing was changed" in err


def _hears_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
