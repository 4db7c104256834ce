"""Fitting a recipe to some captchas and reading others, with the processor's time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.auto import choose_recipe, load_families
from skcaptcha.exceptions import ReadingError, SkcaptchaError
from skcaptcha.recipes import Recipe

# Reading is repeated for so long that its speed can be told.
_LEAST_SECONDS = 0.5
# Confidences are not needed, nor three networks where one reads nearly as much: they take many
# times as long to fit.
_FINAL: dict[str, Any] = {}


@dataclass(frozen=True)
class Learned:
    """What came of choosing a recipe for some labels, fitting it, and reading other captchas.

    Attributes
    ----------
    n_labels : int
    recipe : dict or None
        The content of the chosen recipe; None if none can be fitted to so few.
    name : str
        The classes that segment, describe and read; or why there is no recipe.
    model : Pipeline or None
    texts : tuple of str
        What was read in the other captchas.
    cpu_seconds : float
        For choosing and fitting.
    readings_per_second : float
        Of one core.
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
    learn: NDArray[np.intp],
    read: NDArray[np.intp],
    *,
    budget: float,
    keep_model: bool,
) -> Learned:
    """Choose a recipe for some of the captchas, fit it to them, and read others.

    Parameters
    ----------
    X : sequence of n captchas
    y : ndarray of n str
    learn, read : ndarrays of int
        Numbers of the captchas to learn from, and of those to read.
    budget : float
        Seconds that choosing may take.
    keep_model : bool
        Whether the model is wanted.

    Returns
    -------
    learned : Learned
    """
    begin = _cpu_seconds()
    try:
        choice = choose_recipe(
            [X[i] for i in learn],
            y[learn].tolist(),
            families={**load_families(), "final": _FINAL},
            budget=budget,
            n_jobs=1,
        )
    except ReadingError:
        spent = _cpu_seconds() - begin
        texts = ("",) * len(read)
        return Learned(
            len(learn), None, "no recipe can be fitted to so few", None, texts, spent, 0.0
        )
    spent = _cpu_seconds() - begin
    others = [X[i] for i in read]
    texts, n, begin = read_each(choice.model, others), len(others), _cpu_seconds()
    read_each(choice.model, others)
    while (seconds := _cpu_seconds() - begin) < _LEAST_SECONDS:
        read_each(choice.model, others)
        n += len(others)
    return Learned(
        n_labels=len(learn),
        recipe=choice.recipe,
        name=choice.tried[0].name,
        model=choice.model if keep_model else None,
        texts=texts,
        cpu_seconds=spent,
        readings_per_second=n / seconds,
    )


def fit_and_read(
    recipe: Mapping[str, Any],
    X: Sequence[Any],
    y: NDArray[np.str_],
    learn: NDArray[np.intp],
    read: NDArray[np.intp],
) -> tuple[str, ...] | None:
    """Fit a recipe to some of the captchas and read others.

    Parameters
    ----------
    recipe : mapping
        Content of a recipe.
    X : sequence of n captchas
    y : ndarray of n str
    learn, read : ndarrays of int
        Numbers of the captchas to learn from, and of those to read.

    Returns
    -------
    texts : tuple of str, or None
        None: it cannot be fitted to them.
    """
    model = Recipe({"data": {"generate": "lines"}, **recipe}).pipeline()
    try:
        with warnings.catch_warnings(action="ignore"), joblib.parallel_config(n_jobs=1):
            model.fit([X[i] for i in learn], y[learn])
    except (SkcaptchaError, ValueError):
        return None
    return read_each(model, [X[i] for i in read])


def read_each(model: Pipeline, captchas: Sequence[Any]) -> tuple[str, ...]:
    """Read captchas; of one that the model cannot read, nothing is read.

    Parameters
    ----------
    model : Pipeline
        Fitted.
    captchas : sequence of n captchas

    Returns
    -------
    texts : tuple of n str
    """
    try:
        return tuple(str(text) for text in model.predict(captchas))
    except SkcaptchaError:
        if len(captchas) == 1:
            return ("",)
        middle = len(captchas) // 2
        return read_each(model, captchas[:middle]) + read_each(model, captchas[middle:])


def _cpu_seconds() -> float:
    return time.process_time()
