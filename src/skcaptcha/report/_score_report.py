"""The report on a model's accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skcaptcha.base import Model, pipeline_of
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.inspection import predict_labeled
from skcaptcha.read import Reading
from skcaptcha.report._confidence_section import confidence_section
from skcaptcha.report._errors_section import errors_section
from skcaptcha.report._page import Page, Section
from skcaptcha.report._result_section import measured, next_after_score, next_steps
from skcaptcha.report._step_sections import model_section, steps_section, times_section


def score_report(
    model: Model,
    X: Sequence[Any],
    y: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    results: Sequence[Reading | SkcaptchaError] | None = None,
    title: str = "Accuracy of the model",
    data: str = "",
    model_file: str = "",
) -> Page:
    """Report the accuracy of a model on labeled captchas, its errors, confidences and speed.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model. Its training captchas should not be among `X`.
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays; n is at least 1.
    y : sequence of n str
        Labels of the captchas.
    names : sequence of n str, optional
        Names of the captchas, such as their file names. By default they are numbered from 1.
    results : sequence of n (Reading or SkcaptchaError), optional
        Predictions that were made before. By default, the captchas are read now.
    title : str, default="Accuracy of the model"
        Title of the page.
    data : str, default=""
        Folder of the captchas, which the report mentions.
    model_file : str, default=""
        File of the model, which the report mentions.

    Returns
    -------
    page : Page
        Notebooks display it; its method ``save`` writes it to a file.

    Raises
    ------
    SkcaptchaError
        If there are no captchas, if a label is not a string, or if a captcha cannot be read and
        `results` is not given.

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
    ['Result', 'Errors', 'What each step does', 'Confidence', 'Time', 'Model']
    """
    model = pipeline_of(model)
    if len(y) == 0:
        raise SkcaptchaError("there are no captchas to report on; pass at least one")
    predictions = predict_labeled(model, X, y, names=names, results=results)
    source = f"the {len(predictions)} captchas"
    where = f"the captchas in {data}" if data else "these captchas"
    caveat = "accuracy on new captchas is lower if the model was fitted to some of them"
    steps = next_after_score(predictions, data=data, model_file=model_file)
    sections = [
        Section("Result", [*measured(predictions, f"{where}; {caveat}"), *next_steps(steps)]),
        errors_section(predictions, source),
        steps_section(predictions, source),
        confidence_section(predictions),
        times_section(model, predictions),
        model_section(model),
    ]
    return Page(title, subtitle(len(predictions), data=data, model_file=model_file), sections)


def subtitle(n: int, *, data: str, model_file: str) -> str:
    """Return a line with the number of captchas, their folder, and the file of the model."""
    captchas = f"{n} captchas from {data}" if data else f"{n} captchas"
    return f"Data: {captchas}." + (f" Model: {model_file}." if model_file else "")
