"""The fits of an audit, distributed over processes, until the time budget is used up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from skcaptcha.audit._audit import Ablation
from skcaptcha.audit._defenses import FAMILY_RISK
from skcaptcha.audit._fits import FitOutcome, Split, choose_and_read, fit_and_read
from skcaptcha.audit._proportions import Proportion, paired_difference, proportion
from skcaptcha.audit._recipe_changes import RecipeChange, recipe_changes
from skcaptcha.auto import Choice

_SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
# Fractions of the budget: at most for the curve, at least for the ablations.
_FOR_CURVE, _FOR_ABLATIONS = 0.75, 0.15
_FOR_LARGEST = 0.4  # of the time for the curve
_MIN_SECONDS = 30.0  # for choosing a recipe, if the budget allows it for each number of labels
_MAX_ABLATION = 300  # labels


@dataclass(frozen=True)
class Schedule:
    """The fits of an audit, distributed over processes.

    `start` is the start of the audit by `time.time`, which is the same in all processes. `progress`
    is called with the name of a task, the number of finished fits, and the total number of fits.
    """

    split: Split
    start: float
    budget: float
    n_jobs: int | None
    progress: Callable[[str, int, int], None]

    @property
    def sizes(self) -> list[int]:
        """Numbers of labels of the learning curve."""
        n = len(self.split.y)
        return [*(size for size in _SIZES if size < n), n]

    @property
    def n_ablation(self) -> int:
        """Number of labels of the ablations."""
        return min(len(self.split.y), _MAX_ABLATION)

    def curve(self) -> list[FitOutcome]:
        """Choose a recipe for each number of labels; the largest is never skipped."""
        sizes, allowed = self.sizes, _FOR_CURVE * self.budget
        n_workers = joblib.effective_n_jobs(self.n_jobs)
        budgets = _budgets(sizes, allowed, n_workers)
        *smaller, largest = range(len(sizes))
        # One process does the longest task last, and reserves its time; several begin with it.
        order, deadline = [largest, *smaller], self.start + allowed
        if n_workers == 1:
            order, deadline = [*smaller, largest], deadline - budgets[largest]
        tasks = (
            joblib.delayed(_before)(
                None if k == largest else deadline,
                choose_and_read,
                self.split.first(sizes[k]),
                budget=budgets[k],
                keep_choice=k == largest,
            )
            for k in order
        )
        outcomes = [each for each in self._run("learning", tasks, len(order)) if each is not None]
        return sorted(outcomes, key=lambda each: each.point.n_labels)

    def ablations(self, choice: Choice | None) -> tuple[Proportion | None, list[Ablation]]:
        """Fit the chosen recipe again, unchanged and without each step that counters a defense.

        Returns the proportion that the unchanged recipe reads, or None if there was no recipe or no
        time, and the ablations.
        """
        if choice is None:
            return None, []
        unchanged = {key: choice.recipe[key] for key in ("steps", "search")}
        # Measurements do not depend on the held-out captchas, not even on their length.
        measured = choice.measurement
        changes = list(recipe_changes(choice.recipe, measured.length, measured.dark_ink))
        # The ablations get some time even if the curve took all of it.
        deadline = max(self.start + self.budget, time.time() + _FOR_ABLATIONS * self.budget)
        split = self.split.first(self.n_ablation)
        # Equal times: a network that had less would read less, as if a step were missing.
        n_rounds = math.ceil((1 + len(changes)) / joblib.effective_n_jobs(self.n_jobs))
        seconds = (deadline - time.time()) / n_rounds
        tasks = (
            joblib.delayed(_before)(deadline, fit_and_read, recipe, split, seconds=seconds)
            for recipe in (unchanged, *(change.recipe for change in changes))
        )
        base, *others = self._run("leaving out steps", tasks, 1 + len(changes))
        if base is None:
            return None, []
        confidence = 1 - FAMILY_RISK / max(1, len(changes))

        def ablation(change: RecipeChange, correct: Any) -> Ablation:
            read = loss = None
            if correct is not None:
                lost, won = int((base & ~correct).sum()), int((correct & ~base).sum())
                read = proportion(int(correct.sum()), len(base), confidence=confidence)
                loss = paired_difference(lost, won, len(base), confidence=confidence)
            return Ablation(change.description, change.counters, read, loss)

        read = proportion(int(base.sum()), len(base), confidence=confidence)
        return read, list(map(ablation, changes, others))

    def _run(self, what: str, tasks: Iterable[Any], n: int) -> Iterator[Any]:
        self.progress(what, 0, n)
        results = joblib.Parallel(self.n_jobs, return_as="generator")(tasks)
        for k, result in enumerate(results, start=1):
            self.progress(what, k, n)
            yield result


def _budgets(sizes: list[int], allowed: float, n_workers: int) -> list[float]:
    """Divide the time among the numbers of labels; the largest is the most important."""
    total = allowed * n_workers
    largest = _FOR_LARGEST * total
    weights = np.sqrt(sizes[:-1])
    others = (total - largest) * weights / max(weights.sum(), 1)
    # With less time, readers that are slow to fit would not be tried with few labels.
    least = min(_MIN_SECONDS, allowed / len(sizes))
    return np.clip([*others, largest], least, allowed).tolist()


def _before(deadline: float | None, task: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a task, or return None if the deadline has passed."""
    return None if deadline is not None and time.time() > deadline else task(*args, **kwargs)
