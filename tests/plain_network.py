"""A convolutional network computed step by step in float64, with SciPy's correlation."""

import numpy as np
from scipy.signal import correlate

EPSILON = 1e-5
POOLS = [(1, 1), (2, 2), (1, 1), (2, 1), (1, 1)]


def correlated(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Correlate images (n, h, w, c_in) with weights (3, rows, c_in, c_out), zeros around them."""
    kernels = weights.astype(float).transpose(3, 1, 0, 2)
    margins = (0, 0), (kernels.shape[1] // 2,) * 2, (1, 1), (0, 0)
    padded = np.pad(x.astype(float), margins)
    return np.stack(
        [[correlate(image, k, mode="valid")[:, :, 0] for image in padded] for k in kernels], axis=-1
    )


def block_output(x, weights, scale, shift, pool, statistics=None) -> np.ndarray:
    """Correlate, normalize (by default with the statistics of x), rectify, and take maxima."""
    raw = correlated(x, weights)
    mean, variance = statistics or (raw.mean(axis=(0, 1, 2)), raw.var(axis=(0, 1, 2)))
    active = np.maximum((raw - mean) / np.sqrt(variance + EPSILON) * scale + shift, 0)
    n, h, w, c = active.shape
    rows, columns = pool
    return active.reshape(n, h // rows, rows, w // columns, columns, c).max(axis=(2, 4))


def network_logits(images: np.ndarray, parameters, statistics=None) -> np.ndarray:
    """The logits (n, columns, outputs) of images (n, h, w), without dropout.

    ``statistics`` are the mean and the variance for each block; None: those of the batch.
    """
    n, h, w = images.shape
    cells = images.astype(float).reshape(n, h // 2, 2, w // 2, 2)
    x = cells.transpose(0, 1, 3, 2, 4).reshape(n, h // 2, w // 2, 4)
    *blocks, weights, bias = parameters
    statistics = statistics or [None] * (len(POOLS) + 1)
    for i, (pool, own) in enumerate(zip([*POOLS, (1, 1)], statistics, strict=True)):
        if i == len(POOLS):
            n, h, w, c = x.shape
            x = x.transpose(0, 2, 1, 3).reshape(n, 1, w, h * c)
        x = block_output(x, *blocks[3 * i : 3 * i + 3], pool, own)
    return correlated(x, weights)[:, 0] + bias
