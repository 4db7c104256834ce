"""Augmented training windows: slightly rotated, slanted, scaled and shifted characters."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.segments import Segments

_MAX_ROTATION = 8.0  # degrees
_MAX_SHEAR = 0.15
_MAX_LOG_SCALE = 0.1
_MAX_SHIFT = 0.06  # of the height
_BATCH_SIZE = 2048
# The surroundings of a window are warped with it, because features look a little beyond their box.
_MARGIN = 12
_NEIGHBOR_DISTANCE = (0.45, 0.65)  # of the pitch, from the center


def augmented_features(
    X: Segments,
    rows: NDArray[np.intp],
    rng: np.random.RandomState,
    *,
    strength: float,
    step: float,
    pitch: float,
) -> NDArray[np.float32]:
    """Return the features (k, d) of segments ``rows`` (k,), each after a random affine warp.

    ``strength`` multiplies the greatest warps, except for horizontal shifts of up to half a step.
    If the features know the horizontal position that they look at, half of the segments of usual
    width get the features of another left neighbor, and half of another right neighbor: otherwise
    a classifier that saw few neighbors would memorize them.
    """
    values = np.concatenate(
        [X.features.transform(part).values for part in _warp(X, rows, strength, step, rng)]
    )
    across = getattr(X.features, "across_", None)
    if across is not None:
        width = np.median(X.boxes[:, 2])
        usual = np.flatnonzero(X.boxes[rows, 2] == width)
        exchanged = values[usual]
        _exchange_neighbors(exchanged, (across - 0.5) * width / pitch, rng)
        values[usual] = exchanged
    return values


def _exchange_neighbors(
    values: NDArray[np.float32], from_center: NDArray[np.float64], rng: np.random.RandomState
) -> None:
    """Replace features beyond about half the pitch by those of other segments, in place."""
    k = len(values)
    for side in (-1, 1):
        other = rng.permutation(k)
        begin = np.where(rng.uniform(size=k) < 0.5, rng.uniform(*_NEIGHBOR_DISTANCE, k), np.inf)
        for distance in np.unique(from_center[side * from_center > 0]):
            to = np.flatnonzero(side * distance >= begin)
            columns = np.flatnonzero(from_center == distance)
            values[to[:, None], columns] = values[other[to][:, None], columns]


def _warp(
    X: Segments, rows: NDArray[np.intp], strength: float, step: float, rng: np.random.RandomState
) -> Iterator[Segments]:
    assert X.images is not None
    captcha = X.captcha_index[rows]
    box = np.asarray(X.boxes[rows])
    k = len(rows)
    rotation = np.deg2rad(strength * rng.uniform(-_MAX_ROTATION, _MAX_ROTATION, k))
    shear = strength * rng.uniform(-_MAX_SHEAR, _MAX_SHEAR, k)
    scale = np.exp(strength * rng.uniform(-_MAX_LOG_SCALE, _MAX_LOG_SCALE, (2, k)))
    shift = rng.uniform(-1, 1, (k, 2))
    shift[:, 0] *= step / 2
    shift[:, 1] *= strength * _MAX_SHIFT * box[:, 3]

    # The source of each pixel of the warped patch: source = linear @ target + constant.
    cosine, sine = np.cos(rotation), np.sin(rotation)
    linear = np.array(
        [
            [cosine / scale[0], cosine * shear - sine / scale[1]],
            [sine / scale[0], sine * shear + cosine / scale[1]],
        ]
    ).transpose(2, 0, 1)
    center_of_patch = _MARGIN + (box[:, 2:] - 1) / 2
    center_of_box = box[:, :2] + (box[:, 2:] - 1) / 2 + shift
    constant = center_of_box - (linear @ center_of_patch[:, :, None])[:, :, 0]
    source = np.concatenate([linear, constant[:, :, None]], axis=2)
    for first in range(0, k, _BATCH_SIZE):
        part = range(first, min(k, first + _BATCH_SIZE))
        patches = [
            cv2.warpAffine(
                X.images[captcha[j]],
                source[j],
                (int(box[j, 2]) + 2 * _MARGIN, int(box[j, 3]) + 2 * _MARGIN),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for j in part
        ]
        yield Segments(
            np.concatenate([np.full((len(part), 2), _MARGIN), box[part, 2:]], axis=1),
            np.arange(len(part) + 1),
            images=patches,
        )
