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

    A path chooses candidates from left to right, the middle of each to the right of the one before,
    and a class for each. Its score is the sum of the candidates' scores and of the logarithmic
    densities of the gaps between neighbours. All captchas lie side by side on one axis, too far
    apart to meet: a step of the dynamic program is a few array operations for the whole batch.

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
        left = np.broadcast_to(left + shift, scores.shape)
        right = np.broadcast_to(right + shift, scores.shape)
        self._left, self._right = left, right
        self._spans = _Spans(left, right)

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
        forward, edges = self._forward(allowed)
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
                state[on] = self._came_from(forward[place - 1], edges[place - 1], state[on])
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
        forward, _ = self._forward(allowed)
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

    def _forward(
        self, allowed: NDArray[np.bool_]
    ) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """Score of the best path that ends at each state, for each number of characters.

        And, for each but the last, what `_edges` makes of that.
        """
        forward, edges = [self._allowed(self.scores, allowed, 0)], []
        for place in range(1, allowed.shape[-2]):
            after, edge = self._after(forward[-1])
            edges.append(edge)
            forward.append(self._allowed(self.scores + after, allowed, place))
        return forward, edges

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

    def _after(self, states: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Best way to reach each state from any state one character before it; with the edges."""
        spans = self._spans
        edge = self._edges(states, spans.right)
        return self._spaced(edge, spans.left, 1)[:, spans.of_class], edge

    def _before(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Best way to go on from each state to any state one character after it."""
        spans = self._spans
        edge = self._edges(states, spans.left)
        return self._spaced(edge, spans.right, -1)[:, spans.of_class]

    def _spaced(
        self, edge: NDArray[np.float64], goals: NDArray[np.intp], direction: int
    ) -> NDArray[np.float64]:
        """Best score over all gaps that lead from spans to others, in order of their middles.

        Two middles are in order if the gap is greater than minus the mean of both widths: of most
        gaps, that is so for all widths or for none.
        """
        widths = self._spans.widths
        if not len(widths):
            return np.empty(goals.shape)
        reached = np.full(self._start[-1], -np.inf)
        way = np.empty_like(reached)
        crowded = []
        for k, log_density in enumerate(self.spacing.log_density):
            gap = self.spacing.first + k
            if gap > -widths[0]:
                to = slice(max(direction * gap, 0), len(reached) + min(direction * gap, 0))
                by = slice(max(-direction * gap, 0), len(reached) - max(direction * gap, 0))
                np.add(edge[0, by], log_density, out=way[to])
                np.maximum(reached[to], way[to], out=reached[to])
            elif gap > -widths[-1]:
                crowded.append((gap, log_density))
        result = reached[goals]
        for gap, log_density in crowded:
            for width, there in zip(widths, self._spans.of_width, strict=True):
                least = np.searchsorted(widths, -2 * gap - width, side="right")
                if least < len(widths):
                    by_gap = edge[least, goals[there] - direction * gap] + log_density
                    result[there] = np.maximum(result[there], by_gap)
        return result

    def _edges(self, states: NDArray[np.float64], ends: NDArray[np.intp]) -> NDArray[np.float64]:
        """Best score of the spans that end at each place, among those of each width or more."""
        edge = np.full((len(self._spans.widths), self._start[-1]), -np.inf)
        np.maximum.at(edge, (self._spans.width_index, ends), self._spans.best(states))
        return np.maximum.accumulate(edge[::-1], axis=0)[::-1]

    def _came_from(
        self, states: NDArray[np.float64], edge: NDArray[np.float64], goals: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """The states (flat) from which the best way leads to given ones."""
        spans, n_classes = self._spans, self.scores.shape[1]
        edge = np.concatenate([edge, np.full((1, edge.shape[1]), -np.inf)])
        row, kind = np.divmod(goals, n_classes)
        left = self._left[row, kind]
        gaps = self.spacing.first + np.arange(len(self.spacing.log_density))
        width = (self._right[row, kind] - left)[:, None]
        least = np.searchsorted(spans.widths, -2 * gaps - width, side="right")
        places = left[:, None] - gaps
        which = (edge[least, places] + self.spacing.log_density).argmax(axis=1)
        chosen = np.arange(len(goals)), which
        place, least, value = places[chosen], least[chosen], edge[least[chosen], places[chosen]]
        found = np.empty(len(goals), dtype=np.intp)
        for k, captcha in enumerate(self._captcha[row]):
            own = slice(self.offsets[captcha], self.offsets[captcha + 1])
            right = self._right[own]
            wide = right - self._left[own] >= spans.widths[least[k]]
            there = (right == place[k]) & wide & (states[own] == value[k])
            found[k] = own.start * n_classes + there.argmax()
        return found


class _Spans:
    """Where states begin and end: classes that are equally wide everywhere are one.

    Attributes
    ----------
    left, right : ndarray of shape (m, n_groups)
    of_class : ndarray of shape (n_classes,)
        The group of each class.
    widths : ndarray
        All that occur, ascending.
    width_index : ndarray of shape (m, n_groups)
    of_width : list of tuples of two ndarrays
        The rows and groups of the spans of each width.
    """

    def __init__(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> None:
        edges = np.concatenate([left[:1], right[:1]])
        _, first, of_class = np.unique(edges, axis=1, return_index=True, return_inverse=True)
        of_class = of_class.reshape(-1)
        self.left, self.right = left[:, first], right[:, first]
        alike = (self.left[:, of_class] == left).all() and (self.right[:, of_class] == right).all()
        if not alike:
            self.left, self.right, of_class = left, right, np.arange(left.shape[1])
        self.of_class = of_class
        self._order = np.argsort(of_class, kind="stable")
        self._begins = np.searchsorted(of_class[self._order], np.arange(self.left.shape[1]))
        self.widths, index = np.unique(self.right - self.left, return_inverse=True)
        self.width_index = index.reshape(self.left.shape)
        self.of_width = [np.nonzero(self.width_index == k) for k in range(len(self.widths))]

    def best(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        """Best of the classes of each group, (m, n_groups)."""
        best: NDArray[np.float64] = np.maximum.reduceat(
            states[:, self._order], self._begins, axis=1
        )
        return best
