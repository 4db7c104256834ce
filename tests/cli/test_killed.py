"""A command can be killed at any time: results stay valid, and the next run succeeds."""

import csv
import io
import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

OLD = b"an older result"
TIMES = ("time", "second", "saved")
# Arguments of each command, and the results it replaces.
COMMANDS: dict[str, tuple[list[str], list[str]]] = {
    "fit": (
        ["fit", "{workshop}/recipe.yaml", "--set", "grid.denoise__ink__threshold=[99, 111, 127]",
         "--jobs", "1", "--out", "a.joblib", "--json", "fit.json"],
        ["a.joblib", "a.json", "a.csv", "a.html", "fit.json"],
    ),
    "fit with workers": (
        ["fit", "{workshop}/recipe.yaml", "--set", "grid.denoise__ink__threshold=[99, 111, 127]",
         "--jobs", "2", "--out", "a.joblib", "--json", "fit.json"],
        ["a.joblib", "a.json", "a.csv", "a.html", "fit.json"],
    ),
    "score": (
        ["score", "{workshop}/captchas", "--model", "{workshop}/out/model.joblib",
         "--csv", "a.csv", "--json", "a.json", "--jobs", "1"],
        ["a.csv", "a.json"],
    ),
    "generate": (["generate", "lines", "new", "-n", "400"], []),
    "cut": (["cut", "{workshop}/captchas", "new", "--model", "{workshop}/out/model.joblib"], []),
}  # fmt: skip


def content(path: Path) -> Any:
    """Return the content of a result without its times; fail if it is incomplete."""
    found = path.read_bytes()
    if found == OLD:
        return OLD
    if path.suffix == ".joblib":
        return joblib.hash(joblib.load(path))
    if path.suffix == ".json":
        return {k: v for k, v in json.loads(found).items() if not any(t in k for t in TIMES)}
    if path.suffix == ".csv":
        header, *rows = csv.reader(io.StringIO(found.decode(), newline=""))
        kept = [i for i, name in enumerate(header) if not any(t in name for t in TIMES)]
        return [[row[i] for i in kept] for row in [header, *rows]]
    if path.suffix == ".html":
        assert found.rstrip().endswith(b"</html>")
        return re.findall(rb"<h2.*?</h2>", found)  # almost everything else depends on times
    return found


def results(folder: Path) -> dict[str, Any]:
    """Return all results by name, excluding hidden files and progress."""
    return {
        str(path.relative_to(folder)): content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.suffix.startswith(".search")
    }


def running(session: int) -> str:
    ps = ["ps", "-o", "pid=,stat=,args=", "-s", str(session)]
    lines = subprocess.run(ps, check=False, capture_output=True, text=True).stdout.splitlines()
    return "\n".join(line for line in lines if not line.split()[1].startswith("Z"))


@pytest.fixture(scope="session")
def uninterrupted(
    start: Callable[..., Any], workshop: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[list[str], dict[str, Any], float]]:
    """Arguments of a command, its results, and its run time in seconds."""
    known = {}

    def measured(name: str) -> tuple[list[str], dict[str, Any], float]:
        if name not in known:
            arguments = [part.format(workshop=workshop) for part in COMMANDS[name][0]]
            folder = tmp_path_factory.mktemp("uninterrupted")
            begin = time.perf_counter()
            outcome = start(*arguments, cwd=folder).outcome()
            assert outcome.code == 0, outcome.err
            known[name] = arguments, results(folder), time.perf_counter() - begin
        return known[name]

    return measured


def moments() -> list[tuple[str, float]]:
    """Return 50 random fractions of a command's run time, the commands taking turns."""
    rng = np.random.default_rng(0)
    names = list(COMMANDS)
    return [(names[i % len(names)], round(float(rng.uniform(0.1, 1.02)), 3)) for i in range(50)]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "share"), moments())
def test_killed_at_any_moment(start, uninterrupted, tmp_path, name, share):
    arguments, expected, seconds = uninterrupted(name)
    replaced = COMMANDS[name][1]
    for result in replaced:
        (tmp_path / result).write_bytes(OLD)
    command = start(*arguments, cwd=tmp_path, start_new_session=True)
    time.sleep(share * seconds)
    command.kill()
    command.outcome()
    found = results(tmp_path)
    for result, what in found.items():
        assert what in (OLD, expected[result]) if result in replaced else what == expected[result]
    assert set(replaced) <= set(found)
    assert set(found) in (set(replaced), set(expected))
    deadline = time.monotonic() + 10
    while running(command.pid):
        assert time.monotonic() < deadline, running(command.pid)
        time.sleep(0.05)
    if (tmp_path / "new").exists():
        return
    resume = ["--resume"] if "fit" in name and share > 0.5 else []
    outcome = start(*arguments, *resume, cwd=tmp_path).outcome()
    assert outcome.code == 0, outcome.err
    assert results(tmp_path) == expected
    assert not list(tmp_path.glob("*.search*"))
