"""What a fitted multilayer perceptron says, without scikit-learn's checks and copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._base import ACTIVATIONS

from skcaptcha.read._evidence import LEAST_PROBABILITY


class Network:
    """A fitted multilayer perceptron, with what its features are brought to in its first layer.

    Parameters
    ----------
    classifier : fitted MLPClassifier
        One that `takes` accepts.
    center : ndarray of shape (d,)
    scale : float
        The classifier was fitted to ``(values - center) * scale``.
    """

    def __init__(self, classifier: Any, center: NDArray[np.floating], scale: float) -> None:
        first, bias = classifier.coefs_[0], classifier.intercepts_[0]
        exact = first.astype(np.float64) * scale
        self._weights = [exact.astype(first.dtype), *classifier.coefs_[1:]]
        self._biases = [(bias - center @ exact).astype(bias.dtype), *classifier.intercepts_[1:]]
        self._activate = ACTIVATIONS[classifier.activation]

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

    def log_probabilities(self, values: NDArray[np.float32]) -> NDArray[np.floating]:
        """Give the logarithm of ``predict_proba``, but none less than that of one in a million.

        Parameters
        ----------
        values : ndarray of shape (m, d)
            Not yet brought to the mean and the deviation that the classifier learnt from.

        Returns
        -------
        logs : ndarray of shape (m, n_classes)
        """
        last = len(self._weights) - 1
        layer: NDArray[np.floating] = values
        for k, (weights, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            layer = layer @ weights
            layer += bias
            if k < last:
                self._activate(layer)
        if layer.shape[1] == 1:
            logs = np.concatenate([log_expit(-layer), log_expit(layer)], axis=1)
        else:
            logs = log_softmax(layer, axis=1)
        return np.maximum(logs, np.log(LEAST_PROBABILITY), out=logs)
