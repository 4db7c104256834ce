"""Export of a pipeline to an ONNX file, for other programming languages."""

from __future__ import annotations

import inspect
import json
import os
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
from skcaptcha.denoise import HeightScaler, ImageRouter, TextCropper, TextLineJoiner
from skcaptcha.exceptions import ModelError
from skcaptcha.features import RawPixels
from skcaptcha.persistence._onnx_characters import (
    CLASSIFIERS,
    LABELS,
    boxes_of,
    can_classify,
    can_denoise,
    character_graph,
)
from skcaptcha.persistence._onnx_graph import INPUT, LOG_PROBABILITIES, network_graph
from skcaptcha.read import CharacterReader, ConvolutionalReader, Evaluate, SequenceReader
from skcaptcha.read._base import reader_of_strings
from skcaptcha.read.convolutional._network import COLUMN_WIDTH, MARGIN
from skcaptcha.segment import FixedBoxes

_FORMAT_VERSION = 1
_METADATA_KEY = "skcaptcha"
_PLAIN = (bool, int, float, str)
# What they do depends on the image in ways that their parameters do not describe.
_NOT_DESCRIBED = (ImageRouter, TextCropper, TextLineJoiner)

_RESIZING = (
    "Resize the image to a height of {height} pixels and a width of max(1, round(width * {height} "
    "/ height)) pixels, halves to even. If it is higher than that, average areas (INTER_AREA of "
    "OpenCV), otherwise interpolate linearly (INTER_LINEAR). Round the values to integers."
)
_DECODING_OF_COLUMNS = (
    "Take the label with the greatest log-probability of each column, merge equal labels of "
    "neighboring columns into one, and drop the blanks. The other labels are indices of classes."
)
_DECODING_OF_BOXES = "The labels of an image, from left to right, are indices of classes."


