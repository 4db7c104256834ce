"""What a fitted multilayer perceptron says, without scikit-learn's checks and copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._base import ACTIVATIONS


class Network:
    """A fitted multilayer perceptron.

    Parameters
    ----------
    classifier : fitted MLPClassifier
        One that `takes` accepts.
    """

    def __init__(self, classifier: Any) -> None:
        self._classifier = classifier

    @staticmethod
    def takes(classifier: Any) -> bool:
        """Tell whether it is a multilayer perceptron.

        Parameters
        ----------
        classifier : fitted classifier

        Returns
        -------
        taken : bool
        """
        # A subclass may predict in another way.
        return type(classifier) is MLPClassifier

    def expects(self, values: NDArray[np.floating]) -> bool:
        """Tell whether it was fitted to as many features.

        Parameters
        ----------
        values : ndarray of shape (m, d)

        Returns
        -------
        expected : bool
        """
        return bool(values.shape[1] == self._classifier.n_features_in_)

    def log_probabilities(self, values: NDArray[np.float32]) -> NDArray[np.floating]:
        """Give the logarithm of ``predict_proba``.

        Parameters
        ----------
        values : ndarray of shape (m, d)

        Returns
        -------
        logs : ndarray of shape (m, n_classes)

        Raises
        ------
        ValueError
            If a value is not finite.
        """
        classifier = self._classifier
        activate, last = ACTIVATIONS[classifier.activation], len(classifier.coefs_) - 1
        layer: NDArray[np.floating] = values
        for k in range(last + 1):
            # Of the first layer it is seen what was not finite.
            with np.errstate(invalid="ignore", over="ignore"):
                layer = layer @ classifier.coefs_[k]
                layer += classifier.intercepts_[k]
            if k == 0 and not np.isfinite(layer).all():
                classifier.predict_proba(values)  # which says what is wrong
            if k < last:
                activate(layer)
        if layer.shape[1] == 1:
            return np.concatenate([log_expit(-layer), log_expit(layer)], axis=1)
        logs: NDArray[np.floating] = log_softmax(layer, axis=1)
        return logs
