"""What a classifier has to say for each class, finer than the class that it predicts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, NuSVC

# What no neighbour or tree votes for is not impossible.
_LEAST_PROBABILITY = 1e-6

_N_NEIGHBORS = 32


def log_scores(classifier: Any, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Score each class, on the scale of logarithms, by what the classifier offers.

    These are the logarithms of ``predict_proba`` where there is one, else of what
    ``decision_function`` gives, else of a certainty in what ``predict`` says.

    Parameters
    ----------
    classifier : fitted classifier
    values : ndarray of shape (m, d)

    Returns
    -------
    scores : ndarray of shape (m, n_classes)
    """
    n_classes = len(classifier.classes_)
    if not len(values) or n_classes == 1:
        return np.zeros((len(values), n_classes))
    if hasattr(classifier, "predict_proba"):
        return np.log(np.maximum(classifier.predict_proba(values), _LEAST_PROBABILITY))
    if hasattr(classifier, "decision_function"):
        decision = classifier.decision_function(values)
        if decision.ndim == 1:
            return np.stack([-decision, decision], axis=1) / 2
        # SVC(decision_function_shape="ovo") has a column for each pair of classes instead.
        if getattr(_last(classifier), "decision_function_shape", "ovr") == "ovr":
            return decision
    said = classifier.predict(values)[:, None] == classifier.classes_
    return np.log(np.where(said, 1.0, _LEAST_PROBABILITY))


def evidence(classifier: Any, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Score each class in the unit that tells right from wrong best, whatever that unit is.

    Nearest neighbours: minus the distance of the nearest of each class, which knows more than the
    votes of a few. Support vector machines of more than two classes: the sum of each class's
    margins, which scikit-learn squashes into a third of a vote. All others: `log_scores`.

    Parameters
    ----------
    classifier : fitted classifier
    values : ndarray of shape (m, d)

    Returns
    -------
    scores : ndarray of shape (m, n_classes)
        On a scale of its own: a temperature must bring it to that of logarithms.
    """
    last = _last(classifier)
    n_classes = len(classifier.classes_)
    if not len(values) or n_classes < 3:
        return log_scores(classifier, values)
    if isinstance(last, KNeighborsClassifier):
        return _minus_distances(last, _before(classifier, values), n_classes)
    if isinstance(last, SVC | NuSVC) and last.decision_function_shape == "ovr":
        decision = classifier.decision_function(values)
        # votes + sum / (3 (|sum| + 1)), where the sum is that of the margins
        third = decision - np.rint(decision)
        return 3 * third / (1 - 3 * np.abs(third))
    return log_scores(classifier, values)


def _minus_distances(
    neighbors: KNeighborsClassifier, values: NDArray[np.float32], n_classes: int
) -> NDArray[np.float64]:
    n = min(_N_NEIGHBORS, neighbors.n_samples_fit_)
    distance, index = neighbors.kneighbors(values, n)
    # A class without any of the nearest is as far as the farthest of them, at least.
    scores = np.repeat(-distance[:, -1:], n_classes, axis=1)
    row = np.arange(len(values))[:, None]
    np.maximum.at(scores, (row, neighbors._y[index]), -distance)
    return scores


def _last(classifier: Any) -> Any:
    return classifier[-1] if isinstance(classifier, Pipeline) else classifier


def _before(classifier: Any, values: NDArray[np.float32]) -> Any:
    return classifier[:-1].transform(values) if isinstance(classifier, Pipeline) else values
