"""The Dockerfile matches the command, which no test can build a container for."""

import json
import re
from pathlib import Path

import pytest
import typer

from skcaptcha.cli._app import app

ROOT = Path(__file__).parents[2]
LINES = [
    line
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]


def last(instruction: str) -> str:
    return [line for line in LINES if line.split()[0] == instruction][-1].partition(" ")[2]


def test_the_entry_point_is_a_valid_command():
    program, command, *arguments = json.loads(last("ENTRYPOINT"))
    assert (program, command) == ("skcaptcha", "serve")
    group = typer.main.get_command(app)
    serve = group.commands["serve"]
    with serve.make_context("serve", [*arguments, *json.loads(last("CMD"))]) as context:
        assert context.params["host"] == "0.0.0.0"
        assert context.params["port"] == int(last("EXPOSE"))
        assert context.params["models"] == ["model.skops"]


def test_the_service_runs_as_another_user_without_a_home():
    user = last("USER")
    assert re.search(rf"useradd .*--no-create-home .*\b{user}$", "\n".join(LINES), re.MULTILINE)


def test_the_health_check_asks_the_service(client):
    _, option, code = json.loads(last("HEALTHCHECK").partition("CMD")[2])
    assert option == "-c"
    code = code.replace("127.0.0.1:" + last("EXPOSE"), client.host)
    exec(code)
    with pytest.raises(OSError, match=r"HTTP Error 404|refused"):
        exec(code.replace("healthz", "nowhere"))
    with pytest.raises(OSError, match="refused"):
        exec(code.replace(client.host, "127.0.0.1:1"))


def test_what_is_copied_is_not_ignored():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = {
        name
        for line in LINES
        if line.startswith("COPY ") and "--from" not in line
        for name in line.split()[1:-1]
    }
    assert copied == kept
    assert all((ROOT / name).exists() for name in kept)
