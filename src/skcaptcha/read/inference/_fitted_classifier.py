"""Classes and scores of any fitted classifier, by the fastest evaluation that it supports."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, NuSVC

from skcaptcha.read.inference._multilayer_perceptron import mlp_log_proba
from skcaptcha.read.inference._nearest_neighbors import FastNearestNeighbors
from skcaptcha.read.inference._support_vector_machine import Decisions, FastSVC, decision_function

# A class without any vote of neighbors or trees is not impossible.
_MIN_PROBABILITY = 1e-6
# Number of neighbors whose distances become scores.
_N_NEIGHBORS = 32

# Attributes that a new fit replaces, and parameters on which the fast evaluation depends.
_STATE = (
    "_fit_X", "_y", "weights", "effective_metric_",
    "support_vectors_", "dual_coef_", "kernel", "break_ties",
)  # fmt: skip


class FittedClassifier:
    """A fitted classifier, or a Pipeline that ends in one, with its fast evaluation.

    What the fast evaluation derives from the classifier is computed when first needed, and is not
    pickled.
    """

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier
        self.transformers: Any = None
        self.last = classifier
        # A subclass may predict otherwise.
        if type(classifier) is Pipeline and len(classifier) > 1:
            self.transformers, self.last = classifier[:-1], classifier[-1]
        last = self.last
        self.svm = FastSVC(last) if FastSVC.supports(last) else None
        self.neighbors = FastNearestNeighbors(last) if FastNearestNeighbors.supports(last) else None
        self.mlp = type(last) is MLPClassifier
        # Prediction is one product if both methods are those of LinearClassifierMixin.
        self.linear = all(
            getattr(type(last), name, None) is getattr(LinearClassifierMixin, name)
            for name in ("predict", "decision_function")
        )
        self._state = self._current_state()

    def for_classifier(self, classifier: Any) -> FittedClassifier:
        """Evaluate another classifier fitted to the same samples, sharing distances."""
        other = FittedClassifier(classifier)
        if self.neighbors is not None and other.neighbors is not None:
            other.neighbors = self.neighbors.for_classifier(classifier)
        return other

    def is_current(self, classifier: Any) -> bool:
        """Return whether this still describes the classifier: not if it was fitted again."""
        if classifier is not self.classifier:
            return False
        if self.transformers is not None and classifier[-1] is not self.last:
            return False
        return all(a is b for a, b in zip(self._current_state(), self._state, strict=True))

    def _current_state(self) -> list[Any]:
        own = vars(self.last)
        return [own.get(name) for name in _STATE]

    def __reduce__(self) -> tuple[type[FittedClassifier], tuple[Any]]:
        return FittedClassifier, (self.classifier,)

    def classify(self, values: NDArray[np.float32]) -> Classification:
        """Classify samples (m, d)."""
        return Classification(self, values)


class Classification:
    """Classes and scores of samples (m, d); intermediate results are computed once."""

    def __init__(self, fitted: FittedClassifier, values: NDArray[np.float32]) -> None:
        self._n = len(values)
        self._fitted = fitted
        self._last = fitted.last
        fast = fitted.svm or fitted.neighbors or fitted.mlp or fitted.linear
        # Other classifiers and transformers may change their input.
        self._values: Any = values if fast and fitted.transformers is None else values.copy()
        if fitted.transformers is not None and self._n:
            self._values = fitted.transformers.transform(self._values)
        self._n_classes = len(self._last.classes_)
        # scikit-learn evaluates sparse values, and raises the error if features are missing.
        n_features = getattr(self._last, "n_features_in_", None)
        dense = isinstance(self._values, np.ndarray)
        self._valid = dense and self._values.shape[1] == n_features

    @cached_property
    def _decisions(self) -> Decisions | None:
        svm = self._fitted.svm
        return svm.decide(self._values) if svm and self._valid else None

    @property
    def _n_neighbors(self) -> int:
        return min(_N_NEIGHBORS, self._last.n_samples_fit_)

    @cached_property
    def _neighbors(self) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Predicted classes, and the distance to the nearest sample of each class."""
        assert self._fitted.neighbors is not None
        return self._fitted.neighbors.predict_with_distances(self._values, self._n_neighbors)

    def classes(self) -> NDArray[Any]:
        """Return the classes (m,), as ``predict`` does."""
        if not self._n:
            return self._last.classes_[:0]
        svm = self._fitted.svm
        # Scores computed before already decide the classes.
        if svm is not None and (decisions := vars(self).get("_decisions")):
            return svm.majority(decisions, self._values)
        if "_neighbors" in vars(self):
            return self._neighbors[0]
        fast = svm or self._fitted.neighbors
        if fast is not None and self._valid:
            return fast.predict(self._values)
        if self._fitted.linear and (winners := self._linear_winners()) is not None:
            classes: NDArray[Any] = self._last.classes_[winners]
            return classes
        return self._last.predict(self._values)

    def _linear_winners(self) -> NDArray[np.intp] | None:
        """Return the class indices (m,), or None if scikit-learn has to raise an error."""
        if not self._valid:
            return None
        decision = self._values @ self._last.coef_.T + self._last.intercept_
        if not np.isfinite(decision).all():
            return None
        if decision.shape[1] == 1:
            return (decision[:, 0] > 0).astype(np.intp)
        return decision.argmax(axis=1)

    def log_scores(self) -> NDArray[np.float64]:
        """Return a score for each class (m, n_classes), on the scale of log-probabilities.

        These are the logarithms of ``predict_proba`` if the classifier has it, otherwise the values
        of ``decision_function``, otherwise near certainty for the predicted class.
        """
        if not self._n or self._n_classes == 1:
            return np.zeros((self._n, self._n_classes))
        if self._fitted.mlp and self._valid:
            logs = mlp_log_proba(self._last, self._values).astype(np.float64)
            return np.maximum(logs, np.log(_MIN_PROBABILITY), out=logs)
        if hasattr(self._last, "predict_proba"):
            return np.log(np.maximum(self._last.predict_proba(self._values), _MIN_PROBABILITY))
        # SVC(decision_function_shape="ovo") has a column for each pair of classes instead.
        pairs = getattr(self._last, "decision_function_shape", "ovr") != "ovr"
        if hasattr(self._last, "decision_function") and not pairs:
            return self._decision_function()
        predicted = self.classes()[:, None] == self._last.classes_
        return np.log(np.where(predicted, 1.0, _MIN_PROBABILITY))

    def uncalibrated_scores(self) -> NDArray[np.float64]:
        """Return the most informative score of each class (m, n_classes), on an arbitrary scale.

        Temperature scaling brings it to log-probabilities. For nearest neighbors it is minus the
        distance to the nearest sample of the class, which is finer than votes. For support vector
        machines of more than two classes it is the sum of the margins, which scikit-learn squashes
        into a third of a vote. For other classifiers it is `log_scores`.
        """
        if not self._n or self._n_classes < 3:
            return self.log_scores()
        if isinstance(self._last, KNeighborsClassifier):
            if self._fitted.neighbors is not None and self._valid:
                return -self._neighbors[1]
            return self._minus_distances()
        if isinstance(self._last, SVC | NuSVC) and self._last.decision_function_shape == "ovr":
            if self._decisions is not None:
                return self._decisions.margins.astype(np.float64, copy=False)
            decision = self._last.decision_function(self._values)
            # votes + s / (3 (|s| + 1)), where s is the sum of the margins
            third = decision - np.rint(decision)
            return 3 * third / (1 - 3 * np.abs(third))
        return self.log_scores()

    def _minus_distances(self) -> NDArray[np.float64]:
        """Return minus the distance to the nearest sample of each class, by scikit-learn."""
        distance, index = self._last.kneighbors(self._values, self._n_neighbors)
        # A class without any of the nearest is at least as far as the farthest of them.
        scores = np.repeat(-distance[:, -1:], self._n_classes, axis=1)
        row = np.arange(self._n)[:, None]
        np.maximum.at(scores, (row, self._last._y[index]), -distance)
        return scores

    def _decision_function(self) -> NDArray[np.float64]:
        """Return ``decision_function`` with a column for each class, even if there are two."""
        if isinstance(self._last, SVC | NuSVC) and self._decisions is not None:
            return decision_function(self._decisions)
        decision: NDArray[np.float64] = self._last.decision_function(self._values)
        return np.stack([-decision, decision], axis=1) / 2 if decision.ndim == 1 else decision
