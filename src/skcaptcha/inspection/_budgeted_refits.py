"""Refitting a model to parts of its training captchas, within a time budget."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skcaptcha.images._duplicates import find_duplicates, group_folds
from skcaptcha.inspection._labeled_predictions import LabeledPrediction, predict_labeled
from skcaptcha.read import Reading

_TRAIN_FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
_MIN_TRAIN = 10
_MAX_TEST = 300
_SEED = 0


class LearningCurvePoint(NamedTuple):
    """Number of training captchas, and correct predictions out of n held-out captchas."""

    n_train: int
    n_correct: int
    n: int


class BudgetedRefits:
    """Refit a model to parts of its training captchas until a time budget is used up.

    The time that the next fit will take is extrapolated from the last one, so small fits come
    first; the smallest takes at most `once` seconds. Duplicates of an image are never in both the
    training and the test part. `n_train` is the number of training captchas of the first fold.
    """

    def __init__(
        self,
        model: Pipeline,
        X: Sequence[Any],
        y: Sequence[str],
        *,
        names: Sequence[str],
        folds: int,
        seconds: float,
        once: float,
    ) -> None:
        self._model = model
        self._X, self._names = X, names
        self._y = np.asarray(y, dtype=np.str_)
        self._deadline = time.perf_counter() + seconds
        self._last_n, self._last_seconds = 0, once
        groups = find_duplicates(X)
        n_folds = min(folds, len(np.unique(groups)))
        self._folds = group_folds(groups, n_folds, random_state=_SEED)
        self.n_train = len(self._folds[0][0])
        # Number of additional fits that calibrate the confidences, by parameter.
        self._calibrations: dict[str, int] = {
            name: value
            for name, value in model.get_params().items()
            if name.endswith("calibration_cv") and value is not None
        }
        # The fits of the learning curve, which are timed first, do not calibrate.
        self._factor = 1.0 + sum(self._calibrations.values())

    def learning_curve(self, held_out: Sequence[LabeledPrediction]) -> list[LearningCurvePoint]:
        """Fit to 1/16, 1/8, 1/4 and 1/2 of the captchas, without calibrating confidences.

        The fits are tested on the captchas of `held_out` or, if it is empty, on the first fold.
        Points for which there is no time are left out, and so is the point for all captchas.
        """
        train, test = self._folds[0]
        X_test, y_test = [self._X[i] for i in test], self._y[test]
        n_test = len(test)
        if held_out:
            train = np.arange(len(self._y))
            n_test = min(len(held_out), _MAX_TEST)
            # Captchas that cannot be read count as wrong.
            readable = [p for p in held_out[:n_test] if isinstance(p.result, Reading)]
            X_test = [prediction.source for prediction in readable]
            y_test = np.array([prediction.label for prediction in readable], dtype=np.str_)
        train = np.random.default_rng(_SEED).permutation(train)
        model = clone(self._model).set_params(**dict.fromkeys(self._calibrations))
        points = []
        for fraction in _TRAIN_FRACTIONS:
            n = int(len(train) * fraction)
            if n < _MIN_TRAIN or not len(y_test):
                continue
            if not self._has_time_for(n):
                break
            fitted = self._fit(model, train[:n])
            if fitted is not None:
                n_correct = round(fitted.score(X_test, y_test) * len(y_test))
                points.append(LearningCurvePoint(n, n_correct, n_test))
        return points

    def out_of_fold_predictions(self) -> list[LabeledPrediction]:
        """Predict the captchas of each fold, for as many folds as there is time."""
        predictions: list[LabeledPrediction] = []
        for train, test in self._folds:
            if not self._has_time_for(len(train), self._factor):
                break
            fitted = self._fit(self._model, train)
            self._factor = 1.0
            if fitted is None:
                break
            predictions += predict_labeled(
                fitted,
                [self._X[i] for i in test],
                self._y[test].tolist(),
                names=[self._names[i] for i in test],
            )
        return predictions

    def _has_time_for(self, n: int, factor: float = 1.0) -> bool:
        growth = n / self._last_n if self._last_n else 1.0
        return time.perf_counter() + self._last_seconds * growth * factor <= self._deadline

    def _fit(self, model: Pipeline, indices: NDArray[np.intp]) -> Pipeline | None:
        """Return the fitted clone, or None if the captchas are too few to fit it."""
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings(action="ignore"):
                fitted = clone(model).fit([self._X[i] for i in indices], self._y[indices])
        except ValueError:
            return None
        self._last_n, self._last_seconds = len(indices), time.perf_counter() - begin
        return fitted
