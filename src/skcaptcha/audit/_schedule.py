"""The fits of an audit, distributed over processes, until the time budget is used up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from skcaptcha.audit._defenses import FAMILY_RISK
from skcaptcha.audit._fits import FitOutcome, choose_and_read, fit_and_read
from skcaptcha.audit._proportions import Proportion, paired_difference, proportion
from skcaptcha.audit._recipe_changes import RecipeChange, recipe_changes
from skcaptcha.audit._result import Ablation
from skcaptcha.auto import Measurement

Progress = Callable[[str, int, int], None]

_SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
# Fractions of the budget: at most for the curve, at least for the ablations.
_FOR_CURVE, _FOR_ABLATIONS = 0.75, 0.15
_FOR_LARGEST = 0.4  # of the time for the curve
_MIN_SECONDS = 30.0  # for choosing a recipe, if the budget allows it for each number of labels
_MAX_ABLATION = 300  # labels


class Schedule:
    """The fits of an audit, distributed over processes.

    `train`, in random order, and `held_out` are indices of captchas. `start` is the start of the
    audit by `time.time`, which is the same in all processes. `sizes` are the numbers of labels of
    the learning curve, `n_ablation` is that of the ablations.
    """

    def __init__(
        self,
        X: Sequence[Any],
        y: NDArray[np.str_],
        *,
        train: NDArray[np.intp],
        held_out: NDArray[np.intp],
        start: float,
        budget: float,
        n_jobs: int | None,
        progress: Progress,
    ) -> None:
        self._X, self._y, self._train, self._held_out = X, y, train, held_out
        self._start, self._budget = start, budget
        self._n_workers = joblib.effective_n_jobs(n_jobs)
        self._parallel = joblib.Parallel(n_jobs, return_as="generator")
        self._progress = progress
        self.sizes = [*(size for size in _SIZES if size < len(train)), len(train)]
        self.n_ablation = min(len(train), _MAX_ABLATION)

    def curve(self) -> list[FitOutcome]:
        """Choose a recipe for each number of labels; the largest is never skipped."""
        allowed = _FOR_CURVE * self._budget
        budgets = self._budgets(allowed)
        largest = len(self.sizes) - 1
        # One process does the longest task last, and reserves its time; several begin with it.
        alone = self._n_workers == 1
        order = list(range(len(self.sizes))) if alone else [largest, *range(largest)]
        deadline = self._start + allowed - alone * budgets[largest]
        tasks = (
            joblib.delayed(_before)(
                None if k == largest else deadline,
                choose_and_read,
                self._X,
                self._y,
                self._train[: self.sizes[k]],
                self._held_out,
                budget=budgets[k],
                keep_model=k == largest,
            )
            for k in order
        )
        outcomes = [each for each in self._run("learning", tasks, len(order)) if each is not None]
        return sorted(outcomes, key=lambda each: each.n_labels)

    def ablations(
        self, best: FitOutcome, measurement: Measurement
    ) -> tuple[Proportion | None, list[Ablation]]:
        """Fit the chosen recipe again, unchanged and without each step that counters a defense.

        Returns the proportion that the unchanged recipe reads, or None if there was no recipe or no
        time, and the ablations.
        """
        if best.recipe is None:
            return None, []
        unchanged = RecipeChange("", (), {key: best.recipe[key] for key in ("steps", "search")})
        changes = list(recipe_changes(best.recipe, measurement.length, measurement.dark_ink))
        train = self._train[: self.n_ablation]
        # The ablations get some time even if the curve took all of it.
        deadline = max(self._start + self._budget, time.time() + _FOR_ABLATIONS * self._budget)
        tasks = (
            joblib.delayed(_before)(
                deadline, fit_and_read, change.recipe, self._X, self._y, train, self._held_out
            )
            for change in (unchanged, *changes)
        )
        base, *others = self._run("leaving out steps", tasks, 1 + len(changes))
        if base is None:
            return None, []
        confidence = 1 - FAMILY_RISK / max(1, len(changes))
        correct = self.correct(base)
        n = len(correct)
        ablations = []
        for change, texts in zip(changes, others, strict=True):
            read = loss = None
            if texts is not None:
                also = self.correct(texts)
                lost, won = int((correct & ~also).sum()), int((also & ~correct).sum())
                read = proportion(int(also.sum()), n, confidence=confidence)
                loss = paired_difference(lost, won, n, confidence=confidence)
            ablations.append(Ablation(change.description, change.counters, read, loss))
        return proportion(int(correct.sum()), n, confidence=confidence), ablations

    def correct(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of the held-out captchas were read correctly."""
        return np.array(texts, dtype=np.str_) == self._y[self._held_out]

    def _budgets(self, allowed: float) -> list[float]:
        """Divide the time among the numbers of labels; the largest is the most important."""
        total = allowed * self._n_workers
        largest = _FOR_LARGEST * total
        weights = np.sqrt(self.sizes[:-1])
        others = (total - largest) * weights / max(weights.sum(), 1)
        # With less time, readers that are slow to fit would not be tried with few labels.
        least = min(_MIN_SECONDS, allowed / len(self.sizes))
        return np.clip([*others, largest], least, allowed).tolist()

    def _run(self, what: str, tasks: Iterator[Any], n: int) -> Iterator[Any]:
        self._progress(what, 0, n)
        for k, result in enumerate(self._parallel(tasks), start=1):
            self._progress(what, k, n)
            yield result


def _before(deadline: float | None, task: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a task, or return None if the deadline has passed."""
    return None if deadline is not None and time.time() > deadline else task(*args, **kwargs)
