"""``predict`` reads lists of paths and writes tables that survive interruptions."""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from cli.tables import rows_of
from skcaptcha.datasets import load_captchas
from skcaptcha.persistence import _model_file, load_manifest
from skcaptcha.prediction import _table
from skcaptcha.prediction._table import open_table
from skcaptcha.prediction._table_settings import store_settings
from waiting import wait_until

COLUMNS = ("filename", "text", "confidence")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    ("null", "written", "names"),
    [
        (False, b"a b.png\r\n\n c.png\nd.png", ["a b.png", " c.png", "d.png"]),
        (True, b"a\nb.png\0\0 \0\xff.png", ["a\nb.png", " ", os.fsdecode(b"\xff.png")]),
    ],
)
def test_lists_of_paths_on_standard_input(start, model, null, written, names):
    command = start("predict", "-", "--model", model, "--json", "-", *["-0"] * null)
    command.stdin.buffer.write(written)
    outcome = command.outcome()
    assert outcome.code == 1
    failed = [failure["filename"] for failure in json.loads(outcome.out)["failed"]]
    assert [name.encode(errors="surrogateescape") for name in failed] == [
        name.encode(errors="surrogateescape") for name in names
    ]


def test_parquet_has_the_same_rows_as_csv(run, model, captchas, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    name = tmp_path / os.fsdecode(b"\xff.png")
    name.symlink_to(load_captchas(captchas).data[0])
    file = tmp_path / "a.parquet"
    command = ("predict", captchas, name, "--model", model)
    assert run(*command, "--parquet", file).code == 0
    assert run(*command, "--csv", tmp_path / "a.csv").code == 0
    with (tmp_path / "a.csv").open(newline="", errors="backslashreplace") as stream:
        _, *expected = csv.reader(stream)
    found = parquet.read_table(file)
    assert found.column_names == ["filename", "text", "confidence"]
    assert [
        [row["filename"], row["text"], f"{row['confidence']:.4f}"] for row in found.to_pylist()
    ] == [[row[0].replace("\\xff", "\\udcff"), *row[1:]] for row in expected]
    again = run(*command, "--parquet", file, "--resume")
    assert again.code == 0
    assert "0 of 0 images read" in again.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("option", ["--csv", pytest.param("--parquet", marks=pytest.mark.slow)])
def test_a_full_disk_gives_one_sentence_and_keeps_the_old_table(model, captchas, tmp_path, option):
    """A file size limit simulates a full disk."""
    pytest.importorskip("pyarrow")
    place = tmp_path / f"table.{option[2:]}"
    with open_table(place, COLUMNS, format=option[2:]) as table:
        table.write([("old.png", "OLD", 1.0)])
    old = place.read_bytes()
    code = (
        "import resource, runpy, sys\n"
        "import sklearn.pipeline, skcaptcha.prediction\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "sys.argv[0] = 'skcaptcha'\n"
        "runpy.run_module('skcaptcha', run_name='__main__')"
    )
    command = [sys.executable, "-c", code, "predict", captchas, "--model", model, option, place]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    [sentence] = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"{place}.part: cannot be written (File too large)" in sentence
    assert place.read_bytes() == old


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
@pytest.mark.slow
def test_rows_are_written_to_a_pipe_immediately(start, model, captchas, texts, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = start("predict", captchas, "--model", model, "--csv", pipe)
    with pipe.open(newline="") as stream:
        _, *found = csv.reader(stream)
    assert command.outcome().code == 0
    assert [text for _, text, _ in found] == texts
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    refused = start("predict", captchas, "--model", model, "--csv", pipe, "--resume").outcome()
    assert refused.code == 2
    assert f"{pipe}: not a regular file" in refused.sentence()


def test_rows_of_another_model_are_not_resumed(run, model, captchas, tmp_path):
    place, part = tmp_path / "a.csv", tmp_path / "a.csv.part"
    settings = {"model": "0" * 64, "--charset": None, "--length": 4, "--min-confidence": None}
    rows = "filename,text,confidence\nold.png,AB,0.5\n"
    part.write_text(rows)
    store_settings(part, settings)
    outcome = run("predict", captchas, "--model", model, "--csv", place, "--resume")
    assert outcome.code == 2
    assert f"{part}: its rows were read with another model and --length 4;" in outcome.sentence()
    assert part.read_text() == rows
    outcome = run("predict", captchas, "--model", model, "--csv", place)
    assert outcome.code == 2
    assert f"{part}: contains {len(rows)} bytes of an interrupted run" in outcome.sentence()
    assert part.read_text() == rows


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--jobs", 2)])
def test_killed_at_any_moment_and_resumed(start, model, captchas, tmp_path, options):
    """Kill the command later each time and resume it, until it finishes."""
    folder = tmp_path / "many"
    folder.mkdir()
    data = load_captchas(captchas).data
    for i in range(20_000):
        (folder / f"{i}.png").symlink_to(data[i % len(data)])
    (folder / "100a.png").write_bytes(b"")
    command = ("predict", folder, "--model", model, *options, "--csv")
    assert start(*command, tmp_path / "whole.csv").outcome().code == 1
    expected = (tmp_path / "whole.csv").read_bytes()
    joined = tmp_path / "joined.csv"
    for attempt in range(200):
        process = start(*command, joined, "--resume")
        try:
            process.wait(2 + attempt / 10)
        except subprocess.TimeoutExpired:
            process.kill()
        process.outcome()
        if joined.exists():
            break
    assert joined.read_bytes() == expected
    assert attempt > 3


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8, 0.95, 1.0])
def test_predict_parquet_killed_and_resumed(start, model, captchas, texts, tmp_path, *, fraction):
    """Kill the command after a fraction of the time of a full run."""
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    data = load_captchas(captchas).data
    expected = [(str(data[i % len(data)]), texts[i % len(data)]) for i in range(17_000)]
    paths = tmp_path / "paths"
    paths.write_text("".join(f"{path}\n" for path, _ in expected))
    place, part = tmp_path / "a.parquet", tmp_path / "a.parquet.part"
    old_rows = [("0.png", "T0", 0.0), ("1.png", "T1", 0.5)]
    with open_table(place, COLUMNS, format="parquet") as table:
        table.write(old_rows)
    old = place.read_bytes()
    command = ("predict", "-", "--model", model, "--parquet")
    begin = time.perf_counter()
    with paths.open() as stdin:
        assert start(*command, tmp_path / "whole.parquet", stdin=stdin).outcome().code == 0
    seconds = time.perf_counter() - begin
    with paths.open() as stdin:
        process = start(*command, place, stdin=stdin)
        time.sleep(fraction * seconds)
        process.kill()
        process.outcome()
    if not place.exists() or place.read_bytes() == old:
        with paths.open() as stdin:
            assert start(*command, place, "--resume", stdin=stdin).outcome().code == 0
    found = pyarrow.parquet.read_table(place)
    names, read = found.column("filename").to_pylist(), found.column("text").to_pylist()
    # If it was killed before the first row, --resume continues the old table.
    kept = [row[:2] for row in old_rows] if names[0] == "0.png" else []
    assert list(zip(names, read, strict=True)) == kept + expected
    assert not part.exists()


