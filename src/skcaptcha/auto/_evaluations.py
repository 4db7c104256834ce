"""Scores of recipes in a race that may have been stopped and goes on."""

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
    """The time of a race, which goes on where it was.

    Parameters
    ----------
    began : float
        By `time.perf_counter`.
    budget : float
        Seconds.

    Attributes
    ----------
    budget : float
    """

    def __init__(self, began: float, budget: float) -> None:
        self.budget = budget
        self._began = began

    def spent(self) -> float:
        """Give the seconds since the race began, those before an interruption among them."""
        return time.perf_counter() - self._began

    def left(self) -> float:
        """Give the seconds until everything should be over."""
        return self.budget - self.spent()

    def advance_to(self, spent: float) -> None:
        """Count what was spent before an interruption."""
        self._began -= max(0.0, spent - self.spent())


class Evaluations:
    """Scores recipes; what is in the journal is taken from there, and the clock put forward.

    Parameters
    ----------
    X : ImageBatch of n captchas
    y : ndarray of n str
    clock : Clock
    journal : Journal or None
    """

    def __init__(
        self,
        X: ImageBatch,
        y: NDArray[np.str_],
        clock: Clock,
        journal: Journal | None,
    ) -> None:
        self._X, self._y = X, y
        self._clock = clock
        self._journal = journal
        records = journal.records if journal else ()
        # An older version may have measured less.
        self._known = {r["of"]: r for r in records if r.keys() >= set(Scores._fields)}

    def __call__(
        self,
        candidates: Sequence[Content],
        sample: NDArray[np.intp],
        splits: Splits,
        *,
        n_jobs: int,
    ) -> Scores:
        """Score recipes on a part of the captchas.

        Parameters
        ----------
        candidates : sequence of dict
        sample : ndarray of int
            Numbers of captchas.
        splits : list of pairs of index arrays
            Into `sample`.
        n_jobs : int
            Number of processes.

        Returns
        -------
        scores : Scores
        """
        of = str(joblib.hash((candidates, sample, splits)))
        if of in self._known:
            record = self._known[of]
            self._clock.advance_to(record["spent"])
            return Scores(
                np.array(record["strings"]),
                np.array(record["characters"]),
                np.array(record["ignoring_case"]),
                record["seconds"],
                record["work"],
                record["problem"],
            )
        X = self._X.take(sample)
        scores = score_recipes(candidates, X, self._y[sample], splits, n_jobs=n_jobs)
        if self._journal:
            record = {"of": of, "spent": self._clock.spent(), **scores._asdict()}
            self._journal.append([record])
        return scores
