"""Fit recipes to some labeled captchas and read others, with the processor time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.audit._audit import AuditPoint
from skcaptcha.audit._proportions import proportion
from skcaptcha.auto import Choice, choose_recipe, load_families
from skcaptcha.exceptions import ReadingError, SkcaptchaError
from skcaptcha.images import ImageBatch
from skcaptcha.read._limit_training import limit_training
from skcaptcha.recipes import Recipe
from skcaptcha.semi_supervised._self_training_reader import MAX_UNLABELED

_MIN_SECONDS = 0.5  # of measuring the speed


class Split(NamedTuple):
    """Labeled captchas for training, in random order, others that are held out, and unlabeled ones.

    `unlabeled` is None if no unlabeled captchas may teach.
    """

    X: Sequence[Any]
    y: NDArray[np.str_]
    X_held_out: Sequence[Any]
    y_held_out: NDArray[np.str_]
    unlabeled: Sequence[Any] | None = None

    def first(self, n: int) -> Split:
        """Return a split with only the first n training captchas, and no unlabeled ones."""
        return self._replace(X=self.X[:n], y=self.y[:n], unlabeled=None)

    def first_labeled(self, n: int) -> Split:
        """Return a split in which only the first n training captchas have labels.

        The others are added to the unlabeled captchas, as far as these can help.
        """
        unlabeled = [*self.X[n:], *(self.unlabeled or ())][:MAX_UNLABELED]
        return self.first(n)._replace(unlabeled=ImageBatch(unlabeled))

    def correct(self, model: Pipeline) -> NDArray[np.bool_]:
        """Return which of the held-out captchas a model reads correctly."""
        return np.array(_read_each(model, self.X_held_out)) == self.y_held_out


class FitOutcome(NamedTuple):
    """A point of a learning curve, and which of the held-out captchas were read correctly.

    `choice` is None if no recipe can be fitted to so few labels, or if it was not requested.
    """

    point: AuditPoint
    correct: NDArray[np.bool_]
    choice: Choice | None


def choose_and_read(split: Split, *, budget: float, keep_choice: bool) -> FitOutcome:
    """Choose a recipe for the training captchas within a budget, and read the held-out ones."""
    # The last fit keeps the settings of the race, without calibration and without an ensemble:
    # both take many times as long and change accuracy little.
    families = {**load_families(), "final": {}}
    choice, n_pseudo_labeled = None, 0
    begin = time.process_time()
    try:
        choice = choose_recipe(
            split.X,
            split.y.tolist(),
            unlabeled=split.unlabeled,
            families=families,
            budget=budget,
            n_jobs=1,
        )
    except ReadingError:
        recipe, per_second = "no recipe fits so few labels", 0.0
    cpu_seconds = time.process_time() - begin
    correct = np.zeros(len(split.y_held_out), dtype=bool)
    if choice is not None:
        recipe, correct = choice.trials[0].name, split.correct(choice.model)
        per_second = _readings_per_second(choice.model, split.X_held_out)
        if choice.self_training is not None:
            n_pseudo_labeled = int((choice.self_training.labeled_iter_ > 0).sum())
    read = proportion(int(correct.sum()), len(correct))
    n_unlabeled = len(split.unlabeled or ())
    point = AuditPoint(
        len(split.y),
        read,
        recipe,
        cpu_seconds,
        3600 * per_second,
        n_unlabeled,
        n_pseudo_labeled,
    )
    return FitOutcome(point, correct, choice if keep_choice else None)


def fit_and_read(
    recipe: Mapping[str, Any], split: Split, *, seconds: float
) -> NDArray[np.bool_] | None:
    """Fit a recipe, and return which held-out captchas it reads; None if fitting fails.

    Networks that read whole images train for at most some seconds; other fits are not limited.
    """
    model = Recipe({"data": {"generate": "lines"}, **recipe}).pipeline()
    limit_training(model, seconds)
    try:
        with warnings.catch_warnings(action="ignore"), joblib.parallel_config(n_jobs=1):
            model.fit(split.X, split.y)
    except (SkcaptchaError, ValueError):
        return None
    return split.correct(model)


def _readings_per_second(model: Pipeline, X: Sequence[Any]) -> float:
    n, begin = 0, time.process_time()
    while not n or (seconds := time.process_time() - begin) < _MIN_SECONDS:
        _read_each(model, X)
        n += len(X)
    return n / seconds


def _read_each(model: Pipeline, X: Sequence[Any]) -> list[str]:
    """Return the text of each captcha, empty if it cannot be read.

    Unlike `skcaptcha.images._process_each`, this takes no time to decode images one by one.
    """
    try:
        return [str(text) for text in model.predict(X)]
    except SkcaptchaError:
        if len(X) == 1:
            return [""]
        middle = len(X) // 2
        return _read_each(model, X[:middle]) + _read_each(model, X[middle:])
