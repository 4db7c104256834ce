"""A Dask cluster gives the same results as one process, even if workers end."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.prediction._cluster_connection import check_versions, versions
from waiting import wait_until

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

WAIT = 60

RESUME = "resume with --resume (resume=True)"


@dataclass
class Cluster:
    """A scheduler and two workers. Each runs in its own process and folder."""

    folder: Path
    address: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_scheduler(self) -> None:
        contact = self.folder / "contact.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        self._start("scheduler", *options, "--scheduler-file", contact)
        wait_until(lambda: contact.exists() and contact.read_text().rstrip().endswith("}"))
        self.address = json.loads(contact.read_text())["address"]

    def start_worker(self, **environment: str) -> subprocess.Popen[bytes]:
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        return self._start("worker", self.address, *options, **environment)

    def _start(self, kind: str, *options: object, **environment: str) -> subprocess.Popen[bytes]:
        folder = self.folder / f"{kind}{len(self.processes)}"
        folder.mkdir()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", kind, *map(str, options)],
                cwd=folder, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PYTHONWARNINGS": "ignore", **environment},
            )  # fmt: skip
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start_scheduler()
        for _ in range(2):
            cluster.start_worker()
        yield cluster
    finally:
        cluster.stop()


@dataclass
class Job:
    """A tree of captchas, and how one process reads them."""

    arguments: tuple[object, ...]
    table: bytes


@pytest.fixture(scope="module")
def job(
    start: type[Any], model: Path, captchas: Path, tmp_path_factory: pytest.TempPathFactory
) -> Job:
    folder = tmp_path_factory.mktemp("many")
    data = load_captchas(captchas).data
    for i in range(3000):
        path = folder / f"{i // 1000}" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(data[i % len(data)])
    (folder / "1" / "1500a.png").write_bytes(b"no image")
    table = tmp_path_factory.mktemp("alone") / "a.csv"
    arguments = ("predict", folder, "--model", model)
    assert start(*arguments, "--csv", table).outcome().code == 1
    return Job(arguments, table.read_bytes())


def rows_in(table: Path) -> int:
    unfinished = table.with_name(f"{table.name}.part")
    return max(unfinished.read_bytes().count(b"\n") - 1, 0) if unfinished.exists() else 0


def test_a_killed_worker_does_not_change_results(run, cluster, job, tmp_path):
    table = tmp_path / "a.csv"
    doomed = cluster.start_worker()

    def kill_during_work() -> None:
        wait_until(lambda: rows_in(table) > 0)
        doomed.kill()

    with ThreadPoolExecutor(1) as others:
        killed = others.submit(kill_during_work)
        outcome = run(*job.arguments, "--csv", table, "--scheduler", cluster.address)
        killed.result()
    assert outcome.code == 1
    assert "1500a.png: it is not a PNG" in outcome.err
    assert "3000 of 3001 images read" in outcome.err
    assert table.read_bytes() == job.table


def test_score_gives_the_same_report_as_one_process(run, cluster, model, captchas, tmp_path):
    reports = []
    for name, options in (("one", []), ("cluster", ["--scheduler", cluster.address])):
        table, report = tmp_path / f"{name}.csv", tmp_path / f"{name}.json"
        command = ("score", captchas, "--model", model, "--csv", table, "--json", report)
        assert run(*command, *options).code == 0
        figures = json.loads(report.read_text())
        del figures["seconds"], figures["images_per_second"]
        reports.append((table.read_bytes(), figures))
    assert reports[0] == reports[1]


@pytest.mark.parametrize("jobs", [1, 2])
def test_fit_gives_the_same_model_as_local_processes(run, cluster, workshop, tmp_path, jobs):
    ways = {"processes": ("--jobs", jobs), "cluster": ("--scheduler", cluster.address)}
    models, tables = [], []
    for name, options in ways.items():
        out = tmp_path / name / "model.joblib"
        command = ("fit", workshop / "recipe.yaml", "--out", out, "--set", "data.n=60")
        grid = ("--set", "data.train=50", "--set", "grid.denoise__ink__threshold=[120,127,140]")
        assert run(*command, *grid, *options).code == 0
        models.append(joblib.hash(joblib.load(out)))
        with out.with_suffix(".csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        tables.append([{k: v for k, v in row.items() if "time" not in k} for row in rows])
    assert models[0] == models[1]
    assert tables[0] == tables[1]
    assert len(tables[0]) == 6


def test_errors_name_the_file_and_the_worker_that_cannot_open_it(
    run, cluster, workshop, monkeypatch
):
    monkeypatch.chdir(workshop)
    name = load_captchas("captchas").data[0]
    # The first path points to a different place in every process.
    paths = (f"/proc/self/cwd/{name}", name, "none.png")
    outcome = run("predict", *paths, "--model", "out/model.joblib", "--scheduler", cluster.address)
    assert outcome.code == 1
    assert [line.split("\t")[0] for line in outcome.out.splitlines()] == [name]
    unseen, missing, _ = outcome.err.splitlines()
    assert unseen.startswith(f"/proc/self/cwd/{name}: worker tcp://127.0.0.1:")
    assert unseen.endswith("workers must see the same files under the same paths")
    assert missing == "none.png: no such file"


def test_unreachable_schedulers(run, workshop, model, captchas, tmp_path):
    for scheduler, command, said in (
        ("tcp://127.0.0.1:1", ("predict", captchas, "--model", model), "no Dask scheduler answers"),
        ("nonsense", ("score", captchas, "--model", model), "not an address of a Dask scheduler"),
        ("http://x", ("fit", workshop / "recipe.yaml"), "not an address of a Dask scheduler"),
    ):
        out = ("--out", "a.joblib") if command[0] == "fit" else ("--csv", "a.csv")
        outcome = run(*command, out[0], tmp_path / out[1], "--scheduler", scheduler)
        assert outcome.code == 2
        assert f"{scheduler}: " in outcome.sentence()
        assert said in outcome.sentence()
    assert not list(tmp_path.iterdir())


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler without workers."""
    fresh = Cluster(tmp_path)
    try:
        fresh.start_scheduler()
        yield fresh
    finally:
        fresh.stop()


