"""Fitting a recipe to some captchas and reading others, with the processor time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.auto import choose_recipe, load_families
from skcaptcha.exceptions import ReadingError, SkcaptchaError
from skcaptcha.recipes import Recipe

_MIN_SECONDS = 0.5  # of measuring the speed
# The last fit keeps the settings of the race, without calibration and without an ensemble: both
# take many times as long and hardly change accuracy.
_FINAL_SETTINGS: dict[str, Any] = {}


class FitOutcome(NamedTuple):
    """A recipe that was chosen for some labels, and the texts it read in the held-out captchas.

    `recipe` and `model` are None if no recipe can be fitted to so few labels; `model` is also None
    if it was not asked for. `readings_per_second` is that of one core.
    """

    n_labels: int
    recipe: Mapping[str, Any] | None
    name: str
    model: Pipeline | None
    texts: tuple[str, ...]
    cpu_seconds: float
    readings_per_second: float


def choose_and_read(
    X: Sequence[Any],
    y: NDArray[np.str_],
    train: NDArray[np.intp],
    held_out: NDArray[np.intp],
    *,
    budget: float,
    keep_model: bool,
) -> FitOutcome:
    """Choose a recipe for the training captchas within a budget, and read the held-out ones."""
    begin = time.process_time()
    test = [X[i] for i in held_out]
    try:
        choice = choose_recipe(
            [X[i] for i in train],
            y[train].tolist(),
            families={**load_families(), "final": _FINAL_SETTINGS},
            budget=budget,
            n_jobs=1,
        )
    except ReadingError:
        seconds = time.process_time() - begin
        texts = ("",) * len(test)
        return FitOutcome(
            len(train), None, "no recipe fits so few labels", None, texts, seconds, 0.0
        )
    cpu_seconds = time.process_time() - begin
    texts = read_each(choice.model, test)
    n, begin = 0, time.process_time()
    while not n or (seconds := time.process_time() - begin) < _MIN_SECONDS:
        read_each(choice.model, test)
        n += len(test)
    return FitOutcome(
        len(train),
        choice.recipe,
        choice.trials[0].name,
        choice.model if keep_model else None,
        texts,
        cpu_seconds,
        n / seconds,
    )


def fit_and_read(
    recipe: Mapping[str, Any],
    X: Sequence[Any],
    y: NDArray[np.str_],
    train: NDArray[np.intp],
    held_out: NDArray[np.intp],
) -> tuple[str, ...] | None:
    """Fit a recipe to the training captchas and read the held-out ones; None if fitting fails."""
    model = Recipe({"data": {"generate": "lines"}, **recipe}).pipeline()
    try:
        with warnings.catch_warnings(action="ignore"), joblib.parallel_config(n_jobs=1):
            model.fit([X[i] for i in train], y[train])
    except (SkcaptchaError, ValueError):
        return None
    return read_each(model, [X[i] for i in held_out])


def read_each(model: Pipeline, X: Sequence[Any]) -> tuple[str, ...]:
    """Return the text of each captcha, empty if it cannot be read.

    Unlike `skcaptcha.images._each`, this takes no time to decode images one by one.
    """
    try:
        return tuple(str(text) for text in model.predict(X))
    except SkcaptchaError:
        if len(X) == 1:
            return ("",)
        middle = len(X) // 2
        return read_each(model, X[:middle]) + read_each(model, X[middle:])
