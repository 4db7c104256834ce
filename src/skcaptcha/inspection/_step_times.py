"""The time that each step of a model takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sklearn.pipeline import Pipeline

from skcaptcha.base import Model, leaf_steps, pipeline_of

_N_ROUNDS = 3


class StepTime(NamedTuple):
    """Time that one step of a model takes.

    Attributes
    ----------
    name : str
        Name of the step.
    seconds : float
        Seconds per captcha.
    """

    name: str
    seconds: float


def time_steps(model: Model, X: Sequence[Any]) -> list[StepTime]:
    """Measure the time that each step of a model takes to read captchas in one batch.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model.
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.

    Returns
    -------
    times : list of StepTime
        The shortest of three rounds, for each step. Steps of nested pipelines are listed one by
        one.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.inspection import time_steps
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(20, random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> [step.name for step in time_steps(model.fit(X, y), X)]
    ['grayscale', 'binarizer', 'equalsplit', 'rawpixels', 'characterreader']
    """
    model = pipeline_of(model)
    rounds = [list(_timed(model, X)) for _ in range(_N_ROUNDS)]
    return [
        StepTime(steps[0][0], min(seconds for _, seconds in steps) / len(X))
        for steps in zip(*rounds, strict=True)
    ]


def _timed(model: Pipeline, X: Any) -> Iterator[tuple[str, float]]:
    for path, step in leaf_steps(model):
        if step is None or step == "passthrough":
            continue
        begin = time.perf_counter()
        if hasattr(step, "transform"):
            X = step.transform(X)
        else:
            step.read(X)
        yield path.rpartition(".")[2], time.perf_counter() - begin
