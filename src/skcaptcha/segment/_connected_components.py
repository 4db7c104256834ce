"""Connected components, merged and split until they are characters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import count, pairwise
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.utils._param_validation import Interval, Options

from skcaptcha.exceptions import SegmentationError
from skcaptcha.measure._label_components import label_components
from skcaptcha.segment._base import (
    N_CHARACTERS,
    BaseSegmenter,
    Boxes,
    Image,
    Images,
    Owners,
    boxes_between,
    equal_edges,
    extent_of_groups,
    in_stacks,
)
from skcaptcha.segment._touching_characters import split_touching_characters

# Expected starts are learned from images in which every character is a group of its own. With
# fewer such images, or in a smaller fraction of the images, they are not representative.
_MIN_EXAMPLES, _MIN_FRACTION = 10, 0.25
_MIN_DEVIATION = 0.5

# Slants to try for touching italic or rotated characters: an upright cut would take parts of both.
_SLANTS = (0.15, -0.15, 0.3, -0.3)

# In the worst case, every component is compared with every other.
_MAX_COMPONENTS = 2000


class ConnectedComponents(BaseSegmenter):
    """Find connected components of ink, merge fragments, and split touching characters.

    Components above each other (the dot of an i, a broken stroke) are merged. Then, if the number
    of characters is known and there are too many groups, the two neighbors whose union is the
    narrowest are merged until the number is right. If there are too few, groups are split at the
    cuts that disconnect the least ink and are close to the expected starts of characters. These
    are learned from the training images in which each character is a group of its own; without such
    images, even widths are expected. Cuts are upright, or slanted if that disconnects clearly less
    ink, as between touching italic characters. A crop shows only the ink of its own character, so
    slanted neighbors with overlapping boxes do not appear in each other's crops. All ink belongs to
    some character: remove specks first (`skcaptcha.denoise.SmallComponentRemover`).

    Parameters
    ----------
    n_characters : int, default=None
        Number of segments. None: the number of groups after merging.
    merge_overlap : float in (0, 1], default=0.5
        Minimum overlap of two components that are merged, as a fraction of the width of the
        narrower one.
    balance : float >= 0, default=0.2
        Weight of the expected starts against the ink that is cut. A character that begins one
        standard deviation from its expected start (or, without expected starts, is twice as wide
        as the mean) costs ``balance``; a cut costs the number of pixels that it disconnects, as a
        fraction of the rows with ink.
    connectivity : {4, 8}, default=8
        Whether a pixel is connected to its 4 neighbors or also to the 4 diagonal ones.

    Attributes
    ----------
    expected_starts_ : ndarray of shape (2, n_characters) or None
        Mean and standard deviation of the left edge of each character, in pixels from the first
        one. None if the number of characters is not known, or if fewer than 10 training images,
        or less than a quarter of them, have one group for each character.

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
        self.expected_starts_: NDArray[np.float64] | None = None
        if self.n_characters is None:
            return
        starts = [
            boxes[:, 0] - boxes[0, 0]
            for _, (groups, _) in in_stacks(X, self._segment)
            for boxes in groups
            if len(boxes) == self.n_characters
        ]
        if len(starts) >= max(_MIN_EXAMPLES, _MIN_FRACTION * len(X)):
            deviation = np.std(starts, axis=0)
            self.expected_starts_ = np.stack([np.mean(starts, axis=0), deviation + _MIN_DEVIATION])

    def _segment_all(self, X: Sequence[Image]) -> tuple[list[Boxes], list[Owners]]:
        boxes, owners = super()._segment_all(X)
        n = self.n_characters
        if n is None:
            return boxes, owners
        touching = []
        for i, groups in enumerate(boxes):
            if len(groups) == n:
                continue
            if np.count_nonzero(owners[i].any(axis=0)) >= n:
                touching.append(i)
                continue
            # Too little ink for a string: a speck must not make the image unreadable.
            height, width = X[i].shape
            try:
                edges = equal_edges(0, width, n)
            except SegmentationError as error:
                raise SegmentationError(error.reason, i) from None
            boxes[i] = boxes_between(edges, 0, height)
            owners[i][:] = np.repeat(np.arange(1, n + 1, dtype=np.int32), np.diff(edges))
        # Gathered from all stacks: splitting few images takes nearly as long as splitting many.
        split = partial(
            split_touching_characters,
            n=n,
            expected_starts=self.expected_starts_,
            balance=self.balance,
            connectivity=self.connectivity,
            slants=_SLANTS,
        )
        try:
            for indices, pieces in in_stacks([owners[i] for i in touching], split):
                for k, own_boxes, own in zip(indices, *pieces, strict=True):
                    boxes[touching[k]], owners[touching[k]] = own_boxes, own
        except SegmentationError as error:
            index = None if error.index is None else touching[error.index]
            raise SegmentationError(error.reason, index) from None
        return boxes, owners

    def _segment(self, images: Images) -> tuple[list[Boxes], Owners]:
        """Merge components until no image has more groups than characters.

        Returns the boxes of each image's groups, from left to right, and the group of each pixel,
        counted from 1; 0 is background.
        """
        components = label_components(images, self.connectivity)
        n_components = np.bincount(components.image, minlength=len(images))
        if n_components.max(initial=0) > _MAX_COMPONENTS:
            raise SegmentationError(
                f"{n_components.max()} connected components are too many (at most "
                f"{_MAX_COMPONENTS}); put SmallComponentRemover before ConnectedComponents"
            )
        order = np.lexsort([components.first[:, 0], components.image])
        image = components.image[order]
        first, end = components.first[order], components.end[order]
        group, leftmost = _merge_overlapping(image, first[:, 0], end[:, 0], self.merge_overlap)
        if len(leftmost) < len(group):
            first, end = extent_of_groups(group, first, end, len(leftmost))
        image = image[leftmost]
        bounds = np.searchsorted(image, np.arange(len(images) + 1))
        n = self.n_characters or len(image)
        crowded = np.flatnonzero(bounds[1:] - bounds[:-1] > n)
        if len(crowded):
            union = np.arange(len(image))
            for k in crowded.tolist():
                own = slice(bounds[k], bounds[k + 1])
                union[own] = own.start + _merge_to(first[own, 0], end[own, 0], n)
            kept, union = np.unique(union, return_inverse=True)
            bounds = np.searchsorted(image[kept], np.arange(len(images) + 1))
            group = union[group]
            first, end = extent_of_groups(union, first, end, len(kept))
        boxes = np.concatenate([first, end - first], axis=1)
        number = np.zeros(int(components.labels.max(initial=0)) + 1, dtype=np.int32)
        number[components.number[order]] = group + 1 - bounds[components.image[order]]
        return [boxes[a:b] for a, b in pairwise(bounds)], number.take(components.labels)


