"""Help of the commands."""

from typing import Any

import pytest
import typer

from skcaptcha.cli._app import app

GROUP: Any = typer.main.get_command(app)

COMMANDS = (
    "audit", "check-labels", "convert", "cut", "demo", "export", "fit", "generate", "label",
    "predict", "recipes", "score", "serve", "show", "update",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(run, command):
    outcome = run(command, "--help")
    assert outcome.code == 0
    assert f"Example: skcaptcha {command}" in outcome.out


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


def test_commands_are_listed_with_their_full_summary(run: Any) -> None:
    out = " ".join(run("--help").out.split())
    for name, command in GROUP.commands.items():
        sentence = " ".join(command.help.split("\n\n")[0].split())
        assert sentence.endswith(".")
        assert f"{name} {sentence}" in out
