"""The steps of a pipeline, including those of nested pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.pipeline import Pipeline

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.segment import BaseSegmenter


def leaf_steps(model: Pipeline, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield name and estimator of each step; steps of a nested pipeline are named "outer.inner"."""
    for name, step in model.steps:
        if isinstance(step, Pipeline):
            yield from leaf_steps(step, f"{path}{name}.")
        else:
            yield f"{path}{name}", step


def step_parameters(model: Pipeline) -> list[tuple[str, str]]:
    """Return name and parameters of each step, with those of nested pipelines, as text."""
    return [(name, " ".join(repr(step).split())) for name, step in leaf_steps(model)]


def segmenter_index(model: Pipeline) -> int:
    """Return the index of the first segmenter among the steps; raise SkcaptchaError without one."""
    for index, (_, step) in enumerate(model.steps):
        if isinstance(step, BaseSegmenter):
            return index
    raise SkcaptchaError("the model has no segmenter among its steps, so it cannot be traced")
