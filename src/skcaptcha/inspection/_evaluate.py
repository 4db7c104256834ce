"""Metrics of a model on labeled captchas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skcaptcha.base import Model, as_texts, pipeline_of
from skcaptcha.exceptions import DatasetError, SkcaptchaError
from skcaptcha.images._process_each import process_each
from skcaptcha.metrics import (
    character_accuracy,
    confusions,
    coverage_accuracy_curve,
    string_accuracy,
    wilson_interval,
)
from skcaptcha.read import Reading, read_captchas
from skcaptcha.read._base import in_case_of
from skcaptcha.read._evaluate import text_to_compare

_COVERAGES = (1.0, 0.99, 0.95, 0.9, 0.8, 0.5)


def evaluate(model: Model, X: Sequence[Any], y: ArrayLike) -> dict[str, Any]:
    """Evaluate a model on labeled captchas, as the command ``score`` does.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted model; its last step is a reader.
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : array-like of n str
        Labels of the captchas. If the reader is an `Evaluate`, labels that are numbers are
        compared with its answers, and others with the strings that it reads.
        Case is ignored if the reader has ``fold_case=True``.

    Returns
    -------
    metrics : dict
        See `summarize`. A captcha that cannot be read counts as wrong.

    Raises
    ------
    DatasetError
        If there are no captchas, or if `X` and `y` differ in length.
    ReadingError
        If a label is not a string.

    Examples
    --------
    >>> from skcaptcha import evaluate
    >>> from skcaptcha.datasets import make_line_captchas
    >>> from skcaptcha.features import HOG
    >>> from skcaptcha.images import ImageDecoder
    >>> from skcaptcha.denoise import Binarizer, Grayscale
    >>> from skcaptcha.read import CharacterReader
    >>> from skcaptcha.segment import FixedBoxes
    >>> from sklearn.pipeline import make_pipeline
    >>> X, y = make_line_captchas(120, random_state=0)
    >>> boxes = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
    >>> model = make_pipeline(
    ...     ImageDecoder(), Grayscale(), Binarizer(), FixedBoxes(boxes), HOG(), CharacterReader()
    ... ).fit(X[:80], y[:80])
    >>> metrics = evaluate(model, [*X[80:], b"not an image"], [*y[80:], "AAAA"])
    >>> metrics["n"], metrics["n_failed"], 0 < metrics["string_accuracy"] < 1
    (41, 1, True)
    """
    model = pipeline_of(model)
    labels = as_texts(y)
    if not labels or len(labels) != len(X):
        raise DatasetError(
            f"there are {len(X)} captchas and {len(labels)} labels; pass at least one captcha, and "
            "one label for each"
        )
    return summarize(in_case_of(model[-1], labels), process_each(model, X, read_captchas))


def summarize(labels: Sequence[str], results: Sequence[Reading | SkcaptchaError]) -> dict[str, Any]:
    """Compute metrics from labels and predictions; captchas that were not read count as wrong.

    Parameters
    ----------
    labels : sequence of n str
        Labels of the captchas: strings or, if the reader is an `Evaluate`, answers.
    results : sequence of n (Reading or SkcaptchaError)
        The prediction for each captcha, or the error that prevented one.

    Returns
    -------
    metrics : dict
        Counts, accuracies with their 95 % intervals, number of out-of-distribution images,
        accuracy of the most confident predictions at several coverages, and confused characters.
    """
    texts = [
        text_to_compare(result, label) if isinstance(result, Reading) else ""
        for label, result in zip(labels, results, strict=True)
    ]
    read = [i for i, result in enumerate(results) if isinstance(result, Reading)]
    n, n_characters = len(labels), sum(map(len, labels))
    metrics: dict[str, Any] = {
        "n": n,
        "n_characters": n_characters,
        "n_failed": n - len(read),
    }
    for name, accuracy, trials in (
        ("string_accuracy", string_accuracy(labels, texts), n),
        ("string_accuracy_ignoring_case", string_accuracy(labels, texts, ignore_case=True), n),
        ("character_accuracy", character_accuracy(labels, texts), n_characters),
    ):
        metrics[name] = accuracy
        metrics[f"{name}_interval"] = wilson_interval(round(accuracy * trials), trials)
    metrics["n_out_of_distribution"] = sum(
        isinstance(result, Reading) and result.out_of_distribution is True for result in results
    )
    metrics["coverage"] = _coverage(labels, texts, results)
    found = confusions([labels[i] for i in read], [texts[i] for i in read]) if read else []
    return metrics | {"confusions": [confusion._asdict() for confusion in found]}


def _coverage(
    labels: Sequence[str], texts: Sequence[str], results: Sequence[Reading | SkcaptchaError]
) -> list[dict[str, Any]]:
    """Return the accuracy of the most confident predictions, for several coverages."""
    confidences = [r.confidence if isinstance(r, Reading) else 0.0 for r in results]
    coverage, accuracy, thresholds = coverage_accuracy_curve(labels, texts, confidences)
    # The smallest coverage that is at least as large; equal confidences share one point.
    rows = []
    for i in dict.fromkeys(np.searchsorted(coverage, _COVERAGES).tolist()):
        n = round(coverage[i] * len(labels))
        rows.append(
            {
                "n": n,
                "coverage": float(coverage[i]),
                "min_confidence": float(thresholds[i]),
                "string_accuracy": float(accuracy[i]),
                "string_accuracy_interval": wilson_interval(round(accuracy[i] * n), n),
            }
        )
    return rows
