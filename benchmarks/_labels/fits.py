"""Fits to few labels, and the table of their results."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from _accuracy.schemes import Scheme, subset
from _accuracy.tasks import emptied, fit_and_score
from pydantic import BaseModel

from skcaptcha._files.atomic import write_atomically
from skcaptcha.exceptions import SkcaptchaError

Key: TypeAlias = tuple[str, int, int, bool]
# Folders of images without labels that a scheme may have.
_UNLABELED = "unlabelled", "unlabeled"


class Result(BaseModel):
    """One fit, and the accuracy of its model; fractions are in 0..1.

    Attributes
    ----------
    scheme : str
    n : int
        Number of labels.
    seed : int
        Random seed of the choice of labels.
    unlabeled : bool
        Whether images without a label were given.
    n_unlabeled : int
        Their number.
    n_taught : int
        Number of those that taught.
    n_checked, n_wrong : int
        Number of those that taught whose label is known to the benchmark, and of those among them
        that taught a wrong text, ignoring case.
    string_accuracy, low, high : float or None
        On ``dev``, with its 95 % Wilson interval.
    cv_string_accuracy : float or None
        As ``fit`` estimated it.
    fit_seconds : float or None
    budget : float
        In seconds.
    recipe : str
        What ``fit`` chose.
    failed : str
        Reason why the fit failed; empty if it did not.
    """

    scheme: str
    n: int
    seed: int
    unlabeled: bool
    n_unlabeled: int = 0
    n_taught: int = 0
    n_checked: int = 0
    n_wrong: int = 0
    string_accuracy: float | None = None
    low: float | None = None
    high: float | None = None
    cv_string_accuracy: float | None = None
    fit_seconds: float | None = None
    budget: float
    recipe: str = ""
    failed: str = ""

    @property
    def key(self) -> Key:
        """Unique key of the fit."""
        return self.scheme, self.n, self.seed, self.unlabeled


@dataclass(frozen=True)
class Fit:
    """A fit to `n` labels of a scheme, chosen by `seed`, with or without the other images."""

    scheme: Scheme
    n: int
    seed: int
    unlabeled: bool
    budget: float

    @property
    def key(self) -> Key:
        """Unique key, which is also that of its result."""
        return self.scheme.name, self.n, self.seed, self.unlabeled

    def run(self, work: Path) -> Result:
        """Fit and score in a folder of `work`; errors are stored in the result."""
        part = "with" if self.unlabeled else "without"
        folder = work / self.scheme.name / f"{self.n}-{self.seed}-{part}"
        try:
            if self.scheme.problem:
                raise SkcaptchaError(self.scheme.problem)
            with emptied(folder) as lock:
                return self._result(**self._measure(folder, lock))
        except (SkcaptchaError, OSError) as error:
            return self._result(failed=" ".join(str(error).split()))

    def _result(self, **figures: Any) -> Result:
        name, n, seed, unlabeled = self.key
        return Result(
            scheme=name, n=n, seed=seed, unlabeled=unlabeled, budget=self.budget, **figures
        )

    def _measure(self, folder: Path, lock: int) -> dict[str, Any]:
        train, others, taught = folder / "train", folder / "others", folder / "taught.csv"
        labels = subset(self.scheme, self.n, self.seed, train, others)
        arguments: list[object] = ["fit", train, "--budget", self.budget]
        n_unlabeled = 0
        if self.unlabeled:
            siblings = [self.scheme.train.parent / name for name in _UNLABELED]
            folders = [others, *(sibling for sibling in siblings if sibling.is_dir())]
            for each in folders:
                arguments += ["--unlabeled", each]
                n_unlabeled += sum(1 for _ in each.iterdir())
            arguments += ["--pseudo-labels", taught]
        figures = fit_and_score(arguments, self.scheme.dev, folder, lock)
        found = {name: value for name, value in figures.items() if name in Result.model_fields}
        return {**found, "n_unlabeled": n_unlabeled, **_count_wrong(taught, others, labels)}


def _count_wrong(table: Path, others: Path, labels: dict[str, str]) -> dict[str, int]:
    """Compare the texts that taught with the labels that the benchmark withheld."""
    if not table.exists():
        return {}
    with table.open(encoding="utf-8", newline="") as file:
        taught = [(Path(row["filename"]), row["label"]) for row in csv.DictReader(file)]
    known = [(text, labels[path.name]) for path, text in taught if path.parent == others]
    wrong = sum(text.casefold() != label.casefold() for text, label in known)
    return {"n_taught": len(taught), "n_checked": len(known), "n_wrong": wrong}


def plan(
    schemes: Sequence[Scheme],
    sizes: Sequence[int],
    n_samples: int,
    budgets: tuple[float, float],
) -> list[Fit]:
    """Return the fits, so that all schemes have results of one size before the next begins.

    `budgets` are the seconds of fits without and with the images that have no label.
    """
    return [
        Fit(scheme, n, seed, unlabeled, budgets[unlabeled])
        for seed in range(n_samples)
        for n in sizes
        for scheme in schemes
        for unlabeled in (False, True)
        if n < scheme.n_train or scheme.problem
    ]


def load_results(file: Path) -> dict[Key, Result]:
    """Load the rows of a CSV file; none if the file does not exist."""
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as stream:
        rows = [{k: v for k, v in row.items() if v} for row in csv.DictReader(stream)]
    try:
        results = [Result.model_validate(row) for row in rows]
    except ValueError as error:
        raise SkcaptchaError(
            f"{file}: this is not a table of this benchmark ({error}); use another folder"
        ) from None
    return {result.key: result for result in results}


def save_results(results: Iterable[Result], file: Path) -> None:
    """Write all rows atomically."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(Result.model_fields))
    writer.writeheader()
    writer.writerows(result.model_dump() for result in results)
    write_atomically(file, lambda stream: stream.write(text.getvalue().encode()))
