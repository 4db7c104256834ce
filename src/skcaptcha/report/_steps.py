"""What every step of a pipeline makes of an image, as a picture."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha._display.percent import percent, percent_confidence
from skcaptcha.base import Model, pipeline_of
from skcaptcha.denoise import ImageRouter
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.features import BaseFeatures
from skcaptcha.images import ImageDecoder
from skcaptcha.read import Reading, read_captchas
from skcaptcha.segment import BaseSegmenter
from skcaptcha.segments import Segments

Image = NDArray[np.uint8]

_CELL_WIDTH = 2.1  # inches
_MARGIN_HEIGHT = 0.55  # for the title above and the captions below
_DPI = 150
_BOX_COLORS = ("#ff5a5f", "#2fb5ff")
_SURE, _UNSURE = "#1a7f37", "#c9302c"
_SURE_FROM = 0.9
_WORTH_NAMING = 0.001
_HUNDRED = 100  # there is no room for decimals below a crop


@dataclass(frozen=True)
class Trace:
    """What each step of a pipeline made of one image.

    Attributes
    ----------
    title : str
        What the image is called.
    stages : list of (str, ndarray of uint8) tuples
        The decoded image and what each denoising step left of it, with the step's name. The
        decoded image is shown in its colors, also if the pipeline decodes it to gray.
    boxes : ndarray of shape (k, 4)
        ``x, y, w, h`` of each segment, in pixels of the last stage.
    crops : ndarray of shape (k, h, w), dtype uint8
    reading : Reading
    """

    title: str
    stages: list[tuple[str, Image]]
    boxes: NDArray[np.intp]
    crops: Image
    reading: Reading


def trace(model: Model, source: Any, *, title: str = "image") -> Trace:
    """Follow one image through a fitted pipeline.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted.
    source : path, bytes, PIL image or ndarray
        What the pipeline takes.
    title : str, default="image"
        What to call it.

    Returns
    -------
    trace : Trace

    Raises
    ------
    SkcaptchaError
        If the image cannot be read, or no step of the pipeline is a segmenter.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.images import ImageDecoder
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.report import trace
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(20, random_state=0)
    >>> model = make_pipeline(
    ...     ImageDecoder(), Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> steps = trace(model.fit(X, y), X[0])
    >>> [name for name, _ in steps.stages], len(steps.boxes)
    (['imagedecoder', 'grayscale', 'binarizer'], 4)
    """
    model = pipeline_of(model)
    at = segmenter_of(model)
    stages: list[tuple[str, Any]] = [("", source)]
    for name, step in model.steps[:at]:
        stages.extend(_stages(name, step, stages[-1][1]))
    segments = model[at].transform([stages[-1][1]])
    features = model.steps[at + 1][1] if at + 1 < len(model) else None
    crops = features.crops(segments) if isinstance(features, BaseFeatures) else segments.crops()
    reading = read_captchas(model, [source])[0]
    if isinstance(model[0], ImageDecoder) and model[0].gray:
        in_color = clone(model[0]).set_params(gray=False)
        stages[1] = stages[1][0], in_color.transform([source])[0]
    return Trace(title, stages[1:], segments.boxes, crops, reading)


class _ShownFigure(Figure):
    """A figure that shows itself in a notebook, also where pyplot was never imported."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def draw_traces(traces: Sequence[Trace]) -> Figure:
    """Draw one row for each image: its stages, the boxes and crops that were read, and the text.

    Parameters
    ----------
    traces : sequence of Trace
        At least one.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Shows itself in a notebook; ``figure.savefig`` saves it.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.read import Reading
    >>> from skcaptcha.report import Trace, draw_traces
    >>> image = np.zeros((30, 120), dtype=np.uint8)
    >>> boxes = np.array([[0, 0, 60, 30]])
    >>> reading = Reading("A", 0.9, boxes, np.array([0.9]), ())
    >>> crops = np.zeros((1, 30, 60), dtype=np.uint8)
    >>> figure = draw_traces([Trace("a.png", [("gray", image)], boxes, crops, reading)])
    >>> len(figure.axes)
    4
    """
    n_columns = max(len(each.stages) for each in traces) + 3
    heights = [_row_height(each) for each in traces]
    figure = _ShownFigure(
        figsize=(n_columns * _CELL_WIDTH, sum(heights)),
        dpi=_DPI,
        facecolor="white",
    )
    figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.06)
    grid = figure.subplots(
        len(traces), n_columns, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for each, row in zip(traces, grid, strict=True):
        for axes, (name, image) in zip(row, each.stages, strict=False):
            _draw_image(axes, image, name)
        row[0].set_title(each.title, fontsize=8, fontweight="bold", parse_math=False)
        boxes, crops, text = row[-3:]
        _draw_boxes(boxes, each)
        _draw_crops(crops, each)
        _draw_text(text, each.reading)
    return figure


def segmenter_of(model: Pipeline) -> int:
    """Find the step that cuts.

    Parameters
    ----------
    model : Pipeline

    Returns
    -------
    index : int
        Of the first segmenter among the steps.

    Raises
    ------
    SkcaptchaError
        If there is none.
    """
    for index, (_, step) in enumerate(model.steps):
        if isinstance(step, BaseSegmenter):
            return index
    raise SkcaptchaError("the pipeline has no segmenter among its steps, so it cannot be drawn")


def _stages(name: str, step: Any, image: Any) -> Iterator[tuple[str, Image]]:
    """Yield what each step inside a step leaves of the image."""
    if isinstance(step, Pipeline):
        for inner_name, inner in step.steps:
            stages = list(_stages(inner_name, inner, image))
            yield from stages
            image = stages[-1][1] if stages else image
    elif isinstance(step, ImageRouter):
        branch_name, branch = step.branches_[step._branch_of([image])[0]]
        if isinstance(branch, Pipeline):
            for inner_name, stage in _stages(branch_name, branch, image):
                yield f"{branch_name}: {inner_name}", stage
        else:
            yield f"{name}: {branch_name}", step.transform([image])[0]
    elif step is not None and step != "passthrough":
        yield name, step.transform([image])[0]


def _row_height(each: Trace) -> float:
    tallest = max(image.shape[0] / image.shape[1] for _, image in each.stages)
    return _CELL_WIDTH * min(tallest, 1.0) + _MARGIN_HEIGHT


def _draw_image(axes: Axes, image: Image, title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=8, color="#555555", parse_math=False)


def _draw_boxes(axes: Axes, each: Trace) -> None:
    _draw_image(axes, each.stages[-1][1], "boxes")
    for k, (x, y, w, h) in enumerate(each.reading.boxes):
        # Neighbors may share an edge; colors in turn tell them apart.
        color = _BOX_COLORS[k % len(_BOX_COLORS)]
        axes.add_patch(
            Rectangle((x - 0.5, y - 0.5), w, h, fill=False, edgecolor=color, linewidth=1.2)
        )


def _draw_crops(axes: Axes, each: Trace) -> None:
    crops = _read_crops(each)
    if not len(crops):
        return
    _, height, width = crops.shape
    step = width + max(1, width // 6)
    strip = np.full((height, step * len(crops) - (step - width)), 255, dtype=np.uint8)
    for k, crop in enumerate(crops):
        strip[:, k * step : k * step + width] = crop
    _draw_image(axes, strip, "segments")
    if len(each.reading.text) != len(crops):
        return
    for k, (character, probability) in enumerate(
        zip(each.reading.text, each.reading.probabilities, strict=True)
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


def _read_crops(each: Trace) -> Image:
    """Give the crops that were read; of windows, these are few, and wider or narrower."""
    boxes = each.reading.boxes
    if not len(boxes) or np.array_equal(boxes, each.boxes):
        return each.crops
    _, _, width, height = boxes.max(axis=0).tolist()
    image = each.stages[-1][1]
    return Segments(boxes, [0, len(boxes)], images=[image]).crops((height, width))


def _draw_text(axes: Axes, reading: Reading) -> None:
    axes.text(
        0.5,
        0.62,
        reading.text or "(nothing)",
        ha="center",
        va="center",
        fontsize=15,
        fontweight="bold",
        family="monospace",
        parse_math=False,
    )
    lines = [f"{percent_confidence(reading.confidence)} sure"]
    if reading.out_of_distribution:
        lines.append("unlike the training set")
    elif reading.runners_up and reading.runners_up[0][1] >= _WORTH_NAMING:
        other, confidence = reading.runners_up[0]
        lines.append(f"else {other} {percent_confidence(confidence)}")
    for y, line, color in zip(
        (0.28, 0.06), lines, (_color(reading.confidence), "#555555"), strict=False
    ):
        axes.text(0.5, y, line, ha="center", va="center", fontsize=8, color=color, parse_math=False)


def _color(probability: float) -> str:
    return _SURE if probability >= _SURE_FROM else _UNSURE
