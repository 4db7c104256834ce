"""Connected components, merged and cut until they are characters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from numbers import Real
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from sklearn.utils._param_validation import Interval, Options

from skcaptcha.segment._base import (
    N_CHARACTERS,
    BaseSegmenter,
    Cut,
    Image,
    boxes_between,
    equal_edges,
)
from skcaptcha.segment._valleys import cut_valleys
from skcaptcha.segments import ink_mask

# Fewer images in which every character is a group of its own do not tell where characters begin.
_LEAST_EXAMPLES = 10
_LEAST_DEVIATION = 0.5


class ConnectedComponents(BaseSegmenter):
    """Take connected pieces of ink as characters, after merging fragments and cutting clumps.

    Pieces that stand over each other (the dot of an i, a broken stroke) are merged. Then, if the
    number of characters is known: while there are too many, the two neighbours that make the
    narrowest whole are merged; if there are too few, those are cut, and there, where the cuts
    sever the least ink and where characters are expected to begin. That is learnt from the
    training images in which each character is a piece of its own; without such images, even
    widths are expected. A crop shows the ink of its own character only, so slanted neighbours
    whose boxes overlap do not show in each other's crops. All ink belongs to some character:
    remove specks before (`skcaptcha.denoise.RemoveSmallComponents`).

    Parameters
    ----------
    n_characters : int, default=None
        Number of segments. None: as many as there are after merging.
    merge_overlap : float in (0, 1], default=0.5
        Pieces are merged if their columns overlap by at least this share of the narrower one.
    balance : float >= 0, default=0.2
        When there are too few: the weight of the expected places beside the ink that is cut. A
        character that begins one standard deviation from its mean place (or, with no places
        learnt, is twice as wide as the mean) costs ``balance``; a cut costs the pixels that it
        disconnects, as a share of the ink's rows.
    connectivity : {4, 8}, default=8
        Whether pixels that meet at a corner only are connected.
    shape : tuple of two ints, default=None
        Height and width of the crops, in pixels. None: the mean of the training segments.
    keep_aspect : bool, default=False
        Whether a crop keeps its proportions, centred on a dark ground, or is stretched.

    Attributes
    ----------
    shape_ : tuple of two ints
        Height and width of the crops.
    places_ : ndarray of shape (2, n_characters) or None
        Mean and standard deviation of where characters begin, in pixels from the first one; None
        if fewer than 10 training images show it, or the number of characters is not known.

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
        **BaseSegmenter._parameter_constraints,
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
        shape: tuple[int, int] | None = None,
        keep_aspect: bool = False,
    ) -> None:
        self.n_characters = n_characters
        self.merge_overlap = merge_overlap
        self.balance = balance
        self.connectivity = connectivity
        self.shape = shape
        self.keep_aspect = keep_aspect

    def _learn(self, X: Sequence[Image]) -> None:
        self.places_: NDArray[np.float64] | None = None
        if self.n_characters is None:
            return
        lefts = []
        for image in X:
            owner, _ = self._groups(image)
            if owner.max() == self.n_characters:
                boxes, _ = _left_to_right(owner)
                lefts.append(boxes[:, 0] - boxes[0, 0])
        if len(lefts) >= _LEAST_EXAMPLES:
            deviation = np.std(lefts, axis=0)
            self.places_ = np.stack([np.mean(lefts, axis=0), deviation + _LEAST_DEVIATION])

    def _cut(self, image: Image) -> Cut:
        owner, inked_columns = self._groups(image)
        n = self.n_characters
        if owner.max() == 0 or (n is not None and inked_columns < n):
            # So little ink is no string: a speck must not make the image unreadable.
            return self._without_ink(owner)
        if n is not None and owner.max() < n:
            owner = self._cut_clumps(owner, n)
        return Cut(*_left_to_right(owner))

    def _groups(self, image: Image) -> tuple[NDArray[np.int32], int]:
        """Merge fragments: the group of each pixel, from 1 on, and the number of inked columns."""
        ink = ink_mask(image)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(
            ink.view(np.uint8), connectivity=self.connectivity
        )
        begin = stats[1:, cv2.CC_STAT_LEFT]
        end = begin + stats[1:, cv2.CC_STAT_WIDTH]
        if not len(begin):
            return labels, 0
        group = _merge_to(self._merge(begin, end), begin, end, self.n_characters or len(begin))
        owner = np.concatenate([[0], group + 1]).astype(np.int32)[labels]
        return owner, int(np.count_nonzero(ink.any(axis=0)))

    def _without_ink(self, labels: NDArray[np.int32]) -> Cut:
        height, width = labels.shape
        n = self.n_characters
        if n is None:
            return Cut(np.empty((0, 4), dtype=np.intp), np.zeros_like(labels))
        edges = equal_edges(0, width, n)
        owner = np.repeat(np.arange(1, n + 1, dtype=np.int32), np.diff(edges))
        return Cut(boxes_between(edges, 0, height), np.tile(owner, (height, 1)))

    def _merge(self, begin: NDArray[np.int32], end: NDArray[np.int32]) -> NDArray[np.intp]:
        """Group the pieces that stand over each other."""
        overlap = np.minimum(end[:, None], end) - np.maximum(begin[:, None], begin)
        width = end - begin
        narrower = np.minimum(width[:, None], width)
        return connected_components(overlap >= self.merge_overlap * narrower)[1]

    def _cut_clumps(self, owner: NDArray[np.int32], n: int) -> NDArray[np.int32]:
        """Cut groups, which ``owner`` numbers from 1 on, where it costs least to have n in all."""
        _, owner = _left_to_right(owner)
        columns = [np.flatnonzero((owner == k + 1).any(axis=0)) for k in range(owner.max())]
        height = np.count_nonzero((owner > 0).any(axis=1))
        misplaced = self._misplacement(n, owner.shape[1], columns[0][0])
        # The cheapest way to have so many characters so far: its cost and the edges in each group.
        best: dict[int, tuple[float, list[NDArray[np.intp]]]] = {0: (0.0, [])}
        for k, own in enumerate(columns):
            severed = _severed(owner[:, own] == k + 1, self.connectivity) / height
            reached: dict[int, tuple[float, list[NDArray[np.intp]]]] = {}
            for so_far, (spent, edges) in best.items():
                most = min(n - so_far - (len(columns) - k - 1), len(own))
                cuts = cut_valleys(
                    severed + misplaced[so_far + 1 : so_far + most, own[1:]],
                    most,
                    width=sum(map(len, columns)) / n,
                    balance=self.balance if self.places_ is None else 0.0,
                )
                for parts, cost in enumerate(cuts.costs + misplaced[so_far, own[0]] + spent, 1):
                    if cost < reached.get(so_far + parts, (np.inf,))[0]:
                        reached[so_far + parts] = cost, [*edges, cuts.edges(parts)]
            best = reached
        cut_owner = np.zeros_like(owner)
        highest = 0
        for k, (own, edges_in_group) in enumerate(zip(columns, best[n][1], strict=True)):
            widths = np.diff(edges_in_group)
            number = np.zeros(owner.shape[1], dtype=np.int32)
            number[own] = highest + np.repeat(np.arange(1, len(widths) + 1), widths)
            cut_owner = np.where(owner == k + 1, number, cut_owner)
            highest += len(widths)
        return cut_owner

    def _misplacement(self, n: int, width: int, left: int) -> NDArray[np.float64]:
        """What it costs each character to begin at each column, (n, width)."""
        if self.places_ is None:
            return np.zeros((n, width))
        mean, deviation = self.places_[:, :, None]
        return self.balance * ((np.arange(width) - left - mean) / deviation) ** 2


