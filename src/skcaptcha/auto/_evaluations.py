"""Cross-validated scores of recipes, in a race that can be interrupted and resumed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import make_scorer

from skcaptcha.auto._families import Content
from skcaptcha.images import ImageBatch
from skcaptcha.metrics import character_accuracy, string_accuracy
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.model_selection._journal import Journal
from skcaptcha.recipes import Recipe

_METRICS = {
    "strings": make_scorer(string_accuracy),
    "characters": make_scorer(character_accuracy),
    "ignoring_case": make_scorer(string_accuracy, ignore_case=True),
}
Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


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


class Scores(NamedTuple):
    """Sums over all test captchas, the time, and the first error.

    ``sums`` has shape (3, n recipes): correct strings, character accuracies, and correct strings
    ignoring case; nan for a recipe that failed. ``seconds`` have elapsed; one process would have
    taken ``work`` seconds.
    """

    sums: NDArray[np.float64]
    seconds: float
    work: float
    error: str


class Evaluations:
    """Scores recipes, or reads the scores from the journal and advances the clock."""

    def __init__(
        self, X: ImageBatch, y: NDArray[np.str_], clock: Clock, journal: Journal | None
    ) -> None:
        self.clock = clock
        self._X, self._y, self._journal = X, y, journal
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
        if record := self._known.get(key):
            self.clock.advance_to(record["elapsed"])
            scores = Scores._make(record[name] for name in Scores._fields)
            return scores._replace(sums=np.array(scores.sums))
        scores = _score(recipes, self._X.take(sample), self._y[sample], splits, n_jobs)
        if self._journal:
            record = {"key": key, "elapsed": self.clock.elapsed(), **scores._asdict()}
            self._journal.append([record])
        return scores


def _score(
    recipes: Sequence[Content],
    X: ImageBatch,
    y: NDArray[np.str_],
    splits: Splits,
    n_jobs: int,
) -> Scores:
    """Fit each recipe to the training captchas of each split, and score it on the test captchas."""
    begin = time.perf_counter()
    pipelines = [Recipe(recipe).pipeline() for recipe in recipes]
    search = SharedGridSearchCV(
        pipelines[0],
        [{name: [step] for name, step in pipeline.steps} for pipeline in pipelines],
        scoring=_METRICS,
        cv=splits,
        refit=False,
        n_jobs=n_jobs,
    )
    error = ""
    sums = np.zeros((len(_METRICS), len(recipes)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FitFailedWarning)
        warnings.filterwarnings("always", "Scoring failed", UserWarning)
        try:
            search.fit(X, y)
            # Folds differ in size, so that the mean of their scores is not the score of all.
            for k, (_, test) in enumerate(splits):
                scores = [search.cv_results_[f"split{k}_test_{metric}"] for metric in _METRICS]
                sums += np.array(scores) * len(test)
        except Exception as raised:
            sums[:] = np.nan
            error = str(raised).rpartition("first error: ")[2]
    for warning in caught:
        if (parts := str(warning.message).rpartition("first error was: "))[1]:
            error = parts[2]
    if np.isnan(sums[0]).any() and not error:
        error = "its models cannot read the test captchas"
    seconds = time.perf_counter() - begin
    sums[[0, 2]] = np.rint(sums[[0, 2]])  # these are counts
    work = seconds * min(n_jobs, len(recipes) * len(splits))
    return Scores(sums, seconds, work, " ".join(error.split()))
