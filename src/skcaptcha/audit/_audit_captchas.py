"""The audit of labeled captchas."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.audit._audit import Audit
from skcaptcha.audit._defense_amounts import measure_characters, measure_ink
from skcaptcha.audit._defenses import assess
from skcaptcha.audit._fits import Split
from skcaptcha.audit._schedule import Schedule
from skcaptcha.auto import measure
from skcaptcha.exceptions import DatasetError, SkcaptchaError
from skcaptcha.images import ImageBatch, decode, find_duplicates
from skcaptcha.read import read_captchas
from skcaptcha.read._base import validate_labels

_MIN_CAPTCHAS = 6
_HELD_OUT_FRACTION, _MAX_HELD_OUT = 1 / 3, 500


def audit_captchas(
    X: Sequence[Any],
    y: Sequence[str],
    *,
    budget: float = 900.0,
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

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Labels of the captchas.
    budget : float, default=900.0
        Time budget in seconds. A fit that was started is finished, so the audit may take longer.
        Fits that would start later are skipped and reported.
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
    order = np.random.default_rng(random_state).permutation(unique)
    n_held_out = min(_MAX_HELD_OUT, round(_HELD_OUT_FRACTION * len(order)))
    held_out, train = order[:n_held_out], order[n_held_out:]
    split = Split(_take(X, train), labels[train], _take(X, held_out), labels[held_out])
    schedule = Schedule(split, start, budget, n_jobs, progress)
    outcomes = schedule.curve()
    curve, best = tuple(outcome.point for outcome in outcomes), outcomes[-1]
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
        skipped=tuple(size for size in schedule.sizes if size not in {p.n_labels for p in curve}),
        findings=tuple(assess(amounts, best.correct)),
        ablations=tuple(ablations),
        n_ablation=schedule.n_ablation,
        ablation_base=base,
        budget=budget,
        seconds=time.time() - start,
        cpu_seconds=sum(point.cpu_seconds for point in curve),
    )


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
