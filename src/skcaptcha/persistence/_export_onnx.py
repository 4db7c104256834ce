"""Export of the networks of a pipeline to an ONNX file, for other programming languages."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skcaptcha._files.atomic import write_atomically
from skcaptcha._files.json_text import to_json
from skcaptcha._process.versions import VERSIONS
from skcaptcha.base import Model, leaf_steps, pipeline_of
from skcaptcha.denoise import HeightScaler
from skcaptcha.exceptions import ModelError
from skcaptcha.persistence._onnx_graph import INPUT, OUTPUT, network_graph
from skcaptcha.read import ConvolutionalReader
from skcaptcha.read.convolutional._network import COLUMN_WIDTH, MARGIN

_FORMAT_VERSION = 1
_METADATA_KEY = "skcaptcha"
_PLAIN = (bool, int, float, str)

_RESIZING = (
    "Resize the image to a height of {height} pixels and a width of max(1, round(width * {height} "
    "/ height)) pixels, halves to even. If it is higher than that, average areas (INTER_AREA of "
    "OpenCV), otherwise interpolate linearly (INTER_LINEAR). Round the values to integers."
)
_DECODING = (
    "Take the label with the greatest log-probability of each column, merge equal labels of "
    "neighboring columns into one, and drop the blanks. The other labels are indices of classes."
)


def export_onnx(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the networks of a pipeline that ends in a `ConvolutionalReader` to an ONNX file.

    Programs in C++, Go, Java, JavaScript and other languages read captchas with such a file and
    ONNX Runtime, without Python. The graph maps images to log-probabilities of characters. It
    standardizes and pads the images, and averages the networks: all of them for every image, which
    ``predict`` does only where the first one is not sure. The steps before the reader are not part
    of it; the metadata lists them, and what else a program needs.

    Needs the extra ``onnx``.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model; for a search, its ``best_estimator_``.
    path : path-like
        File to write, usually with the suffix ``.onnx``. An old file is replaced.

    Raises
    ------
    ModelError
        If the reader has no networks, or the package onnx is not installed.
    NotFittedError
        If the model is not fitted.
    OutputError
        If there is no space or no permission to write the file.

    See Also
    --------
    save : Write the whole pipeline, for Python.

    Notes
    -----
    The input ``image`` has shape (n, 1, height, width) and dtype float32: n prepared images of one
    size, with values from 0 to 255 and bright ink on a dark background. The height is fixed, the
    width is not. The output ``log_probabilities`` has shape (n, n_columns, n_classes + 1) and dtype
    float32. Values differ from those of the model by rounding only.

    The metadata property ``skcaptcha`` is a JSON object:

    - ``format_version`` (1) and ``skcaptcha_version``;
    - ``preparation``: what to do with an image file, in this order: a list of objects with the
      ``step`` of the pipeline, its ``estimator``, ``parameters``, ``learned`` values, and a
      ``description``;
    - ``image_height``: height of the input;
    - ``classes``: list of the characters; ``blank``: index of the blank, the number of classes;
    - ``column_width`` and ``first_column``: the center of column t is at the horizontal position
      ``first_column + t * column_width`` of the input, in pixels;
    - ``lengths``: the number of training labels of each length;
    - ``decoding``: how the log-probabilities become a string.

    This decoding uses neither the constraints ``length``, ``charset`` and ``mask`` nor the lengths
    of the training labels: it returns what ``predict`` does with ``length="free"``, or nothing if
    the blank is the best label of all columns.

    Examples
    --------
    >>> import json
    >>> import tempfile
    >>> import onnx
    >>> import skcaptcha
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
    >>> from skcaptcha.read import ConvolutionalReader
    >>> X, y = make_line_captchas(12, charset="AB", random_state=0)
    >>> reader = ConvolutionalReader(max_iter=2, channels=(4, 4, 4, 4, 4), random_state=0)
    >>> steps = Grayscale(), PolarityNormalizer(), HeightScaler(height=24, margin=0)
    >>> model = make_pipeline(*steps, reader).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skcaptcha.export_onnx(model, f"{folder}/model.onnx")
    ...     exported = onnx.load(f"{folder}/model.onnx")
    >>> about = json.loads(exported.metadata_props[0].value)
    >>> about["image_height"], about["classes"], about["blank"]
    (24, ['A', 'B'], 2)
    """
    path, pipeline = Path(path), pipeline_of(model)
    reader = pipeline[-1]
    if not isinstance(reader, ConvolutionalReader):
        raise ModelError(
            f"{path}: nothing to export, because the reader of the model is "
            f"{type(reader).__name__}; only the networks of ConvolutionalReader can be exported"
        )
    try:
        check_is_fitted(reader)
    except NotFittedError:
        raise NotFittedError(
            f"{path}: the pipeline is not fitted; call its fit(X, y) first"
        ) from None
    if find_spec("onnx") is None:
        raise ModelError(
            "to write an ONNX file, install the extra onnx: pip install 'skcaptcha[onnx]'"
        )
    outer_margin = _outer_margin(pipeline)
    exported = network_graph(reader.networks_, reader.image_height_, [outer_margin, MARGIN])
    exported.producer_name, exported.producer_version = "skcaptcha", VERSIONS["skcaptcha"]
    about = exported.metadata_props.add()
    about.key, about.value = _METADATA_KEY, json.dumps(_metadata(pipeline, outer_margin))
    write_atomically(path, exported.SerializeToString())


