"""Layers of a convolutional network: forward and backward passes as matrix products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

# A chunk of stacked rows that stays in the second-level cache of the processor, in values.
_CHUNK_SIZE = 2**17
# Vectors of one value per channel are repeated, because NumPy is slow on short rows. The number of
# rows is a multiple of this, and of 3 (see `_Windows`).
_REPEATS = 16
_ROWS_UNIT = 3 * _REPEATS
_EPSILON = 1e-5
_MOMENTUM = 0.05


class Workspace:
    """Arrays that are reused from one batch to the next, by name.

    New memory for every batch would take longer than the arithmetic on it. Arrays of the same name
    but of other shapes, as for batches of other widths, share the memory of the largest one.
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, Any], NDArray[Any]] = {}
        self._maps: dict[str, tuple[tuple[Any, ...], FeatureMaps]] = {}
        self.kept: dict[str, Any] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> NDArray[Any]:
        """Return an array with undefined content."""
        size = math.prod(shape)
        buffer = self._buffers.get((name, dtype))
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name, dtype] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)

    def maps(self, name: str, n: int, h: int, w: int, c: int, *, pad: bool = True) -> FeatureMaps:
        """Return feature maps whose padding is zero and whose other content is undefined."""
        shape = n, h, w, c, pad
        known, maps = self._maps.get(name, (None, None))
        if maps is None or known != shape:
            maps = FeatureMaps(n, h, w, c, self, name=f"maps {name}", pad=pad)
            self._maps[name] = shape, maps
        return maps


class FeatureMaps:
    """Feature maps of n images, (h, w, c) each, one row of c values for each pixel.

    One column of zeros separates the rows of pixels, and with ``pad`` one row of zeros separates
    the images. So the neighbors of a pixel are at constant distances in ``data``, also at the edge
    of an image. ``rows`` are the pixels and the padding between them; ``grid`` is the same as
    (n, h + pad, w + 1, c), and ``pixels`` (n, h, w, c) is the part without padding.

    The memory is that of ``name`` in the workspace ``work``. The pixels are undefined at first.
    """

    def __init__(
        self, n: int, h: int, w: int, c: int, work: Workspace, *, name: str, pad: bool = True
    ) -> None:
        self.n, self.h, self.w, self.c, self.pad = n, h, w, c, pad
        self.stride = w + 1
        margin = w + 2
        n_rows = n * (h + pad) * (w + 1)
        self.n_rows = math.ceil(n_rows / _ROWS_UNIT) * _ROWS_UNIT
        self.margin = margin
        self.data: Array = work.array(name, (self.n_rows + 2 * margin, c))
        self.rows = self.data[margin : margin + self.n_rows]
        self.wide_rows = self.rows.reshape(-1, _REPEATS * c)
        self.grid = self.rows[:n_rows].reshape(n, h + pad, w + 1, c)
        self.pixels = self.grid[:, :h, :w]
        self._beyond = self.rows[n_rows:]
        self.data[:margin] = self.data[margin + self.n_rows :] = 0
        self.clear_padding()

    def clear_padding(self) -> None:
        """Set everything but the pixels to zero."""
        self.grid[:, :, self.w] = 0
        if self.pad:
            self.grid[:, self.h] = 0
        self._beyond[:] = 0

    def add_by_channel(self, vector: NDArray[np.floating]) -> None:
        """Add a value (c,) for each channel, also to the padding."""
        self.wide_rows += _wide(vector)

    def multiply_by_channel(self, vector: NDArray[np.floating]) -> None:
        """Multiply by a value (c,) for each channel."""
        self.wide_rows *= _wide(vector)

    def sum_by_channel(self) -> Array:
        """Return the sum of all pixels, (c,)."""
        return _channel_sum(np.ones(len(self.wide_rows), np.float32) @ self.wide_rows, self.c)

    def dot_by_channel(self, other: FeatureMaps) -> Array:
        """Return the sum over all pixels of the products with other maps, (c,)."""
        return _channel_sum(np.einsum("ij,ij->j", self.wide_rows, other.wide_rows), self.c)


def _channel_sum(wide: Array, c: int) -> Array:
    return wide.reshape(-1, c).sum(axis=0)


def _wide(vector: NDArray[Any]) -> Array:
    return np.tile(vector.astype(np.float32), _REPEATS)


