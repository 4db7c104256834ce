"""How well a model reads labeled captchas."""

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

__all__ = ["evaluate", "summarize"]

_COVERAGES = (1.0, 0.99, 0.95, 0.9, 0.8, 0.5)


def evaluate(model: Model, X: Sequence[Any], y: ArrayLike) -> dict[str, Any]:
    """Read labeled captchas and measure how well, as the command ``score`` does.

    Parameters
    ----------
    model : Pipeline, or fitted search over one
        Fitted; its last step is a reader.
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : array-like of n str
        Their labels.

    Returns
    -------
    figures : dict
        See `summarize`. A captcha that cannot be read counts as wrong.

    Raises
    ------
    DatasetError
        If there are no captchas, or more or fewer labels than captchas.
    ReadingError
        If a label is no string.

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
    >>> places = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
    >>> model = make_pipeline(
    ...     ImageDecoder(), Grayscale(), Binarizer(), FixedBoxes(places), HOG(), CharacterReader()
    ... ).fit(X[:80], y[:80])
    >>> figures = evaluate(model, [*X[80:], b"no image"], [*y[80:], "AAAA"])
    >>> figures["n"], figures["n_failed"], 0 < figures["string_accuracy"] < 1
    (41, 1, True)
    """
    model = pipeline_of(model)
    labels = as_texts(y)
    if not labels or len(labels) != len(X):
        raise DatasetError(
            f"there are {len(X)} captchas and {len(labels)} labels; each needs one, and one at "
            "least is needed"
        )
    return summarize(labels, process_each(model, X, read_captchas))


def summarize(labels: Sequence[str], results: Sequence[Reading | SkcaptchaError]) -> dict[str, Any]:
    """Compare what was read with the labels; what could not be read counts as wrong.

    Parameters
    ----------
    labels : sequence of n str
    results : sequence of n Reading or SkcaptchaError

    Returns
    -------
    figures : dict
        The numbers, each share with its 95 % interval, how many of the images are unlike the
        training set, how accurate the surest readings are, and the confusions of what was read.
    """
    texts = [result.text if isinstance(result, Reading) else "" for result in results]
    read = [i for i, result in enumerate(results) if isinstance(result, Reading)]
    figures: dict[str, Any] = {
        "n": len(labels),
        "n_characters": sum(map(len, labels)),
        "n_failed": len(labels) - len(read),
    }
    shares = {
        "string_accuracy": (string_accuracy(labels, texts), len(labels)),
        "string_accuracy_ignoring_case": (
            string_accuracy(labels, texts, ignore_case=True),
            len(labels),
        ),
        "character_accuracy": (character_accuracy(labels, texts), figures["n_characters"]),
    }
    for name, (share, n) in shares.items():
        figures[name] = share
        figures[f"{name}_interval"] = wilson_interval(round(share * n), n)
    figures["n_out_of_distribution"] = sum(
        isinstance(result, Reading) and result.out_of_distribution is True for result in results
    )
    figures["coverage"] = _coverage(labels, texts, results)
    found = confusions([labels[i] for i in read], [texts[i] for i in read]) if read else []
    return figures | {"confusions": [confusion._asdict() for confusion in found]}


def _coverage(
    labels: Sequence[str], texts: Sequence[str], results: Sequence[Reading | SkcaptchaError]
) -> list[dict[str, Any]]:
    """How accurate the surest readings are, for some shares of all captchas."""
    sure = [result.confidence if isinstance(result, Reading) else 0.0 for result in results]
    coverage, accuracy, thresholds = coverage_accuracy_curve(labels, texts, sure)
    # The fewest of the surest that are so many; those of equal confidence are not told apart.
    places = dict.fromkeys(np.searchsorted(coverage, _COVERAGES).tolist())
    rows = []
    for i in places:
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