def export_onnx(model: Model, path: str | os.PathLike[str]) -> dict[str, Any]:
    """Write a pipeline to an ONNX file, as far as other programs can then read like it.

    Programs in C++, Go, Java, JavaScript and other languages read captchas with such a file and
    ONNX Runtime, without Python. Two kinds of pipelines can be exported:

    - **Networks**, of a `~skcaptcha.read.ConvolutionalReader`. The graph maps prepared images to
      log-probabilities of characters. It standardizes and pads the images, and averages the
      networks: all of them for every image, which ``predict`` does only where the first one is not
      sure.
    - **Fixed boxes**: `~skcaptcha.segment.FixedBoxes`, `~skcaptcha.features.RawPixels` and a
      `~skcaptcha.read.CharacterReader`, as in the recipe ``grid``. The graph maps prepared images
      to characters. It contains the classifier, the crops, and the thresholds and smoothing before
      them, in the same arithmetic as the pipeline.

    The metadata lists the steps that are not part of the graph, and what else a program needs.
    Other segmenters, and a `~skcaptcha.read.SequenceReader`, cannot be exported: ONNX has no
    operators for connected components or for the best path through windows.

    Needs the extra ``onnx``.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model; for a search, its ``best_estimator_``. The last step may be an
        `~skcaptcha.read.Evaluate`; the graph then reads the expression, and the program computes
        its result.
    path : path-like
        File to write, usually with the suffix ``.onnx``. An old file is replaced.

    Returns
    -------
    metadata : dict
        The metadata of the file, for runtimes that do not show them.

    Raises
    ------
    ModelError
        If the pipeline cannot be exported; names the step. Also if a package of the extra is not
        installed.
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
    size, with integer values from 0 to 255. For networks, ink is bright, the height is fixed, and
    the width is not; for fixed boxes, both are those of the training images.

    The output of networks is ``log_probabilities``, of shape (n, n_columns, n_classes + 1) and
    dtype float32. Values differ from those of the model by rounding only. The output of fixed boxes
    is ``labels``, of shape (n, n_boxes) and dtype int64.

    The metadata property ``skcaptcha`` is a JSON object:

    - ``format_version`` (1) and ``skcaptcha_version``;
    - ``preparation``: what to do with an image file, in this order: a list of objects with the
      ``step`` of the pipeline, its ``estimator``, ``parameters``, ``learned`` values, and a
      ``description``;
    - ``image_height``: height of the input; for fixed boxes also ``image_width`` and ``boxes``, a
      list of x, y, width and height of each character;
    - ``classes``: list of the characters; for networks also ``blank``: index of the blank, the
      number of classes;
    - ``column_width`` and ``first_column``, for networks: the center of column t is at the
      horizontal position ``first_column + t * column_width`` of the input, in pixels;
    - ``lengths``, for networks: the number of training labels of each length;
    - ``decoding``: how the output becomes a string;
    - ``arithmetic``: whether the answer is the result of this string, as for ``"3+4=?"``.

    The decoding of networks uses neither the constraints ``length``, ``charset`` and ``mask`` nor
    the lengths of the training labels: it returns what ``predict`` does with ``length="free"``, or
    nothing if the blank is the best label of all columns.

    Classifiers are converted by skl2onnx, in single precision. Only those are accepted that then
    predict the same classes: nearest neighbors with uniform weights, support vector machines
    without probabilities, logistic regression, linear discriminants, and multilayer perceptrons,
    also behind a ``PCA`` or a ``StandardScaler``. If training characters are equally near to
    another one, which of them count is undefined, here and in scikit-learn.

    Examples
    --------
    >>> import json
    >>> import tempfile
    >>> import onnx
    >>> import skcaptcha
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.segment import FixedBoxes
    >>> X, y = make_line_captchas(30, charset="AB", random_state=0)
    >>> ink = Binarizer(method="fixed", threshold=127)
    >>> segment = FixedBoxes([[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]])
    >>> model = make_pipeline(Grayscale(), ink, segment, RawPixels(), CharacterReader())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     about = skcaptcha.export_onnx(model.fit(X, y), f"{folder}/model.onnx")
    ...     exported = onnx.load(f"{folder}/model.onnx")
    >>> about == json.loads(exported.metadata_props[0].value)
    True
    >>> about["image_height"], about["image_width"], about["classes"]
    (30, 120, ['A', 'B'])
    >>> [step["estimator"] for step in about["preparation"]]
    ['Grayscale']
    """
    path, pipeline = Path(path), pipeline_of(model)
    try:
        check_is_fitted(pipeline[-1])
    except NotFittedError:
        raise NotFittedError(
            f"{path}: the pipeline is not fitted; call its fit(X, y) first"
        ) from None
    steps = _steps_of(pipeline)
    _check_steps(path, steps)
    if not all(map(find_spec, ("onnx", "skl2onnx"))):
        raise ModelError(
            "to write an ONNX file, install the extra onnx: pip install 'skcaptcha[onnx]'"
        )
    networks = isinstance(steps[-1][1], ConvolutionalReader)
    exported, specific = (_export_networks if networks else _export_boxes)(steps)
    exported.producer_name, exported.producer_version = "skcaptcha", VERSIONS["skcaptcha"]
    metadata = {
        "format_version": _FORMAT_VERSION,
        "skcaptcha_version": VERSIONS["skcaptcha"],
        "input": INPUT,
        "classes": steps[-1][1].classes_.tolist(),
        "arithmetic": isinstance(pipeline[-1], Evaluate),
        **specific,
    }
    about = exported.metadata_props.add()
    about.key, about.value = _METADATA_KEY, json.dumps(metadata)
    write_atomically(path, exported.SerializeToString())
    return metadata


_Steps = list[tuple[str, Any]]


def _steps_of(pipeline: Pipeline) -> _Steps:
    """Return name and estimator of each step; the last one is the reader of strings."""
    *steps, (name, last) = leaf_steps(pipeline)
    used = [(name, step) for name, step in steps if step not in (None, "passthrough")]
    return [*used, (name, reader_of_strings(last))]