class Convolution:
    """Convolution over ``height`` (1 or 3) x 3 pixels, with zeros beyond the edges.

    ``weights`` have shape (3, height, c_in, c_out): column, row, channel.
    """

    def __init__(self, c_in: int, c_out: int, height: int, rng: np.random.RandomState) -> None:
        self.height = height
        fan_in = 3 * height * c_in
        shape = (3, height, c_in, c_out)
        self.weights: Array = rng.normal(0, math.sqrt(2 / fan_in), shape).astype(np.float32)

    def forward(self, x: FeatureMaps, out: FeatureMaps, work: Workspace) -> None:
        """Compute the output maps, with undefined values in the padding."""
        convolve(x, self.weights, out, work)

    def weight_gradient(self, x: FeatureMaps, gradient: FeatureMaps, work: Workspace) -> Array:
        """Return the gradient of the weights, given that of the output; its padding is zero."""
        c_out = gradient.c
        total = np.zeros((3 * self.height * x.c, c_out), np.float32)
        product = work.array("product", total.shape)
        for begin, end, windows in _windows(x, self.height, work):
            for k, own in enumerate(windows):
                np.matmul(own.T, gradient.rows[begin + k : end : 3], out=product)
                total += product
        return total.reshape(self.weights.shape)

    def input_gradient(self, gradient: FeatureMaps, out: FeatureMaps, work: Workspace) -> None:
        """Compute the gradient of the input, with undefined values in the padding."""
        mirrored = self.weights[::-1, ::-1].transpose(0, 1, 3, 2)
        convolve(gradient, np.ascontiguousarray(mirrored), out, work)


def convolve(x: FeatureMaps, weights: Array, out: FeatureMaps, work: Workspace) -> None:
    """Compute a convolution with weights (3, rows, c_in, c_out); the padding is undefined."""
    matrix = weights.reshape(-1, weights.shape[-1])
    for begin, end, windows in _windows(x, weights.shape[1], work):
        for k, own in enumerate(windows):
            np.matmul(own, matrix, out=out.rows[begin + k : end : 3])