@pytest.mark.slow
def test_predict_accepts_files_and_a_list(start, model, captchas, texts):
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
def test_two_processes_give_the_same_rows_as_one(start, model, captchas, tmp_path):
    """Order and confidences are the same across batches; damaged files are listed."""
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


def test_a_model_replaced_during_prediction(run, model, captchas, tmp_path, monkeypatch):
    # The table records the model that was used, not the file that replaced it.
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


def test_unusual_file_names_are_kept(run, model, captchas, tmp_path):
    name = os.fsdecode(b'a "b",\n\xff\xe9.png')
    (tmp_path / name).symlink_to(load_captchas(captchas).data[0])
    table = tmp_path / "a.csv"
    assert run("predict", tmp_path / name, "--model", model, "--csv", table).code == 0
    before = table.read_bytes()
    again = run("predict", tmp_path / name, "--model", model, "--csv", table, "--resume")
    assert "0 of 0 images read" in again.err
    assert table.read_bytes() == before


def test_each_image_is_one_line_whatever_its_name(run, model, captchas, texts, tmp_path):
    name = "a\n\x1b[31m\t\u2028é b.png"
    (tmp_path / name).symlink_to(load_captchas(captchas).data[0])
    [line] = run("predict", tmp_path / name, "--model", model).out.splitlines()
    path, text, _ = line.split("\t")
    assert path == rf"{tmp_path}/a\n\x1b[31m\t\u2028é b.png"
    assert text == texts[0]


@pytest.fixture
def strange(captchas, tmp_path):
    """A folder of noise and blank images of the same size as the captchas."""
    height, width = cv2.imread(str(next(captchas.glob("*.png")))).shape[:2]
    rng = np.random.default_rng(0)
    folder = tmp_path / "strange"
    folder.mkdir()
    for k in range(5):
        noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"noise{k}.png"), noise)
    cv2.imwrite(str(folder / "white.png"), np.full((height, width), 255, dtype=np.uint8))
    return folder


def test_predict_warns_about_images_unlike_the_training_set(
    run, model, captchas, strange, tmp_path
):
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


def test_predict_omits_texts_below_the_minimum_confidence(run, model, captchas, strange, texts):
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


@pytest.mark.slow
def test_a_monitor_sees_images_unlike_the_training_images(start, model, captchas, tmp_path):
    folder = tmp_path / "images"
    shutil.copytree(captchas, folder)
    (folder / "labels.csv").unlink()
    noise = np.random.default_rng(0).integers(0, 256, (30, 120, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / "other.png"), noise)
    file = tmp_path / "watch.json"
    outcome = start("predict", folder, "--model", model, "--watch", file).outcome()
    assert outcome.code == 0, outcome.err
    content = json.loads(file.read_text())
    assert (content["n_read"], content["n_recent"]) == (31, 31)
    assert content["n_out_of_distribution"] >= 1
    outcome = start("predict", folder, "--model", model, "--watch", model).outcome()
    assert outcome.code == 2
    assert "the result would replace it" in outcome.sentence()


@pytest.mark.slow
def test_a_monitor_sees_a_live_stream(start, model, captchas, tmp_path):
    path = sorted(str(image) for image in captchas.glob("*.png"))[0]
    file = tmp_path / "watch.json"
    command = start("predict", "-", "--model", model, "--watch", file)

    def another_image_is_seen() -> bool:
        command.stdin.write(f"{path}\n")
        command.stdin.flush()
        time.sleep(0.4)
        return file.exists()

    wait_until(another_image_is_seen)
    assert command.stdout.readline().startswith(f"{path}\t")
    assert json.loads(file.read_text())["n_read"] >= 1
    assert command.outcome().code == 0
