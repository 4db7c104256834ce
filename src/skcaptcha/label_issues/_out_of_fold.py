"""Every captcha read and judged by a model that has learned from others alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline

from skcaptcha._process.one_thread import one_thread
from skcaptcha.read import Reading
from skcaptcha.read._judgment import Judgment

_logger = logging.getLogger(__name__)

# One wrong label among few neighbors would decide.
_LEAST_NEIGHBORS = 7


class Judged(NamedTuple):
    """What a model says of a captcha that it has not seen.

    Attributes
    ----------
    reading : Reading
    judgment : Judgment
        Of its label.
    classes : ndarray of shape (n_classes,)
        The characters that this model knows.
    """

    reading: Reading
    judgment: Judgment
    classes: NDArray[np.str_]


def judge_out_of_fold(
    model: Pipeline,
    X: Sequence[Any],
    y: NDArray[np.str_],
    groups: Sequence[Any],
    *,
    n_folds: int,
    n_jobs: int | None,
    random_state: int,
    advance: Callable[[int], None],
) -> list[Judged]:
    """Judge each label by a model that is fitted to captchas of other groups.

    Parameters
    ----------
    model : Pipeline
        Ends in a reader; need not be fitted.
    X : sequence of n captchas
    y : ndarray of n str
    groups : sequence of n hashable
        Captchas of one group are never on both sides.
    n_folds : int
    n_jobs : int or None
        How many folds at a time.
    random_state : int
        Deals out the groups.
    advance : callable
        Is told of each fold that is done.

    Returns
    -------
    judged : list of n Judged
    """
    robust = _without_what_needs_right_labels(model)
    _, numbers = np.unique(groups, return_inverse=True)
    folds = GroupKFold(n_folds, shuffle=True, random_state=random_state)
    splits = list(folds.split(numbers, groups=numbers))
    _logger.info("fitting and judging in %d folds", n_folds)
    done = joblib.Parallel(n_jobs, return_as="generator_unordered")(
        joblib.delayed(_judge_fold)(robust, X, y, train, test) for train, test in splits
    )
    judged: dict[int, Judged] = {}
    for of_fold in done:
        judged |= of_fold
        _logger.debug("judged %d of %d labels", len(judged), len(y))
        advance(1)
    return [judged[i] for i in range(len(y))]


@one_thread()
def _judge_fold(
    model: Pipeline,
    X: Sequence[Any],
    y: NDArray[np.str_],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
) -> dict[int, Judged]:
    fitted = clone(model).fit([X[i] for i in train], y[train])
    reader = fitted[-1]
    segments = fitted[:-1].transform([X[i] for i in test])
    said = zip(test.tolist(), reader.read(segments), reader.judge(segments, y[test]), strict=True)
    return {i: Judged(reading, judgment, reader.classes_) for i, reading, judgment in said}


def _without_what_needs_right_labels(model: Pipeline) -> Pipeline:
    """Let several neighbors vote; and calibration is made of all folds together."""
    robust = clone(model)
    parameters = robust.get_params()
    for name, value in parameters.items():
        if isinstance(value, KNeighborsClassifier):
            n_neighbors = max(value.n_neighbors, _LEAST_NEIGHBORS)
            robust.set_params(**{f"{name}__n_neighbors": n_neighbors})
    reader = robust[-1]
    if "calibration_cv" in reader.get_params():
        reader.set_params(calibration_cv=None)
    return robust
