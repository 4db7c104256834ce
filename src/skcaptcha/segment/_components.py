"""Connected components, merged and cut until they are characters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import count, pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.utils._param_validation import Interval, Options

from skcaptcha.exceptions import SegmentationError
from skcaptcha.measure._connected_components import label_pieces
from skcaptcha.segment._base import (
    N_CHARACTERS,
    BaseSegmenter,
    Boxes,
    Cut,
    Image,
    boxes_between,
    equal_edges,
)
from skcaptcha.segment._clumps import cut_clumps

# Fewer images in which every character is a group of its own do not tell where characters begin.
# Images in which characters stand apart by exception do not show where others have theirs.
_LEAST_EXAMPLES, _LEAST_SHARE = 10, 0.25
_LEAST_DEVIATION = 0.5

# Touching italic or turned characters: an upright cut would take parts of both.
_SLANTS = (0.15, -0.15, 0.3, -0.3)

# In the worst case every piece is compared with every other.
_MOST_PIECES = 2000

# More would not stay in the processor's cache from one pass to the next.
_PIXELS_AT_ONCE = 2**18


class ConnectedComponents(BaseSegmenter):
    """Take connected pieces of ink as characters, after merging fragments and cutting clumps.

    Pieces that stand over each other (the dot of an i, a broken stroke) are merged. Then, if the
    number of characters is known: while there are too many, the two neighbors that make the
    narrowest whole are merged; if there are too few, those are cut, and there, where the cuts
    sever the least ink and where characters are expected to begin. That is learned from the
    training images in which each character is a piece of its own; without such images, even
    widths are expected. Cuts are upright, or slanted where that severs clearly less ink, as
    between touching italic characters. A crop shows the ink of its own character only, so slanted
    neighbors whose boxes overlap do not show in each other's crops. All ink belongs to some
    character: remove specks before (`skcaptcha.denoise.SmallComponentRemover`).

    Parameters
    ----------
    n_characters : int, default=None
        Number of segments. None: as many as there are after merging.
    merge_overlap : float in (0, 1], default=0.5
        Pieces are merged if their columns overlap by at least this share of the narrower one.
    balance : float >= 0, default=0.2
        When there are too few: the weight of the expected places beside the ink that is cut. A
        character that begins one standard deviation from its mean place (or, with no places
        learned, is twice as wide as the mean) costs ``balance``; a cut costs the pixels that it
        disconnects, as a share of the ink's rows.
    connectivity : {4, 8}, default=8
        Whether pixels that meet at a corner only are connected.

    Attributes
    ----------
    places_ : ndarray of shape (2, n_characters) or None
        Mean and standard deviation of where characters begin, in pixels from the first one; None
        if fewer than 10 training images, or a quarter of them, show it, or the number of characters
        is not known.

    References
    ----------
    R. G. Casey and E. Lecolinet, "A survey of methods and strategies in character segmentation",
    IEEE Transactions on Pattern Analysis and Machine Intelligence 18 (1996), 690-706.

    Examples
    --------
    >>> import numpy as np
    >>> from skcaptcha.segment import ConnectedComponents
    >>> image = np.zeros((8, 12), dtype=np.uint8)
    >>> image[1, 2] = image[3:7, 2] = image[3:7, 6:10] = 255
    >>> ConnectedComponents().fit_transform([image]).boxes.tolist()
    [[2, 1, 1, 6], [6, 3, 4, 4]]
    """

    _parameter_constraints: dict[str, Any] = {
        "n_characters": [*N_CHARACTERS, None],
        "merge_overlap": [Interval(Real, 0, 1, closed="right")],
        "balance": [Interval(Real, 0, None, closed="left")],
        "connectivity": [Options(int, {4, 8})],
    }

    def __init__(
        self,
        n_characters: int | None = None,
        *,
        merge_overlap: float = 0.5,
        balance: float = 0.2,
        connectivity: int = 8,
    ) -> None:
        self.n_characters = n_characters
        self.merge_overlap = merge_overlap
        self.balance = balance
        self.connectivity = connectivity

    def _learn(self, X: Sequence[Image], y: Sequence[str] | None) -> None:
        self.places_: NDArray[np.float64] | None = None
        if self.n_characters is None:
            return
        lefts = []
        for boxes, _ in self._groups(X):
            x = boxes[:, 0]
            if len(x) == self.n_characters:
                lefts.append(x - x[0])
        if len(lefts) >= max(_LEAST_EXAMPLES, _LEAST_SHARE * len(X)):
            deviation = np.std(lefts, axis=0)
            self.places_ = np.stack([np.mean(lefts, axis=0), deviation + _LEAST_DEVIATION])

    def _cut_all(self, X: Sequence[Image]) -> list[Cut]:
        groups, n = self._groups(X), self.n_characters
        cuts = [Cut(*of_image) for of_image in groups]
        if n is None:
            return cuts
        clumps: dict[tuple[int, ...], list[int]] = {}
        for i, (boxes, owner) in enumerate(groups):
            if len(boxes) == n:
                continue
            if np.count_nonzero(owner.any(axis=0)) < n:
                # So little ink is no string: a speck must not make the image unreadable.
                cuts[i] = _equal_cut(i, X[i], n)
            else:
                clumps.setdefault(X[i].shape, []).append(i)
        for shape, alike in clumps.items():
            at_once = max(1, _PIXELS_AT_ONCE // math.prod(shape))
            for first in range(0, len(alike), at_once):
                part = alike[first : first + at_once]
                owners = np.stack([groups[i][1] for i in part])
                for i, cut in zip(part, self._cut_clumps(owners, n, part), strict=True):
                    cuts[i] = cut
        return cuts

    def _cut(self, image: Image) -> Cut:
        return self._cut_all([image])[0]

    def _cut_clumps(self, owners: NDArray[np.int32], n: int, numbers: Sequence[int]) -> list[Cut]:
        try:
            return cut_clumps(
                owners,
                n,
                places=self.places_,
                balance=self.balance,
                connectivity=self.connectivity,
                slants=_SLANTS,
            )
        except SegmentationError as error:
            index = None if error.index is None else numbers[error.index]
            raise SegmentationError(error.reason, index) from None

    def _groups(self, X: Sequence[Image]) -> list[tuple[Boxes, NDArray[np.int32]]]:
        """Merge fragments until no image has more groups than characters, left to right.

        Gives the boxes of each image's groups, and which group, from 1 on, each pixel belongs to.
        """
        of_shape: dict[tuple[int, ...], list[int]] = {}
        for i, image in enumerate(X):
            of_shape.setdefault(image.shape, []).append(i)
        groups: list[Any] = [None] * len(X)
        for shape, alike in of_shape.items():
            at_once = max(1, _PIXELS_AT_ONCE // math.prod(shape))
            for first in range(0, len(alike), at_once):
                part = alike[first : first + at_once]
                found = self._groups_of_one_shape(np.stack([X[i] for i in part]), part)
                for i, of_image in zip(part, found, strict=True):
                    groups[i] = of_image
        return groups

    def _groups_of_one_shape(
        self, images: NDArray[np.uint8], numbers: Sequence[int]
    ) -> Iterator[tuple[Boxes, NDArray[np.int32]]]:
        pieces = label_pieces(images, self.connectivity)
        n_pieces = np.bincount(pieces.image, minlength=len(images))
        if (n_pieces > _MOST_PIECES).any():
            k = int((n_pieces > _MOST_PIECES).argmax())
            raise SegmentationError(
                f"{n_pieces[k]} pieces of ink are too many, {_MOST_PIECES} are the most; "
                "put SmallComponentRemover before ConnectedComponents",
                numbers[k],
            )
        order = np.lexsort([pieces.least[:, 0], pieces.image])
        image, least, most = pieces.image[order], pieces.least[order], pieces.most[order]
        group, first = _overlapping(image, least[:, 0], most[:, 0], self.merge_overlap)
        if len(first) < len(group):
            least, most = _extremes(group, least, most)
        image = image[first]
        ends = np.searchsorted(image, np.arange(len(images) + 1))
        n = self.n_characters or len(image)
        crowded = np.flatnonzero(ends[1:] - ends[:-1] > n)
        if len(crowded):
            whole = np.arange(len(image))
            for k in crowded.tolist():
                own = slice(ends[k], ends[k + 1])
                whole[own] = own.start + _merge_to(least[own, 0], most[own, 0], n)
            kept, whole = np.unique(whole, return_inverse=True)
            ends, group = np.searchsorted(image[kept], np.arange(len(images) + 1)), whole[group]
            least, most = _extremes(whole, least, most)
        boxes = np.concatenate([least, most - least], axis=1)
        number = np.zeros(int(pieces.labels.max()) + 1, dtype=np.int32)
        number[pieces.number[order]] = group + 1 - ends[pieces.image[order]]
        owners = number.take(pieces.labels)
        return ((boxes[a:b], owner) for (a, b), owner in zip(pairwise(ends), owners, strict=True))


def _overlapping(
    image: NDArray[np.intp], begin: NDArray[np.intp], end: NDArray[np.intp], least_share: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Group the pieces that stand over each other, given image by image, from left to right.

    Gives the group of each piece, and each group's first piece, which is its leftmost; groups are
    numbered in the order of these.
    """
    pairs = []
    first = np.arange(len(image))
    for later in count(1):
        first = first[first + later < len(image)]
        second = first + later
        # Those that come later begin further right.
        meet = (image[second] == image[first]) & (begin[second] < end[first])
        first, second = first[meet], second[meet]
        if not len(first):
            break
        overlap = np.minimum(end[first], end[second]) - begin[second]
        width = end - begin
        together = overlap >= least_share * np.minimum(width[first], width[second])
        pairs.append(np.stack([first[together], second[together]]))
    first, second = np.concatenate([np.empty((2, 0), dtype=np.intp), *pairs], axis=1)
    if not len(first):
        return np.arange(len(image)), np.arange(len(image))
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(image), len(image)))
    _, group = connected_components(graph, directed=False)
    beginning = np.unique(group, return_index=True)[1]
    order = np.argsort(beginning)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[group], beginning[order]