def _metadata(pipeline: Pipeline, outer_margin: int) -> dict[str, Any]:
    reader = pipeline[-1]
    return {
        "format_version": _FORMAT_VERSION,
        "skcaptcha_version": VERSIONS["skcaptcha"],
        "input": INPUT,
        "output": OUTPUT,
        "preparation": list(_preparation(pipeline)),
        "image_height": reader.image_height_,
        "classes": reader.classes_.tolist(),
        "blank": len(reader.classes_),
        "column_width": COLUMN_WIDTH,
        "first_column": COLUMN_WIDTH / 2 - MARGIN - outer_margin,
        "lengths": {str(length): n for length, n in reader.lengths_.items()},
        "decoding": _DECODING,
    }


def _preparation(pipeline: Pipeline) -> Iterator[dict[str, Any]]:
    """Describe the steps before the reader, and the resizing to the height of its images."""
    steps = _steps_before_reader(pipeline)
    scaler = _last_scaler(pipeline)
    name, height = "read", pipeline[-1].image_height_
    if scaler is not None:
        name, _ = steps.pop()
    for step_name, step in steps:
        learned = {
            key: value
            for key, value in vars(step).items()
            if key.endswith("_") and not key.startswith("_") and isinstance(value, _PLAIN)
        }
        yield {
            "step": step_name,
            "estimator": type(step).__name__,
            "parameters": json.loads(to_json(step.get_params(deep=False))),
            "learned": learned,
            "description": (inspect.getdoc(type(step)) or "").partition("\n")[0],
        }
    yield {
        "step": name,
        "estimator": type(pipeline[-1] if scaler is None else scaler).__name__,
        "parameters": {},
        "learned": {"height_": height},
        "description": _RESIZING.format(height=height),
    }


def _outer_margin(pipeline: Pipeline) -> int:
    """Return the columns that `HeightScaler` adds on each side, if it is just before the reader."""
    scaler = _last_scaler(pipeline)
    return 0 if scaler is None else round(scaler.margin * scaler.height_)


def _last_scaler(pipeline: Pipeline) -> HeightScaler | None:
    """Return the step before the reader if it resizes to the height of the reader's images."""
    steps = _steps_before_reader(pipeline)
    last = steps[-1][1] if steps else None
    if type(last) is HeightScaler and last.height_ == pipeline[-1].image_height_:
        return last
    return None


def _steps_before_reader(pipeline: Pipeline) -> list[tuple[str, Any]]:
    steps = list(leaf_steps(pipeline))[:-1]
    return [(name, step) for name, step in steps if step not in (None, "passthrough")]
