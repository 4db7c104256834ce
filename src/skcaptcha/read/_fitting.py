"""What classifiers of candidates learn from, and their fitting, many at a time."""

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
from skcaptcha.read._candidates import CandidateClassifier, Member
from skcaptcha.read._training import Training
from skcaptcha.read._warp import describe_warped

_logger = logging.getLogger(__name__)

# Segments from between characters that the classifier sees for each character.
_BETWEEN_PER_CHARACTER = 2
# More warped copies teach little more.
_MOST_COPIES = 16


@dataclass(frozen=True)
class Plan:
    """How classifiers are to be fitted: parameters of `SequenceReader`, which explains them.

    Attributes
    ----------
    estimator : classifier
    n_estimators : int
    n_copies : int or None
        Of each character, warped; None: the segments as they are, once.
    warp : float
    n_jobs : int or None
    """

    estimator: Any
    n_estimators: int
    n_copies: int | None
    warp: float
    n_jobs: int | None


def n_copies_for(n_windows: int, n_characters: int) -> int:
    """Say how many copies of characters, and of what lies between them, make so many windows.

    Parameters
    ----------
    n_windows, n_characters : int

    Returns
    -------
    n_copies : int
        From 1 to 16.
    """
    n_copies = round(n_windows / (n_characters * (1 + _BETWEEN_PER_CHARACTER)))
    return min(max(1, n_copies), _MOST_COPIES)


def fit_classifiers(
    plan: Plan,
    training: Training,
    parts: Sequence[NDArray[np.bool_] | None],
    rng: np.random.RandomState,
) -> list[CandidateClassifier]:
    """Fit a classifier to each part of the captchas, the members of all side by side.

    Parameters
    ----------
    plan : Plan
    training : Training of n captchas
    parts : sequence of (ndarray of shape (n,), dtype bool, or None)
        Which captchas the classifier learns from; None: all.
    rng : RandomState

    Returns
    -------
    classifiers : list of CandidateClassifier
        As many as `parts`.
    """
    tasks = []
    for part in parts:
        for k in range(plan.n_estimators):
            estimator = clone(plan.estimator)
            _set_random_states(estimator, rng, anew=k > 0)
            tasks.append((Member(estimator), part, rng.randint(np.iinfo(np.int32).max)))
    _logger.debug("fitting %d classifiers of characters", len(tasks))
    members = joblib.Parallel(plan.n_jobs)(
        joblib.delayed(_fit_member)(member, plan, training, part, seed)
        for member, part, seed in tasks
    )
    return [
        CandidateClassifier(members[k : k + plan.n_estimators], training.classes)
        for k in range(0, len(members), plan.n_estimators)
    ]


@one_thread()
def _fit_member(
    member: Member,
    plan: Plan,
    training: Training,
    captchas: NDArray[np.bool_] | None,
    seed: int,
) -> Member:
    """Fit a member to characters and to what lies between them, drawn and warped anew."""
    rng = np.random.RandomState(seed)
    if plan.n_copies is None:
        rows = training.draw(_BETWEEN_PER_CHARACTER, rng, captchas)
        return member.fit(training.values[rows], training.names[rows])
    copies = [training.draw(_BETWEEN_PER_CHARACTER, rng, captchas) for _ in range(plan.n_copies)]
    rows = np.concatenate(copies)
    values = describe_warped(
        training.X, rows, rng, strength=plan.warp, step=training.step, pitch=training.pitch
    )
    return member.fit(values, training.names[rows])


def _set_random_states(estimator: BaseEstimator, rng: np.random.RandomState, *, anew: bool) -> None:
    """Seed an estimator, and those in it, that came without a seed; with ``anew``, all of them."""
    for name, value in sorted(estimator.get_params().items()):
        if name.rpartition("__")[2] == "random_state" and (anew or value is None):
            estimator.set_params(**{name: rng.randint(np.iinfo(np.int32).max)})
