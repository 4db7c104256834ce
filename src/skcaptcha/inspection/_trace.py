"""The output of every step of a model for one image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha.base import Model, pipeline_of
from skcaptcha.denoise import ImageRouter
from skcaptcha.features import BaseFeatures
from skcaptcha.images import ImageDecoder
from skcaptcha.inspection._pipeline_steps import n_image_steps
from skcaptcha.read import Reading, read_captchas
from skcaptcha.segments import Segments

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Trace:
    """Output of each step of a model for one image.

    Attributes
    ----------
    title : str
        Title of the image, such as its file name.
    stages : list of (str, ndarray of shape (h, w) or (h, w, 3), dtype uint8) tuples
        Name and output of the decoder and of each denoising step. The decoded image is shown in
        color, even if the model decodes it to gray.
    boxes : ndarray of shape (k, 4)
        ``x, y, w, h`` of each segment, in pixels of the last stage. A model without a segmenter
        reads images: these are then the boxes of the characters.
    crops : ndarray of shape (k, h, w), dtype uint8
        Crops of the segments, or of the characters.
    reading : Reading
        The prediction.
    """

    title: str
    stages: list[tuple[str, Image]]
    boxes: NDArray[np.intp]
    crops: Image
    reading: Reading


def trace(model: Model, source: Any, *, title: str = "image") -> Trace:
    """Run a fitted model on one image and keep the output of each step.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model.
    source : path, bytes, PIL image or ndarray
        The image.
    title : str, default="image"
        Title of the image, such as its file name.

    Returns
    -------
    trace : Trace
        `~skcaptcha.report.draw_traces` draws it.

    Raises
    ------
    SkcaptchaError
        If the image cannot be read, or if the model has no segmenter among its steps although its
        reader reads segments.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.images import ImageDecoder
    >>> from skcaptcha.inspection import trace
    >>> from skcaptcha.read import CharacterReader
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
    at = n_image_steps(model)
    stages: list[tuple[str, Any]] = [("", source)]
    for name, step in model.steps[:at]:
        stages.extend(_stages(name, step, stages[-1][1]))
    image = stages[-1][1]
    reading = read_captchas(model, [source])[0]
    if at + 1 < len(model):
        segments = model[at].transform([image])
    else:
        segments = Segments.from_lists([image], [reading.boxes])
    features = model.steps[at + 1][1] if at + 1 < len(model) else None
    crops = features.crops(segments) if isinstance(features, BaseFeatures) else segments.crops()
    if isinstance(model[0], ImageDecoder) and model[0].gray:
        in_color = clone(model[0]).set_params(gray=False)
        stages[1] = stages[1][0], in_color.transform([source])[0]
    return Trace(title, stages[1:], segments.boxes, crops, reading)


def _stages(name: str, step: Any, image: Any) -> Iterator[tuple[str, Image]]:
    """Yield name and output of a step, or of each step nested in it."""
    if isinstance(step, Pipeline):
        for inner_name, inner in step.steps:
            stages = list(_stages(inner_name, inner, image))
            yield from stages
            image = stages[-1][1] if stages else image
    elif isinstance(step, ImageRouter):
        branch_name, branch = step.branches_[step.branch_indices([image])[0]]
        if isinstance(branch, Pipeline):
            for inner_name, stage in _stages(branch_name, branch, image):
                yield f"{branch_name}: {inner_name}", stage
        else:
            yield f"{name}: {branch_name}", step.transform([image])[0]
    elif step is not None and step != "passthrough":
        yield name, step.transform([image])[0]
