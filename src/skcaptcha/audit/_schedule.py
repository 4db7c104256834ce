"""The fits of an audit, distributed over processes, until the time budget is used up."""

from __future__ import annotations

import math
import time
import warnings
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
from skcaptcha.semi_supervised._self_training_reader import MIN_LABELED, MIN_UNLABELED_PART

_SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
# Fractions of the budget: at most for the curve, at least for the ablations.
_FOR_CURVE, _FOR_ABLATIONS = 0.75, 0.15
_FOR_LARGEST = 0.4  # of the time for the curve without unlabeled captchas
_MIN_SECONDS = 30.0  # for choosing a recipe, if the budget allows it for each number of labels
_MAX_ABLATION = 300  # labels


@dataclass(frozen=True)
class Schedule:
    """The fits of an audit, distributed over processes.

    With unlabeled captchas in `split`, there is a second learning curve, with them. `start` is the
    start of the audit by `time.time`, which is the same in all processes. `progress` is called with
    the name of a task, the number of finished fits, and the total number of fits.
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

    @property
    def unlabeled_sizes(self) -> list[int]:
        """Numbers of labels of the learning curve with unlabeled captchas that can help."""
        if self.split.unlabeled is None:
            return []
        n = len(self.split.y) + len(self.split.unlabeled)
        least = 1 + MIN_UNLABELED_PART
        return [size for size in self.sizes if size >= MIN_LABELED and least * size <= n]

    def curves(self) -> tuple[list[FitOutcome], list[FitOutcome]]:
        """Choose a recipe for each number of labels, without unlabeled captchas and with them.

        The fit to all labels, without unlabeled captchas, is never skipped.
        """
        sizes, allowed = self.sizes, _FOR_CURVE * self.budget
        n_workers = joblib.effective_n_jobs(self.n_jobs)
        splits = [self.split.first(size) for size in sizes]
        splits += [self.split.first_labeled(size) for size in self.unlabeled_sizes]
        budgets = _budgets(sizes, self.unlabeled_sizes, allowed, n_workers)
        largest = len(sizes) - 1
        order = sorted(range(len(splits)), key=lambda k: len(splits[k].y))
        deadline = self.start + allowed
        # One process does the longest task last, and reserves its time; several begin with the
        # longest ones.
        if n_workers == 1:
            order.sort(key=lambda k: k == largest)
            deadline -= budgets[largest]
        else:
            order.sort(key=lambda k: len(splits[k].y) < sizes[largest])
        tasks = (
            joblib.delayed(_before)(
                None if k == largest else deadline,
                choose_and_read,
                splits[k],
                budget=budgets[k],
                keep_choice=k == largest,
            )
            for k in order
        )
        outcomes = [each for each in self._run("learning", tasks, len(order)) if each is not None]
        outcomes.sort(key=lambda each: each.point.n_labels)
        with_unlabeled = [each for each in outcomes if each.point.n_unlabeled]
        return [each for each in outcomes if not each.point.n_unlabeled], with_unlabeled

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
        with warnings.catch_warnings():
            # A process that has kept much memory is replaced by another one; no fit is lost.
            warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
            results = joblib.Parallel(self.n_jobs, return_as="generator")(tasks)
            for k, result in enumerate(results, start=1):
                self.progress(what, k, n)
                yield result


def _budgets(
    sizes: list[int], unlabeled_sizes: list[int], allowed: float, n_workers: int
) -> list[float]:
    """Divide the time among the numbers of labels; the largest is the most important.

    Return the times without unlabeled captchas, then those with them, which are the same: more time
    alone might read more.
    """
    weights = np.sqrt(sizes)
    weights[-1] = max(1, weights[:-1].sum() * _FOR_LARGEST / (1 - _FOR_LARGEST))
    weights = np.concatenate([weights, weights[np.searchsorted(sizes, unlabeled_sizes)]])
    # With less time, readers that are slow to fit would not be tried with few labels.
    least = min(_MIN_SECONDS, allowed / len(weights))
    return np.clip(allowed * n_workers * weights / weights.sum(), least, allowed).tolist()


def _before(deadline: float | None, task: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a task, or return None if the deadline has passed."""
    return None if deadline is not None and time.time() > deadline else task(*args, **kwargs)
