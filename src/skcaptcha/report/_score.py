"""The report of how well a model reads labeled captchas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skcaptcha.base import Model, pipeline_of
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.inspection._attempts import attempts_of
from skcaptcha.read import Reading
from skcaptcha.report._advice import after_score, result
from skcaptcha.report._page import Page, Section
from skcaptcha.report._parts import figures
from skcaptcha.report._sections import (
    about,
    accuracies,
    failures_section,
    model_section,
    next_steps,
    steps_section,
    times_section,
    trust_section,
)


def score_report(
    model: Model,
    X: Sequence[Any],
    y: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    results: Sequence[Reading | SkcaptchaError] | None = None,
    title: str = "How well captchas are read",
    data: str = "",
    model_file: str = "",
) -> Page:
    """Report how well a model reads labeled captchas that it was not fitted to.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted.
    X : sequence of n captchas
        What its ``predict`` takes, n at least 1.
    y : sequence of n str
        Their labels.
    names : sequence of n str, optional
        What to call them, such as the names of their files; by default their numbers.
    results : sequence of n Reading or SkcaptchaError, optional
        What was read in each, or why it was not; by default they are read now.
    title : str, default="How well captchas are read"
    data : str, default=""
        Folder of the captchas, which the report names.
    model_file : str, default=""
        File of the model, which the report names.

    Returns
    -------
    page : Page
        Shows in a notebook; ``save`` writes it.

    Raises
    ------
    SkcaptchaError
        If there is nothing to report, a label is no string, or, without `results`, a captcha cannot
        be read.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.report import score_report
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(60, random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> page = score_report(model.fit(X[:40], y[:40]), X[40:], y[40:])
    >>> [section.heading for section in page.sections]
    ['Result', 'Failures', 'What each step does', 'Confidence', 'Time', 'Model']
    """
    model = pipeline_of(model)
    if len(y) == 0:
        raise SkcaptchaError("there is nothing to report: no captcha was given")
    attempts = attempts_of(model, X, y, names=names, results=results)
    whence = f"the {len(attempts)} captchas"
    measured_on = f"the captchas of {data}" if data else "these captchas"
    summary = [
        result(
            attempts, f"{measured_on}; if the model was fitted to them, this says little of others"
        ),
        figures(accuracies(attempts)),
        next_steps(after_score(attempts, data=data, model_file=model_file)),
    ]
    sections = [
        Section("Result", summary),
        failures_section(attempts, whence),
        steps_section(attempts, whence),
        trust_section(attempts),
        times_section(model, attempts),
        model_section(model),
    ]
    return Page(title, about(len(attempts), data=data, model_file=model_file), sections)
