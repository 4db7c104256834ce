"""Invalid option values are refused in one sentence; the help describes valid values."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from skcaptcha.cli._app import app

GROUP: Any = typer.main.get_command(app)
ARGUMENTS = {
    "convert": ["in", "--to", "tsv"],
    "fit": ["in"],
    "generate": ["lines", "new"],
    "cut": ["in", "new"],
    "serve": ["model.joblib"],
    "show": ["model.joblib"],
}
JOBS = ["0", "-2000", "2000", "2.5", "two"]
SECONDS = ["0", "0.5", "-1", "nan", "inf", "1e9", "soon"]
COUNTS = ["0", "-1", str(2**31 + 1), "many"]
FILES = [""]
WRONG = {
    "--jobs": JOBS,
    "--budget": SECONDS,
    "--port": ["-1", "65536", "http"],
    "--host": ["no-such-host.invalid", ""],
    "--token": ["ä", ""],
    "--max-images": COUNTS,
    "--max-bytes": COUNTS,
    "--max-total-bytes": ["0", "-1", str(2**40 + 1), "many"],
    "--max-queued": COUNTS,
    "--batch-size": COUNTS,
    "--batch-wait": ["-0.1", "1.1", "nan", "long"],
    "--workers": ["0", "-1", "257", "all"],
    "--timeout": ["0", "0.05", "nan", "3601", "long"],
    "--seed": ["-1", str(2**32), "1.5"],
    "--n": ["0", "-3", "10000000", "many"],
    "--length": ["0", "-1", "1001", "4.5"],
    "--min-confidence": ["-0.1", "1.1", "nan", "high"],
    "--format": ["pickle", ""],
    "--subset": ["0..3", "5", "9..3", "a..b", "1..99", ""],
    "--charset": [""],
    "--scheduler": ["host", "http://host:8786", ""],
    "--set": ["search.cv", "search.cv=one", "nosuch=1", ""],
    "--data": ["nosuch", "", "model.joblib"],
    "--labels": ["nosuch", "", "in", "model.joblib"],
    "--unlabelled": ["nosuch", ""],
    "--pseudo-labels": FILES,
    "--watch": FILES,
    "--to": ["xml", ""],
    "--model": ["nosuch", "", "in"],
    "--recipe": ["nosuch", "", "in"],
    "--csv": FILES,
    "--parquet": FILES,
    "--report": FILES,
    "--json": FILES,
    "--out": FILES,
}


def options() -> Iterator[tuple[str, str]]:
    """Yield each command with each of its options that take a value."""
    for name, command in GROUP.commands.items():
        for option in command.params:
            if option.param_type_name == "option" and not option.is_flag:
                yield name, max(option.opts, key=len)


@pytest.fixture
def inputs(
    workshop: Path, model: Path, captchas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Change to a folder with captchas, a model and a recipe."""
    (tmp_path / "in").symlink_to(captchas)
    (tmp_path / "model.joblib").symlink_to(model)
    (tmp_path / "recipe.yaml").symlink_to(workshop / "recipe.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("command", "option"), list(options()))
def test_invalid_values_are_refused(run: Any, inputs: Path, command: str, option: str) -> None:
    arguments = ARGUMENTS.get(command, ["in"])
    if option in {"--set", "--data"}:
        arguments = ["recipe.yaml"]
    before = sorted(inputs.iterdir())
    for wrong in WRONG[option]:
        outcome = run(command, *arguments, option, wrong)
        assert (outcome.code, outcome.out) == (2, ""), wrong
        assert outcome.sentence().startswith("error: "), wrong
        assert sorted(inputs.iterdir()) == before, wrong
        joined = run(command, *arguments, f"{option}={wrong}")
        assert (joined.code, joined.err) == (2, outcome.err), wrong


def test_negative_n_jobs_count_from_the_number_of_cores(
    run: Any, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 4)
    for jobs in ("-1", "-2", "-4"):
        said = run("score", "in", "--jobs", jobs, "--model", "nosuch").sentence()
        assert said.startswith("error: nosuch: no such model")
    for jobs in ("-5", "-1000"):
        outcome = run("score", "in", "--jobs", jobs)
        assert outcome.code == 2
        assert "but there are only 4 cores; use -1 for one process per core" in outcome.sentence()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("skcaptcha ch", "check-labels"),
        ("skcaptcha fit --form", "--format"),
        ("skcaptcha generate l", "lines"),
    ],
)
def test_shell_completion(words: str, expected: str) -> None:
    asked = {
        "_SKCAPTCHA_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-m", "skcaptcha"]
    done = subprocess.run(command, env=asked, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [expected], done.stderr
