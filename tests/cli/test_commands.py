"""The commands work."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import joblib
import numpy as np
import pytest
from PIL import Image

from skcaptcha import read_captchas
from skcaptcha.datasets import load_captchas
from skcaptcha.images import decode
from skcaptcha.persistence import _model_file, load_manifest
from skcaptcha.prediction import _table


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


COMMANDS = (
    "audit", "check-labels", "cut", "demo", "fit", "generate", "label", "predict", "recipes",
    "score", "show",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run, command):
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert f"Example: skcaptcha {command}" in outcome.out


def test_help_comes_without_loading_what_it_does_not_need():
    code = (
        "import sys, runpy\n"
        "sys.argv = ['skcaptcha', '--help']\n"
        "try: runpy.run_module('skcaptcha', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'sklearn', 'scipy', 'cv2', 'skimage', 'matplotlib', 'PIL'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "predict" in done.stdout


def test_the_package_loads_nothing_heavy_until_it_is_used():
    code = (
        "import sys, skcaptcha\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'cv2', 'skimage', 'PIL', 'matplotlib', 'rich'}\n"
        "early = heavy & set(sys.modules)\n"
        "assert dir(skcaptcha) and skcaptcha.__version__\n"
        "skcaptcha.load_recipe\n"
        "sys.exit(repr(early) if early or 'sklearn' not in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_scikit_learn_is_imported_without_pandas_which_can_still_be_used():
    pytest.importorskip("pandas")
    code = (
        "import sys\n"
        "from skcaptcha._process.fast_imports import import_sklearn\n"
        "import_sklearn()\n"
        "assert 'pandas' not in sys.modules\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "import pandas\n"
        "table = pandas.DataFrame({'a': [1.0, 3.0]})\n"
        "scaled = StandardScaler().set_output(transform='pandas').fit_transform(table)\n"
        "assert scaled['a'].tolist() == [-1, 1]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_of_fit_names_no_place_that_the_recipe_decides(run):
    assert "artifacts" not in run("fit", "--help").out


def test_version(run):
    assert run("--version").out == "skcaptcha 0.1.0\n"


def test_generate_writes_a_labeled_folder_and_the_same_again(run, tmp_path):
    for name in ("a", "b"):
        assert run("generate", "dots", tmp_path / name, "-n", 3, "--seed", 4).code == 0
    a, b = load_captchas(tmp_path / "a"), load_captchas(tmp_path / "b")
    assert len(a.data) == 3
    assert a.target.tolist() == b.target.tolist()
    for one, other in zip(a.data, b.data, strict=True):
        assert Path(one).read_bytes() == Path(other).read_bytes()


def test_fit_reports_and_writes_model_manifest_and_table(workshop):
    report = json.loads((workshop / "fit.json").read_text())
    assert report["n_candidates"] == 2
    assert report["n_folds"] == 2
    assert report["n_train"] == 100
    assert report["held_out"]["n"] == 20
    assert report["best_params"]["segment__margin"] in (0, 1)
    manifest = json.loads((workshop / "out" / "model.json").read_text())
    assert manifest["cv_string_accuracy"] == report["cv_string_accuracy"]
    assert len(rows_of(workshop / "out" / "model.csv")) == 2


def test_fit_takes_another_folder_other_values_and_another_place(run, workshop, captchas, tmp_path):
    outcome = run(
        "fit", workshop / "recipe.yaml", "--data", captchas, "--out", tmp_path / "new" / "m.joblib",
        "--set", "search.cv=3", "--set", "grid.segment__margin=[0]", "--jobs", 1, "--json", "-",
    )  # fmt: skip
    assert outcome.code == 0
    report = json.loads(outcome.out)
    assert (report["n_train"], report["n_folds"], report["n_candidates"]) == (30, 3, 1)
    assert "training captchas" in outcome.err
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"m.joblib", "m.json", "m.csv", "m.html"}


def test_fit_excludes_files_that_are_not_images(run, workshop, captchas, tmp_path):
    folder = tmp_path / "captchas"
    folder.mkdir()
    for source, label in zip(
        *(load_captchas(captchas)[key] for key in ("data", "target")), strict=True
    ):
        (folder / f"{label}.png").symlink_to(source)
    (folder / "0000.png").write_bytes(b"")
    out = tmp_path / "model.joblib"
    outcome = run(
        "fit", workshop / "recipe.yaml", "--data", folder, "--out", out, "--jobs", 1, "--json", "-"
    )
    assert outcome.code == 1
    assert "0000.png: the file is empty" in outcome.err
    assert out.exists()
    assert json.loads(outcome.out)["n_failed"] == 1


def test_a_plain_script_loads_the_model_and_reads(model, captchas, texts):
    code = (
        "import sys, joblib, numpy as np; from PIL import Image; from pathlib import Path\n"
        "path = sys.argv[2]\n"
        "images = [path, Path(path).read_bytes(), np.asarray(Image.open(path))]\n"
        "print(*joblib.load(sys.argv[1]).predict(images))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, model, load_captchas(captchas).data[0]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == texts[:1] * 3


def test_score_measures_what_the_model_reads(run, model, captchas, texts, tmp_path):
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
def test_score_ignores_case_only_where_there_are_two(run, model, captchas, tmp_path, case):
    folder = shutil.copytree(captchas, tmp_path / "captchas")
    if case == "lower":  # the model reads upper case
        text = (folder / "labels.csv").read_text()
        (folder / "labels.csv").write_text(text.lower())
    outcome = run("score", folder, "--model", model, "--subset", "1..5")
    assert ("ignoring case" in outcome.out) == (case == "lower")


def test_score_shows_confusions_and_warns_of_unseen_characters(
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


def test_labels_that_are_missing_are_counted(run, model, captchas, workshop, tmp_path):
    folder = shutil.copytree(captchas, tmp_path / "some")
    (folder / "labels.csv").write_text("filename,label\n00001.png,5UFQ\n")
    said = f"{folder}: 29 of its 30 images have no label and are left out; to label more: skcaptcha"
    assert said in run("score", folder, "--model", model).err
    fitted = run("fit", workshop / "recipe.yaml", "--data", folder, "--out", tmp_path / "m.joblib")
    assert (fitted.code, said in fitted.err) == (2, True)  # one captcha cannot be fitted
    assert "no label" not in run("score", captchas, "--model", model).err


def test_labels_that_run_leftward_are_named(run, model, captchas, tmp_path):
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


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("closed", "n_lines"),
    [
        *(pytest.param(*case, marks=pytest.mark.slow) for case in [("<&-", 30), (">&-", 0)]),
        ("2>&-", 30),
        ("<&- >&- 2>&-", 0),
    ],
)
def test_closed_streams_are_no_error(model, captchas, closed, n_lines):
    command = [sys.executable, "-m", "skcaptcha", "predict", captchas, "--model", model]
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *command]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == n_lines


def test_predict_takes_files_and_a_list(start, model, captchas, texts):
    bunch = load_captchas(captchas)
    outcome = start("predict", bunch.data[0], "-", "--model", model).outcome(
        f"{bunch.data[1]}\n\n{bunch.data[2]}\n"
    )
    assert outcome.code == 0, outcome.err
    rows = [line.split("\t") for line in outcome.out.splitlines()]
    assert [row[0] for row in rows] == bunch.data[:3]
    assert [row[1] for row in rows] == texts[:3]
    assert all(0 <= float(row[2]) <= 1 for row in rows)


def test_predict_writes_tables_and_json(run, model, captchas, texts, tmp_path):
    outcome = run("predict", captchas, "--model", model, "--csv", tmp_path / "a.csv", "--json", "-")
    assert outcome.code == 0
    rows = rows_of(tmp_path / "a.csv")
    assert list(rows[0]) == ["filename", "text", "confidence"]
    assert [row["filename"] for row in rows] == load_captchas(captchas).data
    assert [row["text"] for row in rows] == texts
    report = json.loads(outcome.out)
    assert [captcha["text"] for captcha in report["captchas"]] == texts
    first = report["captchas"][0]
    assert np.shape(first["boxes"]) == (4, 4)
    assert len(first["probabilities"]) == 4


@pytest.mark.slow
def test_two_processes_read_what_one_reads(start, model, captchas, tmp_path):
    """Several batches, in the same order, with the same confidences; damaged files are named."""
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no image")
    files = [*load_captchas(captchas).data * 30, damaged]
    assert len(files) > 600
    outcomes = [
        start(
            "predict", "-", "--model", model, "--csv", tmp_path / f"{jobs}.csv", "--jobs", jobs
        ).outcome("".join(f"{file}\n" for file in files))
        for jobs in (1, 2)
    ]
    assert [outcome.code for outcome in outcomes] == [1, 1]
    assert all("damaged.png: it is not a PNG" in outcome.err for outcome in outcomes)
    one, two = ((tmp_path / f"{jobs}.csv").read_text() for jobs in (1, 2))
    assert one == two
    bunch = load_captchas(captchas)
    many = tmp_path / "many"
    many.mkdir()
    for k in range(30):
        for file, label in zip(bunch.data, bunch.target, strict=True):
            (many / f"{label}_{k}{Path(file).suffix}").symlink_to(file)
    for jobs in (1, 2):
        table = tmp_path / f"score{jobs}.csv"
        scored = start("score", many, "--model", model, "--jobs", jobs, "--csv", table).outcome()
        assert scored.code == 0, scored.err
    one, two = ((tmp_path / f"score{jobs}.csv").read_text() for jobs in (1, 2))
    assert one == two
    assert one.count("\n") > 600


def test_predict_without_resume_starts_over(run, model, captchas, tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("filename,text,confidence\nold.png,AAAA,1.0000\n")
    image = load_captchas(captchas).data[0]
    assert run("predict", image, "--model", model, "--csv", table).code == 0
    assert [row["filename"] for row in rows_of(table)] == [image]


def test_a_model_that_is_replaced_while_it_reads(run, model, captchas, tmp_path, monkeypatch):
    # The table says which model read it, not which is there by then.
    path, table = tmp_path / "m.joblib", tmp_path / "readings.csv"
    shutil.copy(model, path)
    expected = load_manifest(model)["payload_sha256"]
    read = _model_file.read_model_file

    def read_and_replace(_):
        file = read(path)
        path.write_bytes(b"another model")
        return file

    monkeypatch.setattr("skcaptcha.persistence._save_and_load.read_model_file", read_and_replace)
    stored = {}
    monkeypatch.setattr(_table, "store_settings", lambda _, settings: stored.update(settings))
    outcome = run("predict", captchas, "--model", path, "--csv", table)
    assert outcome.code == 0, outcome.err
    assert stored["model"] == expected


def test_cut_by_a_model_and_by_a_recipe(run, workshop, model, captchas, tmp_path):
    for option, file in (("--model", model), ("--recipe", workshop / "recipe.yaml")):
        out = tmp_path / option.strip("-")
        assert run("cut", captchas, out, option, file).code == 0
        labels = load_captchas(captchas).target
        written = sorted(path.parent.name for path in out.glob("*/*.png"))
        assert written == sorted("".join(labels))
        height, width = decode(next(out.glob("*/*.png"))).shape
        assert height > width


def test_cut_leaves_out_what_does_not_fit_its_label(run, model, captchas, tmp_path):
    folder = tmp_path / "captchas"
    folder.mkdir()
    data = load_captchas(captchas).data
    (folder / "ABCDE.png").symlink_to(data[0])
    (folder / "ABCC.png").symlink_to(data[1])
    (folder / "AAAA.png").write_text("no image")
    outcome = run("cut", folder, tmp_path / "out", "--model", model)
    assert outcome.code == 1
    assert "ABCDE.png: it has 4 segments, but its label is 'ABCDE'" in outcome.err
    assert "AAAA.png: it is not a PNG" in outcome.err
    written = sorted(path.parent.name for path in (tmp_path / "out").glob("*/*.png"))
    assert written == ["A", "B", "C", "C"]


def test_show_describes_a_model(run, model):
    outcome = run("show", model)
    assert outcome.code == 0
    lines = [line.split() for line in outcome.out.splitlines()]
    # First the accuracy, the training captchas and the recipe.
    assert [line[:2] for line in lines[:2]] == [["string", "accuracy"]] * 2
    assert lines[2][:4] == ["trained", "on", "100", "captchas"]
    assert "recipe.yaml" in outcome.out
    for part in ("denoise.binarize", "FixedBoxes", "CharacterReader()"):
        assert part in outcome.out
    assert "sha256" not in outcome.out
    assert outcome.err.endswith("--all\n")
    assert len(lines) <= 24


def test_show_prints_the_whole_manifest_with_all(run, model):
    outcome = run("show", model, "--all")
    assert outcome.code == 0
    for part in ("payload_sha256", "versions.numpy", "held_out.character_accuracy", "FixedBoxes"):
        assert part in outcome.out
    assert not outcome.err


def test_score_warns_of_training_captchas(run, workshop, captchas, tmp_path):
    shutil.copytree(captchas, tmp_path / "train")
    out = tmp_path / "m.joblib"
    fitted = run("fit", workshop / "recipe.yaml", "--data", tmp_path / "train", "--out", out)
    assert fitted.code == 0, fitted.err
    # Whatever its file is called, and however its pixels are compressed.
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


def test_show_draws_what_it_can(run, model, captchas, tmp_path):
    picture = tmp_path / "steps.png"
    images = load_captchas(captchas).data[:2]
    outcome = run("show", model, *images, tmp_path / "none.png", "--out", picture)
    assert outcome.code == 1
    assert "none.png: no such file" in outcome.err
    height, width, _ = decode(picture).shape
    assert width > 4 * height > 0


def test_show_draws_a_file_of_any_name(run, model, captchas, tmp_path):
    image = tmp_path / os.fsdecode(b"\xff.png")
    image.symlink_to(load_captchas(captchas).data[0])
    outcome = run("show", model, image, "--out", tmp_path / "steps.png")
    assert outcome.code == 0, outcome.err
    assert decode(tmp_path / "steps.png").any()


def test_a_closed_pipe_is_not_an_error(start, model, captchas, tmp_path):
    source = load_captchas(captchas).data[0]
    names = []
    for i in range(600):
        names.append(tmp_path / f"{'x' * 120}{i}.png")
        names[-1].symlink_to(source)
    command = start("predict", tmp_path, "--model", model)
    assert command.stdout.readline().startswith(str(tmp_path))
    command.stdout.close()
    assert command.wait(60) == 141
    assert command.stderr.read() == ""
    command.stdin.close()
    command.stderr.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_progress_bar_stays_out_of_the_output(start, model, captchas, texts, tmp_path):
    import pty

    source = load_captchas(captchas).data[0]
    for i in range(300):
        (tmp_path / f"{i}.png").symlink_to(source)
    terminal, side = pty.openpty()
    outcome = start("predict", tmp_path, "--model", model, stderr=side).outcome()
    os.close(side)
    assert "reading" in os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert [line.split("\t")[1] for line in outcome.out.splitlines()] == texts[:1] * 300


def test_odd_file_names_survive(run, model, captchas, tmp_path):
    name = os.fsdecode(b'a "b",\n\xff\xe9.png')
    (tmp_path / name).symlink_to(load_captchas(captchas).data[0])
    table = tmp_path / "a.csv"
    assert run("predict", tmp_path / name, "--model", model, "--csv", table).code == 0
    before = table.read_bytes()
    again = run("predict", tmp_path / name, "--model", model, "--csv", table, "--resume")
    assert "0 of 0 images read" in again.err
    assert table.read_bytes() == before


def test_an_image_is_one_line_whatever_its_name(run, model, captchas, texts, tmp_path):
    name = "a\n\x1b[31m\t\u2028é b.png"
    (tmp_path / name).symlink_to(load_captchas(captchas).data[0])
    [line] = run("predict", tmp_path / name, "--model", model).out.splitlines()
    path, text, _ = line.split("\t")
    assert path == rf"{tmp_path}/a\n\x1b[31m\t\u2028é b.png"
    assert text == texts[0]


@pytest.fixture
def strange(captchas, tmp_path):
    """A folder of noise and blanks, as large as the captchas."""
    height, width = cv2.imread(str(next(captchas.glob("*.png")))).shape[:2]
    rng = np.random.default_rng(0)
    folder = tmp_path / "strange"
    folder.mkdir()
    for k in range(5):
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"noise{k}.png"), noise)
    cv2.imwrite(str(folder / "white.png"), np.full((height, width), 255, dtype=np.uint8))
    return folder


def test_predict_warns_of_images_unlike_the_training_set(run, model, captchas, strange, tmp_path):
    table, report = tmp_path / "a.csv", tmp_path / "a.json"
    outcome = run(
        "predict", captchas, strange, "--model", model, "--csv", table, "--json", report
    )  # fmt: skip
    assert outcome.code == 0
    n = len(list(captchas.glob("*.png")))
    assert f"warning: 6 of {n + 6} images are unlike the training images" in outcome.err
    confidence = {row["filename"]: float(row["confidence"]) for row in rows_of(table)}
    assert all((c < 0.01) == ("strange" in name) for name, c in confidence.items())
    figures = json.loads(report.read_text())
    assert figures["n_out_of_distribution"] == 6
    flags = {row["filename"]: row["out_of_distribution"] for row in figures["captchas"]}
    assert all(flag == ("strange" in name) for name, flag in flags.items())


def test_predict_leaves_less_confident_texts_empty_with_a_reason(
    run, model, captchas, strange, texts
):
    table, report = strange.with_suffix(".csv"), strange.with_suffix(".json")
    outcome = run(
        "predict", captchas, strange, "--model", model, "--csv", table, "--json", report,
        "--min-confidence", 0.01,
    )  # fmt: skip
    assert outcome.code == 0
    assert "6 texts left empty, with a confidence below 0.01" in outcome.err
    rows = rows_of(table)
    assert [row["text"] for row in rows if not row["reason"]] == texts
    empty = [row for row in rows if "strange" in row["filename"]]
    assert len(empty) == 6
    for row in empty:
        assert row["text"] == ""
        assert row["reason"].startswith("its confidence is 0.00")
        assert row["reason"].endswith("the image is unlike the training images")
    figures = json.loads(report.read_text())
    assert figures["n_left_empty"] == 6
    assert [r["text"] for r in figures["captchas"] if "reason" in r] == [""] * 6


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


def test_names_are_shown_as_they_are_whatever_signs_they_hold(run, workshop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = run("fit", workshop / "recipe.yaml", "--out", "[red]a[/b]:x:.joblib", "--jobs", 1)
    assert outcome.code == 0, outcome.err
    assert "[red]a[/b]:x:.joblib" in outcome.out
