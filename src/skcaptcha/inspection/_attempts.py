"""Captchas that a model was not fitted to, and what it made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from skcaptcha.base import Model, as_texts, pipeline_of
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.read import Reading, read_captchas

LABEL_IN_DOUBT_FROM = 0.95
"""Where a model that is wrong was as sure as this, the label may be wrong instead."""


@dataclass(frozen=True)
class Attempt:
    """One labeled captcha, and what was read in it.

    Attributes
    ----------
    name : str
        What the captcha is called.
    source : path, bytes, PIL image or ndarray
    label : str
    result : Reading or SkcaptchaError
        What was read, or why nothing was.
    model : Pipeline
        What read it.
    """

    name: str
    source: Any
    label: str
    result: Reading | SkcaptchaError
    model: Pipeline

    @property
    def text(self) -> str:
        """What was read; empty if nothing was."""
        return self.result.text if isinstance(self.result, Reading) else ""

    @property
    def confidence(self) -> float:
        """How sure the model is; 0 if nothing was read."""
        return self.result.confidence if isinstance(self.result, Reading) else 0.0

    @property
    def is_right(self) -> bool:
        """Whether the text is the label."""
        return isinstance(self.result, Reading) and self.text == self.label


def attempts_of(
    model: Model,
    X: Sequence[Any],
    y: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    results: Sequence[Reading | SkcaptchaError] | None = None,
) -> list[Attempt]:
    """Bring together what belongs to each captcha.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted to other captchas.
    X : sequence of n captchas
    y : sequence of n str
        Their labels.
    names : sequence of n str, optional
        By default their numbers, from 1.
    results : sequence of n Reading or SkcaptchaError, optional
        By default they are read now.

    Returns
    -------
    attempts : list of n Attempt

    Raises
    ------
    SkcaptchaError
        If a label is no string, or, without `results`, if a captcha cannot be read.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.report import attempts_of
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(30, charset="AB", random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> attempt = attempts_of(model.fit(X[:20], y[:20]), X[20:], y[20:])[0]
    >>> attempt.name, attempt.label == y[20]
    ('captcha 1', True)
    """
    labels = as_texts(y)
    model = pipeline_of(model)
    if results is None:
        results = read_captchas(model, X)
    names = default_names(len(labels)) if names is None else names
    return [
        Attempt(str(name), source, str(label), result, model)
        for name, source, label, result in zip(names, X, labels, results, strict=True)
    ]


def default_names(n: int) -> list[str]:
    """Call captchas by their numbers.

    Parameters
    ----------
    n : int

    Returns
    -------
    names : list of n str
    """
    return [f"captcha {k}" for k in range(1, n + 1)]
