"""``score`` measures accuracy and warns if the result may be misleading."""

import json
import shutil

import joblib
import numpy as np
import pytest
from PIL import Image

from cli.tables import rows_of
from skcaptcha import read_captchas
from skcaptcha.datasets import load_captchas
from skcaptcha.images import decode


def test_score_measures_accuracy(run, model, captchas, texts, tmp_path):
    table = tmp_path / "score.csv"
    outcome = run("score", captchas, "--model", model, "--csv", table, "--json", "-")
    assert outcome.code == 0
    report = json.loads(outcome.out)
    rows = rows_of(table)
    assert list(rows[0]) == ["filename", "label", "text", "confidence"]
    assert [row["text"] for row in rows] == texts
    assert [row["label"] for row in rows] == load_captchas(captchas).target.tolist()
    right = np.mean([row["text"] == row["label"] for row in rows])
    assert report["string_accuracy"] == right
    low, high = report["string_accuracy_interval"]
    assert low < right <= high
    assert right > 0.5
    assert (report["n"], report["n_failed"]) == (30, 0)
    assert {
        "string_accuracy_ignoring_case", "character_accuracy", "seconds", "images_per_second"
    } <= set(report)  # fmt: skip
    assert "string accuracy" in outcome.err


def test_score_of_a_subset(run, model, captchas):
    outcome = run("score", captchas, "--model", model, "--subset", "4..10", "--json", "-")
    assert json.loads(outcome.out)["n"] == 7


@pytest.mark.parametrize("case", ["upper", "lower"])
def test_score_ignores_case_only_in_letters_with_two_cases(run, model, captchas, tmp_path, case):
    folder = shutil.copytree(captchas, tmp_path / "captchas")
    if case == "lower":  # the model reads uppercase
        text = (folder / "labels.csv").read_text()
        (folder / "labels.csv").write_text(text.lower())
    outcome = run("score", folder, "--model", model, "--subset", "1..5")
    assert ("ignoring case" in outcome.out) == (case == "lower")


def test_score_shows_confusions_and_warns_about_unseen_characters(
    run, model, captchas, texts, tmp_path
):
    bunch = load_captchas(captchas, subset="1..3")
    folder = tmp_path / "captchas"
    folder.mkdir()
    labels = [f"{texts[0][:3]}é", *bunch.target[1:]]
    with (folder / "labels.csv").open("w", encoding="utf-8") as stream:
        stream.write("filename,label\n")
        for name, path, label in zip(bunch.filenames, bunch.data, labels, strict=True):
            (folder / name).symlink_to(path)
            stream.write(f"{name},{label}\n")
    outcome = run("score", folder, "--model", model, "--json", tmp_path / "score.json")
    assert outcome.code == 0
    assert "1 of 3 labels" in outcome.sentence()
    assert "é" in outcome.sentence()
    report = json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))
    assert {"true": "é", "read": texts[0][3], "count": 1} in report["confusions"]
    assert "é" in outcome.out


def test_missing_labels_are_counted(run, model, captchas, workshop, tmp_path):
    folder = shutil.copytree(captchas, tmp_path / "some")
    (folder / "labels.csv").write_text("filename,label\n00001.png,5UFQ\n")
    said = f"{folder}: 29 of its 30 images have no label and are left out; to label more: skcaptcha"
    assert said in run("score", folder, "--model", model).err
    fitted = run("fit", workshop / "recipe.yaml", "--data", folder, "--out", tmp_path / "m.joblib")
    assert (fitted.code, said in fitted.err) == (2, True)  # one captcha cannot be fitted
    assert "no label" not in run("score", captchas, "--model", model).err


def test_right_to_left_labels_are_listed(run, model, captchas, tmp_path):
    folder = shutil.copytree(captchas, tmp_path / "hebrew")
    (folder / "labels.csv").write_text("filename,label\n00001.png,שלום\n", encoding="utf-8")
    said = run("score", folder, "--model", model).err
    assert "written from right to left (שלום)" in said
    assert "must begin with the leftmost character of its image; reverse those" in said


