"""Oriented gradients, computed once per image and sampled by all of its segments."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skcaptcha.features._base import BaseFeatures
from skcaptcha.segments import Segments

_IMAGES_AT_ONCE = 16
_LEAST_GRADIENT = np.float32(1e-6)


class OrientedGradients(BaseFeatures):
    """Describe segments by the strength of the gradient in each direction, at a grid of points.

    Directions are signed: the two sides of a stroke differ. Gradients are computed and smoothed
    once per image, even if many windows overlap; each segment samples them at points that are
    evenly distributed over its box.

    Parameters
    ----------
    orientations : int >= 2, default=8
        Number of directions, evenly distributed over 360 degrees.
    cell : int >= 1, default=4
        Distance between points, in pixels of the training segments. Gradients are smoothed by a
        Gaussian whose standard deviation is half of it.
    power : float > 0, default=0.5
        Exponent of the gradient's magnitude. The square root amplifies faint strokes.

    Attributes
    ----------
    shape_ : tuple of two ints
        Mean height and width of the training segments, in pixels.
    grid_shape_ : tuple of two ints
        Number of rows and columns of points: as many as fit into the mean training segment.
    across_ : ndarray of shape (d,)
        Horizontal position of each value in the segment, from 0 (left) to 1 (right).

    References
    ----------
    D. G. Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60 (2004), 91-110
    (signed orientations, smoothly weighted cells).

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.features import OrientedGradients
    >>> from skcaptcha.segment import SlidingWindow
    >>> image = np.zeros((40, 60), dtype=np.uint8)
    >>> image[:, 30:] = 255
    >>> windows = SlidingWindow(width=20).fit_transform([image])
    >>> OrientedGradients().fit_transform(windows).values.shape
    (21, 400)
    """

    _parameter_constraints: dict[str, Any] = {
        "orientations": [Interval(Integral, 2, None, closed="left")],
        "cell": [Interval(Integral, 1, None, closed="left")],
        "power": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, orientations: int = 8, *, cell: int = 4, power: float = 0.5) -> None:
        self.orientations = orientations
        self.cell = cell
        self.power = power

    def _learn(self, X: Segments, y: Any) -> None:
        super()._learn(X, y)
        size = X.boxes[:, :1:-1].mean(axis=0)
        rows, columns = np.maximum(1, np.rint(size / self.cell)).astype(int).tolist()
        self.grid_shape_ = (rows, columns)
        middles = (np.arange(columns) + 0.5) / columns
        self.across_ = np.repeat(middles, rows * self.orientations)

    def _describe(self, X: Segments) -> NDArray[np.float32]:
        if X.images is None:
            raise ValueError("these segments hold no images, which the gradients need")
        rows, columns = self.grid_shape_
        values = np.empty((len(X.boxes), columns, rows, self.orientations), dtype=np.float32)
        for group in _alike(X):
            height, width = X.images[group[0]].shape
            boxes = X.boxes[X.offsets[group[0]] : X.offsets[group[0] + 1]]
            at_rows, row = np.unique(_points(boxes[:, 1::2], rows), return_inverse=True)
            at_columns, column = np.unique(_points(boxes[:, ::2], columns), return_inverse=True)
            row, column = row.reshape(-1, rows), column.reshape(-1, columns)
            down = _gaussian(at_rows, height, self.cell / 2)
            across = _gaussian(at_columns, width, self.cell / 2)
            every_row = len(at_rows) == rows and bool((row == np.arange(rows)).all())
            for first in range(0, len(group), _IMAGES_AT_ONCE):
                captchas = group[first : first + _IMAGES_AT_ONCE]
                images = np.stack([X.images[i] for i in captchas])
                energy = _energy(images, self.orientations, self.power)
                # One product for all images and directions is faster than one for each.
                sampled = (down @ energy).reshape(-1, width) @ across.T
                shape = self.orientations, len(captchas), len(at_rows), len(at_columns)
                sampled = np.ascontiguousarray(sampled.reshape(shape).transpose(1, 3, 2, 0))
                for captcha, own in zip(captchas, sampled, strict=True):
                    described = values[X.offsets[captcha] : X.offsets[captcha + 1]]
                    if every_row:
                        # Whole columns are copied at once.
                        np.take(own, column, axis=0, out=described, mode="clip")
                    else:
                        described[:] = own[column[:, :, None], row[:, None, :]]
        return values.reshape(len(values), columns * rows * self.orientations)


def _alike(X: Segments) -> list[list[int]]:
    """Group the captchas that have segments by the shapes of their images and by their boxes."""
    assert X.images is not None
    groups: dict[Any, list[int]] = {}
    for i, image in enumerate(X.images):
        boxes = X.boxes[X.offsets[i] : X.offsets[i + 1]]
        if len(boxes):
            groups.setdefault((image.shape, boxes.tobytes()), []).append(i)
    return list(groups.values())


def _energy(images: NDArray[np.uint8], orientations: int, power: float) -> NDArray[np.float32]:
    """Return the strength of the gradient in each direction at each pixel, (orientations, n, h, w).

    The weight of a gradient in a direction is the fourth power of the cosine between them, which
    distributes it over neighboring directions without hard bins.
    """
    gray: NDArray[np.float32] = np.pad(
        images.astype(np.float32) / np.float32(255), ((0, 0), (1, 1), (1, 1)), mode="edge"
    )
    across = gray[:, 1:-1, 2:] - gray[:, 1:-1, :-2]
    down = gray[:, 2:, 1:-1] - gray[:, :-2, 1:-1]
    weight = across * across
    weight += down * down
    weight += _LEAST_GRADIENT**2
    # The power by logarithms takes a tenth of the time; of the square, it is half of the exponent.
    np.log(weight, out=weight)
    weight *= np.float32((power - 4) / 2)
    np.exp(weight, out=weight)
    # The fourth power below is of twice the positive part.
    weight /= 16
    energy = np.empty((orientations, *images.shape), dtype=np.float32)
    along, size = np.empty_like(across), np.empty_like(across)
    opposite = orientations // 2 if orientations % 2 == 0 else 0
    for k in range(opposite or orientations):
        angle = 2 * np.pi * k / orientations
        np.multiply(across, np.float32(np.cos(angle)), out=along)
        along += np.multiply(down, np.float32(np.sin(angle)), out=size)
        # Twice the positive part: `np.maximum` with a number takes four times as long.
        np.abs(along, out=size)
        _fourth_power(np.add(size, along, out=energy[k]), weight)
        if opposite:
            # The negative part points in the opposite direction.
            _fourth_power(np.subtract(size, along, out=energy[k + opposite]), weight)
    return energy


def _fourth_power(numbers: NDArray[np.float32], weight: NDArray[np.float32]) -> None:
    np.square(numbers, out=numbers)
    np.square(numbers, out=numbers)
    numbers *= weight


def _points(spans: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Return the pixels (m, n) at the centers of n equal parts of spans (m, 2: start, length)."""
    start, length = spans[:, :1], spans[:, 1:]
    return start + (2 * np.arange(n) + 1) * length // (2 * n)


def _gaussian(points: NDArray[np.intp], n: int, deviation: float) -> NDArray[np.float32]:
    """Return the weights (points, n) of n pixels around each point."""
    # In place: for a wide image these are the largest arrays of all.
    weights = np.arange(n, dtype=np.float64) - points[:, None]
    weights /= deviation
    np.square(weights, out=weights)
    weights /= -2
    np.exp(weights, out=weights)
    weights /= deviation * np.sqrt(2 * np.pi)
    return weights.astype(np.float32)