def _merge_overlapping(
    image: NDArray[np.intp], begin: NDArray[np.intp], end: NDArray[np.intp], min_overlap: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Group components whose columns overlap; they come image by image, from left to right.

    Returns the group of each component, and the leftmost component of each group; groups are
    numbered in the order of these.
    """
    pairs = []
    first = np.arange(len(image))
    for later in count(1):
        first = first[first + later < len(image)]
        second = first + later
        # Later components begin further right.
        meet = (image[second] == image[first]) & (begin[second] < end[first])
        first, second = first[meet], second[meet]
        if not len(first):
            break
        overlap = np.minimum(end[first], end[second]) - begin[second]
        width = end - begin
        merged = overlap >= min_overlap * np.minimum(width[first], width[second])
        pairs.append(np.stack([first[merged], second[merged]]))
    first, second = np.concatenate([np.empty((2, 0), dtype=np.intp), *pairs], axis=1)
    if not len(first):
        return np.arange(len(image)), np.arange(len(image))
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(image), len(image)))
    _, group = connected_components(graph, directed=False)
    leftmost = np.unique(group, return_index=True)[1]
    order = np.argsort(leftmost)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[group], leftmost[order]


def _merge_to(left: NDArray[np.intp], right: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Merge the neighbors whose union is the narrowest until n groups are left.

    Returns the union that each group belongs to, numbered from left to right.
    """
    order = np.argsort(left, kind="stable")
    first, begin, end = np.arange(len(order)), left[order], right[order]
    while len(first) > n:
        k = int((np.maximum(end[:-1], end[1:]) - begin[:-1]).argmin())
        end[k] = max(end[k], end[k + 1])
        first, begin, end = (np.delete(part, k + 1) for part in (first, begin, end))
    union = np.empty(len(order), dtype=np.intp)
    union[order] = np.searchsorted(first, np.arange(len(order)), side="right") - 1
    return union
