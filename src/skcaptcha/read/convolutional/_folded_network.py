"""Network for prediction: batch normalization is part of its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skcaptcha.exceptions import ReadingError
from skcaptcha.read.convolutional._layers import Array, Workspace, convolve, maxima
from skcaptcha.read.convolutional._network import (
    COLUMN_WIDTH,
    HEIGHT_UNIT,
    Network,
    cells_of,
    columns_of,
)

_FLOAT = np.dtype(np.float32)
# The convolution over the full height, and the output.
_N_COLUMN_LAYERS = 2


class FoldedNetwork:
    """A trained network, as plain arrays.

    Attributes
    ----------
    height : int
        Height of the images.
    weights : list of ndarray of shape (3, rows, c_in, c_out)
        Of each convolution, with columns first. The last two cover one row of columns.
    biases : list of ndarray of shape (c_out,)
        Of each convolution.
    pools : list of tuple of two ints
        Rows and columns that the maxima after each convolution cover.
    """

    def __init__(
        self,
        height: int,
        weights: Sequence[Array],
        biases: Sequence[Array],
        pools: Sequence[tuple[int, int]],
    ) -> None:
        self.height = height
        self.weights = list(weights)
        self.biases = list(biases)
        self.pools = list(pools)

    def check(self, height: int, n_outputs: int) -> None:
        """Check that the parts fit together, and to a height of images and a number of outputs.

        Raise a ReadingError otherwise: the network may come from an untrusted file.
        """
        if not self._fits(height, n_outputs):
            raise ReadingError("the network of the model is damaged; fit the model again")

    def _fits(self, height: Any, n_outputs: int) -> bool:
        lists = self.weights, self.biases, self.pools
        n = len(self.weights) if all(isinstance(parts, list) for parts in lists) else 0
        if n < _N_COLUMN_LAYERS or len(self.biases) != n or len(self.pools) != n:
            return False
        if not (isinstance(self.height, int | np.integer) and 0 < self.height == height):
            return False
        c, shrunk = 4, (2, 2)
        for k, (weights, bias, pool) in enumerate(
            zip(self.weights, self.biases, self.pools, strict=True)
        ):
            columns = k >= n - _N_COLUMN_LAYERS
            if k == n - _N_COLUMN_LAYERS:
                c = c * height // HEIGHT_UNIT
                if shrunk != (HEIGHT_UNIT, COLUMN_WIDTH) or height % HEIGHT_UNIT:
                    return False
            arrays = isinstance(weights, np.ndarray) and isinstance(bias, np.ndarray)
            if not arrays or weights.ndim != 4 or {weights.dtype, bias.dtype} != {_FLOAT}:
                return False
            rows = 1 if columns else 3
            if weights.shape != (3, rows, c, weights.shape[3]) or bias.shape != weights.shape[3:]:
                return False
            pair = isinstance(pool, tuple) and all(isinstance(size, int) for size in pool)
            if not pair or pool not in ([(1, 1)] if columns else [(1, 1), (2, 1), (2, 2)]):
                return False
            shrunk = shrunk[0] * pool[0], shrunk[1] * pool[1]
            c = len(bias)
        return 0 < c == n_outputs

    def logits(self, image: Array) -> Array:
        """Return the values (T, n_outputs) for each column of an image (height, w).

        The width is a multiple of `COLUMN_WIDTH`. Images are computed one by one: matrix products
        of another shape would be rounded differently.
        """
        return self.batch_logits([image])[0]

    def batch_logits(self, images: Sequence[Array]) -> list[Array]:
        """Return `logits` of each image, with the same bits.

        They use the same memory, which saves a tenth of the time.
        """
        work = Workspace()
        return [self._logits(image, work) for image in images]

    def _logits(self, image: Array, work: Workspace) -> Array:
        x = cells_of(image[None], work)
        tall = len(self.weights) - _N_COLUMN_LAYERS
        for k, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if k == tall:
                x = columns_of(x, work)
            out = work.maps(f"{k}", 1, x.h, x.w, len(bias), pad=x.pad)
            convolve(x, weights, out, work)
            # Before the bias and the rectifier, which do not change what is greatest.
            x = maxima(out, self.pools[k], f"{k} maxima", work)
            x.add_by_channel(bias)
            if k <= tall:
                np.maximum(x.wide_rows, 0, out=x.wide_rows)
                x.clear_padding()
        return x.pixels[0, 0].copy()


def fold(network: Network) -> FoldedNetwork:
    """Return a trained network with its running statistics folded into the weights."""
    weights, biases, pools = [], [], []
    for block in [*network.blocks, network.hidden]:
        factor, shift = block.normalization(block.mean, block.variance)
        weights.append((block.convolution.weights * factor).astype(np.float32))
        biases.append(shift.astype(np.float32))
        pools.append(block.pool)
    return FoldedNetwork(
        network.height,
        [*weights, network.output.weights.copy()],
        [*biases, network.bias.copy()],
        [*pools, (1, 1)],
    )
