"""Overlapping candidates: unions of the pieces between all places where one might cut."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skcaptcha.measure import pitch
from skcaptcha.segment._base import BaseSegmenter, Cut, Image
from skcaptcha.segments import ink_mask

_NARROWEST = 0.25
_WIDEST = 1.8


class Oversegmentation(BaseSegmenter):
    """Cut wherever two characters may meet, and take all unions of neighboring pieces.

    The segments overlap and are candidates for characters, not characters: made for readers that
    choose among them. Cuts are where columns without ink begin and end, at valleys of the
    projection of the shades, and where connected pieces of ink begin and end. Each candidate
    shrinks to the rows of its ink, and every column with ink is in one at least. An image without
    ink has none.

    Parameters
    ----------
    max_pieces : int >= 1, default=4
        A candidate is made of so many neighboring pieces at most.
    min_width : int >= 1, default=None
        Of cuts through ink that are nearer than this to each other, or to columns without ink,
        only that through the least ink stays: so it is the least width, in pixels, of a candidate,
        but for ink that stands alone. None: a quarter of the pitch.
    max_width : int >= 1, default=None
        Greatest width of a candidate, in pixels; pieces that are wider are cut evenly. None: 1.8
        times the pitch.

    Attributes
    ----------
    min_width_, max_width_ : int
        As given or learned, in pixels.

    Notes
    -----
    The pitch is how far apart characters stand: the mean, over the training captchas, of the width
    of the text by the length of its label. Without labels it is taken as half the image's height.

    References
    ----------
    R. G. Casey and E. Lecolinet, "A survey of methods and strategies in character segmentation",
    IEEE Transactions on Pattern Analysis and Machine Intelligence 18 (1996), 690-706.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segment import Oversegmentation
    >>> image = np.zeros((6, 20), dtype=np.uint8)
    >>> image[1:5, 1:5] = image[2:4, 5:7] = image[1:5, 7:11] = image[3:5, 14:18] = 255
    >>> Oversegmentation(min_width=3, max_width=12).fit_transform([image]).boxes.tolist()
    [[1, 1, 5, 4], [1, 1, 10, 4], [6, 1, 5, 4], [6, 1, 12, 4], [14, 3, 4, 2]]
    """

    _parameter_constraints: dict[str, Any] = {
        "max_pieces": [Interval(Integral, 1, None, closed="left")],
        "min_width": [Interval(Integral, 1, None, closed="left"), None],
        "max_width": [Interval(Integral, 1, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        max_pieces: int = 4,
        min_width: int | None = None,
        max_width: int | None = None,
    ) -> None:
        self.max_pieces = max_pieces
        self.min_width = min_width
        self.max_width = max_width

    def _learn(self, X: Sequence[Image], y: Sequence[str] | None) -> None:
        least, most = self.min_width, self.max_width
        if least is None or most is None:
            apart = pitch(X, y)
            least = least or max(round(_NARROWEST * apart), 1)
            most = most or max(round(_WIDEST * apart), 1)
        if least > most:
            raise ValueError(f"min_width ({least}) must not be greater than max_width ({most})")
        self.min_width_, self.max_width_ = least, most

    def _cut(self, image: Image) -> Cut:
        ink = ink_mask(image)
        inked = np.any(ink, axis=0)
        edges = _edges(image, ink, inked, self.min_width_)
        begin, end = _pieces(edges, inked, self.max_width_)
        if not len(begin):
            return Cut(np.empty((0, 4), dtype=np.intp))
        top = np.where(inked, ink.argmax(axis=0), len(ink))
        bottom = np.where(inked, len(ink) - ink[::-1].argmax(axis=0), 0)

        # Row i of these tables is for the candidates that begin with piece i: of 1, 2, ... pieces.
        most = min(self.max_pieces, self.max_width_, len(begin))
        last = np.arange(len(begin))[:, None] + np.arange(most)
        exists = last < len(begin)
        last = np.minimum(last, len(begin) - 1)
        top = np.minimum.accumulate(np.minimum.reduceat(top, begin)[last], axis=1)
        bottom = np.maximum.accumulate(np.maximum.reduceat(bottom, begin)[last], axis=1)
        left = np.broadcast_to(begin[:, None], last.shape)
        width = end[last] - left
        boxes = np.stack([left, top, width, bottom - top], axis=-1)
        return Cut(boxes[exists & (width <= self.max_width_)])


def _edges(
    image: Image, ink: NDArray[np.bool_], inked: NDArray[np.bool_], least: int
) -> NDArray[np.intp]:
    """Where columns with ink begin and end, and the best cuts between, ``least`` columns apart."""
    is_edge = np.diff(inked, prepend=False, append=False)
    # Sums of integers, so that an image has the same valleys wherever it stands.
    depth = np.convolve(image.sum(axis=0, dtype=np.int64), [1, 3, 3, 1])[1:-1]
    stats = cv2.connectedComponentsWithStats(ink.view(np.uint8))[2][1:]
    begin, width = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_WIDTH]
    from scipy.signal import find_peaks  # noqa: PLC0415 - takes long, and few recipes need it

    cuts = np.unique(np.concatenate([find_peaks(-depth)[0], begin, begin + width]))
    for cut in cuts[np.argsort(depth[cuts], kind="stable")].tolist():
        if not is_edge[max(cut - least + 1, 0) : cut + least].any():
            is_edge[cut] = True
    return np.flatnonzero(is_edge)


def _pieces(
    edges: NDArray[np.intp], inked: NDArray[np.bool_], most: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the pieces with ink begin and end, after cutting those wider than ``most`` evenly."""
    begin, width = edges[:-1], np.diff(edges)
    has_ink = inked[begin]
    begin, width = begin[has_ink], width[has_ink]
    parts = -(-width // most)
    part = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    begin, width, parts = (np.repeat(of_piece, parts) for of_piece in (begin, width, parts))
    return begin + width * part // parts, begin + width * (part + 1) // parts
