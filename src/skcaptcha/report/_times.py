"""How long each step of a model takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup
from sklearn.pipeline import Pipeline

from skcaptcha._display.percent import percent
from skcaptcha.base import Model, pipeline_of
from skcaptcha.report._plots import bars

_ROUNDS = 3
_THOUSAND = 1000  # shares of time are measured no better than to a thousandth


class StepTime(NamedTuple):
    """How long a step takes.

    Attributes
    ----------
    name : str
    seconds : float
        For each captcha, in a batch.
    """

    name: str
    seconds: float


def time_steps(model: Model, X: Sequence[Any]) -> list[StepTime]:
    """Measure how long each step of a model takes to read captchas in one batch.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted.
    X : sequence of n captchas

    Returns
    -------
    times : list of StepTime
        The least of three rounds.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.report import time_steps
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(20, random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> [step.name for step in time_steps(model.fit(X, y), X)]
    ['grayscale', 'binarizer', 'equalsplit', 'rawpixels', 'characterreader']
    """
    model = pipeline_of(model)
    rounds = [list(_timed(model, X)) for _ in range(_ROUNDS)]
    return [
        StepTime(steps[0][0], min(seconds for _, seconds in steps) / len(X))
        for steps in zip(*rounds, strict=True)
    ]


def _timed(model: Pipeline, X: Any) -> Iterator[tuple[str, float]]:
    for name, step in _leaves(model):
        begin = time.perf_counter()
        if hasattr(step, "transform"):
            X = step.transform(X)
        else:
            step.read(X)
        yield name, time.perf_counter() - begin


def _leaves(model: Pipeline) -> Iterator[tuple[str, Any]]:
    for name, step in model.steps:
        if isinstance(step, Pipeline):
            yield from _leaves(step)
        elif step is not None and step != "passthrough":
            yield name, step


def times_chart(times: Sequence[StepTime], n: int) -> Markup:
    """Show how long each step takes.

    Parameters
    ----------
    times : sequence of StepTime
    n : int
        On so many captchas they were measured.

    Returns
    -------
    html : Markup
    """
    total = sum(step.seconds for step in times)
    slowest = max(times, key=lambda step: step.seconds)
    return bars(
        [step.name for step in times],
        [step.seconds / slowest.seconds for step in times],
        [
            f"{1e3 * step.seconds:.3g} ms, {percent(step.seconds / total, _THOUSAND)}"
            for step in times
        ],
        description="Time for each step: "
        f"{slowest.name} takes {percent(slowest.seconds / total, _THOUSAND)}.",
        caption=f"Time to read one captcha, measured in batches of {n} on this machine: "
        f"{1e3 * total:.3g} milliseconds in all, which is {1 / total:,.0f} captchas per second.",
    )
