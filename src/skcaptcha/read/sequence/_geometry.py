"""Geometry of characters: their widths, their spacing, and their centers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skcaptcha.read.sequence._lattice import Spacing, Spans
from skcaptcha.segments import Segments

# Wider gaps are left out of the table: their density is negligible unless nothing else is left.
_N_DEVIATIONS = 5.0
_MIN_DEVIATION = 1.5
_WIDTH_RIDGE = 5


@dataclass(frozen=True)
class Geometry:
    """Widths of characters and spacing between them.

    ``half_widths`` (n_classes,) belong to windows of one size with a character in the center. None:
    the box of each candidate is where the character begins and ends.
    """

    half_widths: NDArray[np.intp] | None
    spacing: Spacing

    def spans(self, boxes: NDArray[np.intp], classes: NDArray[np.intp] | None = None) -> Spans:
        """Return the spans of candidates with boxes (m, 4) as characters of each class.

        ``classes`` (m, k) are the classes in question, all by default.
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


def fit_geometry(
    boxes: NDArray[np.intp],
    captcha: NDArray[np.intp],
    classes: NDArray[np.intp],
    n_classes: int,
    *,
    windows: bool,
    min_deviation: float = 0.0,
) -> Geometry:
    """Learn the widths and the spacing of k aligned characters.

    ``boxes`` (k, 4), ``captcha`` (k,) and ``classes`` (k,) describe the characters in order. For
    ``windows`` of one size, the distance of two neighboring centers is the sum of two half widths,
    fitted by least squares with a penalty for unequal widths. Gaps are normally distributed, with
    a standard deviation of at least ``min_deviation`` pixels.
    """
    pairs = np.flatnonzero(np.diff(captcha) == 0)
    first, second = classes[pairs], classes[pairs + 1]
    half_widths = None
    if windows:
        center = boxes[:, 0] + boxes[:, 2] // 2
        distance = np.maximum(center[pairs + 1] - center[pairs], 0).astype(float)
        usual = float(distance.mean()) / 2 if len(pairs) else boxes[:, 2].mean() / 2
        design = np.zeros((len(pairs), n_classes))
        np.add.at(design, (np.arange(len(pairs)), first), 1)
        np.add.at(design, (np.arange(len(pairs)), second), 1)
        ridge = design.T @ design + _WIDTH_RIDGE * np.eye(n_classes)
        deviation = np.linalg.solve(ridge, design.T @ (distance - 2 * usual))
        half_widths = np.maximum(np.rint(usual + deviation), 1).astype(np.intp)
        gaps = distance - half_widths[first] - half_widths[second]
    else:
        gaps = (boxes[pairs + 1, 0] - boxes[pairs, 0] - boxes[pairs, 2]).astype(float)
    mean = float(gaps.mean()) if len(pairs) else 0.0
    spread = float(gaps.std()) if len(pairs) else 0.0
    spread = max(spread, min_deviation, _MIN_DEVIATION)
    reach = int(np.ceil(_N_DEVIATIONS * spread + boxes[:, 2].mean()))
    table = np.arange(round(mean) - reach, round(mean) + reach + 1)
    log_density = -(((table - mean) / spread) ** 2) / 2 - np.log(spread)
    return Geometry(half_widths, Spacing(int(table[0]), log_density))


def character_centers(
    X: Segments,
    scores: NDArray[np.float64],
    rows: NDArray[np.intp],
    classes: NDArray[np.intp],
    reach: float,
) -> NDArray[np.float64]:
    """Return the center of each of k characters in pixels, from all windows around the best one.

    Windows near the center of a character look similar, so the best one is partly chosen by chance.
    The mean of all windows within ``reach`` pixels, weighted by their emission probabilities, is
    stable. ``scores`` (m, n_classes) are the emission scores of all windows, from left to right;
    ``rows`` (k,) and ``classes`` (k,) are the best window and the class of each character.
    """
    center = X.boxes[:, 0] + X.boxes[:, 2] / 2
    captcha = X.captcha_index[rows]
    # Two windows of a captcha are at least one pixel apart.
    n = int(reach)
    around = rows[:, None] + np.arange(-n, n + 1)
    first, last = X.offsets[captcha, None], X.offsets[captcha + 1, None] - 1
    inside = (around >= first) & (around <= last)
    around = np.clip(around, first, last)
    inside &= np.abs(center[around] - center[rows, None]) <= reach
    weights = np.where(inside, scores[around, classes[:, None]], -np.inf)
    weights = np.exp(weights - weights.max(axis=1, keepdims=True))
    return (weights * center[around]).sum(axis=1) / weights.sum(axis=1)
