"""An interrupted and resumed fit gives the same result as an uninterrupted one."""

import csv
import os
import signal
from pathlib import Path

import joblib
import numpy as np
import pytest

from skcaptcha.datasets import write_captchas
from waiting import wait_until

GRID = f"grid.denoise__ink__threshold={list(range(60, 200, 4))}"


def n_lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0


def rows(model: Path) -> list[dict[str, str]]:
    with model.with_suffix(".csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def without_times(model: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if "time" not in k} for row in rows(model)]


@pytest.fixture(scope="module")
def whole(start, workshop, tmp_path_factory) -> Path:
    """Model of an uninterrupted fit."""
    model = tmp_path_factory.mktemp("whole") / "a.joblib"
    command = ("fit", workshop / "recipe.yaml", "--set", GRID, "--jobs", 1, "--out", model)
    assert start(*command).outcome().code == 0
    return model


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_fit_gives_the_same_result(start, workshop, whole, tmp_path, jobs):
    command = ("fit", workshop / "recipe.yaml", "--set", GRID, "--jobs", jobs, "--out")
    model, journal = tmp_path / "b.joblib", tmp_path / "b.joblib.search"
    stopped = start(*command, model, start_new_session=True)
    wait_until(lambda: n_lines(journal) > 10)
    # A terminal sends Ctrl-C to the command and its workers.
    os.killpg(stopped.pid, signal.SIGINT)
    outcome = stopped.outcome()
    assert outcome.code == 130
    assert outcome.sentence() == "interrupted; continue with the same command and --resume"
    assert [path.name for path in tmp_path.iterdir()] == [journal.name]
    n_kept = n_lines(journal) - 1
    assert n_kept < 2 * len(rows(whole))
    with journal.open("ab") as stream:
        stream.write(b'{"candidate": 1, "spl')
    resumed = start(*command, model, "--resume").outcome()
    assert resumed.code == 0, resumed.err
    assert without_times(model) == without_times(whole)
    assert joblib.hash(joblib.load(model)) == joblib.hash(joblib.load(whole))
    assert not journal.exists()


@pytest.mark.slow
def test_finished_results_are_not_computed_again(start, run, workshop, tmp_path):
    model, journal = tmp_path / "a.joblib", tmp_path / "a.joblib.search"
    command = ("fit", workshop / "recipe.yaml", "--set", GRID, "--jobs", 1, "--out", model)
    stopped = start(*command)
    wait_until(lambda: n_lines(journal) > 10)
    stopped.kill()
    stopped.outcome()
    kept = journal.read_text().splitlines()[1:]
    # Times show whether a result was computed again.
    marked = [line.replace('"fit_time": 0.', '"fit_time": 1234.') for line in kept[:-1]]
    journal.write_text(
        "".join(f"{line}\n" for line in [journal.read_text().split("\n")[0], *marked])
    )
    outcome = run(*command, "--resume")
    assert outcome.code == 0
    slow = [row for row in rows(model) if float(row["mean_fit_time"]) > 600]
    assert len(marked) / 2 <= len(slow) <= len(marked)
    assert run(*command).code == 0
    assert all(float(row["mean_fit_time"]) < 600 for row in rows(model))


def test_progress_of_another_search_is_refused_and_kept(run, workshop, tmp_path):
    model, journal = tmp_path / "a.joblib", tmp_path / "a.joblib.search"
    command = ("fit", workshop / "recipe.yaml", "--jobs", 1, "--out", model)
    outcome = run(*command, "--resume")
    assert outcome.code == 0
    assert outcome.sentence() == f"warning: {journal}: no such file; nothing to resume"
    journal.write_bytes(b'{"parts": {}, "versions": {}}\n')
    before = model.read_bytes()
    outcome = run(*command, "--resume")
    assert outcome.code == 2
    assert (
        f"{journal}: belongs to a search with different steps, different candidates"
        in outcome.sentence()
    )
    assert outcome.sentence().endswith("delete the file to start over")
    assert journal.exists()
    assert model.read_bytes() == before
    assert run(*command).code == 0
    assert not journal.exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("default:.* fits")
def test_images_that_no_candidate_can_use_are_excluded_again(start, run, workshop, tmp_path):
    """The first search finds these images."""
    good = [np.random.default_rng(i).integers(0, 256, (30, 120), np.uint8) for i in range(8)]
    write_captchas(tmp_path / "data", [*good, np.zeros((30, 50), np.uint8)], ["AB12"] * 9)
    model = tmp_path / "a.joblib"
    command = ("fit", workshop / "recipe.yaml", "--data", tmp_path / "data", "--out", model)
    stopped = start(*command, "--set", GRID, "--jobs", 1)
    wait_until(lambda: n_lines(tmp_path / "a.joblib.search-2") > 3)
    stopped.kill()
    stopped.outcome()
    outcome = run(*command, "--set", GRID, "--jobs", 1, "--resume")
    assert outcome.code == 1
    assert "00009.png" in outcome.err
    assert sorted(path.suffix for path in tmp_path.glob("a.*")) == [
        ".csv",
        ".html",
        ".joblib",
        ".json",
    ]
