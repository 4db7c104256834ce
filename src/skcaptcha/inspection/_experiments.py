"""Fitting anew, within a time: to read captchas that a model has not seen, and to fewer of them."""

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
from skcaptcha.inspection._attempts import Attempt, attempts_of
from skcaptcha.read import Reading

_PARTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
_FEWEST = 10  # captchas to learn from
_MOST_READ = 300
_SEED = 0


class CurvePoint(NamedTuple):
    """How well is read after learning from some captchas.

    Attributes
    ----------
    n_train : int
        From so many it learned.
    n_right, n : int
        So many of so many others were then read right.
    """

    n_train: int
    n_right: int
    n: int


class Experiments:
    """Fits like a model's, to some of its captchas, as long as there is time.

    How long a fit takes is told by those that were made, which begin small.

    Parameters
    ----------
    model : Pipeline
        Is cloned.
    X : sequence of n captchas
        What it was fitted to.
    y : sequence of n str
        Their labels.
    names : sequence of n str
    folds : int >= 2
        Into how many parts captchas are divided to be read by what was fitted to the others.
    seconds : float
        For all experiments together, about.
    once : float
        How long the smallest fit takes at the most.

    Attributes
    ----------
    n_learned : int
        From how many captchas the fit learns that reads the first part.
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
        self._end = time.perf_counter() + seconds
        # A fit of so many captchas took so long.
        self._n_last, self._last = 0, once
        groups = find_duplicates(X)
        n_folds = min(folds, len(np.unique(groups)))
        self._folds = group_folds(groups, n_folds, random_state=_SEED)
        self.n_learned = len(self._folds[0][0])
        # How often a fit is repeated to calibrate, by the name of the parameter.
        self._calibrations: dict[str, int] = {
            name: value
            for name, value in model.get_params().items()
            if name.endswith("calibration_cv") and value is not None
        }
        # How many times as long as the fits that were timed is one that calibrates.
        self._more = 1.0 + sum(self._calibrations.values())

    def learning_curve(self, held_out: Sequence[Attempt]) -> list[CurvePoint]:
        """Fit to fewer and fewer captchas, without learning how far confidences can be trusted.

        Parameters
        ----------
        held_out : sequence of Attempt
            What is read; if there is none, the first part of the captchas.

        Returns
        -------
        points : list of CurvePoint
            As many as there was time for, without that of all captchas.
        """
        train, test = self._folds[0]
        X_test, y_test = [self._X[i] for i in test], self._y[test]
        n_test = len(test)
        if held_out:
            train = np.random.default_rng(_SEED).permutation(len(self._y))
            n_test = min(len(held_out), _MOST_READ)
            # Those that cannot be read count as wrong.
            readable = [a for a in held_out[:n_test] if isinstance(a.result, Reading)]
            X_test = [attempt.source for attempt in readable]
            y_test = np.array([attempt.label for attempt in readable], dtype=np.str_)
        else:
            train = np.random.default_rng(_SEED).permutation(train)
        plain = clone(self._model).set_params(**dict.fromkeys(self._calibrations))
        points = []
        for part in _PARTS:
            n = int(len(train) * part)
            if n < _FEWEST or not len(y_test):
                continue
            if not self._has_time_for(n):
                break
            fitted = self._fit(plain, train[:n])
            if fitted is not None:
                n_right = int((fitted.predict(X_test) == y_test).sum())
                points.append(CurvePoint(n, n_right, n_test))
        return points

    def out_of_fold(self) -> list[Attempt]:
        """Read captchas by models that were fitted to others.

        Returns
        -------
        attempts : list of Attempt
            Of as many parts as there was time for.
        """
        attempts: list[Attempt] = []
        for train, test in self._folds:
            if not self._has_time_for(len(train), self._more):
                break
            fitted = self._fit(self._model, train)
            self._more = 1.0
            if fitted is None:
                break
            attempts += attempts_of(
                fitted,
                [self._X[i] for i in test],
                self._y[test].tolist(),
                names=[self._names[i] for i in test],
            )
        return attempts

    def _has_time_for(self, n: int, more: float = 1.0) -> bool:
        growth = n / self._n_last if self._n_last else 1.0
        return time.perf_counter() + self._last * growth * more <= self._end

    def _fit(self, model: Pipeline, captchas: NDArray[np.intp]) -> Pipeline | None:
        """Fit to some captchas; None if they are too few for that."""
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings(action="ignore"):
                fitted = clone(model).fit([self._X[i] for i in captchas], self._y[captchas])
        except ValueError:
            return None
        self._n_last, self._last = len(captchas), time.perf_counter() - begin
        return fitted
