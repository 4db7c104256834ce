"""Cross-validated scores of recipes."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import make_scorer

from skcaptcha.auto._families import Content
from skcaptcha.metrics import character_accuracy, string_accuracy
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.recipes import Recipe

_METRICS = {
    "strings": make_scorer(string_accuracy),
    "characters": make_scorer(character_accuracy),
    "ignoring_case": make_scorer(string_accuracy, ignore_case=True),
}
Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


class Scores(NamedTuple):
    """Sums over all test captchas for each recipe; nan if it failed.

    Correct strings, character accuracies, and correct strings ignoring case; then the elapsed
    seconds, the seconds that one process would have taken, and the first error.
    """

    strings: NDArray[np.float64]
    characters: NDArray[np.float64]
    ignoring_case: NDArray[np.float64]
    seconds: float
    work: float
    error: str


def score_recipes(
    recipes: Sequence[Content],
    X: Sequence[Any],
    y: NDArray[np.str_],
    splits: Splits,
    *,
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
    strings, characters, ignoring_case = sums
    return Scores(
        np.rint(strings),
        characters,
        np.rint(ignoring_case),
        seconds,
        seconds * min(n_jobs, len(recipes) * len(splits)),
        " ".join(error.split()),
    )
