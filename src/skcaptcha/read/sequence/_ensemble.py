"""Fitting ensembles of classifiers to an alignment, several at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

from skcaptcha._process.one_thread import one_thread
from skcaptcha.read.sequence._augmentation import augmented_features
from skcaptcha.read.sequence._candidate_classifier import CandidateClassifier, ScaledClassifier
from skcaptcha.read.sequence._training_alignment import TrainingAlignment

_logger = logging.getLogger(__name__)

_BLANKS_PER_CHARACTER = 2
# More augmented copies of each character improve accuracy only slightly.
_MAX_COPIES = 16


@dataclass(frozen=True)
class EnsembleParameters:
    """Parameters of `SequenceReader` for its ensemble.

    ``n_copies`` is the number of augmented copies of each character; None: the segments as they
    are, once.
    """

    estimator: Any
    n_estimators: int
    n_copies: int | None
    warp: float
    n_jobs: int | None


def n_copies_for(n_windows: int, n_characters: int) -> int:
    """Return the number of copies, 1 to 16, of characters and blanks that make n_windows."""
    n_copies = round(n_windows / (n_characters * (1 + _BLANKS_PER_CHARACTER)))
    return min(max(1, n_copies), _MAX_COPIES)


def fit_ensembles(
    parameters: EnsembleParameters,
    alignment: TrainingAlignment,
    parts: Sequence[NDArray[np.bool_] | None],
    rng: np.random.RandomState,
) -> list[CandidateClassifier]:
    """Fit an ensemble to each part of the captchas, all members of all ensembles in parallel.

    Each part is a mask (n,) of captchas, or None for all.
    """
    tasks = []
    for part in parts:
        for k in range(parameters.n_estimators):
            estimator = clone(parameters.estimator)
            _set_random_states(estimator, rng, replace=k > 0)
            tasks.append((estimator, part, rng.randint(np.iinfo(np.int32).max)))
    _logger.debug("fitting %d classifiers of characters", len(tasks))
    members = joblib.Parallel(parameters.n_jobs)(
        joblib.delayed(_fit_member)(estimator, parameters, alignment, part, seed)
        for estimator, part, seed in tasks
    )
    n = parameters.n_estimators
    return [
        CandidateClassifier(members[k : k + n], alignment.classes)
        for k in range(0, len(members), n)
    ]


@one_thread()
def _fit_member(
    estimator: Any,
    parameters: EnsembleParameters,
    alignment: TrainingAlignment,
    captchas: NDArray[np.bool_] | None,
    seed: int,
) -> ScaledClassifier:
    """Fit an estimator to characters and random blanks, freshly augmented."""
    rng = np.random.RandomState(seed)
    n_copies = parameters.n_copies or 1
    rows = np.concatenate(
        [alignment.draw(_BLANKS_PER_CHARACTER, rng, captchas) for _ in range(n_copies)]
    )
    if parameters.n_copies is None:
        values = alignment.values[rows]
    else:
        values = augmented_features(
            alignment.X,
            rows,
            rng,
            strength=parameters.warp,
            step=alignment.step,
            pitch=alignment.pitch,
        )
    return ScaledClassifier(estimator).fit(values, alignment.names[rows])


def _set_random_states(
    estimator: BaseEstimator, rng: np.random.RandomState, *, replace: bool
) -> None:
    """Seed an estimator and those in it: those without a seed, or all with ``replace``."""
    for name, value in sorted(estimator.get_params().items()):
        if name.rpartition("__")[2] == "random_state" and (replace or value is None):
            estimator.set_params(**{name: rng.randint(np.iinfo(np.int32).max)})