def _windows(x: FeatureMaps, height: int, work: Workspace) -> Any:
    """Yield, for chunks of rows ``begin`` to ``end``, the windows around every third row.

    If the rows of three vertical neighbors are joined, then a window of 3 x 3 pixels is three
    consecutive joined rows: a view. Three views, that begin at rows 0, 1 and 2, cover the chunk.
    So a convolution copies its input three times, not nine times.
    """
    width = height * x.c
    at_once = max(_CHUNK_SIZE // width // 3, 16) * 3
    for begin in range(0, x.n_rows, at_once):
        end = min(begin + at_once, x.n_rows)
        n = end - begin
        first = x.margin + begin - 1
        if height == 1:
            joined = x.data[first : first + n + 2]
        else:
            joined = work.array("joined", (at_once + 2, width))[: n + 2]
            for k in range(3):
                shift = first + (k - 1) * x.stride
                joined[:, k * x.c : (k + 1) * x.c] = x.data[shift : shift + n + 2]
        flat = joined.reshape(-1)
        third = n // 3
        yield (
            begin,
            end,
            [flat[k * width : (k + 3 * third) * width].reshape(third, 3 * width) for k in range(3)],
        )


class ConvolutionBlock:
    """Convolution, batch normalization, rectifier, and maxima over ``pool`` (rows, columns).

    Attributes
    ----------
    parameters : list of ndarray
        The weights of the convolution, and scale and shift of each channel.
    mean, variance : ndarray of shape (c_out,)
        Running statistics of the channels before normalization.
    n_batches : int
        Number of batches that the running statistics have seen.
    """

    def __init__(
        self,
        name: str,
        c_in: int,
        c_out: int,
        rng: np.random.RandomState,
        *,
        height: int = 3,
        pool: tuple[int, int] = (1, 1),
    ) -> None:
        self.name = name
        self.pool = pool
        self.convolution = Convolution(c_in, c_out, height, rng)
        self.scale: Array = np.ones(c_out, np.float32)
        self.shift: Array = np.zeros(c_out, np.float32)
        self.mean: Array = np.zeros(c_out, np.float32)
        self.variance: Array = np.ones(c_out, np.float32)
        self.n_batches = 0

    @property
    def parameters(self) -> list[Array]:
        return [self.convolution.weights, self.scale, self.shift]

    def forward(self, x: FeatureMaps, work: Workspace) -> FeatureMaps:
        """Compute the output of a training batch; ``work`` keeps what `backward` needs."""
        c = len(self.scale)
        raw = self._maps("raw", x, c, work)
        self.convolution.forward(x, raw, work)
        raw.clear_padding()
        n_pixels = raw.n * raw.h * raw.w
        mean = raw.sum_by_channel() / np.float32(n_pixels)
        variance: Array = raw.dot_by_channel(raw) / n_pixels - mean**2
        np.maximum(variance, 0, out=variance)
        factor, shift = self.normalization(mean, variance)
        active = self._maps("active", x, c, work)
        np.multiply(raw.wide_rows, _wide(factor), out=active.wide_rows)
        active.add_by_channel(shift)
        np.maximum(active.wide_rows, 0, out=active.wide_rows)
        active.clear_padding()
        work.kept[self.name] = x, raw, active, mean, variance
        return maxima(active, self.pool, f"{self.name} maxima", work)

    def normalization(self, mean: Array, variance: Array) -> tuple[Array, Array]:
        """Return the factor and the summand of each channel that normalize, scale and shift it."""
        factor = self.scale / np.sqrt(variance + _EPSILON)
        return factor, self.shift - mean * factor

    def update_statistics(self, work: Workspace) -> None:
        """Move the running statistics towards those of a training batch."""
        *_, mean, variance = work.kept[self.name]
        self.n_batches += 1
        # At first the mean of all batches, so that a short training has statistics as well.
        momentum = np.float32(max(_MOMENTUM, 1 / self.n_batches))
        self.mean += momentum * (mean - self.mean)
        self.variance += momentum * (variance - self.variance)

    def backward(self, gradient: FeatureMaps, work: Workspace) -> tuple[FeatureMaps, list[Array]]:
        """Return the gradients before the normalization and of the parameters."""
        x, raw, active, mean, variance = work.kept[self.name]
        deviation = np.sqrt(variance + _EPSILON)
        gradient = self._maxima_gradient(gradient, active, work)
        rows = gradient.wide_rows
        rows *= active.wide_rows > 0
        n_pixels = raw.n * raw.h * raw.w
        to_shift = gradient.sum_by_channel()
        to_scale = (gradient.dot_by_channel(raw) - mean * to_shift) / deviation
        # The gradient through the normalization is linear in the gradient and the raw values.
        factor = self.scale / deviation
        slope = -factor * to_scale / (n_pixels * deviation)
        gradient.multiply_by_channel(factor)
        raw.multiply_by_channel(slope)
        rows += raw.wide_rows
        gradient.add_by_channel(-(factor * to_shift / n_pixels + slope * mean))
        gradient.clear_padding()
        to_weights = self.convolution.weight_gradient(x, gradient, work)
        return gradient, [to_weights, to_scale, to_shift]

    def input_gradient(self, gradient: FeatureMaps, work: Workspace) -> FeatureMaps:
        """Return the gradient of the input, given that before the normalization."""
        x, *_ = work.kept[self.name]
        back = work.maps(f"{self.name} back", x.n, x.h, x.w, x.c, pad=x.pad)
        self.convolution.input_gradient(gradient, back, work)
        back.clear_padding()
        return back

    def _maps(self, name: str, x: FeatureMaps, c: int, work: Workspace) -> FeatureMaps:
        return work.maps(f"{self.name} {name}", x.n, x.h, x.w, c, pad=x.pad)

    def _maxima_gradient(
        self, gradient: FeatureMaps, active: FeatureMaps, work: Workspace
    ) -> FeatureMaps:
        """Give the gradient of each maximum to all pixels that have its value."""
        if self.pool == (1, 1):
            return gradient
        rows, columns = self.pool
        shape = gradient.n, gradient.h, gradient.w, gradient.c
        greatest = work.maps(f"{self.name} maxima", *shape)
        out = self._maps("gradient", active, active.c, work)
        same = work.array(f"{self.name} same", gradient.pixels.shape, bool)
        for i in range(rows):
            for j in range(columns):
                part = slice(None), slice(i, None, rows), slice(j, None, columns)
                np.equal(active.pixels[part], greatest.pixels, out=same)
                np.multiply(gradient.pixels, same, out=out.pixels[part])
        out.clear_padding()
        return out


def maxima(x: FeatureMaps, pool: tuple[int, int], name: str, work: Workspace) -> FeatureMaps:
    """Return the maxima over two rows, or over two rows and two columns, of pixels."""
    if pool == (1, 1):
        return x
    h, w = x.h // pool[0], x.w // pool[1]
    out = work.maps(name, x.n, h, w, x.c)
    if pool[1] == 1:
        np.maximum(x.pixels[:, ::2], x.pixels[:, 1::2], out=out.pixels)
    else:
        higher = work.array(f"{name} of rows", (x.n, h, x.w, x.c))
        np.maximum(x.pixels[:, ::2], x.pixels[:, 1::2], out=higher)
        np.maximum(higher[:, :, ::2], higher[:, :, 1::2], out=out.pixels)
    return out