def test_score_shows_spaces(run, model, captchas, tmp_path):
    bunch = load_captchas(captchas, subset="1..1")
    (tmp_path / "a.png").symlink_to(bunch.data[0])
    (tmp_path / "labels.csv").write_text(f"filename,label\na.png,{bunch.target[0][:3]} \n")
    outcome = run("score", tmp_path, "--model", model)
    assert outcome.err.rstrip().endswith("cannot read: ' '")
    assert "' '" in outcome.out


def test_score_warns_about_training_captchas(run, workshop, captchas, tmp_path):
    shutil.copytree(captchas, tmp_path / "train")
    out = tmp_path / "m.joblib"
    fitted = run("fit", workshop / "recipe.yaml", "--data", tmp_path / "train", "--out", out)
    assert fitted.code == 0, fitted.err
    # They are found under any file name and with any compression.
    again = decode(tmp_path / "train" / "00001.png")
    Image.fromarray(again).save(tmp_path / "train" / "00001.png", compress_level=1)
    report = tmp_path / "score.json"
    outcome = run("score", tmp_path / "train", "--model", out, "--json", report)
    assert outcome.sentence().startswith("warning: 30 of these 30 captchas are training captchas")
    assert json.loads(report.read_text())["n_training_captchas"] == 30
    other = tmp_path / "other"
    assert run("generate", "lines", other, "-n", 5, "--seed", 3).code == 0
    shutil.copy(tmp_path / "train" / "00001.png", other / "00005.png")
    outcome = run("score", other, "--model", out, "--json", report)
    assert "1 of these 5 captchas are training captchas" in outcome.err


def test_score_prints_the_accuracy_of_the_most_confident_readings(run, model, captchas, tmp_path):
    report = tmp_path / "a.json"
    outcome = run("score", captchas, "--model", model, "--json", report)
    assert outcome.code == 0
    figures = json.loads(report.read_text())
    assert figures["coverage"][0]["coverage"] == 1
    assert figures["coverage"][0]["string_accuracy"] == figures["string_accuracy"]
    labeled = load_captchas(captchas)
    readings = read_captchas(joblib.load(model), labeled.data)
    read = [
        (reading.confidence, reading.text == label)
        for reading, label in zip(readings, labeled.target, strict=True)
    ]
    for row in figures["coverage"]:
        accepted = [right for sure, right in read if sure >= row["min_confidence"]]
        assert row["coverage"] == pytest.approx(len(accepted) / len(read))
        assert row["string_accuracy"] == pytest.approx(np.mean(accepted))
        low, high = row["string_accuracy_interval"]
        assert low <= row["string_accuracy"] <= high
    assert "confidence from" in outcome.out


def test_score_writes_a_report(run, model, captchas, tmp_path):
    folder = tmp_path / "captchas"
    shutil.copytree(captchas, folder)
    name = "<b>.png"
    (folder / name).write_bytes(b"no image")
    with (folder / "labels.csv").open("a") as stream:
        stream.write(f"{name},<i>\n")
    page, figures = tmp_path / "score.html", tmp_path / "score.json"
    outcome = run("score", folder, "--model", model, "--report", page, "--json", figures)
    assert outcome.code == 1
    assert f"{page}: report written" in outcome.err
    n = json.loads(figures.read_text())["n"]
    html = page.read_text("utf-8")
    assert f"{n} captchas from {folder}" in html
    assert "&lt;i&gt;" in html
    assert "<i>" not in html
    assert "it is not a PNG" in html


def test_score_checks_the_report_path_before_predicting(run, model, captchas, tmp_path):
    page = tmp_path / "score.html"
    page.mkdir()
    outcome = run("score", captchas, "--model", model, "--report", page)
    assert outcome.code == 2
    assert "is a folder" in outcome.sentence()