def _check_steps(path: Path, steps: _Steps) -> None:
    """Raise ModelError if an exported file would not read as the pipeline does."""
    *before, (_, reader) = steps
    kind = type(reader).__name__
    # A subclass may read otherwise.
    if not isinstance(reader, ConvolutionalReader) and type(reader) is not CharacterReader:
        why = "its text is the best path through windows, for which ONNX has no operators"
        why = why if isinstance(reader, SequenceReader) else "ONNX has no operators for it"
        raise ModelError(
            f"{path}: a {kind} cannot be exported, because {why}; fit the recipe convolutional, "
            "or the recipe grid if all characters have fixed positions"
        )
    for name, step in before:
        if isinstance(step, _NOT_DESCRIBED):
            raise ModelError(
                f"{path}: the step {name} ({type(step).__name__}) cannot be exported, because "
                "other programs cannot repeat it from its parameters; delete it from the recipe, "
                "and fit that"
            )
        if len(getattr(step, "marks_", ())):
            raise ModelError(
                f"{path}: the step {name} ({type(step).__name__}) cannot be exported, because "
                "other programs do not know the small marks that it keeps; remove its keep_marks "
                "from the recipe, and fit that"
            )
    if isinstance(reader, ConvolutionalReader):
        return
    last = before[-2:]
    if [type(step) for _, step in last] != [FixedBoxes, RawPixels]:
        found = " and ".join(f"{type(step).__name__} (step {name})" for name, step in last)
        raise ModelError(
            f"{path}: {found or 'the model'} cannot be exported; before a {kind}, only FixedBoxes "
            "and RawPixels can, as in the recipe grid"
        )
    if not can_classify(reader.estimator_):
        known = ", ".join(one.__name__ for one in CLASSIFIERS)
        raise ModelError(
            f"{path}: the classifier {' '.join(str(reader.estimator_).split())} cannot be exported "
            f"without changing what it reads; the classifiers {known} can, with uniform weights "
            "and without probabilities"
        )


def _export_networks(steps: _Steps) -> tuple[Any, dict[str, Any]]:
    *before, (name, reader) = steps
    height = reader.image_height_
    outer_margin, resizes = 0, reader
    if before and type(scaler := before[-1][1]) is HeightScaler and scaler.height_ == height:
        outer_margin = round(scaler.margin * height)
        *before, (name, resizes) = before
    resizing = {
        "step": name,
        "estimator": type(resizes).__name__,
        "parameters": {},
        "learned": {"height_": height},
        "description": _RESIZING.format(height=height),
    }
    exported = network_graph(reader.networks_, height, [outer_margin, MARGIN])
    return exported, {
        "output": LOG_PROBABILITIES,
        "preparation": [*map(_described, before), resizing],
        "image_height": height,
        "blank": len(reader.classes_),
        "column_width": COLUMN_WIDTH,
        "first_column": COLUMN_WIDTH / 2 - MARGIN - outer_margin,
        "lengths": {str(length): n for length, n in reader.lengths_.items()},
        "decoding": _DECODING_OF_COLUMNS,
    }


def _export_boxes(steps: _Steps) -> tuple[Any, dict[str, Any]]:
    *before, (_, segmenter), (_, features), (_, reader) = steps
    denoisers: list[Any] = []
    while before and can_denoise(before[-1][1]):
        denoisers.insert(0, before.pop()[1])
    height, width = segmenter.image_shape_.tolist()
    exported = character_graph(denoisers, segmenter, features, reader.estimator_)
    return exported, {
        "output": LABELS,
        "preparation": [*map(_described, before)],
        "image_height": height,
        "image_width": width,
        "boxes": boxes_of(segmenter),
        "decoding": _DECODING_OF_BOXES,
    }


def _described(named: tuple[str, Any]) -> dict[str, Any]:
    """Describe a step that is not part of the graph."""
    name, step = named
    learned = {
        key: value
        for key, value in vars(step).items()
        if key.endswith("_") and not key.startswith("_") and isinstance(value, _PLAIN)
    }
    return {
        "step": name,
        "estimator": type(step).__name__,
        "parameters": json.loads(to_json(step.get_params(deep=False))),
        "learned": learned,
        "description": (inspect.getdoc(type(step)) or "").partition("\n")[0],
    }
