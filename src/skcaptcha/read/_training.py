"""Training captchas, and where their characters are thought to stand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skcaptcha.exceptions import ReadingError
from skcaptcha.read._alignment import (
    Characters,
    Geometry,
    align,
    between,
    even_layout,
    fit_geometry,
)
from skcaptcha.read._candidates import BETWEEN, CandidateClassifier, Member
from skcaptcha.read._linear_discriminants import LinearDiscriminants
from skcaptcha.segments import Segments

_ROUNDS, _LAST_ROUNDS = 5, 2
# At first, characters may stand a fifth of their distance from where they are expected.
_FIRST_DEVIATION = 0.2
_COOLING = 0.6
# What is farther than this from every character, in units of their distance, lies between them.
_BETWEEN_FROM = 0.33
_MOST = 0.9


class Training:
    """Training captchas, and where their characters are thought to stand.

    Parameters
    ----------
    X : Segments of n captchas and m segments
    values : ndarray of shape (m, d)
    characters : Characters
        The k characters of all labels.
    classes : ndarray of shape (n_classes,)

    Attributes
    ----------
    chosen : ndarray of shape (k,)
        The segment of each character; -1 where a label has no path.
    pitch : float
        How far apart characters stand, in pixels.
    step : float
        How far apart candidates stand, in pixels.
    """

    def __init__(
        self,
        X: Segments,
        values: NDArray[np.float32],
        characters: Characters,
        classes: NDArray[np.str_],
    ) -> None:
        self.X = X
        self.values = values
        self.characters = characters
        self.classes = classes
        # A window may be narrower in an image that is narrower than a window.
        usual = np.median(X.boxes[:, 2])
        self.windows = bool((X.boxes[:, 2] == usual).mean() > _MOST)
        self._expected = even_layout(X, characters)
        self.chosen = self._expected
        middle = X.boxes[self.chosen, 0] + X.boxes[self.chosen, 2] / 2
        apart = np.diff(middle)[characters.neighbors]
        usual_distance = apart.mean() if len(apart) else X.boxes[self.chosen, 2].mean()
        self.pitch = max(float(usual_distance), 1.0)
        same = np.diff(X.captcha_index) == 0
        steps = np.diff(X.boxes[:, 0])[same]
        self.step = float(np.median(steps)) if len(steps) else 0.0

    def find_places(self, rng: np.random.RandomState) -> None:
        """Alternate between fitting linear discriminants to the places and finding new places.

        Parameters
        ----------
        rng : RandomState
        """
        for k in range(_ROUNDS):
            self._align_once(rng, 0.3 if k == 0 else 0.1, _FIRST_DEVIATION * _COOLING**k)

    def align_linearly(self, rng: np.random.RandomState) -> None:
        """Go on with linear discriminants from places that something else has found.

        Parameters
        ----------
        rng : RandomState
        """
        for _ in range(_LAST_ROUNDS):
            self._align_once(rng, 0.1, 0.0)

    def _align_once(self, rng: np.random.RandomState, shrinkage: float, deviation: float) -> None:
        rows = self.draw(1, rng)
        member = Member(LinearDiscriminants(shrinkage)).fit(self.values[rows], self.names[rows])
        classifier = CandidateClassifier([member], self.classes)
        self.align(classifier.log_odds(self.values), deviation * self.pitch)

    def align(self, log_odds: NDArray[np.float64], deviation: float = 0.0) -> None:
        """Find the best places for all labels.

        Parameters
        ----------
        log_odds : ndarray of shape (m, n_classes)
            How much more probable each segment is as each character than as none; ``-inf`` for
            a character that has not been seen, as which all segments are as good.
        deviation : float >= 0, default=0
            How far, at least, gaps may be from what is expected, in pixels.

        Raises
        ------
        ReadingError
            If no label has a path.
        """
        log_odds = np.nan_to_num(log_odds, neginf=0.0)
        geometry = self.geometry(deviation)
        self.chosen = align(log_odds, self.X, self.characters, geometry)
        if (self.chosen < 0).all():
            raise ReadingError(
                "there is nothing to learn from: no captcha has candidates that stand as its label "
                "needs them"
            )
        if self.windows:
            self._center()

    def _center(self) -> None:
        """Undo what moved all characters alike.

        Windows that are all a little to one side of their characters describe them as well, so
        nothing else keeps the alignment from drifting, until windows miss strokes.
        """
        placed = self.chosen >= 0
        x = self.X.boxes[:, 0]
        drift = np.mean(x[self.chosen[placed]] - x[self._expected[placed]])
        steps = round(float(drift) / self.step) if self.step else 0
        captcha = self.characters.captcha[placed]
        first, last = self.X.offsets[captcha], self.X.offsets[captcha + 1] - 1
        self.chosen[placed] = np.clip(self.chosen[placed] - steps, first, last)

    def geometry(self, deviation: float = 0.0) -> Geometry:
        """Learn how wide characters are, and how far apart they stand, from the present places.

        Parameters
        ----------
        deviation : float >= 0, default=0
            The least standard deviation of the gaps, in pixels.

        Returns
        -------
        geometry : Geometry
        """
        placed = self.chosen >= 0
        characters = Characters(self.characters.captcha[placed], self.characters.classes[placed])
        return fit_geometry(
            self.X.boxes[self.chosen[placed]],
            characters,
            len(self.classes),
            windows=self.windows,
            deviation=deviation,
        )

    @property
    def names(self) -> NDArray[np.str_]:
        """The character of each segment, "" for all that are none, of shape (m,)."""
        names = np.full(len(self.X.boxes), BETWEEN, dtype=self.classes.dtype)
        placed = self.chosen >= 0
        names[self.chosen[placed]] = self.classes[self.characters.classes[placed]]
        return names

    def draw(
        self,
        n_between: int,
        rng: np.random.RandomState,
        captchas: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.intp]:
        """Choose what a classifier is to learn from.

        Parameters
        ----------
        n_between : int >= 0
            How many segments from between characters are drawn for each character, if there are
            so many.
        rng : RandomState
        captchas : ndarray of shape (n,), dtype bool, optional
            Which captchas count; all by default.

        Returns
        -------
        rows : ndarray
            All segments that are characters, then those drawn.
        """
        placed = self.chosen[self.chosen >= 0]
        rest = between(self.X, self.characters, self.chosen, _BETWEEN_FROM * self.pitch)
        if captchas is not None:
            of_segment = captchas[self.X.captcha_index]
            placed, rest = placed[of_segment[placed]], rest[of_segment[rest]]
        n = min(len(rest), n_between * len(placed))
        return np.concatenate([placed, rng.choice(rest, n, replace=False)])
