"""Overlapping candidates: unions of the pieces between all possible cuts."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval

from skcaptcha.measure import pitch
from skcaptcha.segment._base import BaseSegmenter, Boxes, Image, Images
from skcaptcha.segments import ink_mask

# Minimum and maximum width of a candidate, relative to the pitch.
_MIN_WIDTH, _MAX_WIDTH = 0.25, 1.8


class Oversegmentation(BaseSegmenter):
    """Cut wherever two characters may meet, and join up to ``max_pieces`` neighboring pieces.

    The segments overlap. They are candidates for characters, for readers that choose among them.
    Cuts are at the ends of runs of columns with ink, at valleys of the projection profile of the
    gray values, and at the ends of connected components of ink. Each candidate shrinks to the rows
    of its ink, and every column with ink is in at least one candidate. An image without ink has no
    candidates.

    Parameters
    ----------
    max_pieces : int >= 1, default=4
        Maximum number of neighboring pieces in a candidate.
    min_width : int >= 1, default=None
        Minimum distance, in pixels, of a cut through ink from other cuts and from columns without
        ink; of cuts that are closer, the one through the least ink is kept. So it is the minimum
        width of a candidate, except for isolated ink. None: a quarter of the pitch.
    max_width : int >= 1, default=None
        Maximum width of a candidate, in pixels; wider pieces are cut evenly. None: 1.8 times the
        pitch.

    Attributes
    ----------
    min_width_, max_width_ : int
        Minimum and maximum width, in pixels.

    Notes
    -----
    The pitch is the distance between characters: the mean, over the training captchas, of the width
    of the text divided by the length of its label. Without labels, it is half the image's height.

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
        narrowest, widest = self.min_width, self.max_width
        if narrowest is None or widest is None:
            distance = pitch(X, y)
            narrowest = narrowest or max(round(_MIN_WIDTH * distance), 1)
            widest = widest or max(round(_MAX_WIDTH * distance), 1)
        if narrowest > widest:
            raise ValueError(
                f"min_width ({narrowest}) must not be greater than max_width ({widest})"
            )
        self.min_width_, self.max_width_ = narrowest, widest

    def _segment(self, images: Images) -> tuple[list[Boxes], None]:
        return [self._boxes(image) for image in images], None

    def _boxes(self, image: Image) -> Boxes:
        ink = ink_mask(image)
        inked = np.any(ink, axis=0)
        begin, end = self._pieces(image, ink, inked)
        if not len(begin):
            return np.empty((0, 4), dtype=np.intp)
        top = np.where(inked, ink.argmax(axis=0), len(ink))
        bottom = np.where(inked, len(ink) - ink[::-1].argmax(axis=0), 0)

        # Row i of these tables holds the candidates that begin with piece i, of 1, 2, ... pieces.
        most = min(self.max_pieces, self.max_width_, len(begin))
        last = np.arange(len(begin))[:, None] + np.arange(most)
        exists = last < len(begin)
        last = np.minimum(last, len(begin) - 1)
        top = np.minimum.accumulate(np.minimum.reduceat(top, begin)[last], axis=1)
        bottom = np.maximum.accumulate(np.maximum.reduceat(bottom, begin)[last], axis=1)
        left = np.broadcast_to(begin[:, None], last.shape)
        width = end[last] - left
        boxes = np.stack([left, top, width, bottom - top], axis=-1)
        return boxes[exists & (width <= self.max_width_)]

    def _pieces(
        self, image: Image, ink: NDArray[np.bool_], inked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the first column of each piece with ink, and the first column after it."""
        is_edge = np.diff(inked, prepend=False, append=False)
        # Sums of integers, so that an image has the same valleys wherever its ink is.
        depth = np.convolve(image.sum(axis=0, dtype=np.int64), [1, 3, 3, 1])[1:-1]
        stats = cv2.connectedComponentsWithStats(ink.view(np.uint8))[2][1:]
        begin, width = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_WIDTH]
        from scipy.signal import find_peaks  # noqa: PLC0415 - slow import, for few recipes

        cuts = np.unique(np.concatenate([find_peaks(-depth)[0], begin, begin + width]))
        for cut in cuts[np.argsort(depth[cuts], kind="stable")].tolist():
            if not is_edge[max(cut - self.min_width_ + 1, 0) : cut + self.min_width_].any():
                is_edge[cut] = True
        edges = np.flatnonzero(is_edge)
        begin, width = edges[:-1], np.diff(edges)
        has_ink = inked[begin]
        begin, width = begin[has_ink], width[has_ink]
        # Pieces that are too wide are cut evenly.
        parts = -(-width // self.max_width_)
        part = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
        begin, width, parts = (np.repeat(of_piece, parts) for of_piece in (begin, width, parts))
        return begin + width * part // parts, begin + width * (part + 1) // parts
