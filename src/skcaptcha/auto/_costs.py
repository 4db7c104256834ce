"""Estimates of how long recipes take to fit."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from skcaptcha.auto._families import Content, name_of
from skcaptcha.auto._process_pool import ProcessPool
from skcaptcha.images import ImageBatch
from skcaptcha.read.sequence._ensemble import n_copies_for
from skcaptcha.recipes import Recipe

# Half of the time of a fold is needed to train a network, the other half to align the characters.
# The final fit trains three networks, and is repeated three times for calibration; the shortened
# fit trains one network and is repeated twice. Without networks both take about the same time.
FINAL_FIT = 6.0
_SHORTENED_FIT = 1.5
_FINAL_FIT_WITHOUT_NETWORKS = 2.5
# Both trainings include the first batches, which take longer, and correct positions twice.
_N_TIMED_BATCHES = 4, 8


class Costs:
    """Estimates of how many seconds fits to these captchas take."""

    def __init__(
        self,
        X: ImageBatch,
        y: NDArray[np.str_],
        n_folds: int,
        pool: ProcessPool,
        report_progress: Callable[[str], None],
    ) -> None:
        self._X, self._y, self._n_folds, self._pool = X, y, n_folds, pool
        self._report_progress = report_progress
        self._lengths = np.char.str_len(y)
        self._n_characters = int(self._lengths.sum())
        self._n_in_fold = max(1, int(self._n_characters * (1 - 1 / n_folds)))

    def final_fit(self, recipe: Content, fold_seconds: float, *, shortened: bool = False) -> float:
        """Estimate the final fit from the time that one process needs for a fold."""
        if not has_networks(recipe):
            return _FINAL_FIT_WITHOUT_NETWORKS * fold_seconds
        growth = training_size(recipe, self._n_characters) / training_size(recipe, self._n_in_fold)
        more = growth * (_SHORTENED_FIT if shortened else FINAL_FIT)
        return self._pool.seconds(fold_seconds * (1 + more), self._n_folds)

    def fold(self, recipe: Content, few: NDArray[np.intp]) -> float:
        """Estimate a fold in one process by fitting the recipe to a few captchas."""
        fit, _ = self.fit_and_read(recipe, few, read=False) or (0.0, 0.0)
        size = training_size(recipe, self._n_in_fold)
        return fit * size / training_size(recipe, int(self._lengths[few].sum()))

    def batch(self, recipe: Content, few: NDArray[np.intp]) -> float | None:
        """Measure how long a network learns from a batch of captchas; None if that fails.

        ``recipe`` has a network that learns from `max_iter` batches.
        """
        seconds = []
        for n in _N_TIMED_BATCHES:
            read = {**recipe["steps"]["read"], "max_iter": n, "validation_fraction": 0.0}
            timed = {**recipe, "steps": {**recipe["steps"], "read": read}}
            times = self.fit_and_read(timed, few, read=False)
            if times is None:
                return None
            seconds.append(times[0])
        fewer, more = _N_TIMED_BATCHES
        return (seconds[1] - seconds[0]) / (more - fewer) if seconds[1] > seconds[0] else None

    def fit_and_read(
        self, recipe: Content, few: NDArray[np.intp], *, read: bool = True
    ) -> tuple[float, float] | None:
        """Measure fitting a recipe to a few captchas, and reading them; None if that fails.

        Without `read`, the captchas are not read, which takes 0 seconds.
        """
        self._report_progress(f"timing {name_of(recipe)}")
        X = self._X.take(few)
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings(action="ignore"):
                model = Recipe(recipe).pipeline().fit(X, self._y[few])
                fitted = end = time.perf_counter()
                if read:
                    model.predict(X)
                    end = time.perf_counter()
        except Exception:  # so few captchas may not be enough
            return None
        return fitted - begin, end - fitted


def has_networks(recipe: Content) -> bool:
    """Check whether the reader trains networks on augmented windows, which takes long."""
    return recipe["steps"]["read"].get("n_windows") is not None


def training_size(recipe: Content, n_characters: int) -> float:
    """Return the number of windows, or of characters, that the fit time is proportional to."""
    n_copies = 1
    if has_networks(recipe):
        n_copies = n_copies_for(recipe["steps"]["read"]["n_windows"], n_characters)
    return float(n_characters) * n_copies
