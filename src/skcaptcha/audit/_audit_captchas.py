"""The audit of labeled captchas."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.audit._audit import Audit, AuditPoint
from skcaptcha.audit._defense_amounts import measure_characters, measure_ink
from skcaptcha.audit._defenses import assess
from skcaptcha.audit._fits import FitOutcome, Split
from skcaptcha.audit._proportions import paired_difference
from skcaptcha.audit._schedule import Schedule
from skcaptcha.auto import measure
from skcaptcha.exceptions import DatasetError, SkcaptchaError
from skcaptcha.images import ImageBatch, decode, find_duplicates
from skcaptcha.read import read_captchas
from skcaptcha.read._base import validate_labels
from skcaptcha.semi_supervised._self_training_reader import MAX_UNLABELED

_MIN_CAPTCHAS = 6
_HELD_OUT_FRACTION, _MAX_HELD_OUT = 1 / 3, 500
_BUDGET, _BUDGET_WITH_UNLABELED = 900.0, 2700.0


def audit_captchas(
    X: Sequence[Any],
    y: Sequence[str],
    *,
    unlabeled: Sequence[Any] | None = None,
    budget: float | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Audit:
    """Measure how easily captchas are read by a program, and which of their defenses help.

    A random third of the captchas, at most 500, is held out. For the first 10, 20, 50, 100, ... of
    the others, in random order, a recipe is chosen and fitted with these labels only, and reads the
    held-out captchas. With the most labels, captchas that have a defense, or more of it, are
    compared with the others to find its cost. Then the chosen recipe is fitted again without each
    step that counters a defense, to find how much it loses.

    With `unlabeled`, a second learning curve shows what is read if captchas without labels teach as
    well, as they do in :func:`~skcaptcha.auto.choose_recipe`: the unlabeled ones, and for each
    number of labels the training captchas beyond it, without their labels.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Labels of the captchas.
    unlabeled : sequence of captchas, optional
        Captchas of the same scheme without labels; may be empty. Duplicates of captchas in `X` are
        left out, so that held-out captchas never teach. Of more than 3,000, a random sample is
        used.
    budget : float, optional
        Time budget in seconds; by default 900, or 2700 with `unlabeled`. A fit that was
        started is finished, so the audit may take longer. Fits that would start later are skipped
        and reported.
    n_jobs : int, optional
        Number of processes, as in scikit-learn.
    random_state : int, default=0
        Seed that determines the held-out captchas and the order of the others.
    progress : callable, optional
        Function that is called with the name of a task, the number of finished fits, and the total
        number of fits.

    Returns
    -------
    audit : Audit
        `~skcaptcha.report.audit_report` makes a page of it.

    Raises
    ------
    DatasetError
        If there are fewer than six captchas, if one has no label, or if all labels are equal.
    ImageError
        If an image cannot be decoded.

    Examples
    --------
    >>> from skcaptcha.audit import audit_captchas
    >>> from skcaptcha.datasets import make_line_captchas
    >>> images, labels = make_line_captchas(45, charset="ABC", random_state=0)
    >>> audit = audit_captchas(list(images), labels, budget=4)
    >>> audit.best.n_labels, audit.n_held_out
    (30, 15)
    >>> audit.best.read.low > 0.5
    True
    """
    start = time.time()
    if budget is None:
        budget = _BUDGET if unlabeled is None else _BUDGET_WITH_UNLABELED
    progress = progress or (lambda task, done, total: None)
    progress("measuring", 0, 1)
    labels = validate_labels(y, len(X))
    if not all(labels):
        raise DatasetError(f"captcha {np.flatnonzero(labels == '')[0]} has no label; leave it out")
    images = [decode(source) for source in X]
    # Reading a duplicate of a training image shows nothing about new images.
    unique = np.unique(find_duplicates(images))
    if len(unique) < _MIN_CAPTCHAS:
        raise DatasetError(
            f"{len(unique)} different labeled captchas are too few for an audit; at least "
            f"{_MIN_CAPTCHAS} are needed, and several hundred are better"
        )
    if len(set(labels)) == 1:
        raise DatasetError(
            f"all labels are {str(labels[0])!r}; label captchas with different strings"
        )
    measurement = measure(iter(images), labels.tolist())
    rng = np.random.default_rng(random_state)
    order = rng.permutation(unique)
    n_held_out = min(_MAX_HELD_OUT, round(_HELD_OUT_FRACTION * len(order)))
    held_out, train = order[:n_held_out], order[n_held_out:]
    others = None if unlabeled is None else _different(unlabeled, images, rng)
    split = Split(_take(X, train), labels[train], _take(X, held_out), labels[held_out], others)
    schedule = Schedule(split, start, budget, n_jobs, progress)
    outcomes, with_unlabeled = schedule.curves()
    curve, best = tuple(outcome.point for outcome in outcomes), outcomes[-1]
    unlabeled_curve = _with_gains(with_unlabeled, outcomes)
    model = best.choice and best.choice.model
    amounts = _defense_amounts(model, [images[i] for i in held_out], labels[held_out].tolist())
    base, ablations = schedule.ablations(best.choice)
    return Audit(
        n=len(X),
        n_duplicates=len(X) - len(unique),
        n_train=len(train),
        n_held_out=n_held_out,
        measured=dict(measurement.summary()),
        n_characters=len(measurement.characters),
        length=measurement.length,
        curve=curve,
        skipped=_missing(schedule.sizes, curve),
        findings=tuple(assess(amounts, best.correct)),
        ablations=tuple(ablations),
        n_ablation=schedule.n_ablation,
        ablation_base=base,
        budget=budget,
        seconds=time.time() - start,
        cpu_seconds=sum(point.cpu_seconds for point in (*curve, *unlabeled_curve)),
        n_unlabeled=None if others is None else len(others),
        unlabeled_curve=unlabeled_curve,
        unlabeled_skipped=_missing(schedule.unlabeled_sizes, unlabeled_curve),
    )


def _different(
    unlabeled: Sequence[Any], images: Sequence[NDArray[np.uint8]], rng: np.random.Generator
) -> ImageBatch:
    """Return some unlabeled captchas in random order, without duplicates, also of the images."""
    chosen = rng.permutation(len(unlabeled))[:MAX_UNLABELED]
    batch = ImageBatch(unlabeled[i] for i in chosen.tolist())
    groups = find_duplicates([*images, *map(decode, batch)])[len(images) :] - len(images)
    return batch.take(np.flatnonzero(groups == np.arange(len(batch))).tolist())


def _with_gains(
    with_unlabeled: Sequence[FitOutcome], without: Sequence[FitOutcome]
) -> tuple[AuditPoint, ...]:
    """Return points with unlabeled captchas, and how much more they read than those without.

    If none taught, only chance and time make a difference, so the point is the one without.
    """
    alone = {outcome.point.n_labels: outcome for outcome in without}

    def point(outcome: FitOutcome) -> AuditPoint:
        own, base = outcome.point, alone.get(outcome.point.n_labels)
        if base is None:
            return own
        if not own.n_pseudo_labeled:
            return replace(own, read=base.point.read, recipe=base.point.recipe)
        won = int((outcome.correct & ~base.correct).sum())
        lost = int((base.correct & ~outcome.correct).sum())
        return replace(own, gain=paired_difference(won, lost, len(base.correct)))

    return tuple(map(point, with_unlabeled))


def _missing(sizes: Sequence[int], curve: Sequence[AuditPoint]) -> tuple[int, ...]:
    reached = {point.n_labels for point in curve}
    return tuple(size for size in sizes if size not in reached)


def _take(X: Sequence[Any], indices: NDArray[np.intp]) -> Sequence[Any]:
    # An ImageBatch shares its pixels with worker processes; a list would be copied to each of them.
    return X.take(indices) if isinstance(X, ImageBatch) else [X[i] for i in indices]


def _defense_amounts(
    model: Pipeline | None, images: Sequence[NDArray[np.uint8]], labels: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """Measure the amount of each defense; rotation and shape need a model to locate characters."""
    unknown = np.full(len(labels), np.nan)
    amounts = {**measure_ink(images, labels), "rotation": unknown, "shape": unknown}
    if model is not None:
        with suppress(SkcaptchaError):
            denoised = model[:2].transform(images)
            boxes = [reading.boxes for reading in read_captchas(model, images)]
            amounts |= measure_characters(denoised, boxes, labels)
    return amounts
