"""Realignment: better positions of the training characters, chosen by held-out accuracy."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skcaptcha.read.sequence._constraints import exact_length
from skcaptcha.read.sequence._ensemble import EnsembleParameters, fit_ensembles
from skcaptcha.read.sequence._lattice import Lattice, batches
from skcaptcha.read.sequence._training_alignment import TrainingAlignment

_logger = logging.getLogger(__name__)

# Comparing alignments needs fewer augmented copies than the final classifiers.
_COPIES_DIVISOR, _MIN_COPIES = 4, 2


def realign(
    parameters: EnsembleParameters,
    alignment: TrainingAlignment,
    n_times: int,
    rng: np.random.RandomState,
) -> None:
    """Improve an alignment, in place, at most ``n_times``, while it helps.

    A flexible classifier finds characters that a linear one has lost, but it has memorized its own
    training positions, and it chooses by chance among windows that it finds equally good; a linear
    one, once it has seen the right positions, finds the exact ones. Therefore each half of the
    captchas is aligned by a classifier fitted to the other half, and then by linear discriminants.
    The alignment from which classifiers learn to read the other half best is kept.
    """
    if n_times == 0:
        return
    if parameters.n_copies is not None:
        fewer = max(_MIN_COPIES, math.ceil(parameters.n_copies / _COPIES_DIVISOR))
        parameters = replace(parameters, n_copies=min(parameters.n_copies, fewer))
    parameters = replace(parameters, n_estimators=1)
    scores = _held_out_scores(parameters, alignment, rng)
    best, chosen = _n_right(alignment, scores), alignment.chosen
    for _ in range(n_times):
        before = best
        alignment.align(scores)
        for step in ("classifier", "linear"):
            if step == "linear":
                alignment.refine_linear(rng)
            found = _held_out_scores(parameters, alignment, rng)
            right = _n_right(alignment, found)
            _logger.debug("alignment by %s: %d characters right, %d before", step, right, best)
            if right > best:
                best, chosen, scores = right, alignment.chosen, found
        alignment.chosen = chosen
        if best == before:
            return


def _held_out_scores(
    parameters: EnsembleParameters, alignment: TrainingAlignment, rng: np.random.RandomState
) -> NDArray[np.float64]:
    """Score each half of the captchas with a classifier fitted to the other half."""
    aligned = np.unique(alignment.captcha[alignment.chosen >= 0])
    if len(aligned) == 1:
        (classifier,) = fit_ensembles(parameters, alignment, [None], rng)
        return classifier.emission_scores(alignment.values)
    half = np.zeros(len(alignment.X), dtype=bool)
    half[rng.permutation(aligned)[: len(aligned) // 2]] = True
    classifiers = fit_ensembles(parameters, alignment, [~half, half], rng)
    scores = np.empty((len(alignment.values), len(alignment.classes)))
    in_half = half[alignment.X.captcha_index]
    for rows, classifier in zip((in_half, ~in_half), classifiers, strict=True):
        scores[rows] = classifier.emission_scores(alignment.values[rows])
    return scores


def _n_right(alignment: TrainingAlignment, scores: NDArray[np.float64]) -> int:
    """Read all captchas, given the length of their labels, and count the right characters."""
    X, geometry = alignment.X, alignment.geometry()
    counts = np.bincount(alignment.captcha, minlength=len(X))
    read = []
    for part, some in batches(X):
        own = scores[X.offsets[part.start] : X.offsets[part.stop]]
        lattice = Lattice(own, geometry.spans(some.boxes), some.offsets, geometry.spacing)
        lengths, longest = counts[part], int(counts[part].max(initial=1))
        allowed = np.ones((longest, len(alignment.classes)), dtype=bool)
        classes = lattice.viterbi(exact_length(lengths, longest), allowed).classes
        read.append(classes[np.arange(longest) < lengths[:, None]])
    return int((np.concatenate(read) == alignment.classes_of).sum())
