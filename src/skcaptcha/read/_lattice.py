"""The best string through a lattice of candidates: exact dynamic programming, whole batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Spacing:
    """How far apart characters stand.

    The gap between two neighbours is what lies between the right edge of the one and the left edge
    of the other, negative where they overlap; its logarithmic density is looked up.

    Attributes
    ----------
    first : int
        The smallest gap of the table, in pixels.
    log_density : ndarray of shape (gaps,)
        Of the gaps ``first``, ``first + 1``, ...
    """

    first: int
    log_density: NDArray[np.float64]


@dataclass(frozen=True)
class Paths:
    """The best path of each captcha.

    Attributes
    ----------
    scores : ndarray of shape (n,)
        ``-inf`` where no path is allowed.
    lengths : ndarray of shape (n,)
    segments, classes : ndarray of shape (n, longest)
        Which candidate, and which class, is the i-th character; -1 after the last.
    of_length : ndarray of shape (n, longest)
        Score of the best path of 1, 2, ... characters.
    """

    scores: NDArray[np.float64]
    lengths: NDArray[np.intp]
    segments: NDArray[np.intp]
    classes: NDArray[np.intp]
    of_length: NDArray[np.float64]


class Lattice:
    """Candidates of a batch of captchas, and what each is worth as each character.

    A path chooses candidates from left to right and a class for each. Its score is the sum of the
    candidates' scores and of the logarithmic densities of the gaps between neighbours. All
    captchas lie side by side on one axis, too far apart to meet: a step of the dynamic program is
    a few array operations for the whole batch.

    Parameters
    ----------
    scores : ndarray of shape (m, n_classes)
        ``-inf`` forbids.
    left, right : ndarray of shape (m, n_classes) or (m, 1), dtype intp
        Where the character would begin and end (the first column after it), in pixels of its
        image; may lie outside.
    offsets : ndarray of shape (n + 1,)
        The candidates of captcha i are ``scores[offsets[i]:offsets[i + 1]]``.
    spacing : Spacing

    References
    ----------
    S. Sarawagi and W. W. Cohen, "Semi-Markov conditional random fields for information
    extraction", NIPS 2004 (the semi-Markov chain and its Viterbi recursion).
    """

    def __init__(
        self,
        scores: NDArray[np.float64],
        left: NDArray[np.intp],
        right: NDArray[np.intp],
        offsets: NDArray[np.intp],
        spacing: Spacing,
    ) -> None:
        self.scores = scores
        self.offsets = offsets
        self.spacing = spacing
        counts = np.diff(offsets)
        self._captcha = np.repeat(np.arange(len(counts)), counts)
        reach = len(spacing.log_density) + abs(spacing.first) + 1
        low = np.zeros(len(counts), dtype=np.intp)
        high = np.zeros(len(counts), dtype=np.intp)
        some = counts > 0
        if some.any():
            starts = offsets[:-1][some]
            ends = np.minimum(left, right).min(axis=1), np.maximum(left, right).max(axis=1)
            low[some] = np.minimum.reduceat(ends[0], starts)
            high[some] = np.maximum.reduceat(ends[1], starts)
        room = high - low + 1 + 2 * reach
        self._start = np.concatenate([[0], np.cumsum(room)])
        shift = (self._start[:-1] + reach - low)[self._captcha, None]
        self._left = np.broadcast_to(left + shift, scores.shape)
        self._right = np.broadcast_to(right + shift, scores.shape)

    def best(self, lengths: NDArray[np.float64], allowed: NDArray[np.bool_]) -> Paths:
        """Find the best path of each captcha.

        Parameters
        ----------
        lengths : ndarray of shape (longest,) or (n, longest)
            What a path of 1, 2, ... characters is worth beside its score; ``-inf`` forbids.
        allowed : ndarray of shape (longest, n_classes) or (n, longest, n_classes), dtype bool
            Which classes may stand at each place.

        Returns
        -------
        paths : Paths
        """
        n, n_classes = len(self.offsets) - 1, self.scores.shape[1]
        longest = lengths.shape[-1]
        forward = self._forward(allowed)
        of_length = np.stack([self._best_of_captcha(states) for states in forward], axis=1)
        of_length += lengths
        last = of_length.argmax(axis=1)
        scores = of_length[np.arange(n), last]
        found = np.where(np.isfinite(scores), last + 1, 0)
        segments = np.full((n, longest), -1, dtype=np.intp)
        classes = np.full((n, longest), -1, dtype=np.intp)
        state = np.full(n, -1, dtype=np.intp)
        for place in range(longest - 1, -1, -1):
            for i in np.flatnonzero(found == place + 1):
                own = forward[place][self.offsets[i] : self.offsets[i + 1]]
                state[i] = self.offsets[i] * n_classes + own.argmax()
            on = np.flatnonzero(found > place)
            if not len(on):
                continue
            segments[on, place], classes[on, place] = np.divmod(state[on], n_classes)
            if place:
                state[on] = self._came_from(forward[place - 1], state[on])
        return Paths(scores, found, segments, classes, of_length)

    def best_with_each(
        self, paths: Paths, lengths: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Score the best path that has a certain class at a certain place, for all of these.

        Parameters
        ----------
        paths : Paths
            What `best` gave; only paths of the same length as a captcha's best one count.
        lengths, allowed
            As `best` takes them.

        Returns
        -------
        scores : ndarray of shape (n, longest, n_classes)
        """
        n, n_classes = len(self.offsets) - 1, self.scores.shape[1]
        longest = lengths.shape[-1]
        lengths = np.broadcast_to(lengths, (n, longest))
        scores = np.full((n, longest, n_classes), -np.inf)
        forward = self._forward(allowed)
        for length in np.unique(paths.lengths[paths.lengths > 0]):
            own = np.flatnonzero(paths.lengths == length)
            after = np.zeros_like(self.scores)
            for place in range(length - 1, -1, -1):
                if place < length - 1:
                    after = self._before(self._allowed(self.scores + after, allowed, place + 1))
                through = forward[place] + after
                for i in own:
                    of_captcha = through[self.offsets[i] : self.offsets[i + 1]]
                    scores[i, place] = of_captcha.max(axis=0) + lengths[i, length - 1]
        return scores

    def _forward(self, allowed: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
        """Score of the best path that ends at each state, for each number of characters."""
        forward = [self._allowed(self.scores, allowed, 0)]
        for place in range(1, allowed.shape[-2]):
            forward.append(self._allowed(self.scores + self._after(forward[-1]), allowed, place))
        return forward

    def _allowed(
        self, states: NDArray[np.float64], allowed: NDArray[np.bool_], place: int
    ) -> NDArray[np.float64]:
        may = allowed[..., place, :]
        if may.all():
            return states
        return np.where(may if may.ndim == 1 else may[self._captcha], states, -np.inf)

    def _best_of_captcha(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        best = np.full(len(self.offsets) - 1, -np.inf)
        some = np.diff(self.offsets) > 0
        if some.any():
            best[some] = np.maximum.reduceat(states.max(axis=1), self.offsets[:-1][some])
        return best

    def _after(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Best way to reach each state from any state one character before it."""
        edge = np.full(self._start[-1], -np.inf)
        np.maximum.at(edge, self._right, states)
        return self._spaced(edge, 1)[self._left]

    def _before(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Best way to go on from each state to any state one character after it."""
        edge = np.full(self._start[-1], -np.inf)
        np.maximum.at(edge, self._left, states)
        return self._spaced(edge, -1)[self._right]

    def _spaced(self, edge: NDArray[np.float64], direction: int) -> NDArray[np.float64]:
        """Best score over all gaps that lead to a place; no edge stands near the ends."""
        reached = np.full_like(edge, -np.inf)
        for k, log_density in enumerate(self.spacing.log_density):
            gap = direction * (self.spacing.first + k)
            to = slice(max(gap, 0), len(edge) + min(gap, 0))
            by = slice(max(-gap, 0), len(edge) - max(gap, 0))
            np.maximum(reached[to], edge[by] + log_density, out=reached[to])
        return reached

    def _came_from(self, states: NDArray[np.float64], goals: NDArray[np.intp]) -> NDArray[np.intp]:
        """The states (flat) from which the best way leads to given ones."""
        edge = np.full(self._start[-1], -np.inf)
        np.maximum.at(edge, self._right, states)
        gaps = self.spacing.first + np.arange(len(self.spacing.log_density))
        places = self._left.ravel()[goals][:, None] - gaps
        best = (edge[places] + self.spacing.log_density).argmax(axis=1)
        place = places[np.arange(len(goals)), best]
        flat, right = states.ravel(), self._right.ravel()
        ends = np.flatnonzero(flat == edge[right])[::-1]
        # Assigned backwards, so that the first of equals stays.
        state_at = np.full(len(edge), -1, dtype=np.intp)
        state_at[right[ends]] = ends
        return state_at[place]
