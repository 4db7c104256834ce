"""Forced alignment: which candidates are the characters of the training labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skcaptcha.exceptions import ReadingError
from skcaptcha.measure import text_extent
from skcaptcha.read.sequence._candidate_classifier import (
    BLANK,
    CandidateClassifier,
    ScaledClassifier,
)
from skcaptcha.read.sequence._constraints import exact_length
from skcaptcha.read.sequence._geometry import Geometry, fit_geometry
from skcaptcha.read.sequence._lattice import Lattice
from skcaptcha.read.sequence._linear_discriminants import LinearDiscriminants
from skcaptcha.segments import Segments

_N_ROUNDS, _N_FINAL_ROUNDS = 5, 2
# At first, gaps may deviate by a fifth of the pitch, then less in each round.
_FIRST_DEVIATION, _DEVIATION_DECAY = 0.2, 0.6
_FIRST_SHRINKAGE, _SHRINKAGE = 0.3, 0.1
# Candidates farther than this from every character are blank, in units of the pitch.
_BLANK_DISTANCE = 0.33
_MIN_SAME_WIDTH = 0.9


class TrainingAlignment:
    """Training captchas, and the candidate that is each character of their labels.

    ``X`` has n captchas and m segments with features ``values`` (m, d). ``captcha`` (k,) and
    ``classes_of`` (k,) describe the characters of all labels in order; ``classes`` are the
    characters that occur. ``chosen`` (k,) is the segment of each character, -1 if the captcha has
    no path for its label. ``pitch`` is the distance between characters and ``step`` that between
    candidates, in pixels; ``windows`` is True if candidates are windows of one size.
    """

    def __init__(
        self,
        X: Segments,
        values: NDArray[np.float32],
        captcha: NDArray[np.intp],
        classes_of: NDArray[np.intp],
        classes: NDArray[np.str_],
    ) -> None:
        self.X = X
        self.values = values
        self.captcha = captcha
        self.classes_of = classes_of
        self.classes = classes
        # Windows may be narrower in an image that is narrower than a window.
        usual = np.median(X.boxes[:, 2])
        self.windows = bool((X.boxes[:, 2] == usual).mean() > _MIN_SAME_WIDTH)
        self._expected = _even_layout(X, captcha)
        self.chosen = self._expected
        center = X.boxes[self.chosen, 0] + X.boxes[self.chosen, 2] / 2
        distance = np.diff(center)[np.diff(captcha) == 0]
        mean = distance.mean() if len(distance) else X.boxes[self.chosen, 2].mean()
        self.pitch = max(float(mean), 1.0)
        steps = np.diff(X.boxes[:, 0])[np.diff(X.captcha_index) == 0]
        self.step = float(np.median(steps)) if len(steps) else 0.0

    def fit_linear(self, rng: np.random.RandomState) -> None:
        """Alternate, from an even layout, between fitting linear discriminants and aligning."""
        for k in range(_N_ROUNDS):
            shrinkage = _FIRST_SHRINKAGE if k == 0 else _SHRINKAGE
            self._align_linearly(rng, shrinkage, _FIRST_DEVIATION * _DEVIATION_DECAY**k)

    def refine_linear(self, rng: np.random.RandomState) -> None:
        """Refine an alignment found by other classifiers with linear discriminants."""
        for _ in range(_N_FINAL_ROUNDS):
            self._align_linearly(rng, _SHRINKAGE, 0.0)

    def _align_linearly(
        self, rng: np.random.RandomState, shrinkage: float, deviation: float
    ) -> None:
        rows = self.draw(1, rng)
        member = ScaledClassifier(LinearDiscriminants(shrinkage))
        member.fit(self.values[rows], self.names[rows])
        classifier = CandidateClassifier([member], self.classes)
        self.align(classifier.emission_scores(self.values), deviation * self.pitch)

    def align(self, scores: NDArray[np.float64], min_deviation: float = 0.0) -> None:
        """Align all labels with their captchas.

        ``scores`` (m, n_classes) are emission scores; with ``-inf``, all segments are equally good
        as the character. Gaps deviate by at least ``min_deviation`` pixels. Raises a ReadingError
        if no label has a path.
        """
        scores = np.nan_to_num(scores, neginf=0.0)
        geometry = self.geometry(min_deviation)
        self.chosen = force_align(self.X, scores, geometry, self.captcha, self.classes_of)
        if (self.chosen < 0).all():
            raise ReadingError(
                "no captcha has candidates where its label needs characters, so nothing can be "
                "learned; check that the labels belong to the images, and that the segmenter's "
                "windows or cuts are narrower than a character (skcaptcha show)"
            )
        if self.windows:
            self._remove_drift()

    def _remove_drift(self) -> None:
        """Shift all characters back by their common deviation from the even layout.

        Windows that are all a little off describe the characters equally well, so nothing else
        keeps the alignment from drifting until windows miss strokes.
        """
        aligned = self.chosen >= 0
        x = self.X.boxes[:, 0]
        drift = np.mean(x[self.chosen[aligned]] - x[self._expected[aligned]])
        steps = round(float(drift) / self.step) if self.step else 0
        captcha = self.captcha[aligned]
        first, last = self.X.offsets[captcha], self.X.offsets[captcha + 1] - 1
        self.chosen[aligned] = np.clip(self.chosen[aligned] - steps, first, last)

    def geometry(self, min_deviation: float = 0.0) -> Geometry:
        """Learn widths and spacing from the present alignment; see `fit_geometry`."""
        aligned = self.chosen >= 0
        return fit_geometry(
            self.X.boxes[self.chosen[aligned]],
            self.captcha[aligned],
            self.classes_of[aligned],
            len(self.classes),
            windows=self.windows,
            min_deviation=min_deviation,
        )

    @property
    def names(self) -> NDArray[np.str_]:
        """The character of each segment, `BLANK` if it is not a character, (m,)."""
        names = np.full(len(self.X.boxes), BLANK, dtype=self.classes.dtype)
        aligned = self.chosen >= 0
        names[self.chosen[aligned]] = self.classes[self.classes_of[aligned]]
        return names

    def draw(
        self,
        n_blanks: int,
        rng: np.random.RandomState,
        captchas: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.intp]:
        """Return all segments that are characters, then random blanks: ``n_blanks`` for each.

        ``captchas`` (n,) is a mask of the captchas to use, all by default.
        """
        characters = self.chosen[self.chosen >= 0]
        blanks = self._blanks()
        if captchas is not None:
            of_segment = captchas[self.X.captcha_index]
            characters, blanks = characters[of_segment[characters]], blanks[of_segment[blanks]]
        n = min(len(blanks), n_blanks * len(characters))
        return np.concatenate([characters, rng.choice(blanks, n, replace=False)])

    def _blanks(self) -> NDArray[np.intp]:
        """Return the segments with an edge far enough from that of every character.

        Captchas without an alignment have none.
        """
        X, aligned = self.X, self.chosen >= 0
        # One lookup for each character and candidate of its captcha, all captchas at once.
        owner, row = self.captcha[aligned], self.chosen[aligned]
        counts = X.counts[owner]
        first = np.repeat(X.offsets[owner] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
        candidate = first + np.arange(counts.sum())
        own = np.repeat(row, counts)
        begin, end = X.boxes[:, 0], X.boxes[:, 0] + X.boxes[:, 2]
        left = np.abs(begin[candidate] - begin[own])
        right = np.abs(end[candidate] - end[own])
        near = np.zeros(len(X.boxes), dtype=bool)
        near[candidate[np.maximum(left, right) < _BLANK_DISTANCE * self.pitch]] = True
        known = np.zeros(len(X), dtype=bool)
        known[owner] = True
        return np.flatnonzero(~near & known[X.captcha_index])


def force_align(
    X: Segments,
    scores: NDArray[np.float64],
    geometry: Geometry,
    captcha: NDArray[np.intp],
    classes_of: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Return the segment of each character on the best path that spells its label, (k,).

    ``scores`` (m, n_classes) are the emission scores of the segments; ``captcha`` (k,) and
    ``classes_of`` (k,) describe the characters of all labels in order. -1 for all characters of a
    captcha without such a path.
    """
    counts = np.bincount(captcha, minlength=len(X))
    chosen = np.full(len(classes_of), -1, dtype=np.intp)
    begins = np.concatenate([[0], np.cumsum(counts)])
    for length in np.unique(counts[counts > 0]):
        captchas = np.flatnonzero(counts == length)
        characters = begins[captchas][:, None] + np.arange(length)
        spelled = classes_of[characters]
        part = X[captchas]
        # The classes of this lattice are the positions of the label.
        candidates = np.repeat(X.offsets[captchas] - part.offsets[:-1], part.counts)
        candidates += np.arange(len(part.boxes))
        of_candidate = spelled[part.captcha_index]
        own = np.take_along_axis(scores[candidates], of_candidate, axis=1)
        spans = geometry.spans(part.boxes, of_candidate)
        lattice = Lattice(own, spans, part.offsets, geometry.spacing)
        paths = lattice.viterbi(exact_length(length, length), np.eye(length, dtype=bool))
        found = paths.lengths == length
        chosen[characters[found]] = candidates[paths.segments[found, :length]]
    return chosen


def _even_layout(X: Segments, captcha: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each character the segment nearest to an even layout over the text's extent, (k,).

    Without images, the extent of the candidates is used.
    """
    counts = np.bincount(captcha, minlength=len(X))
    chosen = []
    for i in np.flatnonzero(counts).tolist():
        boxes = X.boxes[X.offsets[i] : X.offsets[i + 1]]
        if X.images is None:
            left, right = boxes[:, 0].min(), (boxes[:, 0] + boxes[:, 2]).max()
        else:
            left, right = text_extent(X.images[i])
        width = (right - left) / counts[i]
        centers = left + width * (np.arange(counts[i]) + 0.5)
        distance = np.abs(boxes[:, 0] + boxes[:, 2] / 2 - centers[:, None])
        # For windows of one size the second term is constant.
        distance += np.abs(boxes[:, 2] - width) / 2
        nearest = distance.argmin(axis=1)
        if len(np.unique(nearest)) < len(nearest):
            # Each character needs a candidate of its own.
            order = np.arange(len(nearest))
            nearest = np.maximum.accumulate(nearest - order) + order
            nearest = np.minimum(nearest, len(boxes) - len(nearest) + order)
        chosen.append(X.offsets[i] + nearest)
    return np.concatenate(chosen)
