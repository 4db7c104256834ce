"""Characters slightly turned, slanted, stretched and moved, beside neighbors not their own."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from skcaptcha.segments import Segments

_ROTATION = 8.0  # degrees
_SHEAR = 0.15
_SCALE = 0.1
_SHIFT = 0.06  # of the height
_AT_ONCE = 2048
# What surrounds a segment is warped with it: features look a little beyond their box.
_MARGIN = 12
_NEIGHBOR_BEGINS = (0.45, 0.65)  # of the pitch, from the middle


def describe_warped(
    X: Segments,
    rows: NDArray[np.intp],
    rng: np.random.RandomState,
    *,
    strength: float,
    step: float,
    pitch: float,
) -> NDArray[np.float32]:
    """Describe segments after an affine warp of each about its middle.

    Where the features say at which place of the segment's width they look, half of the segments
    of the usual width also get the features of another neighbor on the left, and half on the
    right: a classifier that saw few neighbors would else learn them by heart.

    Parameters
    ----------
    X : Segments with images and ``features``
    rows : ndarray of shape (k,)
        Which segments; one that is named twice is warped twice.
    rng : RandomState
    strength : float >= 0
        1: turned by up to 8 degrees, slanted by up to 0.15, stretched by up to 10 % and moved up
        or down by up to 6 % of the height, all drawn evenly; 0: moved left or right at most.
    step : float >= 0
        Moved left or right by up to half of this, in pixels.
    pitch : float > 0
        How far apart characters stand, in pixels.

    Returns
    -------
    values : ndarray of shape (k, d), dtype float32
    """
    values = np.concatenate(
        [X.features.transform(part).values for part in _warped(X, rows, strength, step, rng)]
    )
    across = getattr(X.features, "across_", None)
    if across is not None:
        width = np.median(X.boxes[:, 2])
        alike = np.flatnonzero(X.boxes[rows, 2] == width)
        exchanged = values[alike]
        _exchange_neighbors(exchanged, (across - 0.5) * width / pitch, rng)
        values[alike] = exchanged
    return values


def _exchange_neighbors(
    values: NDArray[np.float32], from_middle: NDArray[np.float64], rng: np.random.RandomState
) -> None:
    """Overwrite what lies beyond about half the pitch by the same of others, in place."""
    k = len(values)
    for side in (-1, 1):
        other = rng.permutation(k)
        begin = np.where(rng.uniform(size=k) < 0.5, rng.uniform(*_NEIGHBOR_BEGINS, k), np.inf)
        for place in np.unique(from_middle[side * from_middle > 0]):
            to = np.flatnonzero(side * place >= begin)
            columns = np.flatnonzero(from_middle == place)
            values[to[:, None], columns] = values[other[to][:, None], columns]


def _warped(
    X: Segments, rows: NDArray[np.intp], strength: float, step: float, rng: np.random.RandomState
) -> Iterator[Segments]:
    assert X.images is not None
    captcha = X.captcha_index[rows]
    box = np.asarray(X.boxes[rows])
    k = len(rows)
    turn = np.deg2rad(strength * rng.uniform(-_ROTATION, _ROTATION, k))
    slant = strength * rng.uniform(-_SHEAR, _SHEAR, k)
    stretch = np.exp(strength * rng.uniform(-_SCALE, _SCALE, (2, k)))
    moved = rng.uniform(-1, 1, (k, 2))
    moved[:, 0] *= step / 2
    moved[:, 1] *= strength * _SHIFT * box[:, 3]

    # Where the pixels of the warped patch come from: source = linear @ target + constant.
    cosine, sine = np.cos(turn), np.sin(turn)
    linear = np.array(
        [
            [cosine / stretch[0], cosine * slant - sine / stretch[1]],
            [sine / stretch[0], sine * slant + cosine / stretch[1]],
        ]
    ).transpose(2, 0, 1)
    middle_of_patch = _MARGIN + (box[:, 2:] - 1) / 2
    middle_of_box = box[:, :2] + (box[:, 2:] - 1) / 2 + moved
    constant = middle_of_box - (linear @ middle_of_patch[:, :, None])[:, :, 0]
    source = np.concatenate([linear, constant[:, :, None]], axis=2)
    for first in range(0, k, _AT_ONCE):
        part = range(first, min(k, first + _AT_ONCE))
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
