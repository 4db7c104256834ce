"""``fit`` chooses a recipe for a folder and leaves no incomplete files."""

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image, ImageDraw

from skcaptcha import load, load_recipe
from skcaptcha._process import start_time
from skcaptcha.datasets import (
    load_captchas,
    make_display_captchas,
    make_line_captchas,
    write_captchas,
)
from skcaptcha.persistence import read_model
from skcaptcha.prediction import count_training_images
from waiting import wait_until


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captchas at fixed positions, enough for the comparison to end early."""
    folder = tmp_path_factory.mktemp("auto") / "lines"
    write_captchas(folder, *make_line_captchas(200, random_state=3))
    return folder


@pytest.fixture(autouse=True)
def no_partial_files(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.slow
def test_the_written_recipe_reproduces_the_model(run, lines, tmp_path, monkeypatch):
    model = tmp_path / "out" / "m.joblib"
    outcome = run("fit", lines, "--out", model, "--jobs", 1, "--json", "-")
    assert outcome.code == 0, outcome.err
    report = json.loads(outcome.out)
    assert report["chosen"].startswith("FixedBoxes")
    assert report["cv_string_accuracy"] >= 0.995
    assert report["trials"][0]["outcome"] == "chosen"
    assert "chosen" in outcome.err
    assert {path.name for path in model.parent.iterdir()} == {
        "m.joblib", "m.json", "m.csv", "m.yaml", "m.html"
    }  # fmt: skip
    recipe = model.with_suffix(".yaml")
    assert "200 captchas correctly, in 4 folds" in recipe.read_text()
    assert load_recipe(recipe).grid == [{}]
    # Relative paths in the recipe work from any folder.
    monkeypatch.chdir(recipe.parent)
    again = tmp_path / "again.joblib"
    assert run("fit", recipe.name, "--out", again, "--jobs", 1).code == 0
    assert load_recipe(recipe).output.model == model
    assert joblib.hash(joblib.load(again)) == joblib.hash(joblib.load(model))
    assert run("score", lines, "--model", model).code == 0


def test_unusable_images_are_excluded(run, lines, tmp_path):
    folder = tmp_path / "captchas"
    shutil.copytree(lines, folder)
    (folder / "a.png").write_bytes(b"")
    Image.new("RGB", (3, 9), "white").save(folder / "b.png")
    with (folder / "labels.csv").open("a") as stream:
        stream.write("a.png,AAAA\nb.png,AAAA\n")
    out = tmp_path / "m.joblib"
    outcome = run("fit", folder, "--out", out, "--jobs", 1, "--json", "-")
    assert outcome.code == 1
    report = json.loads(outcome.out)
    assert (report["n_train"], report["n_failed"]) == (200, 2)
    assert "a.png: the file is empty" in outcome.err
    assert "b.png: 3 x 9 pixels are too few for 4 characters" in outcome.err
    assert out.exists()


@pytest.mark.slow
def test_a_narrow_image_is_also_excluded_with_a_recipe(run, lines, tmp_path):
    folder, model, again = (tmp_path / name for name in ("captchas", "m.joblib", "again.joblib"))
    shutil.copytree(lines, folder)
    Image.new("RGB", (3, 30), "white").save(folder / "b.png")
    with (folder / "labels.csv").open("a") as stream:
        stream.write("b.png,AAAA\n")
    told = "b.png: 3 x 30 pixels are too few for 4 characters"
    for fitted, out in ((folder, model), (model.with_suffix(".yaml"), again)):
        outcome = run("fit", fitted, "--out", out, "--jobs", 1)
        assert outcome.code == 1
        assert told in outcome.err
    assert joblib.hash(joblib.load(again)) == joblib.hash(joblib.load(model))


def test_characters_that_yaml_does_not_allow(run, tmp_path):
    folder, model = tmp_path / "captchas", tmp_path / "m.joblib"
    odd = str.maketrans("AB", "\x07\uffff")
    images, labels = make_line_captchas(20, charset="ABC", random_state=0)
    write_captchas(folder, images, ["".join(label).translate(odd) for label in labels])
    assert run("fit", folder, "--out", model, "--jobs", 1, "--budget", 2).code == 0
    assert load_recipe(model.with_suffix(".yaml")).grid == [{}]
    assert "\x07" in json.loads(model.with_suffix(".json").read_text())["characters"]
    assert run("show", model).code == 0


@pytest.mark.slow
def test_labels_with_a_different_length_are_excluded(run, lines, tmp_path):
    folder = tmp_path / "captchas"
    shutil.copytree(lines, folder)
    table = (folder / "labels.csv").read_text().splitlines()
    table[3], table[7] = table[3] + "X", table[7][:-1]
    (folder / "labels.csv").write_text("\n".join(table) + "\n")
    outcome = run("fit", folder, "--out", tmp_path / "m.joblib", "--jobs", 1, "--budget", 10)
    assert outcome.code == 0, outcome.err
    assert "198 labels have 4 characters, 2 do not" in outcome.err
    assert "2, whose segment count differs from the label length" in outcome.out
    score = run("score", lines, "--model", tmp_path / "m.joblib", "--json", "-")
    assert json.loads(score.out)["string_accuracy"] >= 0.995


def test_the_table_fits_narrow_terminals(run, lines, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    outcome = run("fit", lines, "--out", tmp_path / "m.joblib", "--jobs", 1)
    # Commands to copy are not wrapped, even if they contain long paths.
    lines_shown = [line for line in outcome.out.splitlines() if "skcaptcha " not in line]
    assert max(map(len, lines_shown)) <= 80
    assert "ConnectedComponents +" in outcome.out
    assert "not needed" in outcome.out


def test_the_budget_includes_loading_and_warns_if_loading_exceeds_it(
    run, lines, tmp_path, monkeypatch
):
    monkeypatch.setattr(start_time._Command, "began", time.perf_counter() - 60)
    out = tmp_path / "m.joblib"
    outcome = run("fit", lines, "--out", out, "--jobs", 1, "--budget", 10)
    assert outcome.code == 0
    assert out.exists()
    assert "warning: the budget of 10 s is too small: loading took" in outcome.err
    report = json.loads(out.with_suffix(".json").read_text())
    assert report["budget"] == 10
    assert report["seconds"] > 60
    tried = {trial["family"]: trial["outcome"] for trial in reversed(report["trials"])}
    assert tried[0] == "chosen"
    assert tried[1] == tried[2] == tried[3] == "not tried: no time left"


def test_time_is_measured_from_the_start_of_the_process(monkeypatch):
    monkeypatch.setattr(start_time._Command, "began", None)
    assert start_time.command_start() >= time.perf_counter() - 1
    start_time.record_start()
    before = time.perf_counter() - time.process_time()
    assert start_time.command_start() == pytest.approx(before, abs=1)


def test_numbered_images_have_no_labels(run, tmp_path):
    folder = tmp_path / "captchas"
    folder.mkdir()
    for i in range(1, 8):
        Image.new("RGB", (40, 10), "white").save(folder / f"{i:04}.png")
    outcome = run("fit", folder, "--out", tmp_path / "m.joblib")
    assert outcome.code == 2
    assert "its images have numbers (0001.png to 0007.png), not labels" in outcome.sentence()
    assert not list(tmp_path.glob("m.*"))


def test_single_digits_are_labels(run, tmp_path):
    folder = tmp_path / "digits"
    folder.mkdir()
    for digit in range(10):
        image = Image.new("L", (24, 24), "white")
        ImageDraw.Draw(image).text((8, 4), str(digit), "black")
        image.save(folder / f"{digit}.png")
    model = tmp_path / "m.joblib"
    outcome = run("fit", folder, "--out", model, "--jobs", 1, "--budget", 1)
    assert outcome.code == 0
    assert "10 characters occur fewer than three times" in outcome.err


def test_too_few_and_unreadable_captchas(run, tmp_path):
    folder = tmp_path / "captchas"
    folder.mkdir()
    (folder / "AB.png").write_bytes(b"")
    outcome = run("fit", folder, "--out", tmp_path / "m.joblib", "--jobs", 1)
    assert outcome.code == 2
    assert "none of the 1 training images can be used" in outcome.err
    Image.new("RGB", (40, 10), "white").save(folder / "AB.png")
    outcome = run("fit", folder, "--out", tmp_path / "m.joblib", "--jobs", 1)
    assert outcome.code == 2
    assert "1 labeled captchas are too few" in outcome.sentence()


def test_warnings_about_uninformative_captchas(run, tmp_path):
    folder = tmp_path / "captchas"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(6):
        noise = rng.integers(0, 256, (20, 40), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"AB_{i}.png")
    outcome = run("fit", folder, "--out", tmp_path / "m.joblib", "--jobs", 1, "--budget", 2)
    assert outcome.code == 0
    assert "all labels are the same" in outcome.err


@pytest.mark.slow
def test_ctrl_c(start, tmp_path):
    folder = tmp_path / "captchas"
    images, labels = make_line_captchas(400, random_state=3)
    rng = np.random.default_rng(0)
    noisy = np.where(rng.random(images.shape) < 0.3, 0, images).astype(np.uint8)
    write_captchas(folder, list(noisy), labels)
    out = tmp_path / "out" / "m.joblib"
    command = start("fit", folder, "--jobs", 1, "--out", out)
    wait_until((out.parent / "m.joblib.search").exists)
    command.send_signal(signal.SIGINT)
    outcome = command.outcome()
    assert outcome.code == 130
    assert outcome.sentence() == "interrupted; continue with the same command and --resume"
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("with_recipe", [False, True])
def test_labels_of_both_cases_are_also_evaluated_ignoring_case(run, tmp_path, with_recipe):
    images, labels = make_line_captchas(60, charset="AB7", random_state=0)
    lower = np.random.default_rng(0).random(60) < 0.5  # the case is not visible in the images
    write_captchas(tmp_path / "d", images, np.where(lower, np.char.lower(labels), labels).tolist())
    what = [tmp_path / "d", "--budget", 5]
    if with_recipe:
        settings = ("data.train=40", "search.cv=2", "final={}")
        what = ["grid", "--data", tmp_path / "d"]
        what += [part for setting in settings for part in ("--set", setting)]
    outcome = run("fit", *what, "--out", tmp_path / "m.joblib", "--jobs", 1)
    assert outcome.code == 0, outcome.err
    report = json.loads((tmp_path / "m.json").read_text())
    assert report["cv_string_accuracy"] < 0.8
    assert report["cv_string_accuracy_ignoring_case"] > 0.8
    assert outcome.out.count("ignoring case") == 1 + with_recipe


@pytest.mark.slow
def test_images_without_a_label_teach(run, tmp_path):
    folder, more, model = (tmp_path / name for name in ("captchas", "more", "m.joblib"))
    images, labels = make_line_captchas(110, charset="ABCDEFGH", random_state=3)
    # A line as thick as the strokes, so that a few labels are not enough.
    images[:, 12:16] = 0
    write_captchas(folder, images[:70], labels[:70])
    write_captchas(more, images[70:], labels[70:])
    table = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(table[:31]))
    taught = tmp_path / "taught.csv"
    outcome = run(
        "fit", folder, "--unlabeled", more, "--pseudo-labels", taught, "--out", model,
        "--budget", 20, "--jobs", 1, "--json", "-",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "40 of its 70 images have no label; to label more" in outcome.err
    report = json.loads(outcome.out)
    assert report["n_unlabeled"] == 80
    rows = taught.read_text().splitlines()
    assert rows[0] == "filename,label,probability,round"
    assert len(rows) == 1 + report["n_pseudo_labeled"]
    assert f"80, of which {report['n_pseudo_labeled'] or 'none'} taught" in outcome.err
    # Images that taught count as training images.
    images = [*load_captchas(folder).data, *(row.partition(",")[0] for row in rows[1:])]
    assert count_training_images(read_model(model), images) == len(images)
    assert ("Images without a label" in model.with_suffix(".html").read_text()) is (
        "n_pseudo_labeled" in report and bool(report["n_pseudo_labeled"])
    )


@pytest.mark.parametrize("option", ["--unlabeled", "--pseudo-labels"])
def test_a_recipe_does_not_learn_from_images_without_a_label(run, tmp_path, option):
    outcome = run("fit", "grid", option, tmp_path / "x.csv")
    assert outcome.code == 2
    assert "need a folder instead of a recipe" in outcome.sentence()


@pytest.mark.parametrize("table", ["m.csv", "given.csv", "captchas/labels.csv", "captchas/1.png"])
def test_a_table_of_pseudo_labels_replaces_no_other_file(run, tmp_path, table):
    folder, given = tmp_path / "captchas", tmp_path / "given.csv"
    write_captchas(folder, *make_line_captchas(3, random_state=0))
    given.write_text((folder / "labels.csv").read_text())
    (folder / "1.png").write_bytes(next(folder.glob("0*.png")).read_bytes())
    before = (folder / "labels.csv").read_text()
    outcome = run(
        "fit", folder, "--labels", given, "--out", tmp_path / "m.joblib",
        "--pseudo-labels", tmp_path / table,
    )  # fmt: skip
    assert outcome.code == 2
    assert table.rpartition("/")[2] in outcome.sentence()
    assert (folder / "labels.csv").read_text() == given.read_text() == before


@pytest.mark.slow
@pytest.mark.parametrize("mark", [".", ":"])
def test_numbers_and_times_on_displays_are_read(run, tmp_path, mark):
    images, labels = make_display_captchas(
        180,
        kind="lcd",
        n_digits=3,
        marks=mark,
        height=40,
        slant=(0, 0.05),
        stroke_width=(0.1, 0.12),  # thicker points touch digits
        gap=(0, 0.01),
        ghost=0,
        gradient=20,
        glare=0,
        random_state=0,
    )
    write_captchas(tmp_path / "train", images[:120], labels[:120])
    model = tmp_path / "m.joblib"
    outcome = run("fit", tmp_path / "train", "--out", model, "--budget", 60, "--jobs", 1)
    assert outcome.code == 0, outcome.err
    assert f"small marks: {mark}\n" in model.with_suffix(".yaml").read_text()
    texts = load(model).predict(list(images[120:]))
    with_mark, found = (np.array([mark in text for text in part]) for part in (labels[120:], texts))
    assert (found == with_mark).mean() > 0.9
    assert (texts == labels[120:]).mean() > 0.8
