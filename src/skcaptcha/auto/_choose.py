"""Choose the best recipe for labeled captchas."""

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
from skcaptcha.auto._candidate import Candidate, Trial
from skcaptcha.auto._evaluations import Clock, Evaluations
from skcaptcha.auto._families import Content, families_for, load_families
from skcaptcha.auto._measurement import Measurement, measure
from skcaptcha.auto._network_training import NETWORK
from skcaptcha.auto._process_pool import ProcessPool
from skcaptcha.auto._race import SCREENING_FOLDS, Race
from skcaptcha.exceptions import DatasetError
from skcaptcha.images import decode, find_duplicates
from skcaptcha.images._batch import as_batch
from skcaptcha.images._single_color import WHY_BLANK, single_color
from skcaptcha.model_selection._journal import Journal, digest_of_captchas
from skcaptcha.read._base import validate_labels
from skcaptcha.semi_supervised import SelfTrainingReader

_logger = logging.getLogger(__name__)

_SECONDS_PER_CAPTCHA = 0.6
_MIN_BUDGET = 420.0
# Whoever fits the recipe of a network again waits for the training in each fold.
_N_NETWORK_FOLDS = 2


@dataclass(frozen=True)
class Choice:
    """The recipe that `choose_recipe` chose, and the race that led to it.

    Attributes
    ----------
    measurement : Measurement
        Properties of the captchas.
    trials : tuple of Trial
        Reports on all candidates, the chosen one first, then the best.
    recipe : dict
        Content of the chosen recipe, without ``data`` and ``output``.
    accuracy : float
        String accuracy of the chosen recipe in cross-validation.
    accuracy_ignoring_case : float
        The same, ignoring case.
    folds, n_validated : int
        Number of folds, and of captchas that were read, in this cross-validation. A single fold
        means that each network was tested on captchas that were held out of its training.
    model : Pipeline
        Chosen recipe, fitted to all captchas; without ``refit``, the unfitted pipeline that was
        cross-validated.
    budget, seconds : float
        Allowed time and elapsed time, in seconds.
    self_training : SelfTrainingReader or None
        How unlabeled captchas taught; None if there were none, or if the recipe reads nearly
        everything without them. Its samples are the labeled captchas, then the unlabeled ones.
    """

    measurement: Measurement
    trials: tuple[Trial, ...]
    recipe: Content
    accuracy: float
    accuracy_ignoring_case: float
    folds: int
    n_validated: int
    model: Pipeline
    budget: float
    seconds: float
    self_training: SelfTrainingReader | None = None


def default_budget(n: int, *, unlabeled: bool = False) -> float:
    """Return the default budget of `choose_recipe` in seconds.

    Parameters
    ----------
    n : int
        Number of labeled captchas.
    unlabeled : bool, default=False
        Whether there are unlabeled captchas as well, which doubles it.

    Returns
    -------
    seconds : float

    Examples
    --------
    >>> from skcaptcha.auto import default_budget
    >>> default_budget(100), default_budget(1000)
    (420.0, 600.0)
    """
    return (1 + unlabeled) * max(_MIN_BUDGET, _SECONDS_PER_CAPTCHA * n)


