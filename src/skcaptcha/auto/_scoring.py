"""Scores of candidate recipes on captchas that they were not fitted to."""

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

METRICS = {
    "strings": make_scorer(string_accuracy),
    "characters": make_scorer(character_accuracy),
    "ignoring_case": make_scorer(string_accuracy, ignore_case=True),
}
Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


class Scores(NamedTuple):
    """How many strings, characters of a string, and strings but for case, each candidate reads.

    Where it failed, nan. And the seconds that passed, and those that one process would have taken.
    """

    strings: NDArray[np.float64]
    characters: NDArray[np.float64]
    ignoring_case: NDArray[np.float64]
    seconds: float
    work: float
    problem: str


def score_recipes(
    candidates: Sequence[Content],
    X: Sequence[Any],
    y: NDArray[np.str_],
    splits: Splits,
    *,
    n_jobs: int,
) -> Scores:
    """Fit recipes to a part of the captchas and count what they read of the others.

    Parameters
    ----------
    candidates : sequence of dict
        Contents of recipes.
    X : sequence of n captchas
    y : ndarray of n str
    splits : list of pairs of index arrays
        What to learn from, and what to read.
    n_jobs : int
        Number of processes.

    Returns
    -------
    scores : Scores
    """
    begin = time.perf_counter()
    recipes = [Recipe(candidate).pipeline() for candidate in candidates]
    search = SharedGridSearchCV(
        recipes[0],
        [{name: [step] for name, step in pipeline.steps} for pipeline in recipes],
        scoring=METRICS,
        cv=splits,
        refit=False,
        n_jobs=n_jobs,
    )
    problem = ""
    found = np.zeros((3, len(candidates)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FitFailedWarning)
        warnings.filterwarnings("always", "Scoring failed", UserWarning)
        try:
            search.fit(X, y)
            # Folds differ in size, so that the mean of their shares is not the share of all.
            for k, (_, test) in enumerate(splits):
                shares = [search.cv_results_[f"split{k}_test_{metric}"] for metric in METRICS]
                found += np.array(shares) * len(test)
        except Exception as error:
            found[:] = np.nan
            problem = str(error).rpartition("first error: ")[2]
    for warning in caught:
        if (parts := str(warning.message).rpartition("first error was: "))[1]:
            problem = parts[2]
    if np.isnan(found[0]).any() and not problem:
        problem = "its models cannot read the other captchas"
    seconds = time.perf_counter() - begin
    strings, characters, ignoring_case = found
    return Scores(
        np.rint(strings),
        characters,
        np.rint(ignoring_case),
        seconds,
        seconds * min(n_jobs, len(candidates) * len(splits)),
        " ".join(problem.split()),
    )
