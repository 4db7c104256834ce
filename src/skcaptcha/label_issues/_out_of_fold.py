"""Reading each captcha with a model that was fitted to others."""

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
from skcaptcha.read import LabelScores, Reading

_logger = logging.getLogger(__name__)

# With fewer neighbors, one wrong label could decide.
_MIN_NEIGHBORS = 7


class HeldOut(NamedTuple):
    """The result of a model for a captcha that it was not fitted to.

    Attributes
    ----------
    reading : Reading
        Text that the model reads.
    label_scores : LabelScores
        Scores of the label's characters and length.
    classes : ndarray of shape (n_classes,)
        Characters that the model was fitted to.
    """

    reading: Reading
    label_scores: LabelScores
    classes: NDArray[np.str_]


def read_out_of_fold(
    model: Pipeline,
    X: Sequence[Any],
    y: NDArray[np.str_],
    groups: Sequence[Any],
    *,
    n_folds: int,
    n_jobs: int | None,
    random_state: int,
    advance: Callable[[int], None],
) -> list[HeldOut]:
    """Fit a model for each fold, and read the captchas of the fold with it.

    Captchas of one group are in the same fold. `advance` is called after each fold.
    """
    robust = _robust(model)
    _, numbers = np.unique(groups, return_inverse=True)
    folds = GroupKFold(n_folds, shuffle=True, random_state=random_state)
    splits = list(folds.split(numbers, groups=numbers))
    _logger.info("fitting and reading in %d folds", n_folds)
    done = joblib.Parallel(n_jobs, return_as="generator_unordered")(
        joblib.delayed(_read_fold)(robust, X, y, train, test) for train, test in splits
    )
    held_out: dict[int, HeldOut] = {}
    for of_fold in done:
        held_out |= of_fold
        _logger.debug("checked %d of %d labels", len(held_out), len(y))
        advance(1)
    return [held_out[i] for i in range(len(y))]


@one_thread()
def _read_fold(
    model: Pipeline,
    X: Sequence[Any],
    y: NDArray[np.str_],
    train: NDArray[np.intp],
    test: NDArray[np.intp],
) -> dict[int, HeldOut]:
    fitted = clone(model).fit([X[i] for i in train], y[train])
    reader = fitted[-1]
    given = fitted[:-1].transform([X[i] for i in test])
    results = zip(
        test.tolist(), reader.read(given), reader.score_labels(given, y[test]), strict=True
    )
    return {i: HeldOut(reading, scores, reader.classes_) for i, reading, scores in results}


def _robust(model: Pipeline) -> Pipeline:
    """Use several neighbors, and no calibration: the scores of all folds are calibrated later."""
    robust = clone(model)
    parameters = robust.get_params()
    for name, value in parameters.items():
        if isinstance(value, KNeighborsClassifier):
            n_neighbors = max(value.n_neighbors, _MIN_NEIGHBORS)
            robust.set_params(**{f"{name}__n_neighbors": n_neighbors})
    reader = robust[-1]
    if "calibration_cv" in reader.get_params():
        reader.set_params(calibration_cv=None)
    return robust
