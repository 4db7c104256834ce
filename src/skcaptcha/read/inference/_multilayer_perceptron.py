"""Forward pass of a multilayer perceptron without scikit-learn's checks and copies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network._base import ACTIVATIONS


def mlp_log_proba(classifier: MLPClassifier, values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the logarithm of ``predict_proba`` for values (m, d): (m, n_classes).

    Like ``predict_proba``, it raises a ValueError if a value is not finite.
    """
    activate, last = ACTIVATIONS[classifier.activation], len(classifier.coefs_) - 1
    layer: NDArray[np.floating] = values
    for k in range(last + 1):
        # The first layer shows whether all values are finite.
        with np.errstate(invalid="ignore", over="ignore"):
            layer = layer @ classifier.coefs_[k]
            layer += classifier.intercepts_[k]
        if k == 0 and not np.isfinite(layer).all():
            classifier.predict_proba(values)  # raises the error
        if k < last:
            activate(layer)
    if layer.shape[1] == 1:
        return np.concatenate([log_expit(-layer), log_expit(layer)], axis=1)
    logs: NDArray[np.floating] = log_softmax(layer, axis=1)
    return logs
