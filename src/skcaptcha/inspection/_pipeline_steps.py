"""The steps of a pipeline, including those of nested pipelines."""

from __future__ import annotations

from sklearn.pipeline import Pipeline

from skcaptcha.base import leaf_steps
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.read._base import reads_images
from skcaptcha.segment import BaseSegmenter


def step_parameters(model: Pipeline) -> list[tuple[str, str]]:
    """Return name and parameters of each step, with those of nested pipelines, as text."""
    return [(name, " ".join(repr(step).split())) for name, step in leaf_steps(model)]


def n_image_steps(model: Pipeline) -> int:
    """Return the number of steps before the segmenter, or before a reader of images.

    Their output are images. Raise SkcaptchaError if the model has neither.
    """
    for index, (_, step) in enumerate(model.steps):
        if isinstance(step, BaseSegmenter):
            return index
    if reads_images(model[-1]):
        return len(model) - 1
    raise SkcaptchaError("the model has no segmenter among its steps, so it cannot be traced")