def _extremes(
    group: NDArray[np.intp], least: NDArray[np.intp], most: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Least and greatest coordinates of each group of pieces or pixels."""
    shape = (group.max(initial=-1) + 1, *least.shape[1:])
    group_least = np.full(shape, np.iinfo(np.intp).max)
    group_most = np.zeros(shape, dtype=np.intp)
    np.minimum.at(group_least, group, least)
    np.maximum.at(group_most, group, most)
    return group_least, group_most


def _merge_to(left: NDArray[np.intp], right: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Merge the neighbors that make the narrowest whole until at most n groups are left.

    Gives the number of each group's whole, from left to right.
    """
    order = np.argsort(left, kind="stable")
    first, begin, end = np.arange(len(order)), left[order], right[order]
    while len(first) > n:
        k = int((np.maximum(end[:-1], end[1:]) - begin[:-1]).argmin())
        end[k] = max(end[k], end[k + 1])
        first, begin, end = (np.delete(part, k + 1) for part in (first, begin, end))
    whole = np.empty(len(order), dtype=np.intp)
    whole[order] = np.searchsorted(first, np.arange(len(order)), side="right") - 1
    return whole


def _equal_cut(i: int, image: Image, n: int) -> Cut:
    height, width = image.shape
    try:
        edges = equal_edges(0, width, n)
    except SegmentationError as error:
        raise SegmentationError(error.reason, i) from None
    owner = np.repeat(np.arange(1, n + 1, dtype=np.int32), np.diff(edges))
    return Cut(boxes_between(edges, 0, height), np.tile(owner, (height, 1)))
