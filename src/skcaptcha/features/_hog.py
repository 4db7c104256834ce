"""Histograms of oriented gradients, computed for a whole batch at once."""

from __future__ import annotations

from functools import cache
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from skcaptcha.features._base import CropFeatures, positive_pair

_NORMS = {"L1", "L1-sqrt", "L2", "L2-Hys"}
_EPSILON = 1e-5
# Differences of 8-bit pixels are in -255..255; the table has a row for each vertical difference.
_ROW = 512
_MIDDLE = 255 * _ROW + 255


class HOG(CropFeatures):
    """Describe a crop by histograms of oriented gradients.

    The parameters are those of `skimage.feature.hog`, and the values agree with it. A batch is one
    computation, in single precision, and the directions of the 511 x 511 gradients that 8-bit
    pixels can have are looked up in a table.

    Parameters
    ----------
    orientations : int >= 1, default=9
        Number of bins for unsigned directions, from 0 to 180 degrees.
    pixels_per_cell : tuple of two ints, default=(4, 4)
        Height and width of a cell, in pixels.
    cells_per_block : tuple of two ints, default=(2, 2)
        Height and width of a block, in cells. Blocks overlap; the next block is one cell further.
    block_norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}, default="L2-Hys"
        Normalization of a block.
    transform_sqrt : bool, default=False
        Whether to use the square root of the pixels, which compresses bright gray values.
    shape : tuple of two ints, default=None
        Height and width, in pixels, to which every segment is resized. None: the mean height and
        width of the training segments.
    keep_aspect : bool, default=False
        Whether a crop keeps the proportions of its segment, centered on a dark background, instead
        of being stretched to ``shape``.

    Attributes
    ----------
    shape_ : tuple of two ints
        Height and width of the crops, in pixels.

    References
    ----------
    N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha import Segments
    >>> from skcaptcha.features import HOG
    >>> image = np.zeros((16, 12), dtype=np.uint8)
    >>> segments = Segments([[0, 0, 12, 16]], [0, 1], images=[image])
    >>> HOG(orientations=8).fit_transform(segments).values.shape
    (1, 192)
    """

    _crops_at_once = 128
    _parameter_constraints: dict[str, Any] = {
        **CropFeatures._parameter_constraints,
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
        shape: tuple[int, int] | None = None,
        keep_aspect: bool = False,
    ) -> None:
        super().__init__(shape, keep_aspect=keep_aspect)
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.transform_sqrt = transform_sqrt

    def _validate_params(self) -> None:
        super()._validate_params()
        positive_pair("pixels_per_cell", self.pixels_per_cell)
        positive_pair("cells_per_block", self.cells_per_block)

    def _describe_crops(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        histograms = self._cell_histograms(crops)
        down, across = self.cells_per_block
        m, rows, columns, bins = histograms.shape
        if rows < down or columns < across:
            raise ValueError(
                f"crops of {crops.shape[1:]} pixels are too small for one block of "
                f"{(down, across)} cells of {tuple(self.pixels_per_cell)} pixels; "
                "use smaller cells or a larger shape"
            )
        rows, columns = rows - down + 1, columns - across + 1
        blocks = np.empty((m, rows, columns, down, across, bins), dtype=np.float32)
        for i in range(down):
            for j in range(across):
                blocks[:, :, :, i, j] = histograms[:, i : i + rows, j : j + columns]
        vectors = blocks.reshape(m * rows * columns, down * across * bins)
        _normalize(vectors, self.block_norm)
        return vectors.reshape(m, rows * columns * down * across * bins)

    def _cell_histograms(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the sums of magnitudes (m, rows, columns, orientations) of each cell."""
        bins = self.orientations
        cell_h, cell_w = self.pixels_per_cell
        rows, columns = crops.shape[1] // cell_h, crops.shape[2] // cell_w
        used = np.s_[:, : rows * cell_h, : columns * cell_w]
        if self.transform_sqrt:
            down, across = _gradients(np.sqrt(crops, dtype=np.float64), used)
            direction = _directions(down, across, bins)
        else:
            down, across = _gradients(crops.astype(np.int16), used)
            place = down.astype(np.intp)
            place *= _ROW
            place += across
            place += _MIDDLE
            direction = _direction_table(bins).take(place)
        magnitude = np.square(down, dtype=np.float32)
        magnitude += np.square(across, dtype=np.float32)
        np.sqrt(magnitude, out=magnitude)
        cell = np.arange(rows)[:, None] * columns + np.arange(columns)
        cell = cell.repeat(cell_h, axis=0).repeat(cell_w, axis=1) * bins
        n_bins = rows * columns * bins
        where = np.arange(0, len(crops) * n_bins, n_bins)[:, None, None] + cell
        where += direction
        total = np.bincount(where.ravel(), weights=magnitude.ravel(), minlength=len(crops) * n_bins)
        return total.reshape(len(crops), rows, columns, bins) / (cell_h * cell_w)


def _gradients(pixels: NDArray[Any], used: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return central differences down and across; zero along the border."""
    down, across = np.zeros_like(pixels), np.zeros_like(pixels)
    np.subtract(pixels[:, 2:], pixels[:, :-2], out=down[:, 1:-1])
    np.subtract(pixels[:, :, 2:], pixels[:, :, :-2], out=across[:, :, 1:-1])
    return down[used], across[used]


def _directions(
    down: NDArray[np.float64], across: NDArray[np.float64], bins: int
) -> NDArray[np.uint8]:
    """Return the direction bin of each gradient."""
    angle = np.rad2deg(np.arctan2(down, across)) % 180
    edges = (180.0 / bins) * np.arange(1, bins + 1)
    # With 8 bits, the table fits into the processor's cache.
    return np.searchsorted(edges, angle, side="right").clip(max=bins - 1).astype(np.uint8)


@cache
def _direction_table(bins: int) -> NDArray[np.uint8]:
    """Return the direction bin of every gradient of 8-bit pixels, in rows of `_ROW`."""
    difference = np.arange(-255.0, 257.0)
    return _directions(difference[:, None], difference[None, :], bins).ravel()


def _normalize(blocks: NDArray[np.float32], norm: str) -> None:
    """Normalize along the last axis, in place."""
    match norm:
        case "L1" | "L1-sqrt":
            # Histograms are not negative.
            blocks /= (blocks.sum(axis=1) + np.float32(_EPSILON))[:, None]
            if norm == "L1-sqrt":
                np.sqrt(blocks, out=blocks)
        case _:
            _l2(blocks)
            if norm == "L2-Hys":
                np.minimum(blocks, np.float32(0.2), out=blocks)
                _l2(blocks)


def _l2(blocks: NDArray[np.float32]) -> None:
    length = np.einsum("ij,ij->i", blocks, blocks)
    length += np.float32(_EPSILON**2)
    blocks /= np.sqrt(length, out=length)[:, None]
