"""Predict reads lists of paths, and writes tables that survive an interruption."""

import csv
import json
import os
import subprocess
import sys
import time

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.prediction._table import open_table
from skcaptcha.prediction._table_settings import store_settings

COLUMNS = ("filename", "text", "confidence")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    ("null", "written", "names"),
    [
        (False, b"a b.png\r\n\n c.png\nd.png", ["a b.png", " c.png", "d.png"]),
        (True, b"a\nb.png\0\0 \0\xff.png", ["a\nb.png", " ", os.fsdecode(b"\xff.png")]),
    ],
)
def test_lists_on_the_standard_input(start, model, null, written, names):
    command = start("predict", "-", "--model", model, "--json", "-", *["-0"] * null)
    command.stdin.buffer.write(written)
    outcome = command.outcome()
    assert outcome.code == 1
    failed = [failure["filename"] for failure in json.loads(outcome.out)["failed"]]
    assert [name.encode(errors="surrogateescape") for name in failed] == [
        name.encode(errors="surrogateescape") for name in names
    ]


def test_pyarrow_reads_the_same_rows_as_csv(run, model, captchas, tmp_path):
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
@pytest.mark.parametrize("option", ["--csv", "--parquet"])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_table(model, captchas, tmp_path, option):
    """A limit on the size of files simulates a full disk."""
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
def test_a_pipe_takes_the_rows_as_they_come(start, model, captchas, texts, tmp_path):
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
    """Until it is through: each time a while later, each time from where it was."""
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
    """After a fraction of the time of a whole run."""
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
