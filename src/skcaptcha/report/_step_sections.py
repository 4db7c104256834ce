"""The sections on the steps of a model: their output, their times, and their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from sklearn.pipeline import Pipeline

from skcaptcha._display.percent import percent
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.inspection import LabeledPrediction, time_steps, trace
from skcaptcha.inspection._pipeline_steps import step_parameters
from skcaptcha.read import Reading
from skcaptcha.report._blocks import Bars, Block, Strip, Table
from skcaptcha.report._page import Section

_N_SHOWN = 10
_MAX_TIMED = 100
_TIME_PRECISION = 1000  # fractions of time are not measured more precisely than 1 in 1,000


def steps_section(predictions: Sequence[LabeledPrediction], source: str) -> Section:
    """Return a section with the stages of ten captchas; `source` names all of them."""
    read = [p for p in predictions if isinstance(p.result, Reading)]
    indices = np.linspace(0, len(read) - 1, min(_N_SHOWN, len(read))).round().astype(int)
    strips = []
    for prediction in (read[k] for k in indices):
        with suppress(SkcaptchaError):
            traced = trace(prediction.model, prediction.source, title=prediction.name)
            strips.append(Strip(traced, prediction.label))
    shown = f"{len(strips)} examples from {source}, with the text that was read and its confidence."
    return Section("What each step does", [shown, *strips])


def times_section(model: Pipeline, predictions: Sequence[LabeledPrediction]) -> Section:
    """Return a section with the time that each step takes to read the captchas."""
    X = [p.source for p in predictions if isinstance(p.result, Reading)][:_MAX_TIMED]
    if not X:
        return Section("Time", ["No captcha could be read."])
    times = time_steps(model, X)
    total = sum(step.seconds for step in times)
    slowest = max(times, key=lambda step: step.seconds)

    def share(seconds: float) -> str:
        return percent(seconds / total, _TIME_PRECISION)

    bars = Bars(
        [
            (name, seconds / slowest.seconds, f"{1e3 * seconds:.3g} ms, {share(seconds)}", False)
            for name, seconds in times
        ],
        f"Time of each step: {slowest.name} takes {share(slowest.seconds)}.",
        f"Time to read one captcha, measured in batches of {len(X)} on this machine: "
        f"{1e3 * total:.3g} milliseconds in total, or {1 / total:,.0f} captchas per second.",
    )
    return Section("Time", [bars])


def model_section(model: Pipeline) -> Section:
    """Return a section with the steps of a model and their parameters."""
    blocks: list[Block] = [Table(["step", "parameters"], step_parameters(model))]
    if (classes := getattr(model[-1], "classes_", None)) is not None:
        blocks.insert(0, f"The model reads {len(classes)} characters: {''.join(classes)}")
    return Section("Model", blocks)
