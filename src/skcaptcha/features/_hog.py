"""Histograms of oriented gradients of a whole batch at once."""

from __future__ import annotations

import math
from functools import cache
from numbers import Integral
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from skcaptcha.features._base import CropFeatures
from skcaptcha.segments import Segments

_NORMS = {"L1", "L1-sqrt", "L2", "L2-Hys"}
_EPSILON = 1e-5


class HOG(CropFeatures):
    """Describe a crop by histograms of oriented gradients.

    The parameters mean what they mean for `skimage.feature.hog`, and the numbers agree with it;
    but a batch is one computation, and the gradients of 8-bit pixels, of which there are no more
    than 511 x 511, are looked up instead of computed.

    Parameters
    ----------
    orientations : int >= 1, default=9
        Number of bins for the unsigned direction, 0 to 180 degrees.
    pixels_per_cell : tuple of two ints, default=(4, 4)
        Height and width of a cell, in pixels.
    cells_per_block : tuple of two ints, default=(2, 2)
        Height and width of a block, in cells. Blocks overlap, all but one row or column.
    block_norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}, default="L2-Hys"
        How a block is normalised.
    transform_sqrt : bool, default=False
        Whether to take the square root of the pixels first, which compresses shades.

    References
    ----------
    N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha import Segments
    >>> from skcaptcha.features import HOG
    >>> image = np.zeros((16, 12), dtype=np.uint8)
    >>> segments = Segments([[0, 0, 12, 16]], [0, 1], images=[image], crop_shape=(16, 12))
    >>> HOG(orientations=8).fit_transform(segments).values.shape
    (1, 192)
    """

    _crops_at_once = 64
    _parameter_constraints: dict[str, Any] = {
        "orientations": [Interval(Integral, 1, 180, closed="both")],
        "pixels_per_cell": ["array-like"],
        "cells_per_block": ["array-like"],
        "block_norm": [StrOptions(_NORMS)],
        "transform_sqrt": ["boolean"],
    }

    def __init__(
        self,
        orientations: int = 9,
        *,
        pixels_per_cell: tuple[int, int] = (4, 4),
        cells_per_block: tuple[int, int] = (2, 2),
        block_norm: str = "L2-Hys",
        transform_sqrt: bool = False,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.transform_sqrt = transform_sqrt

    def _check(self, X: Segments) -> None:
        super()._check(X)
        cell, block = np.asarray(self.pixels_per_cell), np.asarray(self.cells_per_block)
        for name, pair in (("pixels_per_cell", cell), ("cells_per_block", block)):
            if pair.shape != (2,) or pair.dtype.kind not in "iu" or (pair < 1).any():
                raise ValueError(f"{name} must be two positive ints, got {getattr(self, name)}")
        if X.crop_shape is not None and (np.asarray(X.crop_shape) // cell < block).any():
            raise ValueError(
                f"crops of {tuple(X.crop_shape)} pixels are too small for one block of "
                f"{tuple(block.tolist())} cells of {tuple(cell.tolist())} pixels; "
                "take smaller cells, or larger crops by the segmenter's shape"
            )

    def _describe_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        histograms = self._cell_histograms(crops)
        blocks = sliding_window_view(histograms, tuple(self.cells_per_block), axis=(1, 2))
        # (m, rows, columns, orientations, block rows, block columns) to skimage's order.
        vectors = blocks.transpose(0, 1, 2, 4, 5, 3)
        vectors = vectors.reshape(*blocks.shape[:3], math.prod(blocks.shape[3:]))
        normal = _normalise(vectors, self.block_norm).astype(np.float32)
        return normal.reshape(len(crops), math.prod(blocks.shape[1:]))

    def _cell_histograms(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Sum the magnitudes of each cell by direction: (m, rows, columns, orientations)."""
        bins = self.orientations
        cell_h, cell_w = self.pixels_per_cell
        rows, columns = crops.shape[1] // cell_h, crops.shape[2] // cell_w
        if self.transform_sqrt:
            pixels: NDArray[Any] = np.sqrt(crops, dtype=np.float64)
            direction, magnitude = _orient(*_gradients(pixels), bins)
        else:
            down, across = _gradients(crops.astype(np.int32))
            gradient = (down + 255) * 511 + (across + 255)
            directions, magnitudes = _orientation_table(bins)
            direction, magnitude = directions.take(gradient), magnitudes.take(gradient)
        cell = np.arange(rows)[:, None] * columns + np.arange(columns)
        cell = cell.repeat(cell_h, axis=0).repeat(cell_w, axis=1)
        used = np.s_[:, : rows * cell_h, : columns * cell_w]
        of_crop = np.arange(len(crops))[:, None, None] * (rows * columns)
        where = (of_crop + cell) * bins + direction[used]
        n_bins = len(crops) * rows * columns * bins
        total = np.bincount(where.ravel(), weights=magnitude[used].ravel(), minlength=n_bins)
        return total.reshape(len(crops), rows, columns, bins) / (cell_h * cell_w)


def _gradients(pixels: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Central differences down and across; zero along the border."""
    down, across = np.zeros_like(pixels), np.zeros_like(pixels)
    np.subtract(pixels[:, 2:], pixels[:, :-2], out=down[:, 1:-1])
    np.subtract(pixels[:, :, 2:], pixels[:, :, :-2], out=across[:, :, 1:-1])
    return down, across


def _orient(
    down: NDArray[np.float64], across: NDArray[np.float64], bins: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Direction bin and magnitude of each gradient."""
    angle = np.rad2deg(np.arctan2(down, across)) % 180
    edges = (180.0 / bins) * np.arange(1, bins + 1)
    return np.searchsorted(edges, angle, side="right").clip(max=bins - 1), np.hypot(down, across)


@cache
def _orientation_table(bins: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Direction bin and magnitude of every gradient that 8-bit pixels can have."""
    difference = np.arange(-255.0, 256.0)
    direction, magnitude = _orient(difference[:, None], difference[None, :], bins)
    # 8 and 32 bits shorten the time of the look-up: the tables stay in the processor's cache.
    return direction.ravel().astype(np.uint8), magnitude.ravel().astype(np.float32)


def _normalise(blocks: NDArray[np.float64], norm: str) -> NDArray[np.float64]:
    """Normalise along the last axis."""
    match norm:
        case "L1" | "L1-sqrt":
            normal = blocks / (np.abs(blocks).sum(axis=-1, keepdims=True) + _EPSILON)
            return np.sqrt(normal) if norm == "L1-sqrt" else normal
        case _:
            normal = _l2(blocks)
            return _l2(np.minimum(normal, 0.2)) if norm == "L2-Hys" else normal


def _l2(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    return blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + _EPSILON**2)