def _severed(ink: NDArray[np.bool_], connectivity: int) -> NDArray[np.intp]:
    """Count the pixels that each vertical cut disconnects from the column before it."""
    reached = ink
    if connectivity == 8:
        reached = ink.copy()
        reached[1:] |= ink[:-1]
        reached[:-1] |= ink[1:]
    return (ink[:, 1:] & reached[:, :-1]).sum(axis=0)


def _merge_to(
    group: NDArray[np.intp], begin: NDArray[np.int32], end: NDArray[np.int32], n: int
) -> NDArray[np.intp]:
    """Merge the neighbours that make the narrowest whole until at most n groups are left."""
    count = group.max() + 1
    left = np.full(count, np.iinfo(np.int32).max)
    right = np.zeros(count, dtype=np.int32)
    np.minimum.at(left, group, begin)
    np.maximum.at(right, group, end)
    order = np.argsort(left, kind="stable")
    members = [[k] for k in order]
    spans = [(left[k], right[k]) for k in order]
    while len(spans) > n:
        widths = [max(a[1], b[1]) - a[0] for a, b in pairwise(spans)]
        k = int(np.argmin(widths))
        spans[k : k + 2] = [(spans[k][0], max(spans[k][1], spans[k + 1][1]))]
        members[k : k + 2] = [members[k] + members[k + 1]]
    renumber = np.empty(count, dtype=np.intp)
    for new, old in enumerate(members):
        renumber[old] = new
    return renumber[group]


def _left_to_right(owner: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Number the groups by their left edges and find their boxes."""
    row, column = np.nonzero(owner)
    number, index = np.unique(owner[row, column], return_inverse=True)
    place = np.stack([column, row], axis=1)
    least = np.full((len(number), 2), np.iinfo(np.intp).max)
    most = np.zeros((len(number), 2), dtype=np.intp)
    np.minimum.at(least, index, place)
    np.maximum.at(most, index, place)
    order = np.argsort(least[:, 0], kind="stable")
    rank = np.empty(len(number), dtype=np.int32)
    rank[order] = np.arange(1, len(number) + 1)
    ordered = np.zeros_like(owner)
    ordered[row, column] = rank[index]
    return np.concatenate([least, most - least + 1], axis=1)[order], ordered
