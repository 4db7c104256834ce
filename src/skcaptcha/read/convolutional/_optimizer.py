"""AdamW: gradient descent with a step size for each weight."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_FIRST_DECAY, _SECOND_DECAY = 0.9, 0.999
_EPSILON = 1e-8


class AdamW:
    """Adam with decoupled weight decay, and gradients clipped to a norm.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    def __init__(
        self,
        parameters: Sequence[NDArray[np.float32]],
        *,
        weight_decay: float = 0.001,
        max_norm: float = 5.0,
    ) -> None:
        self.parameters = parameters
        self.max_norm = max_norm
        self._decay = np.concatenate(
            # Scales and shifts of channels do not decay.
            [np.full(p.size, weight_decay * (p.ndim > 1), np.float32) for p in parameters]
        )
        self._first = np.zeros_like(self._decay)
        self._second = np.zeros_like(self._decay)
        self._ends = np.cumsum([p.size for p in parameters])
        self._n_steps = 0

    def step(self, gradients: Sequence[NDArray[np.float32]], learning_rate: float) -> None:
        """Change the parameters in place."""
        self._n_steps += 1
        gradient = np.concatenate([g.ravel() for g in gradients])
        norm = float(np.linalg.norm(gradient))
        gradient *= np.float32(min(1.0, self.max_norm / max(norm, _EPSILON)))
        self._first += np.float32(1 - _FIRST_DECAY) * (gradient - self._first)
        self._second += np.float32(1 - _SECOND_DECAY) * (gradient**2 - self._second)
        first_bias = np.float32(1 - _FIRST_DECAY**self._n_steps)
        second_bias = np.float32(1 - _SECOND_DECAY**self._n_steps)
        update = self._first / first_bias
        update /= np.sqrt(self._second / second_bias) + np.float32(_EPSILON)
        rate = np.float32(learning_rate)
        parts = zip(
            self.parameters,
            np.split(1 - rate * self._decay, self._ends[:-1]),
            np.split(rate * update, self._ends[:-1]),
            strict=True,
        )
        for parameter, kept, change in parts:
            shape = parameter.shape
            np.multiply(parameter, kept.reshape(shape), out=parameter)
            np.subtract(parameter, change.reshape(shape), out=parameter)
