"""The output of every step of a model as a figure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from skcaptcha._display.percent import percent, percent_confidence
from skcaptcha.inspection import Trace
from skcaptcha.report._reading_text import BOX_COLORS, CONFIDENT_FROM, answer_text, remark
from skcaptcha.segments import Segments

_CELL_WIDTH = 2.1  # inches
_MARGIN_HEIGHT = 0.55  # inches, for the title above and the text below
_DPI = 150
_GRAY = "#555555"
_HUNDRED = 100  # there is no space for decimals below a crop


class _ShownFigure(Figure):
    """A figure that notebooks display, even if pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def draw_traces(traces: Sequence[Trace]) -> Figure:
    """Draw one row for each trace: its stages, boxes and crops, and the text that was read.

    Parameters
    ----------
    traces : sequence of Trace
        At least one trace, from `~skcaptcha.inspection.trace`.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Notebooks display it; its method ``savefig`` writes it to a file.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.inspection import Trace
    >>> from skcaptcha.read import Reading
    >>> from skcaptcha.report import draw_traces
    >>> image = np.zeros((30, 120), dtype=np.uint8)
    >>> boxes = np.array([[0, 0, 60, 30]])
    >>> reading = Reading("A", 0.9, boxes, np.array([0.9]), ())
    >>> crops = np.zeros((1, 30, 60), dtype=np.uint8)
    >>> figure = draw_traces([Trace("a.png", [("gray", image)], boxes, crops, reading)])
    >>> len(figure.axes)
    4
    """
    n_columns = max(len(trace.stages) for trace in traces) + 3
    heights = list(map(_row_height, traces))
    figure = _ShownFigure(
        figsize=(n_columns * _CELL_WIDTH, sum(heights)), dpi=_DPI, facecolor="white"
    )
    figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.06)
    grid = figure.subplots(
        len(traces), n_columns, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for trace, row in zip(traces, grid, strict=True):
        for axes, (name, image) in zip(row, trace.stages, strict=False):
            _draw_image(axes, image, name)
        row[0].set_title(trace.title, fontsize=8, fontweight="bold", parse_math=False)
        _draw_boxes(row[-3], trace)
        _draw_crops(row[-2], trace)
        _draw_text(row[-1], trace)
    return figure


def _row_height(trace: Trace) -> float:
    tallest = max(image.shape[0] / image.shape[1] for _, image in trace.stages)
    return _CELL_WIDTH * min(tallest, 1.0) + _MARGIN_HEIGHT


def _draw_image(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=8, color=_GRAY, parse_math=False)


def _draw_boxes(axes: Axes, trace: Trace) -> None:
    _draw_image(axes, trace.stages[-1][1], "boxes")
    for k, (x, y, w, h) in enumerate(trace.reading.boxes):
        color = BOX_COLORS[k % len(BOX_COLORS)]
        axes.add_patch(
            Rectangle((x - 0.5, y - 0.5), w, h, fill=False, edgecolor=color, linewidth=1.2)
        )


def _draw_crops(axes: Axes, trace: Trace) -> None:
    crops, reading = _read_crops(trace), trace.reading
    if not len(crops):
        return
    _, height, width = crops.shape
    step = width + max(1, width // 6)
    strip = np.full((height, step * len(crops) - (step - width)), 255, dtype=np.uint8)
    for k, crop in enumerate(crops):
        strip[:, k * step : k * step + width] = crop
    _draw_image(axes, strip, "segments")
    if len(reading.text) != len(crops):
        return
    for k, (character, probability) in enumerate(
        zip(reading.text, reading.probabilities, strict=True)
    ):
        axes.text(
            k * step + (width - 1) / 2,
            height,
            f"{character}\n{percent(probability, _HUNDRED)}",
            ha="center",
            va="top",
            fontsize=7,
            color=_color(probability),
            parse_math=False,
        )


def _read_crops(trace: Trace) -> NDArray[np.uint8]:
    """Return the crops of the characters that were read, which may be only some of the segments."""
    boxes = trace.reading.boxes
    if not len(boxes) or np.array_equal(boxes, trace.boxes):
        return trace.crops
    _, _, width, height = boxes.max(axis=0).tolist()
    image = trace.stages[-1][1]
    return Segments(boxes, [0, len(boxes)], images=[image]).crops((height, width))


def _draw_text(axes: Axes, trace: Trace) -> None:
    reading = trace.reading
    style: dict[str, Any] = {"ha": "center", "va": "center", "parse_math": False}
    bold: dict[str, Any] = {"fontsize": 15, "fontweight": "bold", "family": "monospace"}
    confidence = f"confidence {percent_confidence(reading.confidence)}"
    axes.text(0.5, 0.62, reading.text or "(nothing)", **bold, **style)
    axes.text(0.5, 0.45, answer_text(reading), fontsize=8, **style)
    axes.text(0.5, 0.28, confidence, fontsize=8, color=_color(reading.confidence), **style)
    axes.text(0.5, 0.06, remark(reading), fontsize=8, color=_GRAY, **style)


def _color(probability: float) -> str:
    return "#1a7f37" if probability >= CONFIDENT_FROM else "#c9302c"
