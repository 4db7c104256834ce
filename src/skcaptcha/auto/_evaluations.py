"""Evaluations of recipes in a race that can be interrupted and resumed."""

from __future__ import annotations

import time
from collections.abc import Sequence

import joblib
import numpy as np
from numpy.typing import NDArray

from skcaptcha.auto._families import Content
from skcaptcha.auto._scoring import Scores, Splits, score_recipes
from skcaptcha.images import ImageBatch
from skcaptcha.model_selection._journal import Journal


class Clock:
    """The time of a race, which began at ``began`` by `time.perf_counter`, in seconds."""

    def __init__(self, began: float, budget: float) -> None:
        self.budget = budget
        self._began = began

    def elapsed(self) -> float:
        """Return the seconds since the race began, including those before an interruption."""
        return time.perf_counter() - self._began

    def remaining(self) -> float:
        """Return the seconds until the budget is used up; negative after that."""
        return self.budget - self.elapsed()

    def advance_to(self, elapsed: float) -> None:
        """Add the time that was spent before an interruption."""
        self._began -= max(0.0, elapsed - self.elapsed())


class Evaluations:
    """Scores recipes, or reads the scores from the journal and advances the clock."""

    def __init__(
        self, X: ImageBatch, y: NDArray[np.str_], clock: Clock, journal: Journal | None
    ) -> None:
        self._X, self._y = X, y
        self._clock, self._journal = clock, journal
        self._known = {record["key"]: record for record in (journal.records if journal else ())}

    def __call__(
        self,
        recipes: Sequence[Content],
        sample: NDArray[np.intp],
        splits: Splits,
        *,
        n_jobs: int,
    ) -> Scores:
        """Score recipes on the captchas with the indices `sample`, which `splits` refers to."""
        key = str(joblib.hash((recipes, sample, splits)))
        if key in self._known:
            record = self._known[key]
            self._clock.advance_to(record["elapsed"])
            values = (record[name] for name in Scores._fields)
            return Scores._make(np.array(v) if isinstance(v, list) else v for v in values)
        scores = score_recipes(
            recipes, self._X.take(sample), self._y[sample], splits, n_jobs=n_jobs
        )
        if self._journal:
            record = {"key": key, "elapsed": self._clock.elapsed(), **scores._asdict()}
            self._journal.append([record])
        return scores
