"""From labeled captchas to what reading them takes, and which of their defenses hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skcaptcha.audit._defenses import find
from skcaptcha.audit._features import amounts_of_characters, amounts_of_ink
from skcaptcha.audit._figures import Audit, Point
from skcaptcha.audit._intervals import share
from skcaptcha.audit._work import Work, which_right
from skcaptcha.auto import measure
from skcaptcha.exceptions import DatasetError, SkcaptchaError
from skcaptcha.images import decode, find_duplicates
from skcaptcha.read import read_captchas
from skcaptcha.read._input import check_texts

_DEFAULT_BUDGET = 900.0

_FEWEST = 6
_HELD_OUT, _MOST_HELD_OUT = 1 / 3, 500


def audit_captchas(
    X: Sequence[Any],
    y: Sequence[str],
    *,
    budget: float | None = None,
    n_jobs: int | None = None,
    random_state: int = 0,
    say: Callable[[str, int, int], None] | None = None,
) -> Audit:
    """Measure how many labels and how much time reading captchas takes, and what holds it up.

    A third of the captchas, at most 500, is drawn by chance and kept apart. From the first 10, 20,
    50, 100, ... of the others, in an order drawn by chance, a recipe is chosen and fitted each time
    anew, with nothing but these labels, and reads those that were kept apart. The readings with
    the most labels tell what each defense costs: captchas that have it, or have more of it, are
    compared with the others. The recipe that was chosen then is fitted again without one thing
    after the other that answers a defense, and what it loses is counted.

    Parameters
    ----------
    X : sequence of n captchas
        Paths, bytes, PIL images or arrays.
    y : sequence of n str
        Their labels.
    budget : float, optional
        Seconds; by default 900. What is begun is ended, so that it may take longer; what has not
        begun by then is left out, and said to be.
    n_jobs : int, optional
        Number of processes, as everywhere in scikit-learn.
    random_state : int, default=0
        Which captchas are kept apart, and the order of the others.
    say : callable, optional
        Is told what is being done, how many pieces of work are done, and how many there are.

    Returns
    -------
    audit : Audit

    Raises
    ------
    DatasetError
        If there are fewer than six captchas, one has no label, or all labels are equal.
    ImageError
        If one of them is no image.

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
    began = time.time()
    budget = _DEFAULT_BUDGET if budget is None else budget
    say = say or (lambda text, done, total: None)
    say("measuring", 0, 1)
    labels = check_texts(y, len(X))
    if not all(labels):
        raise DatasetError(f"captcha {np.flatnonzero(labels == '')[0]} has no label; leave it out")
    images = [decode(source) for source in X]
    chosen = _without_duplicates(images)
    if len(chosen) < _FEWEST:
        raise DatasetError(
            f"{len(chosen)} different labeled captchas are too few to audit; at least {_FEWEST} "
            "are needed, and some hundred tell much more"
        )
    if len(set(labels)) == 1:
        raise DatasetError(
            f"all labels are {str(labels[0])!r}, so there is nothing to tell apart; label captchas "
            "that show different strings"
        )
    measurement = measure(iter(images), labels.tolist())
    order = np.random.default_rng(random_state).permutation(chosen)
    n_held_out = min(_MOST_HELD_OUT, round(_HELD_OUT * len(order)))
    read, learn = order[:n_held_out], order[n_held_out:]
    work = Work(
        X, labels, learn=learn, read=read, began=began, budget=budget, n_jobs=n_jobs, say=say
    )
    learned = work.curve()
    curve = tuple(
        Point(
            each.n_labels,
            share(int(which_right(each.texts, labels[read]).sum()), n_held_out),
            each.name,
            each.cpu_seconds,
            3600 * each.readings_per_second,
        )
        for each in learned
    )
    best = learned[-1]
    amounts = _amounts(best.model, [images[i] for i in read], labels[read])
    # Of the others nothing is known to what is fitted, not even how long their labels are.
    base, ablations = work.ablations(
        best, measure((images[i] for i in learn), labels[learn].tolist())
    )
    return Audit(
        n=len(X),
        n_duplicates=len(X) - len(chosen),
        n_learn=len(learn),
        n_held_out=n_held_out,
        measured=dict(measurement.lines()),
        n_characters=len(measurement.characters),
        length=measurement.length,
        curve=curve,
        skipped=tuple(size for size in work.sizes if size not in {p.n_labels for p in curve}),
        findings=tuple(find(amounts, which_right(best.texts, labels[read]))),
        ablations=tuple(ablations),
        n_ablation=work.n_ablation,
        ablation_base=base,
        budget=budget,
        seconds=time.time() - began,
        cpu_seconds=sum(point.cpu_seconds for point in curve),
    )


def _without_duplicates(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.intp]:
    """Leave out images that repeat another one: reading them again would prove nothing."""
    return np.unique(find_duplicates(images))


def _amounts(
    model: Pipeline | None, images: Sequence[NDArray[np.uint8]], labels: NDArray[np.str_]
) -> dict[str, NDArray[np.float64]]:
    """Measure every captcha's defenses; where its characters stand, a model has to tell."""
    texts = labels.tolist()
    amounts = amounts_of_ink(images, texts)
    try:
        if model is None:
            raise SkcaptchaError("there is no model")
        denoised = model[:2].transform(images)
        boxes = [reading.boxes for reading in read_captchas(model, images)]
        return amounts | amounts_of_characters(denoised, boxes, texts)
    except SkcaptchaError:
        unknown = np.full(len(texts), np.nan)
        return amounts | {"rotation": unknown, "shape": unknown}
