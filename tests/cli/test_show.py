"""``show`` describes a model and draws its steps."""

import os
import sys

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.images import decode


def test_show_describes_a_model(run, model):
    outcome = run("show", model)
    assert outcome.code == 0
    lines = [line.split() for line in outcome.out.splitlines()]
    # The accuracy, the training captchas and the recipe come first.
    assert [line[:2] for line in lines[:2]] == [["string", "accuracy"]] * 2
    assert lines[2][:4] == ["trained", "on", "100", "captchas"]
    assert "recipe.yaml" in outcome.out
    for part in ("denoise.binarize", "FixedBoxes", "CharacterReader()"):
        assert part in outcome.out
    assert "sha256" not in outcome.out
    assert outcome.err.endswith("--all\n")
    assert len(lines) <= 24


def test_show_prints_the_whole_manifest_with_all(run, model):
    outcome = run("show", model, "--all")
    assert outcome.code == 0
    for part in ("payload_sha256", "versions.numpy", "held_out.character_accuracy", "FixedBoxes"):
        assert part in outcome.out
    assert not outcome.err


def test_show_draws_valid_images(run, model, captchas, tmp_path):
    picture = tmp_path / "steps.png"
    images = load_captchas(captchas).data[:2]
    outcome = run("show", model, *images, tmp_path / "none.png", "--out", picture)
    assert outcome.code == 1
    assert "none.png: no such file" in outcome.err
    height, width, _ = decode(picture).shape
    assert width > 4 * height > 0


def test_show_draws_a_file_with_any_name(run, model, captchas, tmp_path):
    image = tmp_path / os.fsdecode(b"\xff.png")
    image.symlink_to(load_captchas(captchas).data[0])
    outcome = run("show", model, image, "--out", tmp_path / "steps.png")
    assert outcome.code == 0, outcome.err
    assert decode(tmp_path / "steps.png").any()


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
def test_show_uses_colors_in_a_terminal(model, captchas):
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
