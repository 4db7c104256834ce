"""Confident learning with cleanlab."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from skcaptcha.exceptions import MissingExtraError
from skcaptcha.label_issues._probabilities import LabelProbabilities


def check_cleanlab() -> None:
    """Raise MissingExtraError if cleanlab is not installed."""
    try:
        import cleanlab  # noqa: F401, PLC0415 - an optional extra
    except ImportError as error:
        raise MissingExtraError(
            "checking labels needs cleanlab, which is not installed: "
            "pip install 'skcaptcha[labels]'"
        ) from error


def score_labels(given: LabelProbabilities) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the normalized margin of each row, and whether confident learning calls it wrong.

    References
    ----------
    C. G. Northcutt, L. Jiang and I. L. Chuang, "Confident learning: estimating uncertainty in
    dataset labels", Journal of Artificial Intelligence Research 70 (2021), 1373-1411.
    """
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - an optional extra
    from cleanlab.rank import get_normalized_margin_for_each_label  # noqa: PLC0415

    if len(given.label) == 0 or len(given.names) < 2:
        return np.ones(len(given.label)), np.zeros(len(given.label), dtype=bool)
    with warnings.catch_warnings(action="ignore"):
        scores = get_normalized_margin_for_each_label(given.label, given.probabilities)
        wrong = find_label_issues(
            given.label, given.probabilities, filter_by="confident_learning", n_jobs=1
        )
    return np.asarray(scores), np.asarray(wrong)
