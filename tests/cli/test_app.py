"""General options, exit codes and errors of the command line."""

import pytest

from skcaptcha.datasets import load_captchas


def test_version(run):
    assert run("--version").out == "skcaptcha 0.1.0\n"


def test_a_closed_pipe_is_not_an_error(start, model, captchas, tmp_path):
    source = load_captchas(captchas).data[0]
    names = []
    for i in range(600):
        names.append(tmp_path / f"{'x' * 120}{i}.png")
        names[-1].symlink_to(source)
    command = start("predict", tmp_path, "--model", model)
    assert command.stdout.readline().startswith(str(tmp_path))
    command.stdout.close()
    assert command.wait(60) == 141
    assert command.stderr.read() == ""
    command.stdin.close()
    command.stderr.close()


@pytest.mark.parametrize("arguments", [["fit"], ["nosuch"], ["generate", "lines", "a", "-n", "0"]])
def test_invalid_command_lines(run, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    outcome = run(*arguments)
    assert outcome.code == 2
    assert outcome.sentence().startswith("error: ")
    assert outcome.sentence().endswith("--help")
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(run, monkeypatch):
    quiet, debug = run("fit", "none.yaml"), run("--debug", "fit", "none.yaml")
    assert "Traceback" not in quiet.err
    assert "Traceback" in debug.err
    assert debug.err.endswith(quiet.err)
    monkeypatch.setenv("SKCAPTCHA_DEBUG", "1")
    assert "Traceback" in run("fit", "none.yaml").err
