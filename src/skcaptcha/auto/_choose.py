"""From labeled captchas to the best recipe for them, fitted."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from sklearn.pipeline import Pipeline

from skcaptcha._display.progress import format_duration, progress_columns, registered
from skcaptcha.auto._entry import Trial
from skcaptcha.auto._evaluations import Clock, Evaluations
from skcaptcha.auto._families import Content, families_for, load_families
from skcaptcha.auto._measure import Measurement, measure
from skcaptcha.auto._processes import Processes
from skcaptcha.auto._race import SCREENING_FOLDS, Race
from skcaptcha.exceptions import DatasetError
from skcaptcha.images import WHY_BLANK, decode, find_duplicates, single_color
from skcaptcha.images._batch import as_batch
from skcaptcha.model_selection._journal import Journal, digest_of_captchas
from skcaptcha.read._base import check_labels

_logger = logging.getLogger(__name__)

_SECONDS_PER_CAPTCHA = 0.6
_LEAST_BUDGET = 420.0


@dataclass(frozen=True)
class Choice:
    """What `choose_recipe` gives.

    Attributes
    ----------
    measurement : Measurement
    tried : tuple of Trial
        The best first, the chosen one before all.
    recipe : dict
        Content of the chosen recipe, without ``data`` and ``output``.
    accuracy : float
        String accuracy of the chosen recipe, by cross-validation.
    accuracy_ignoring_case : float
        The same if case does not count.
    folds, n_validated : int
        How that was found: on so many captchas, while the model learned from those in the other
        ones of so many folds.
    model : Pipeline
        The chosen recipe, fitted to all captchas; without ``refit``, as it was cross-validated, and
        not fitted.
    budget, seconds : float
        Allowed and spent.
    """

    measurement: Measurement
    tried: tuple[Trial, ...]
    recipe: Content
    accuracy: float
    accuracy_ignoring_case: float
    folds: int
    n_validated: int
    model: Pipeline
    budget: float
    seconds: float


def default_budget(n: int) -> float:
    """Give the seconds that choosing may take if nobody says how many.

    Parameters
    ----------
    n : int
        Number of captchas.

    Returns
    -------
    seconds : float

    Examples
    --------
    >>> from skcaptcha.auto import default_budget
    >>> default_budget(100), default_budget(1000)
    (420.0, 600.0)
    """
    return max(_LEAST_BUDGET, _SECONDS_PER_CAPTCHA * n)


def choose_recipe(
    X: Sequence[Any],
    y: Sequence[str],
    *,
    families: Mapping[str, Any] | None = None,
    budget: float | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    random_state: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    refit: bool = True,
) -> Choice:
    """Try the families of recipes that can apply, and fit the best to all captchas.

    Every family is screened on a part of the captchas. What is within reach of the best is then
    cross-validated, the most promising first, each as long as it is ahead and as the time allows
    that and the last fit; so the choice depends on how fast the machine is. If a family reads
    nearly everything right, the others are not tried. Of those that are equally good the fastest
    reader is chosen. Copies of an image are always in one fold.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Their labels.
    families : mapping, optional
        Content of a recipe whose grid is a list of families; by default that of auto.yaml.
    budget : float, optional
        Seconds, the last fit among them. What would take too long is not begun, and the last fit
        has fewer networks if there is no time for all. One recipe is fitted in any case: a warning
        is logged before that if it takes longer. By default 420, from 700 captchas on 0.6 for each.
    n_jobs : int, optional
        Number of processes, as everywhere in scikit-learn.
    verbose : int, default=0
        1 shows on the standard error what is being tried.
    random_state : int, default=0
        Which captchas the screening takes.
    checkpoint : path-like, optional
        A file in which what is found of every recipe is kept at once. If it is there, what it holds
        is not computed again, and its seconds count as if they had been spent now: the race goes on
        where it was. It must be of the same captchas and families, found by the same versions of
        libraries; it stays when the race is over.
    refit : bool, default=True
        Whether to fit the chosen recipe to all captchas, with networks that can take as long as
        all the rest.

    Returns
    -------
    choice : Choice

    Raises
    ------
    DatasetError
        If there are fewer than two different captchas, or one has no label.
    ImageError
        If one of them is no image.
    ReadingError
        If nothing can be fitted to them: says of each family why.
    CheckpointError
        If the checkpoint is of another race.

    Notes
    -----
    A race that goes on from a checkpoint need not choose what it would have chosen otherwise, as
    little as two races do: what was being scored when it was stopped is scored again, without
    counting twice, and so is the last fit made, and moments differ. All scores are the same, and
    the chosen recipe gives the same model, bit for bit.

    Examples
    --------
    >>> from skcaptcha.auto import choose_recipe
    >>> from skcaptcha.datasets import make_line_captchas
    >>> images, labels = make_line_captchas(120, random_state=0)
    >>> choice = choose_recipe(list(images), labels)
    >>> choice.tried[0].name
    'FixedBoxes + RawPixels + KNeighborsClassifier'
    >>> choice.model.predict(images[:2]).tolist() == labels[:2].tolist()
    True
    """
    if len(y) < 2:
        raise DatasetError(
            f"{len(y)} labeled captchas are too few to compare recipes; at least 2 are needed"
        )
    labels = check_labels(y, len(X))
    if not all(labels):
        raise DatasetError(f"captcha {np.flatnonzero(labels == '')[0]} has no label; leave it out")
    budget = default_budget(len(labels)) if budget is None else budget
    begin = time.perf_counter()
    with _progress(budget, verbose) as say:
        say("measuring")
        X = as_batch(X)
        measurement = measure(map(decode, X), labels.tolist())
        groups = find_duplicates(X)
        if not groups.any():
            color = single_color(decode(X[0]))
            raise DatasetError(
                f"all {len(labels)} captchas show the same image; at least 2 different ones are "
                "needed to compare recipes" + f"; it is {color} all over: {WHY_BLANK}" * bool(color)
            )
        content = load_families() if families is None else families
        parts = {
            "captchas": digest_of_captchas(X),
            "labels": labels,
            "families": content,
            "random_state": random_state,
        }
        with nullcontext() if checkpoint is None else Journal(checkpoint, parts) as journal:
            clock = Clock(begin, budget)
            evaluations = Evaluations(X, labels, clock, journal)
            race = Race(
                X,
                labels,
                clock,
                evaluations,
                say,
                groups=groups,
                processes=Processes(n_jobs),
                random_state=random_state,
            )
            race.run(list(families_for(measurement, content)), content["search"]["cv"])
            model, winner = race.fit_best() if refit else race.best()
    assert winner.recipe is not None
    return Choice(
        measurement=measurement,
        tried=tuple(race.trials(winner)),
        recipe={
            **{key: winner.recipe[key] for key in ("steps", "final")},
            "search": {"cv": race.folds},
        },
        accuracy=winner.value,
        accuracy_ignoring_case=winner.ignoring_case,
        folds=race.folds if winner.accuracy is not None else SCREENING_FOLDS,
        n_validated=winner.n_validated or len(race.screened),
        model=model,
        budget=budget,
        seconds=clock.spent(),
    )


@contextmanager
def _progress(budget: float, verbose: int) -> Iterator[Callable[[str], None]]:
    """Show on the standard error what is being done and for how long, if ``verbose``."""
    if not verbose:
        yield _logger.info
        return
    console = Console(stderr=True)
    columns = progress_columns(
        console,
        lambda task: f"{format_duration(task.elapsed or 0)} of {format_duration(budget)}",
        lambda task: min((task.elapsed or 0) / budget, 1),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def say(text: str) -> None:
            _logger.info(text)
            progress.update(task, description=text)

        with registered(progress):
            yield say
