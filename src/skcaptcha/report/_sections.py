"""The parts that reports of a model share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from sklearn.pipeline import Pipeline

from skcaptcha._display.percent import percent_with_interval
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.inspection._attempts import Attempt
from skcaptcha.metrics import character_accuracy, string_accuracy, wilson_interval
from skcaptcha.read import Reading
from skcaptcha.report._confidence import coverage_chart, reliability_chart
from skcaptcha.report._confusions import confusion_chart
from skcaptcha.report._filmstrip import failures, filmstrip
from skcaptcha.report._page import Section
from skcaptcha.report._parts import bullets, details, table
from skcaptcha.report._steps import Trace, trace
from skcaptcha.report._times import time_steps, times_chart

_SHOWN = 10
_TIMED = 100

HOW_CAUSES_ARE_TOLD = (
    "Segmentation: there are more or fewer boxes than characters, or the misread characters are "
    "not in their boxes. To find where they are, a sequence reader is made to read the label, and "
    "a character that is then a third of the distance between characters away from its box is "
    "outside it. For other readers, the boxes are moved and stretched until they read the "
    "characters of the label, and a fifth of their width is outside. Classification: the boxes "
    "fit, but a character was mistaken for another one. What denoising removed shows in the "
    "pictures and may count as either. These are probable causes, not proofs."
)


def accuracies(attempts: Sequence[Attempt]) -> Iterator[tuple[str, str]]:
    """Give what there is to say of a result beside its string accuracy.

    Parameters
    ----------
    attempts : sequence of Attempt

    Yields
    ------
    name, value : str
    """
    labels, texts = [a.label for a in attempts], [a.text for a in attempts]
    n = len(attempts)
    if n_failed := sum(not isinstance(a.result, Reading) for a in attempts):
        yield "could not be read", f"{n_failed}, counted as wrong"
    exact = sum(a.is_right for a in attempts) / n
    folded = string_accuracy(labels, texts, ignore_case=True)
    if folded > exact:
        yield "captchas read right, ignoring case", _with_interval(folded, n)
    if n_characters := sum(map(len, labels)):
        share = character_accuracy(labels, texts)
        yield "characters read right", _with_interval(share, n_characters)
    unlike = sum(
        isinstance(a.result, Reading) and a.result.out_of_distribution is True for a in attempts
    )
    if unlike:
        yield "unlike the training set", f"{unlike}; their confidence is lowered"


def about(n: int, *, data: str, model_file: str) -> str:
    """Say what a report is about, in one line.

    Parameters
    ----------
    n : int
        Number of captchas.
    data, model_file : str
        Empty if not known.

    Returns
    -------
    text : str
    """
    captchas = f"{n} captchas of {data}" if data else f"{n} captchas"
    return f"Data: {captchas}." + (f" Model: {model_file}." if model_file else "")


def next_steps(steps: Iterable[str]) -> Markup:
    """Show what to do next.

    Parameters
    ----------
    steps : iterable of (str or Markup)

    Returns
    -------
    html : Markup
    """
    return Markup("<h3>What to do next</h3>\n{}").format(bullets(steps))


def steps_section(attempts: Sequence[Attempt], whence: str) -> Section:
    """Show what each step does to ten captchas.

    Parameters
    ----------
    attempts : sequence of Attempt
    whence : str
        Which captchas they are.

    Returns
    -------
    section : Section
    """
    read = [attempt for attempt in attempts if isinstance(attempt.result, Reading)]
    places = np.linspace(0, len(read) - 1, min(_SHOWN, len(read))).round().astype(int)
    shown = [(made, a.label) for k in places if (made := _trace_of(a := read[k]))]
    traces, labels = [made for made, _ in shown], [label for _, label in shown]
    said = f"{len(traces)} of {whence}, with the text that was read and its confidence."
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
    parts = [summary, details("How causes are found", HOW_CAUSES_ARE_TOLD), html]
    matrix = confusion_chart(attempts)
    return Section("Failures", [*parts, *([] if matrix is None else [matrix])])


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
        parts.insert(0, f"It can read {len(classes)} characters: {''.join(classes)}")
    return Section("Model", parts)


def _trace_of(attempt: Attempt) -> Trace | None:
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
    return percent_with_interval(share, wilson_interval(round(share * n), n), n)
