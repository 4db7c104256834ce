"""Labeled captchas together with a model's predictions for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from skcaptcha.base import Model, as_texts, pipeline_of
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.read import Reading, read_captchas
from skcaptcha.read._base import in_case_of
from skcaptcha.read._evaluate import text_to_compare

_DOUBTFUL_FROM = 0.95


@dataclass(frozen=True)
class LabeledPrediction:
    """A labeled captcha and a model's prediction for it.

    Attributes
    ----------
    name : str
        Name of the captcha, such as its file name.
    source : path, bytes, PIL image or ndarray
        The captcha.
    label : str
        Its label.
    result : Reading or SkcaptchaError
        The prediction, or the error that prevented one.
    model : Pipeline
        The model that made the prediction.
    """

    name: str
    source: Any
    label: str
    result: Reading | SkcaptchaError
    model: Pipeline

    @property
    def text(self) -> str:
        """The predicted text; empty if the captcha could not be read.

        It is the answer of an `Evaluate` if the label is one.
        """
        if not isinstance(self.result, Reading):
            return ""
        return text_to_compare(self.result, self.label)

    @property
    def confidence(self) -> float:
        """The model's confidence, in 0..1; 0 if the captcha could not be read."""
        return self.result.confidence if isinstance(self.result, Reading) else 0.0

    @property
    def is_correct(self) -> bool:
        """Whether the predicted text equals the label."""
        return isinstance(self.result, Reading) and self.text == self.label

    @property
    def label_is_doubtful(self) -> bool:
        """Whether the model is at least 95 % confident of a text that is not the label."""
        return not self.is_correct and self.confidence >= _DOUBTFUL_FROM


def predict_labeled(
    model: Model,
    X: Sequence[Any],
    y: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    results: Sequence[Reading | SkcaptchaError] | None = None,
) -> list[LabeledPrediction]:
    """Predict labeled captchas, and keep each prediction together with its captcha and label.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model. Its training captchas should not be among `X`.
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Labels of the captchas. If the reader has ``fold_case=True``, they are folded to its case.
    names : sequence of n str, optional
        Names of the captchas. By default they are numbered from 1.
    results : sequence of n (Reading or SkcaptchaError), optional
        Predictions that were made before. By default, the captchas are read now.

    Returns
    -------
    predictions : list of n LabeledPrediction

    Raises
    ------
    SkcaptchaError
        If a label is not a string, or if a captcha cannot be read and `results` is not given.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.features import RawPixels
    >>> from skcaptcha.inspection import predict_labeled
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.segment import EqualSplit
    >>> X, y = make_line_captchas(30, charset="AB", random_state=0)
    >>> model = make_pipeline(
    ...     Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), CharacterReader()
    ... )
    >>> prediction = predict_labeled(model.fit(X[:20], y[:20]), X[20:], y[20:])[0]
    >>> prediction.name, prediction.label == y[20]
    ('captcha 1', True)
    """
    model = pipeline_of(model)
    labels = in_case_of(model[-1], as_texts(y))
    if results is None:
        results = read_captchas(model, X)
    names = default_names(len(labels)) if names is None else names
    return [
        LabeledPrediction(str(name), source, str(label), result, model)
        for name, source, label, result in zip(names, X, labels, results, strict=True)
    ]


def default_names(n: int) -> list[str]:
    """Return names for n captchas: their numbers, from 1."""
    return [f"captcha {k}" for k in range(1, n + 1)]