def choose_recipe(
    X: Sequence[Any],
    y: Sequence[str],
    *,
    unlabeled: Sequence[Any] | None = None,
    families: Mapping[str, Any] | None = None,
    budget: float | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
    random_state: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    refit: bool = True,
    networks: bool = True,
) -> Choice:
    """Race the recipes that can apply to labeled captchas, and fit the best to all captchas.

    All families of recipes are screened on a subset of the captchas. Candidates within reach of the
    best are then cross-validated, the most promising first, while they are ahead and there is time
    for them and for the final fit. The choice therefore depends on the speed of the machine. If one
    family reads nearly everything correctly, the others are not tried. Among equally accurate
    recipes, the fastest one is chosen. Duplicate images are always in the same fold.

    If all labels have the same length, and some positions never hold a digit, or never a letter,
    which is not by chance, then readers that have a `mask` never read one there: number plates and
    serial numbers follow such rules.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Their labels.
    unlabeled : sequence of captchas, optional
        Captchas of the same scheme without labels. Those that models read surely teach as well, as
        with :class:`~skcaptcha.semi_supervised.SelfTrainingReader`. Duplicates of labeled captchas
        and images unlike these never do; with fewer than 20 labeled captchas, none does.
    families : mapping, optional
        Content of a recipe whose grid is a list of families; by default that of auto.yaml.
    budget : float, optional
        Maximum time in seconds, including the final fit. Work that would take longer is not
        started, and the final fit trains fewer networks if there is no time for all. At least one
        recipe is always fitted; a warning is logged before the budget is exceeded. By default
        420 s, and 0.6 s per captcha from 700 captchas on; twice as much with `unlabeled`.
    n_jobs : int, optional
        Number of processes, as everywhere in scikit-learn.
    verbose : int, default=0
        Verbosity; 1 shows the progress on standard error.
    random_state : int, default=0
        Seed for the subset of captchas in the screening.
    checkpoint : path-like, optional
        File to which the scores of every recipe are written as soon as they are known. If the file
        exists, its scores are not computed again and their time counts as elapsed, so that an
        interrupted race is resumed. It must belong to a race with the same captchas, families and
        library versions. The file is kept when the race ends.
    refit : bool, default=True
        Whether to fit the chosen recipe to all captchas. With networks, this can take as long as
        the rest of the race.
    networks : bool, default=True
        Whether networks that read whole images (`ConvolutionalReader`) may be trained in most of
        the time that is left, if windows read too little.

    Returns
    -------
    choice : Choice

    Raises
    ------
    DatasetError
        If there are fewer than two different captchas, or one has no label.
    ImageError
        If an image cannot be decoded.
    ReadingError
        If no recipe can be fitted to the captchas; lists the reason of each family.
    CheckpointError
        If the checkpoint belongs to another race.

    Notes
    -----
    The candidates are the variants of all families in auto.yaml. As in racing algorithms [1]_, a
    candidate is given up as soon as another one is better by more than chance explains.

    A resumed race may choose a different recipe than an uninterrupted one would, just as two
    uninterrupted races may differ: evaluations that were interrupted, and the final fit, are done
    again, and times vary. The scores are the same, and the chosen recipe gives the same model, bit
    for bit, unless it trains networks that read whole images: these are trained for as long as the
    budget allows, and the recipe for the same number of batches.

    References
    ----------
    .. [1] O. Maron and A. W. Moore, "Hoeffding races: accelerating model selection search for
       classification and function approximation", NIPS 6 (1993), 59-66.

    Examples
    --------
    >>> from skcaptcha.auto import choose_recipe
    >>> from skcaptcha.datasets import make_line_captchas
    >>> images, labels = make_line_captchas(120, random_state=0)
    >>> choice = choose_recipe(list(images), labels)
    >>> choice.trials[0].name
    'FixedBoxes + RawPixels + KNeighborsClassifier'
    >>> choice.model.predict(images[:2]).tolist() == labels[:2].tolist()
    True
    """
    if len(y) < 2:
        raise DatasetError(
            f"{len(y)} labeled captchas are too few to compare recipes; label at least 2"
        )
    labels = validate_labels(y, len(X))
    if not all(labels):
        raise DatasetError(f"captcha {np.flatnonzero(labels == '')[0]} has no label; leave it out")
    if unlabeled is not None and not len(unlabeled):
        unlabeled = None
    if budget is None:
        budget = default_budget(len(labels), unlabeled=unlabeled is not None)
    begin = time.perf_counter()
    with _progress(budget, verbose) as report_progress:
        report_progress("measuring")
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
            race = Race(
                X,
                labels,
                groups,
                Evaluations(X, labels, clock, journal),
                report_progress,
                folds=content["search"]["cv"],
                pool=ProcessPool(n_jobs),
                random_state=random_state,
                networks=networks,
                unlabeled=None if unlabeled is None else as_batch(unlabeled),
            )
            race.run(list(families_for(measurement, content)))
            model, winner = race.best_model(refit=refit)
    is_network = winner.family.number == NETWORK
    return Choice(
        measurement=measurement,
        trials=tuple(race.trials(winner)),
        recipe={
            **{key: winner.recipe[key] for key in ("steps", "final")},
            "search": {"cv": _N_NETWORK_FOLDS if is_network else race.folds},
        },
        accuracy=winner.estimate if winner.accuracy is None else winner.accuracy,
        accuracy_ignoring_case=winner.ignoring_case,
        folds=1 if is_network else _n_folds(race, winner),
        n_validated=winner.n_validated or len(race.screened),
        model=model,
        budget=budget,
        seconds=clock.elapsed(),
        self_training=winner.self_training,
    )


def _n_folds(race: Race, winner: Candidate) -> int:
    return race.folds if winner.accuracy is not None else SCREENING_FOLDS


@contextmanager
def _progress(budget: float, verbose: int) -> Iterator[Callable[[str], None]]:
    """Yield a function that logs what is being done, and shows it if ``verbose``."""
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

        def report_progress(text: str) -> None:
            _logger.info(text)
            progress.update(task, description=text)

        with registered(progress):
            yield report_progress
