"""Connected components, merged and cut until they are characters."""

from __future__ import annotations

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
from skcaptcha.segment._valleys import valley_edges
from skcaptcha.segments import ink_mask


class ConnectedComponents(BaseSegmenter):
    """Take connected pieces of ink as characters, after merging fragments and cutting clumps.

    Pieces that stand over each other (the dot of an i, a broken stroke) are merged. Then, if the
    number of characters is known: while there are too many, the two neighbours that make the
    narrowest whole are merged; if there are too few, the widest are cut at the valleys of their
    projection. A crop shows the ink of its own character only, so slanted neighbours whose boxes
    overlap do not show in each other's crops. All ink belongs to some character: remove specks
    before (`skcaptcha.denoise.RemoveSmallComponents`).

    Parameters
    ----------
    n_characters : int, default=None
        Number of segments. None: as many as there are after merging.
    merge_overlap : float in (0, 1], default=0.5
        Pieces are merged if their columns overlap by at least this share of the narrower one.
    balance : float >= 0, default=0.3
        What uneven widths cost when a clump is cut; see `ProjectionValleys`.
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
        balance: float = 0.3,
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

    def _cut(self, image: Image) -> Cut:
        ink = ink_mask(image)
        n_labels, labels, stats, _ = cv2.connectedComponentsWithStats(
            ink.view(np.uint8), connectivity=self.connectivity
        )
        n = self.n_characters
        if n_labels == 1:
            return self._without_ink(labels)
        begin = stats[1:, cv2.CC_STAT_LEFT]
        end = begin + stats[1:, cv2.CC_STAT_WIDTH]
        group = self._merge(begin, end)
        if n is not None:
            group = _merge_to(group, begin, end, n)
        owner = np.concatenate([[0], group + 1]).astype(np.int32)[labels]
        if n is not None and group.max() + 1 < n:
            if np.count_nonzero(ink.any(axis=0)) < n:
                # So little ink is no string: a speck must not make the image unreadable.
                return self._without_ink(labels)
            owner = self._cut_clumps(owner, n)
        return Cut(*_left_to_right(owner))

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
        """Cut the widest groups until there are n; ``owner`` has the groups from 1 on."""
        columns = [np.flatnonzero((owner == k).any(axis=0)) for k in range(1, owner.max() + 1)]
        width = np.array([len(c) for c in columns])
        parts = np.ones(len(width), dtype=np.intp)
        while parts.sum() < n:
            parts[np.where(parts < width, width / parts, 0).argmax()] += 1
        pieces = owner
        highest = len(width)
        for k in np.flatnonzero(parts > 1):
            own = owner == k + 1
            profile = own[:, columns[k]].sum(axis=0) / np.count_nonzero(own.any(axis=1))
            edges = valley_edges(profile, parts[k], self.balance)
            number = np.zeros(owner.shape[1], dtype=np.int32)
            number[columns[k]] = np.repeat(
                [k + 1, *range(highest + 1, highest + parts[k])], np.diff(edges)
            )
            pieces = np.where(own, number, pieces)
            highest += parts[k] - 1
        return pieces


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
