"""Reports of ``fit`` and ``score``, and the drawings of ``show``."""

import json
import os
import shutil
import sys

import pytest

from skcaptcha.datasets import load_captchas


def test_fit_writes_a_report_next_to_the_model(workshop):
    report = json.loads((workshop / "fit.json").read_text())
    assert [name.rpartition(".")[2] for name in report["files"]] == [
        "joblib",
        "json",
        "csv",
        "html",
    ]
    page = (workshop / "out" / "model.html").read_text("utf-8")
    assert "<h1>How model.joblib was fitted</h1>" in page
    assert "20 held-out captchas" in page
    assert "segment__margin" in page


def test_a_failed_report_does_not_fail_the_fit(run, workshop, captchas, tmp_path, monkeypatch):
    import skcaptcha.report._fit_report as fit_module

    def fail(*_: object) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr(fit_module, "steps_section", fail)
    out = tmp_path / "m.joblib"
    outcome = run(
        "fit", workshop / "recipe.yaml", "--data", captchas, "--out", out, "--jobs", 1,
        "--json", tmp_path / "m-fit.json",
    )  # fmt: skip
    assert outcome.code == 0
    assert "the model is written, but not its report" in outcome.err
    assert "no room" in outcome.err
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"m.joblib", "m.json", "m.csv", "m-fit.json"}
    assert "m.html" not in outcome.out
    assert len(json.loads((tmp_path / "m-fit.json").read_text())["files"]) == 3
    assert run("show", out).code == 0


def test_score_writes_a_report(run, model, captchas, tmp_path):
    folder = tmp_path / "captchas"
    shutil.copytree(captchas, folder)
    name = "<b>.png"
    (folder / name).write_bytes(b"no image")
    with (folder / "labels.csv").open("a") as stream:
        stream.write(f"{name},<i>\n")
    page, figures = tmp_path / "score.html", tmp_path / "score.json"
    outcome = run("score", folder, "--model", model, "--report", page, "--json", figures)
    assert outcome.code == 1
    assert f"{page}: report written" in outcome.err
    n = json.loads(figures.read_text())["n"]
    html = page.read_text("utf-8")
    assert f"{n} captchas from {folder}" in html
    assert "&lt;i&gt;" in html
    assert "<i>" not in html
    assert "it is not a PNG" in html


def test_score_checks_the_path_of_its_report_before_the_work(run, model, captchas, tmp_path):
    page = tmp_path / "score.html"
    page.mkdir()
    outcome = run("score", captchas, "--model", model, "--report", page)
    assert outcome.code == 2
    assert "is a folder" in outcome.sentence()


def test_show_draws_in_the_terminal(run, model, captchas, texts, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    image = load_captchas(captchas).data[0]
    outcome = run("show", model, image, "none.png")
    assert outcome.code == 1
    assert texts[0] in outcome.out.splitlines()[0]
    assert "binarize" in outcome.out
    assert outcome.out.isascii()
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_show_cannot_draw_to_a_file_without_an_image(run, model, tmp_path):
    outcome = run("show", model, "--out", tmp_path / "steps.png")
    assert outcome.code == 2
    assert "pass one or more images" in outcome.sentence()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_show_uses_the_colors_of_a_terminal(model, captchas):
    import fcntl
    import pty
    import struct
    import termios

    image = load_captchas(captchas).data[0]
    command = [sys.executable, "-m", "skcaptcha", "show", str(model), image]
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    said = b""
    try:
        while some := os.read(terminal, 65536):
            said += some
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    assert os.waitpid(child, 0)[1] == 0
    assert said.count("\u2580".encode()) > 80 * 5
    assert b"boxes" in said
