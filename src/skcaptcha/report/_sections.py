"""The parts that reports of a model share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from skcaptcha.errors import SkcaptchaError
from skcaptcha.metrics import character_accuracy, string_accuracy, wilson_interval
from skcaptcha.read import Reading
from skcaptcha.report._attempts import Attempt
from skcaptcha.report._confidence import coverage_chart, reliability_chart
from skcaptcha.report._confusions import confusion_chart
from skcaptcha.report._filmstrip import failures, filmstrip
from skcaptcha.report._page import Section
from skcaptcha.report._parts import table
from skcaptcha.report._steps import Trace, trace
from skcaptcha.report._times import time_steps, times_chart

_SHOWN = 10
_TIMED = 100

HOW_CAUSES_ARE_TOLD = (
    "Probably by segmentation: there are more or fewer boxes than characters, or the misread "
    "characters stand elsewhere. Where they stand is found out with the label: a reader of "
    "sequences is made to read it, and its places are compared, a third of the distance of "
    "characters being much; of other readers, the boxes are moved and stretched until the label's "
    "characters are read, a fifth of the width being much. Otherwise by classification: "
    "the boxes fit, but a character was taken for another. What the denoising took away is to be "
    "seen in the pictures, and counts as either. These are likely causes, no proofs."
)


def accuracies(attempts: Sequence[Attempt]) -> Iterator[tuple[str, str]]:
    """Give the shares that were read right, with their intervals.

    Parameters
    ----------
    attempts : sequence of Attempt

    Yields
    ------
    name, value : str
    """
    labels, texts = [a.label for a in attempts], [a.text for a in attempts]
    n = len(attempts)
    yield "captchas", str(n)
    if n_failed := sum(not isinstance(a.result, Reading) for a in attempts):
        yield "could not be read", f"{n_failed}, counted as wrong"
    exact = sum(a.is_right for a in attempts) / n
    yield "string accuracy", _with_interval(exact, n)
    folded = string_accuracy(labels, texts, ignore_case=True)
    if folded > exact:
        yield "ignoring case", _with_interval(folded, n)
    if n_characters := sum(map(len, labels)):
        share = character_accuracy(labels, texts)
        yield "character accuracy", _with_interval(share, n_characters)
    unlike = sum(
        isinstance(a.result, Reading) and a.result.out_of_distribution is True for a in attempts
    )
    if unlike:
        yield "unlike the training set", f"{unlike}, of which the confidence is lowered"


def steps_section(attempts: Sequence[Attempt], whence: str) -> Section:
    """Show what each step does to some captchas.

    Parameters
    ----------
    attempts : sequence of Attempt
    whence : str
        Which captchas they are.

    Returns
    -------
    section : Section
    """
    places = np.linspace(0, len(attempts) - 1, min(_SHOWN, len(attempts))).round().astype(int)
    shown = [(made, a.label) for k in places if (made := _trace_of(a := attempts[k]))]
    traces, labels = [made for made, _ in shown], [label for _, label in shown]
    said = f"{len(traces)} of {whence}, with what was read and how sure the model is of it."
    return Section("What each step does", [said, filmstrip(traces, labels)])


def trust_section(attempts: Sequence[Attempt]) -> Section:
    """Show whether confidences can be trusted, and what may be gained by them.

    Parameters
    ----------
    attempts : sequence of Attempt

    Returns
    -------
    section : Section
    """
    return Section("Confidence", [reliability_chart(attempts), coverage_chart(attempts)])


def failures_section(attempts: Sequence[Attempt], whence: str) -> Section:
    """Show what was read wrong, and why.

    Parameters
    ----------
    attempts : sequence of Attempt
    whence : str
        Which captchas they are.

    Returns
    -------
    section : Section
    """
    if all(attempt.is_right for attempt in attempts):
        return Section("Failures", [f"None: every one of {whence} was read right."])
    summary, html = failures(attempts)
    parts = [f"Read wrong, of {whence}: {summary}", HOW_CAUSES_ARE_TOLD]
    matrix = confusion_chart(attempts)
    return Section("Failures", [*parts, *([] if matrix is None else [matrix]), html])


def times_section(model: Pipeline, attempts: Sequence[Attempt]) -> Section:
    """Show how long each step takes to read.

    Parameters
    ----------
    model : Pipeline
    attempts : sequence of Attempt

    Returns
    -------
    section : Section
    """
    sources = [a.source for a in attempts if isinstance(a.result, Reading)][:_TIMED]
    if not sources:
        return Section("Time", ["No captcha could be read."])
    return Section("Time", [times_chart(time_steps(model, sources), len(sources))])


def model_section(model: Pipeline) -> Section:
    """Say what a model consists of.

    Parameters
    ----------
    model : Pipeline

    Returns
    -------
    section : Section
    """
    rows = [[name, " ".join(repr(step).split())] for name, step in _named(model)]
    parts: list[str] = [table(["step", "what it is"], rows)]
    if (classes := getattr(model[-1], "classes_", None)) is not None:
        parts.insert(0, f"It knows {len(classes)} characters: {''.join(classes)}")
    return Section("Model", parts)


def _trace_of(attempt: Attempt) -> Trace | None:
    if not isinstance(attempt.result, Reading):
        return None
    try:
        return trace(attempt.model, attempt.source, title=attempt.name)
    except SkcaptchaError:
        return None


def _named(model: Pipeline, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, step in model.steps:
        if isinstance(step, Pipeline):
            yield from _named(step, f"{path}{name}.")
        else:
            yield f"{path}{name}", step


def _with_interval(share: float, n: int) -> str:
    low, high = wilson_interval(round(share * n), n)
    return f"{_percent(share)} (95 % interval {_percent(low)} to {_percent(high)})"


def _percent(share: float) -> str:
    # 100 is said only of all.
    return f"{100 * (min(share, 0.9999) if share < 1 else share):.2f} %"
