"""What a classifier has to say for each class, finer than the class that it predicts."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC, NuSVC

from skcaptcha.read._neighbors import NearestNeighbors
from skcaptcha.read._network import Network
from skcaptcha.read._support_vectors import Decisions, KernelMachine, squashed

# What no neighbor or tree votes for is not impossible.
_LEAST_PROBABILITY = 1e-6

_N_NEIGHBORS = 32

_STATE = (
    "_fit_X", "_y", "weights", "effective_metric_",
    "support_vectors_", "dual_coef_", "kernel", "break_ties",
)  # fmt: skip


class FittedClassifier:
    """A fitted classifier, with what makes its predictions fast.

    What is derived from the classifier for that is computed when it is first needed, and is not
    pickled.

    Parameters
    ----------
    classifier : fitted classifier
        Or a Pipeline that ends in one.
    """

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier
        self.before: Any = None
        self.last = classifier
        # What is derived from Pipeline may predict in another way.
        if type(classifier) is Pipeline and len(classifier) > 1:
            self.before, self.last = classifier[:-1], classifier[-1]
        self.machine = KernelMachine(self.last) if KernelMachine.takes(self.last) else None
        self.neighbors = NearestNeighbors(self.last) if NearestNeighbors.takes(self.last) else None
        self.network = Network(self.last) if Network.takes(self.last) else None
        # What predicts by LinearClassifierMixin itself: one product, and the greatest wins.
        self.linear = all(
            getattr(type(self.last), name, None) is getattr(LinearClassifierMixin, name)
            for name in ("predict", "decision_function")
        )
        self._state = self._state_of_last()

    def for_classifier(self, classifier: Any) -> FittedClassifier:
        """Give the same for a classifier that was fitted to the same samples.

        Parameters
        ----------
        classifier : fitted classifier

        Returns
        -------
        fitted : FittedClassifier
            It shares what was computed of the samples, see `NearestNeighbors.for_classifier`.
        """
        other = FittedClassifier(classifier)
        if self.neighbors is not None and other.neighbors is not None:
            other.neighbors = self.neighbors.for_classifier(classifier)
        return other

    def is_still(self, classifier: Any) -> bool:
        """Tell whether a classifier is the one that this was made of, and as it was then.

        Parameters
        ----------
        classifier : fitted classifier

        Returns
        -------
        same : bool
        """
        if classifier is not self.classifier:
            return False
        if self.before is not None and classifier[-1] is not self.last:
            return False
        now = self._state_of_last()
        return all(a is b for a, b in zip(now, self._state, strict=True))

    def _state_of_last(self) -> list[Any]:
        """What fitting it again replaces, and parameters that decide what is fast."""
        own = vars(self.last)
        return [own.get(name) for name in _STATE]

    def __reduce__(self) -> tuple[type[FittedClassifier], tuple[Any]]:
        return FittedClassifier, (self.classifier,)

    def __call__(self, values: NDArray[np.float32]) -> Classification:
        """Classify segments.

        Parameters
        ----------
        values : ndarray of shape (m, d)

        Returns
        -------
        classification : Classification
        """
        return Classification(self, values)


class Classification:
    """What a fitted classifier makes of segments; what its answers share is computed once.

    Parameters
    ----------
    fitted : FittedClassifier
    values : ndarray of shape (m, d)
    """

    def __init__(self, fitted: FittedClassifier, values: NDArray[np.float32]) -> None:
        self._n = len(values)
        self._fitted = fitted
        self._last = fitted.last
        known = fitted.machine or fitted.neighbors or fitted.network or fitted.linear
        # Others may work in place.
        self._values: Any = values if known and fitted.before is None else values.copy()
        if fitted.before is not None and self._n:
            self._values = fitted.before.transform(self._values)
        self._dense = isinstance(self._values, np.ndarray)
        self._n_classes = len(self._last.classes_)

    @cached_property
    def _decisions(self) -> Decisions | None:
        machine = self._fitted.machine
        return machine.decide(self._values) if machine and self._dense else None

    @cached_property
    def _voted(self) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """What nearest neighbors say, and how far the nearest of each class is."""
        assert self._fitted.neighbors is not None
        n = min(_N_NEIGHBORS, self._last.n_samples_fit_)
        return self._fitted.neighbors.predict_with_distances(self._values, n)

    def classes(self) -> NDArray[Any]:
        """Give what ``predict`` gives.

        Returns
        -------
        classes : ndarray of shape (m,)
        """
        if not self._n:
            return self._last.classes_[:0]
        machine = self._fitted.machine
        # Scores that were asked for have decided already.
        if machine is not None and (decisions := vars(self).get("_decisions")):
            return machine.majority(decisions, self._values)
        if "_voted" in vars(self):
            return self._voted[0]
        fast = machine or self._fitted.neighbors
        if fast is not None and self._dense:
            return fast.predict(self._values)
        if self._fitted.linear and (winners := self._linear_winners()) is not None:
            classes: NDArray[Any] = self._last.classes_[winners]
            return classes
        return self._last.predict(self._values)

    def _linear_winners(self) -> NDArray[np.intp] | None:
        """Indices of the classes that win; None if scikit-learn has to say what is wrong."""
        weights = self._last.coef_
        if not self._dense or self._values.shape[1] != weights.shape[1]:
            return None
        decision = self._values @ weights.T + self._last.intercept_
        if not np.isfinite(decision).all():
            return None
        if decision.shape[1] == 1:
            return (decision[:, 0] > 0).astype(np.intp)
        return decision.argmax(axis=1)

    def log_scores(self) -> NDArray[np.float64]:
        """Score each class, on the scale of logarithms, by what the classifier offers.

        These are the logarithms of ``predict_proba`` where there is one, else of what
        ``decision_function`` gives, else of a certainty in what ``predict`` says.

        Returns
        -------
        scores : ndarray of shape (m, n_classes)
        """
        if not self._n or self._n_classes == 1:
            return np.zeros((self._n, self._n_classes))
        network = self._fitted.network
        if network is not None and self._dense and network.expects(self._values):
            logs = network.log_probabilities(self._values).astype(np.float64)
            return np.maximum(logs, np.log(_LEAST_PROBABILITY), out=logs)
        if hasattr(self._last, "predict_proba"):
            return np.log(np.maximum(self._last.predict_proba(self._values), _LEAST_PROBABILITY))
        # SVC(decision_function_shape="ovo") has a column for each pair of classes instead.
        pairs = getattr(self._last, "decision_function_shape", "ovr") != "ovr"
        if hasattr(self._last, "decision_function") and not pairs:
            return self._decision()
        said = self.classes()[:, None] == self._last.classes_
        return np.log(np.where(said, 1.0, _LEAST_PROBABILITY))

    def evidence(self) -> NDArray[np.float64]:
        """Score each class in the unit that tells right from wrong best, whatever that unit is.

        Nearest neighbors: minus the distance of the nearest of each class, which knows more than
        the votes of a few. Support vector machines of more than two classes: the sum of each
        class's margins, which scikit-learn squashes into a third of a vote. All others:
        `log_scores`.

        Returns
        -------
        scores : ndarray of shape (m, n_classes)
            On a scale of its own: a temperature must bring it to that of logarithms.
        """
        if not self._n or self._n_classes < 3:
            return self.log_scores()
        if isinstance(self._last, KNeighborsClassifier):
            n = min(_N_NEIGHBORS, self._last.n_samples_fit_)
            as_learned = np.shape(self._values)[1] == self._last.n_features_in_
            if self._fitted.neighbors is not None and self._dense and as_learned:
                return -self._voted[1]
            return _minus_distances(self._last, self._values, self._n_classes, n)
        if isinstance(self._last, SVC | NuSVC) and self._last.decision_function_shape == "ovr":
            if self._decisions is not None:
                return self._decisions.margins.astype(np.float64, copy=False)
            decision = self._last.decision_function(self._values)
            # votes + sum / (3 (|sum| + 1)), where the sum is that of the margins
            third = decision - np.rint(decision)
            return 3 * third / (1 - 3 * np.abs(third))
        return self.log_scores()

    def _decision(self) -> NDArray[np.float64]:
        """Give ``decision_function``, with a column for each class."""
        if isinstance(self._last, SVC | NuSVC) and self._decisions is not None:
            return squashed(self._decisions)
        decision: NDArray[np.float64] = self._last.decision_function(self._values)
        return np.stack([-decision, decision], axis=1) / 2 if decision.ndim == 1 else decision


def _minus_distances(
    neighbors: KNeighborsClassifier, values: NDArray[np.float32], n_classes: int, n: int
) -> NDArray[np.float64]:
    distance, index = neighbors.kneighbors(values, n)
    # A class without any of the nearest is as far as the farthest of them, at least.
    scores = np.repeat(-distance[:, -1:], n_classes, axis=1)
    row = np.arange(len(values))[:, None]
    np.maximum.at(scores, (row, neighbors._y[index]), -distance)
    return scores
