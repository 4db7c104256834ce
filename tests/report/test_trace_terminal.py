"""Traces in a terminal fit its width and show what the figure shows."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from skcaptcha.inspection import Trace
from skcaptcha.read import Reading
from skcaptcha.report import TerminalTraces

RNG = np.random.default_rng(0)


def make_trace(width: int, height: int = 20) -> Trace:
    image = RNG.integers(0, 256, (height, width), dtype=np.uint8)
    color = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    boxes = np.array([[0, 0, width // 2, height], [width // 2, 0, width // 2, height]])
    reading = Reading("A[", 0.4, boxes, np.array([0.95, 0.42]), (("AB", 0.3),))
    crops = image[None].repeat(2, axis=0)
    return Trace("[red]a.png", [("images", color), ("gray", image)], boxes, crops, reading)


def render(trace: Trace, width: int, colors: str | None) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=colors, force_terminal=bool(colors))
    console.print(TerminalTraces([trace, trace]))
    return file.getvalue()


@pytest.mark.parametrize("colors", [None, "standard", "256", "truecolor"])
@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("of_image", [8, 120, 600])
def test_no_line_is_wider_than_the_terminal(width, of_image, colors):
    lines = Text.from_ansi(render(make_trace(of_image), width, colors)).plain.splitlines()
    assert max(map(len, lines)) <= width
    assert "gray" in " ".join(lines)


def test_text_is_not_interpreted_as_markup():
    shown = Text.from_ansi(render(make_trace(60), 120, "truecolor")).plain
    assert shown.startswith("[red]a.png: A[, confidence 40.0 %, [ 42.0 %; or AB 30.0 %\n")
    assert shown.count("boxes") == 2


def test_answers_are_shown():
    trace = make_trace(60)
    answered = replace(trace, reading=replace(trace.reading, answer="7"))
    assert ": A[, answer 7, confidence 40.0 %" in render(answered, 120, None)


@pytest.mark.parametrize("colors", [None, "truecolor"])
def test_control_characters_are_escaped(colors):
    trace = make_trace(60)
    reading = replace(trace.reading, text="\x9bB", runners_up=(("\x1b[2J", 0.3),))
    hostile = replace(trace, title="\x1b]0;title\x07\n.png", reading=reading)
    shown = render(hostile, 200, colors)
    assert not any(sequence in shown for sequence in ("\x07", "\x9b", "\x1b]", "\x1b[2J"))
    first = Text.from_ansi(shown).plain.splitlines()[0]
    assert first.startswith(r"\x1b]0;title\x07\n.png: \x9bB, confidence 40.0 %")


def test_each_character_cell_shows_two_pixels():
    trace = make_trace(8, 4)
    ansi = render(trace, 40, "truecolor")
    color = trace.stages[0][1]
    top, below = color[0, 0], color[1, 0]
    upper, lower = (";".join(map(str, pixel)) for pixel in (top, below))
    assert f"38;2;{upper};48;2;{lower}m\u2580" in ansi


def test_output_without_colors_is_ascii():
    plain = render(make_trace(60), 80, None)
    assert plain.isascii()
    assert "\x1b" not in plain
    # The characters are below the centers of their boxes.
    line = plain.splitlines()[-1]
    assert (line.index("A"), line.index("[")) == (15, 45)