def test_reading_continues_after_all_workers_are_replaced(start, fresh, job, tmp_path):
    table = tmp_path / "a.csv"
    doomed = fresh.start_worker()
    command = start(*job.arguments, "--csv", table, "--scheduler", fresh.address)
    wait_until(lambda: rows_in(table) > 0)
    doomed.kill()
    fresh.start_worker()
    assert command.outcome().code == 1
    assert table.read_bytes() == job.table


def test_ctrl_c_and_resume(start, cluster, job, tmp_path):
    table = tmp_path / "a.csv"
    arguments = (*job.arguments, "--csv", table)
    command = start(*arguments, "--scheduler", cluster.address, start_new_session=True)
    wait_until(lambda: rows_in(table) > 0)
    os.killpg(command.pid, signal.SIGINT)
    outcome = command.outcome()
    assert outcome.code == 130
    n = rows_in(table)
    assert outcome.sentence() == f"interrupted; {n} images are in {table}.part, {RESUME}"
    assert start(*arguments, "--resume").outcome().code == 1
    assert table.read_bytes() == job.table


def test_a_worker_that_has_ended_is_skipped():
    here, gone = versions(), OSError("in <TCP>: Stream is closed")
    check_versions("tcp://host:1", {"one": gone, "two": here})
    with pytest.raises(SkcaptchaError, match="tcp://host:1: all of its workers have ended"):
        check_versions("tcp://host:1", {"one": gone, "two": gone})
    for answer, said in (
        (ModuleNotFoundError("No module named 'skcaptcha'"), "cannot be imported there"),
        (AttributeError("no attribute 'versions'"), "cannot be imported there"),
        (MemoryError(), "its versions are unknown"),
        ({**here, "numpy": "1.0"}, "has numpy 1.0, but this process has"),
    ):
        with pytest.raises(SkcaptchaError, match=f"worker two: .*{said}"):
            check_versions("tcp://host:1", {"one": here, "two": answer})


def test_all_workers_end_and_none_replaces_them(start, fresh, job, tmp_path):
    table = tmp_path / "a.csv"
    doomed = fresh.start_worker()
    command = start(*job.arguments, "--csv", table, "--scheduler", fresh.address)
    wait_until(lambda: rows_in(table) > 0)
    doomed.kill()
    outcome = command.outcome()
    assert outcome.code == 2
    n = rows_in(table)
    said = f"check its logs; {n} images are in {table}.part, {RESUME}"
    assert outcome.err.splitlines()[-1].endswith(said)
    assert start(*job.arguments, "--csv", table, "--resume").outcome().code == 1
    assert table.read_bytes() == job.table


def test_unusable_clusters_are_refused(run, fresh, model, captchas, tmp_path):
    command = ("predict", captchas, "--model", model, "--scheduler", fresh.address)
    outcome = run(*command)
    assert outcome.code == 2
    assert f"{fresh.address}: this scheduler has no workers" in outcome.sentence()
    package = tmp_path / "other" / "skcaptcha"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('it is broken')")
    fresh.start_worker(PYTHONPATH=str(package.parent))
    outcome = run(*command)
    assert outcome.code == 2
    assert outcome.sentence().startswith("error: worker tcp://127.0.0.1:")
    assert "skcaptcha cannot be imported there" in outcome.sentence()
