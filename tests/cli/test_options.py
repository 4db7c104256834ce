"""Options: each wrong value is refused in one sentence, and the help describes valid ones."""

import os
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
import typer

from skcaptcha.cli import main
from skcaptcha.cli._app import app
from skcaptcha.datasets import load_captchas

GROUP: Any = typer.main.get_command(app)
ARGUMENTS = {
    "fit": ["in"],
    "generate": ["lines", "new"],
    "cut": ["in", "new"],
    "show": ["model.joblib"],
}
JOBS = ["0", "-2000", "2000", "2.5", "two"]
SECONDS = ["0", "0.5", "-1", "nan", "inf", "1e9", "soon"]
FILES = [""]
WRONG = {
    "--jobs": JOBS,
    "--budget": SECONDS,
    "--port": ["-1", "65536", "http"],
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
    "--model": ["nosuch", "", "in"],
    "--recipe": ["nosuch", "", "in"],
    "--csv": FILES,
    "--parquet": FILES,
    "--report": FILES,
    "--json": FILES,
    "--out": FILES,
}


def options() -> Iterator[tuple[str, str]]:
    """Yield each option with a value, and its command."""
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
def test_wrong_values_are_refused(run: Any, inputs: Path, command: str, option: str) -> None:
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


def test_negative_numbers_of_jobs_count_from_the_cores(
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


@pytest.mark.parametrize("command", ["", *GROUP.commands])
def test_help_contains_no_python_types(
    run: Any, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = run(*command.split(), "--help").out
    for raw in ("list[", "<path>", "<int", "<str", ">=", "[required]", "[default: (", "{"):
        assert raw not in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("command", GROUP.commands)
def test_the_usage_marks_optional_arguments(run: Any, command: str) -> None:
    usage = run(command, "--help").out.partition("\n\n")[0]
    assert usage.startswith(f"Usage: skcaptcha {command} [OPTIONS]")
    arguments = [p for p in GROUP.commands[command].params if p.param_type_name == "argument"]
    assert usage.count("[") == 1 + sum(not argument.required for argument in arguments)


def test_commands_are_listed_with_their_whole_first_sentence(run: Any) -> None:
    out = " ".join(run("--help").out.split())
    for name, command in GROUP.commands.items():
        sentence = " ".join(command.help.split("\n\n")[0].split())
        assert sentence.endswith(".")
        assert f"{name} {sentence}" in out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("skcaptcha ch", "check-labels"),
        ("skcaptcha fit --form", "--format"),
        ("skcaptcha generate l", "lines"),
    ],
)
def test_the_shell_completes(words: str, expected: str) -> None:
    asked = {
        "_SKCAPTCHA_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    command = [sys.executable, "-m", "skcaptcha"]
    done = subprocess.run(command, env=asked, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [expected], done.stderr


class Terminal:
    """Run commands in a terminal of some encoding."""

    def __init__(self, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.encoding = encoding
        self._monkeypatch = monkeypatch

    def run(self, *arguments: object) -> tuple[int, str, str]:
        """Return the exit code and the output of both streams."""
        streams = [TextIOWrapper(BytesIO(), encoding=self.encoding) for _ in range(2)]
        with self._monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["skcaptcha", *map(str, arguments)])
            patched.setattr(sys, "stdout", streams[0])
            patched.setattr(sys, "stderr", streams[1])
            with pytest.raises(SystemExit) as ended:
                main()
        return int(ended.value.code or 0), *map(self._shown, streams)

    def escaped(self, text: str) -> str:
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def _shown(self, stream: TextIOWrapper) -> str:
        stream.flush()
        return stream.buffer.getvalue().decode(self.encoding, "surrogateescape")


@pytest.fixture(params=["cp1252", "ascii", "utf-8"])
def terminal(request, monkeypatch) -> Terminal:
    return Terminal(request.param, monkeypatch)


def test_terminals_of_every_encoding(terminal, captchas, model, tmp_path) -> None:
    """Characters that an encoding lacks are escaped; files are UTF-8."""
    name, label = "é→1.png", "Ж→é"
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / name).symlink_to(load_captchas(captchas).data[0])
    (folder / "labels.csv").write_text(f"filename,label\n{name},{label}\n", encoding="utf-8")
    table, report = tmp_path / "a.csv", tmp_path / "a.json"

    code, out, _ = terminal.run("predict", folder, "--model", model)
    assert code == 0
    assert out.startswith(terminal.escaped(f"{folder / name}\t"))
    code, out, _ = terminal.run("show", model, folder / name)
    assert code == 0
    assert out.startswith(terminal.escaped(f"{name}: "))
    code, out, err = terminal.run(
        "score", folder, "--model", model, "--csv", table, "--json", report
    )
    assert code == 0
    assert terminal.escaped("Ж") in out
    assert terminal.escaped("→") in err
    assert f"{name},{label}," in table.read_text(encoding="utf-8")
    assert "Ж" in report.read_text(encoding="utf-8")
    code, _, err = terminal.run("predict", folder / "→.png", "--model", model)
    assert code == 1
    assert terminal.escaped("→.png: ") in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_that_is_not_text_is_passed_on(terminal, captchas, model, tmp_path) -> None:
    name = tmp_path / "a\udcff.png"
    name.symlink_to(load_captchas(captchas).data[0])
    code, out, _ = terminal.run("predict", name, "--model", model)
    assert code == 0
    encoding, errors = terminal.encoding, "surrogateescape"
    assert out.startswith(f"{name}\t".encode(encoding, errors).decode(encoding, errors))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locale")
def test_names_in_a_locale_without_letters(start, captchas, model, tmp_path) -> None:
    """Names in labels.csv are found even if the system treats names as ASCII."""
    (tmp_path / "é→1.png").symlink_to(load_captchas(captchas).data[0])
    text = "filename,label\né→1.png,Ж→é\n"
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command = ("score", tmp_path, "--model", model, "--csv", tmp_path / "a.csv")
    outcome = start(*command, env=os.environ | ascii_only).outcome()
    assert outcome.code == 0, outcome.err
    assert r"\u0416" in outcome.out
    assert "é→1.png,Ж→é," in (tmp_path / "a.csv").read_text(encoding="utf-8")
