"""Better places for the characters of training captchas: those from which others are read best."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skcaptcha.read._fitting import Plan, fit_classifiers
from skcaptcha.read._lattice import Lattice
from skcaptcha.read._training import Training

_logger = logging.getLogger(__name__)

# To compare places, fewer warped copies than the last classifiers need will do.
_FEWER_COPIES, _LEAST_COPIES = 4, 2
_CAPTCHAS_AT_ONCE = 64


def realign(plan: Plan, training: Training, n_times: int, rng: np.random.RandomState) -> None:
    """Let classifiers find better places for the characters that they learn from.

    A flexible classifier finds characters that a linear one has lost, but it knows by heart where
    it has seen them, and among windows that it takes for equally good it chooses by chance; a
    linear one, once it has seen the right places, finds the exact ones. So each half of the
    captchas is aligned by what has learned from the other half, and then by linear discriminants;
    and of all places those are kept from which classifiers learn to read the other half best.

    Parameters
    ----------
    plan : Plan
    training : Training
        Changes.
    n_times : int >= 0
        How often, at the most: as long as it helps.
    rng : RandomState
    """
    if n_times == 0:
        return
    if plan.n_copies is not None:
        fewer = max(_LEAST_COPIES, math.ceil(plan.n_copies / _FEWER_COPIES))
        plan = replace(plan, n_copies=min(plan.n_copies, fewer))
    plan = replace(plan, n_estimators=1)
    log_odds = _log_odds_by_others(plan, training, rng)
    best, places = _n_right(training, log_odds), training.chosen
    for _ in range(n_times):
        before = best
        training.align(log_odds)
        for step in ("classifier", "linear"):
            if step == "linear":
                training.align_linearly(rng)
            found = _log_odds_by_others(plan, training, rng)
            right = _n_right(training, found)
            _logger.debug("places by %s: %d characters right, %d before", step, right, best)
            if right > best:
                best, places, log_odds = right, training.chosen, found
        training.chosen = places
        if best == before:
            return


def _log_odds_by_others(
    plan: Plan, training: Training, rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Score the segments of each half of the captchas by a classifier fitted to the other half."""
    placed = np.unique(training.characters.captcha[training.chosen >= 0])
    if len(placed) == 1:
        (classifier,) = fit_classifiers(plan, training, [None], rng)
        return classifier.log_odds(training.values)
    half = np.zeros(len(training.X), dtype=bool)
    half[rng.permutation(placed)[: len(placed) // 2]] = True
    classifiers = fit_classifiers(plan, training, [~half, half], rng)
    log_odds = np.empty((len(training.values), len(training.classes)))
    of_half = half[training.X.captcha_index]
    for rows, classifier in zip((of_half, ~of_half), classifiers, strict=True):
        log_odds[rows] = classifier.log_odds(training.values[rows])
    return log_odds


def _n_right(training: Training, log_odds: NDArray[np.float64]) -> int:
    """Read all captchas, knowing how long their labels are, and count the right characters."""
    X, captcha, classes = training.X, training.characters.captcha, training.characters.classes
    geometry = training.geometry()
    counts = np.bincount(captcha, minlength=len(X))
    ends = np.cumsum(counts)
    n_right = 0
    for first in range(0, len(X), _CAPTCHAS_AT_ONCE):
        part = slice(first, first + _CAPTCHAS_AT_ONCE)
        some, lengths = X[part], counts[part]
        own = log_odds[X.offsets[first] : X.offsets[first] + len(some.boxes)]
        lattice = Lattice(own, geometry.spans(some.boxes), some.offsets, geometry.spacing)
        places = np.arange(lengths.max(initial=1))
        only = np.where(places == lengths[:, None] - 1, 0.0, -np.inf)
        read = lattice.best(only, np.ones((len(places), len(training.classes)), dtype=bool)).classes
        labels = classes[ends[first] - counts[first] : ends[part][-1]]
        n_right += int((read[places < lengths[:, None]] == labels).sum())
    return n_right
