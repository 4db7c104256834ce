"""What every step makes of an image, in a terminal."""

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
from skcaptcha.read import Reading
from skcaptcha.report._steps import Trace

_BOX_COLORS = ((255, 90, 95), (47, 181, 255))
_SHADES = " .:-=+*#%@"  # from dark to bright
_NARROWEST = 36  # columns for a picture
_ASPECT = 2  # a place in a terminal is about twice as high as it is wide
_SURE_FROM = 0.9
_WORTH_NAMING = 0.001


class TerminalStrip:
    """Traces for a terminal: give it to the ``print`` of a `rich.console.Console`.

    Where there are colors, each place shows two pixels, one above the other; else characters stand
    for shades, those with much ink for bright pixels, which is what denoised ink is.

    Parameters
    ----------
    traces : sequence of Trace

    Examples
    --------
    >>> import numpy as np
    >>> from rich.console import Console
    >>> from skcaptcha.read import Reading
    >>> from skcaptcha.report import TerminalStrip, Trace
    >>> image = np.zeros((4, 8), dtype=np.uint8)
    >>> image[1:3, 2:6] = 255
    >>> boxes = np.array([[2, 1, 4, 2]])
    >>> reading = Reading("I", 0.9, boxes, np.array([0.9]), ())
    >>> steps = Trace("a.png", [("gray", image)], boxes, image[None, 1:3, 2:6], reading)
    >>> Console(width=30, color_system=None).print(TerminalStrip([steps]))
    a.png: I, 90.0 % sure
    gray
      ++++
      ++++
        I
    """

    def __init__(self, traces: Sequence[Trace]) -> None:
        self.traces = traces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for this terminal."""
        # Sixteen colors are too few.
        colored = console.color_system in ("256", "truecolor") and not console.no_color
        # Half blocks are not in every encoding.
        colored = colored and not options.ascii_only
        for number, each in enumerate(self.traces):
            if number:
                yield Text()
            yield _headline(each)
            yield from (_colored if colored else _shaded)(each, options.max_width)


class _HalfBlocks:
    """An image whose pixels stand two by two, one above the other, in one place each."""

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        even = len(pixels) + len(pixels) % 2
        self._pixels = np.zeros((even, *pixels.shape[1:]), dtype=np.uint8)
        self._pixels[: len(pixels)] = pixels

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for upper, lower in zip(self._pixels[::2], self._pixels[1::2], strict=True):
            for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
                style = Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below))
                yield Segment("\u2580", style)
            yield Segment.line()


def _colored(each: Trace, width: int) -> Iterator[Table]:
    """Give the stages and the boxes, as many beside each other as there is room for."""
    columns = max(1, min(len(each.stages) + 1, (width + 1) // (_NARROWEST + 1)))
    own = (width + 1) // columns - 1
    drawn = [(name, _fitted(_rgb(image), own)) for name, image in each.stages]
    drawn.append(("boxes", _with_boxes(each, own)))
    for first in range(0, len(drawn), columns):
        row = drawn[first : first + columns]
        grid = Table.grid(padding=(0, 1, 0, 0))
        for _ in row:
            grid.add_column(width=own)
        grid.add_row(*(Text(name, style="dim") for name, _ in row))
        grid.add_row(*(_HalfBlocks(pixels) for _, pixels in row))
        yield grid


def _shaded(each: Trace, width: int) -> Iterator[Text]:
    """Give the stages one below the other, and below the last what was read in each box."""
    for name, image in each.stages:
        yield Text(name)
        levels = _fitted(_rgb(image), width, aspect=_ASPECT).mean(axis=2) / 256 * len(_SHADES)
        for row in levels.astype(int).tolist():
            yield Text("".join(_SHADES[k] for k in row).rstrip())
    last = each.stages[-1][1]
    scale = min(1.0, width / last.shape[1])
    line = [" "] * width
    for character, (x, _, w, _) in zip(each.reading.text, each.reading.boxes, strict=False):
        shown = character if character.isprintable() else "?"
        line[min(int((x + w / 2) * scale), width - 1)] = shown
    yield Text("".join(line).rstrip())


def _headline(each: Trace) -> Text:
    reading = each.reading
    said = printable(reading.text) or "(nothing)"
    line = Text.assemble(f"{printable(each.title)}: ", (said, "bold"), ", ")
    line.append(f"{percent_confidence(reading.confidence)} sure", _color(reading.confidence))
    if len(reading.text) == len(reading.probabilities):
        for character, probability in zip(reading.text, reading.probabilities, strict=True):
            if probability < _SURE_FROM:
                shown = f", {printable(character)} {percent_confidence(probability)}"
                line.append(shown, _color(probability))
    line.append(_remark(reading))
    return line


def _remark(reading: Reading) -> str:
    if reading.out_of_distribution:
        return "; unlike the training set"
    if reading.runners_up and reading.runners_up[0][1] >= _WORTH_NAMING:
        other, confidence = reading.runners_up[0]
        return f"; else {printable(other)} {percent_confidence(confidence)}"
    return ""


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)


def _fitted(image: NDArray[np.uint8], width: int, *, aspect: float = 1.0) -> NDArray[np.uint8]:
    """Bring an image to a width, if it is wider."""
    scale = min(1.0, width / image.shape[1])
    size = [max(1, round(image.shape[k] * scale / by)) for k, by in ((1, 1.0), (0, aspect))]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _with_boxes(each: Trace, width: int) -> NDArray[np.uint8]:
    last = each.stages[-1][1]
    pixels = _fitted(_rgb(last), width)
    down, across = np.array(pixels.shape[:2]) / last.shape[:2]
    for k, (x, y, w, h) in enumerate(each.reading.boxes.tolist()):
        corner = round(x * across), round(y * down)
        opposite = round((x + w) * across) - 1, round((y + h) * down) - 1
        # Neighbors may share an edge; colors in turn tell them apart.
        cv2.rectangle(pixels, corner, opposite, _BOX_COLORS[k % len(_BOX_COLORS)], 1)
    return pixels


def _color(probability: float) -> str:
    return "green" if probability >= _SURE_FROM else "red"
