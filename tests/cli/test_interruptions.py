"""Interrupted commands leave no incomplete files, and ``predict`` can be resumed."""

import csv
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from skcaptcha.datasets import load_captchas
from waiting import wait_until

RESUME = "resume with --resume (resume=True)"


@pytest.fixture
def many(captchas: Path, texts: list[str], tmp_path: Path) -> list[tuple[str, str]]:
    """Map paths of captchas in the folder ``many`` to the model's predictions."""
    data = load_captchas(captchas).data
    folder = tmp_path / "many"
    folder.mkdir()
    expected = []
    for i in range(3000):
        path = folder / f"{i:04}.png"
        path.symlink_to(data[i % len(data)])
        expected.append((str(path), texts[i % len(data)]))
    return expected


@pytest.mark.parametrize("delay", [0, 0.3, 0.8, 1.5, pytest.param(3, marks=pytest.mark.slow)])
def test_ctrl_c_during_fit(start, workshop, tmp_path, delay):
    """It ends within a second during imports, while workers start and while it evaluates."""
    out = tmp_path / "out" / "model.joblib"
    long_grid = f"grid.denoise__ink__threshold={list(range(256)) * 4}"
    command = start(
        "fit", workshop / "recipe.yaml", "--set", long_grid, "--set", "data.n=400",
        "--set", "data.train=300", "--jobs", 2, "--out", out, start_new_session=True,
    )  # fmt: skip
    loaded = Path(f"/proc/{command.pid}/maps")
    if not loaded.exists():
        pytest.skip("nothing tells when the command has begun")
    # Earlier, it is still parsing its arguments.
    wait_until(lambda: "numpy" in loaded.read_text())
    time.sleep(delay)
    assert command.poll() is None
    # A terminal sends Ctrl-C to the command and its workers.
    os.killpg(command.pid, signal.SIGINT)
    begin = time.monotonic()
    outcome = command.outcome()
    assert time.monotonic() - begin < 1
    assert outcome.code == 130
    assert outcome.sentence() == "interrupted; continue with the same command and --resume"
    assert not out.exists()


def rows_in(table: Path) -> int:
    """Return the number of rows collected for an incomplete table."""
    unfinished = table.with_name(f"{table.name}.part")
    return max(unfinished.read_bytes().count(b"\n") - 1, 0) if unfinished.exists() else 0


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_ctrl_c_during_predict(start, model, many, tmp_path, jobs):
    table, report = tmp_path / "a.csv", tmp_path / "a.json"
    arguments = ["--model", model, "--csv", table, "--json", report, "--jobs", jobs]
    command = start("predict", tmp_path / "many", *arguments, start_new_session=True)
    wait_until(lambda: rows_in(table) > 0)
    # A terminal sends Ctrl-C to all processes.
    os.killpg(command.pid, signal.SIGINT)
    outcome = command.outcome()
    assert outcome.code == 130
    n = rows_in(table)
    assert outcome.sentence() == f"interrupted; {n} images are in {table}.part, {RESUME}"
    assert 0 < n < len(many)
    assert not report.exists()
    assert not table.exists()


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.0, 0.1, 0.3])
def test_ctrl_c_while_workers_start(start, model, many, tmp_path, moment):
    table = tmp_path / "a.csv"
    arguments = ("predict", tmp_path / "many", "--model", model, "--csv", table, "--jobs", 2)
    command = start(*arguments, start_new_session=True)
    wait_until(Path(f"{table}.part").exists)
    time.sleep(moment)
    os.killpg(command.pid, signal.SIGINT)
    outcome = command.outcome()
    assert outcome.code == 130
    assert outcome.sentence().startswith("interrupted")


@pytest.mark.slow
def test_killing_a_worker_keeps_finished_rows(start, model, many, tmp_path):
    table = tmp_path / "a.csv"
    arguments = ("predict", tmp_path / "many", "--model", model, "--csv", table, "--jobs", 2)
    command = start(*arguments)
    wait_until(lambda: rows_in(table) > 0)
    ps = ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(command.pid)]
    children = subprocess.run(ps, check=True, capture_output=True, text=True).stdout.splitlines()
    reading = [int(child.split()[0]) for child in children if "LokyProcess" in child]
    os.kill(reading[0], signal.SIGKILL)
    outcome = command.outcome()
    assert outcome.code == 2
    n = rows_in(table)
    said = f"(--jobs, n_jobs); {n} images are in {table}.part, {RESUME}"
    assert outcome.err.splitlines()[-1].endswith(said)


@pytest.mark.slow
def test_a_killed_predict_is_resumed(start, run, model, many, tmp_path):
    table = tmp_path / "a.csv"
    (tmp_path / "many" / "0100a.png").write_bytes(b"no image")
    arguments = ("predict", tmp_path / "many", "--model", model, "--csv", table)
    command = start(*arguments)
    wait_until(lambda: rows_in(table) > 0)
    command.kill()
    command.outcome()
    complete = rows_in(table)
    assert 0 < complete < len(many)
    with Path(f"{table}.part").open("a") as stream:
        stream.write('"half a r')
    outcome = run(*arguments, "--resume")
    assert outcome.code == 1
    assert f"{complete} were in {table} already" in outcome.err
    with table.open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["filename", "text", "confidence"]
    assert [(name, text) for name, text, _ in rows] == many
    joined = table.read_bytes()
    assert run(*arguments).code == 1
    assert table.read_bytes() == joined
