"""Where characters stand: those of training captchas, from their labels alone, and of readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skcaptcha.measure import text_extent
from skcaptcha.read._lattice import Lattice, Spacing, Spans
from skcaptcha.segments import Segments

# Wider gaps are so improbable that they need not be looked up, unless nothing else is left.
_DEVIATIONS = 5.0
_LEAST_DEVIATION = 1.5


@dataclass(frozen=True)
class Geometry:
    """Where characters begin and end, and how far apart they stand.

    Attributes
    ----------
    half_widths : ndarray of shape (n_classes,), dtype intp, or None
        Of the characters that windows of one size are centerd on; None if each candidate's own
        box says where the character begins and ends.
    spacing : Spacing
    """

    half_widths: NDArray[np.intp] | None
    spacing: Spacing

    def spans(self, boxes: NDArray[np.intp], classes: NDArray[np.intp] | None = None) -> Spans:
        """Say where candidates begin and end as characters.

        Parameters
        ----------
        boxes : ndarray of shape (m, 4)
        classes : ndarray of shape (m, k), optional
            The classes in question; all by default.

        Returns
        -------
        spans : Spans of m candidates
        """
        x, w = boxes[:, :1], boxes[:, 2:3]
        if self.half_widths is None:
            return Spans(x, x + w)
        of_class = None
        if classes is None:
            half, of_class = np.unique(self.half_widths, return_inverse=True)
        else:
            half = self.half_widths[classes]
        return Spans(x + w // 2 - half, x + w // 2 + half, of_class)


def centroids(
    X: Segments,
    scores: NDArray[np.float64],
    rows: NDArray[np.intp],
    classes: NDArray[np.intp],
    reach: float,
) -> NDArray[np.float64]:
    """Find where characters stand from all windows around the best one.

    Windows that a character is a little off the middle of look much alike, so that which of them
    is best is left to chance; their mean, weighted by how probable each makes the character, is
    not.

    Parameters
    ----------
    X : Segments of n captchas and m segments
        Windows, from left to right.
    scores : ndarray of shape (m, n_classes)
        Log-odds.
    rows : ndarray of shape (k,)
        The best window of each character.
    classes : ndarray of shape (k,)
        Which class each is.
    reach : float
        Windows farther than this do not count, in pixels.

    Returns
    -------
    middles : ndarray of shape (k,)
        In pixels.
    """
    middle = X.boxes[:, 0] + X.boxes[:, 2] / 2
    captcha = X.captcha_index[rows]
    # No two windows of a captcha stand at one place.
    n = int(reach)
    around = rows[:, None] + np.arange(-n, n + 1)
    first, last = X.offsets[captcha, None], X.offsets[captcha + 1, None] - 1
    inside = (around >= first) & (around <= last)
    around = np.clip(around, first, last)
    inside &= np.abs(middle[around] - middle[rows, None]) <= reach
    weights = np.where(inside, scores[around, classes[:, None]], -np.inf)
    weights = np.exp(weights - weights.max(axis=1, keepdims=True))
    return (weights * middle[around]).sum(axis=1) / weights.sum(axis=1)


@dataclass(frozen=True)
class Characters:
    """The characters of labeled captchas, one after the other.

    Attributes
    ----------
    captcha : ndarray of shape (k,)
        Which captcha each belongs to; ascending.
    classes : ndarray of shape (k,)
        Which class each is.
    """

    captcha: NDArray[np.intp]
    classes: NDArray[np.intp]

    @property
    def neighbors(self) -> NDArray[np.bool_]:
        """Whether character i + 1 follows character i in one captcha, of shape (k - 1,)."""
        return np.diff(self.captcha) == 0


def even_layout(X: Segments, characters: Characters) -> NDArray[np.intp]:
    """Choose the candidates nearest to an even layout over the text's extent.

    Parameters
    ----------
    X : Segments of n captchas
        Without images, the candidates' own extent stands for the text's.
    characters : Characters, k of them

    Returns
    -------
    chosen : ndarray of shape (k,)
        A candidate, by its index among all, for each character.
    """
    counts = np.bincount(characters.captcha, minlength=len(X))
    chosen = []
    for i in np.flatnonzero(counts).tolist():
        boxes = X.boxes[X.offsets[i] : X.offsets[i + 1]]
        if X.images is None:
            left, right = boxes[:, 0].min(), (boxes[:, 0] + boxes[:, 2]).max()
        else:
            left, right = text_extent(X.images[i])
        width = (right - left) / counts[i]
        middles = left + width * (np.arange(counts[i]) + 0.5)
        distance = np.abs(boxes[:, 0] + boxes[:, 2] / 2 - middles[:, None])
        # Of windows of one size the second term says nothing.
        distance += np.abs(boxes[:, 2] - width) / 2
        nearest = distance.argmin(axis=1)
        if len(np.unique(nearest)) < len(nearest):
            # Characters that stood on one candidate would pass for one.
            order = np.arange(len(nearest))
            nearest = np.maximum.accumulate(nearest - order) + order
            nearest = np.minimum(nearest, len(boxes) - len(nearest) + order)
        chosen.append(X.offsets[i] + nearest)
    return np.concatenate(chosen)


def fit_geometry(
    boxes: NDArray[np.intp],
    characters: Characters,
    n_classes: int,
    *,
    windows: bool,
    deviation: float = 0.0,
) -> Geometry:
    """Learn how wide characters are, and how far apart they stand, from aligned captchas.

    Of windows, the distance of two neighbors' middles is the sum of a half width of the one and a
    half width of the other, by least squares, drawn toward equal widths where there is little to
    learn from. Gaps are normally distributed.

    Parameters
    ----------
    boxes : ndarray of shape (k, 4)
        The box of each character.
    characters : Characters
    n_classes : int
    windows : bool
        Whether the boxes are windows of one size.
    deviation : float >= 0, default=0
        The least standard deviation of the gaps, in pixels.

    Returns
    -------
    geometry : Geometry
    """
    pairs = np.flatnonzero(characters.neighbors)
    first, second = characters.classes[pairs], characters.classes[pairs + 1]
    half_widths = None
    if windows:
        middle = boxes[:, 0] + boxes[:, 2] // 2
        distance = np.maximum(middle[pairs + 1] - middle[pairs], 0).astype(float)
        usual = float(distance.mean()) / 2 if len(pairs) else boxes[:, 2].mean() / 2
        design = np.zeros((len(pairs), n_classes))
        np.add.at(design, (np.arange(len(pairs)), first), 1)
        np.add.at(design, (np.arange(len(pairs)), second), 1)
        ridge = design.T @ design + 5 * np.eye(n_classes)
        deviating = np.linalg.solve(ridge, design.T @ (distance - 2 * usual))
        half_widths = np.maximum(np.rint(usual + deviating), 1).astype(np.intp)
        gaps = distance - half_widths[first] - half_widths[second]
    else:
        gaps = (boxes[pairs + 1, 0] - boxes[pairs, 0] - boxes[pairs, 2]).astype(float)
    mean = float(gaps.mean()) if len(pairs) else 0.0
    spread = float(gaps.std()) if len(pairs) else 0.0
    spread = max(spread, deviation, _LEAST_DEVIATION)
    reach = int(np.ceil(_DEVIATIONS * spread + boxes[:, 2].mean()))
    table = np.arange(round(mean) - reach, round(mean) + reach + 1)
    log_density = -(((table - mean) / spread) ** 2) / 2 - np.log(spread)
    return Geometry(half_widths, Spacing(int(table[0]), log_density))


def align(
    scores: NDArray[np.float64],
    X: Segments,
    characters: Characters,
    geometry: Geometry,
) -> NDArray[np.intp]:
    """Find the best path of each captcha that spells its label (forced alignment).

    Parameters
    ----------
    scores : ndarray of shape (m, n_classes)
        What each candidate is worth as each class.
    X : Segments of n captchas and m segments
    characters : Characters, k of them
    geometry : Geometry

    Returns
    -------
    chosen : ndarray of shape (k,)
        A candidate, by its index among all, for each character; -1 for all characters of a captcha
        without any path.
    """
    counts = np.bincount(characters.captcha, minlength=len(X))
    chosen = np.full(len(characters.classes), -1, dtype=np.intp)
    begins = np.concatenate([[0], np.cumsum(counts)])
    for length in np.unique(counts[counts > 0]):
        captchas = np.flatnonzero(counts == length)
        places = begins[captchas][:, None] + np.arange(length)
        spelled = characters.classes[places]
        part = X[captchas]
        # The classes of this lattice are the places of the label.
        candidates = np.repeat(X.offsets[captchas] - part.offsets[:-1], part.counts)
        candidates += np.arange(len(part.boxes))
        of_candidate = spelled[part.captcha_index]
        own = np.take_along_axis(scores[candidates], of_candidate, axis=1)
        spans = geometry.spans(part.boxes, of_candidate)
        lattice = Lattice(own, spans, part.offsets, geometry.spacing)
        only = np.where(np.arange(length) == length - 1, 0.0, -np.inf)
        paths = lattice.best(only, np.eye(length, dtype=bool))
        found = paths.lengths == length
        chosen[places[found]] = candidates[paths.segments[found, :length]]
    return chosen


def between(
    X: Segments, characters: Characters, chosen: NDArray[np.intp], distance: float
) -> NDArray[np.intp]:
    """Find the candidates that are no character: far from every chosen one.

    Parameters
    ----------
    X : Segments of n captchas
    characters : Characters, k of them
    chosen : ndarray of shape (k,)
        -1 for characters without a place; their captchas have none.
    distance : float
        How far, in pixels, one of the two edges must be from the chosen box's.

    Returns
    -------
    rows : ndarray
        Candidates, by their index among all, captcha after captcha.
    """
    placed = chosen >= 0
    # One lookup per character and candidate of its captcha, all captchas at once.
    owner, row = characters.captcha[placed], chosen[placed]
    counts = X.counts[owner]
    first = np.repeat(X.offsets[owner] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    candidate = first + np.arange(counts.sum())
    own = np.repeat(row, counts)
    begin, end = X.boxes[:, 0], X.boxes[:, 0] + X.boxes[:, 2]
    left = np.abs(begin[candidate] - begin[own])
    right = np.abs(end[candidate] - end[own])
    near = np.zeros(len(X.boxes), dtype=bool)
    near[candidate[np.maximum(left, right) < distance]] = True
    known = np.zeros(len(X), dtype=bool)
    known[owner] = True
    return np.flatnonzero(~near & known[X.captcha_index])
