"""The output of every step of a model in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from skcaptcha._display.percent import percent_confidence
from skcaptcha._display.printable import printable
from skcaptcha.inspection import Trace
from skcaptcha.report._reading_text import (
    BOX_COLORS,
    CONFIDENT_FROM,
    answer_text,
    remark,
    uncertain_characters,
)

_SHADES = " .:-=+*#%@"  # from dark to bright
_MIN_COLUMNS = 36  # for one picture
_ASPECT = 2  # a character cell is about twice as high as it is wide


class TerminalTraces:
    """Traces as a renderable for `rich.console.Console.print`.

    In a terminal with colors, each character cell shows two pixels, one above the other. Otherwise
    characters represent shades; those with more ink are brighter, like denoised ink.

    Parameters
    ----------
    traces : sequence of Trace
        Traces from `~skcaptcha.inspection.trace`.

    Examples
    --------
    >>> import numpy as np
    >>> from rich.console import Console
    >>> from skcaptcha.inspection import Trace
    >>> from skcaptcha.read import Reading
    >>> from skcaptcha.report import TerminalTraces
    >>> image = np.zeros((4, 8), dtype=np.uint8)
    >>> image[1:3, 2:6] = 255
    >>> boxes = np.array([[2, 1, 4, 2]])
    >>> reading = Reading("I", 0.9, boxes, np.array([0.9]), ())
    >>> steps = Trace("a.png", [("gray", image)], boxes, image[None, 1:3, 2:6], reading)
    >>> Console(width=40, color_system=None).print(TerminalTraces([steps]))
    a.png: I, confidence 90.0 %
    gray
      ++++
      ++++
        I
    """

    def __init__(self, traces: Sequence[Trace]) -> None:
        self.traces = traces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for this terminal."""
        # Sixteen colors are too few, and some encodings lack half blocks.
        has_colors = console.color_system in ("256", "truecolor") and not console.no_color
        draw = _colored if has_colors and not options.ascii_only else _shaded
        for number, trace in enumerate(self.traces):
            if number:
                yield Text()
            yield _headline(trace)
            yield from draw(trace, options.max_width)


class _HalfBlocks:
    """An image with two pixels in each character cell, one above the other."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = np.pad(pixels, ((0, len(pixels) % 2), (0, 0), (0, 0)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for upper, lower in zip(self._pixels[::2], self._pixels[1::2], strict=True):
            for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
                style = Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below))
                yield Segment("\u2580", style)
            yield Segment.line()


def _colored(trace: Trace, width: int) -> Iterator[Table]:
    """Yield rows of stages, and of the boxes, as many side by side as fit."""
    columns = max(1, min(len(trace.stages) + 1, (width + 1) // (_MIN_COLUMNS + 1)))
    own = (width + 1) // columns - 1
    drawn = [(name, _resized(image, own)) for name, image in trace.stages]
    drawn.append(("boxes", _with_boxes(trace, own)))
    for first in range(0, len(drawn), columns):
        row = drawn[first : first + columns]
        grid = Table.grid(padding=(0, 1, 0, 0))
        for _ in row:
            grid.add_column(width=own)
        grid.add_row(*(Text(name, style="dim") for name, _ in row))
        grid.add_row(*(_HalfBlocks(pixels) for _, pixels in row))
        yield grid


def _shaded(trace: Trace, width: int) -> Iterator[Text]:
    """Yield the stages one below the other, and the characters that were read below the last."""
    for name, image in trace.stages:
        yield Text(name)
        levels = _resized(image, width, aspect=_ASPECT).mean(axis=2) / 256 * len(_SHADES)
        for row in levels.astype(int).tolist():
            yield Text("".join(_SHADES[k] for k in row).rstrip())
    scale = min(1.0, width / trace.stages[-1][1].shape[1])
    line = [" "] * width
    for character, (x, _, w, _) in zip(trace.reading.text, trace.reading.boxes, strict=False):
        shown = character if character.isprintable() else "?"
        line[min(int((x + w / 2) * scale), width - 1)] = shown
    yield Text("".join(line).rstrip())


def _headline(trace: Trace) -> Text:
    reading = trace.reading
    text = printable(reading.text) or "(nothing)"
    line = Text.assemble(f"{printable(trace.title)}: ", (text, "bold"), ", ")
    if answer := answer_text(reading):
        line.append(f"{answer}, ")
    line.append(f"confidence {percent_confidence(reading.confidence)}", _color(reading.confidence))
    if len(reading.text) == len(reading.probabilities):
        for character, probability in uncertain_characters(reading):
            line.append(f", {character}", _color(probability))
    if more := remark(reading):
        line.append(f"; {more}")
    return line


def _resized(image: NDArray[np.uint8], width: int, *, aspect: float = 1.0) -> NDArray[np.uint8]:
    """Return an image as RGB, shrunk to a width if it is wider."""
    rgb = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
    scale = min(1.0, width / image.shape[1])
    size = [max(1, round(image.shape[k] * scale / by)) for k, by in ((1, 1.0), (0, aspect))]
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _with_boxes(trace: Trace, width: int) -> NDArray[np.uint8]:
    last = trace.stages[-1][1]
    pixels = _resized(last, width)
    down, across = np.array(pixels.shape[:2]) / last.shape[:2]
    for k, (x, y, w, h) in enumerate(trace.reading.boxes.tolist()):
        corner = round(x * across), round(y * down)
        opposite = round((x + w) * across) - 1, round((y + h) * down) - 1
        color = Color.parse(BOX_COLORS[k % len(BOX_COLORS)]).get_truecolor()
        cv2.rectangle(pixels, corner, opposite, color, 1)
    return pixels


def _color(probability: float) -> str:
    return "green" if probability >= CONFIDENT_FROM else "red"
