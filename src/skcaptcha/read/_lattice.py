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
        Score of the best path of 1, 2, ... characters; but for the best of all, it may be too high,
        by a path that is not from left to right.
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

    That program knows edges, not the order of middles. Where its best path goes back or stays in
    place, which gaps make so improbable that only a string much too long for the image is so read,
    the captcha is solved once more by a slower one that keeps the order.

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
        paths = Paths(scores, found, segments, classes, of_length)
        for i in np.flatnonzero(self._disordered(paths)):
            self._solve_in_order(
                paths,
                int(i),
                lengths if lengths.ndim == 1 else lengths[i],
                allowed if allowed.ndim == 2 else allowed[i],
            )
        return paths

    def _disordered(self, paths: Paths) -> NDArray[np.bool_]:
        """Tell which paths do not go from left to right."""
        there = paths.segments >= 0
        middle = np.zeros(there.shape)
        state = paths.segments[there], paths.classes[there]
        middle[there] = self._left[state] + self._right[state]
        back: NDArray[np.bool_] = there[:, 1:] & (np.diff(middle, axis=1) <= 0)
        return np.any(back, axis=1)

    def _solve_in_order(
        self, paths: Paths, i: int, lengths: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> None:
        """Replace a captcha's path by the best one that goes from left to right."""
        n_classes = self.scores.shape[1]
        own = slice(self.offsets[i], self.offsets[i + 1])
        edges = np.stack([self._left[own], self._right[own]], axis=-1).reshape(-1, 2)
        edges -= self._start[i]
        # States that begin and end alike are one for the program; sorted by their middles.
        spans, span = np.unique(
            np.column_stack([edges.sum(axis=1), edges]), axis=0, return_inverse=True
        )
        span = span.ravel()
        by_span = np.argsort(span, kind="stable")
        begins = np.searchsorted(span[by_span], np.arange(len(spans)))

        of_length = paths.of_length[i]
        of_length[:] = -np.inf
        reached = np.zeros(len(spans))
        came_from, states, best = [], [], []
        for place, may in enumerate(allowed):
            values = np.where(may, self.scores[own], -np.inf).ravel() + reached[span]
            best.append(np.maximum.reduceat(values[by_span], begins))
            of_length[place] = best[-1].max() + lengths[place]
            if not np.isfinite(best[-1]).any():
                break  # nor can any be longer
            is_best = values == best[-1][span]
            states.append(np.full(len(spans), -1))
            states[-1][span[is_best][::-1]] = np.flatnonzero(is_best)[::-1]
            reached, origin = self._after_in_order(best[-1], spans, i)
            came_from.append(origin)

        last = int(of_length.argmax())
        paths.segments[i], paths.classes[i] = -1, -1
        paths.scores[i] = of_length[last]
        paths.lengths[i] = last + 1 if np.isfinite(of_length[last]) else 0
        at = int(best[last].argmax()) if paths.lengths[i] else -1
        for place in range(paths.lengths[i] - 1, -1, -1):
            row, kind = divmod(int(states[place][at]), n_classes)
            paths.segments[i, place], paths.classes[i, place] = own.start + row, kind
            at = came_from[place - 1][at] if place else -1

    def _after_in_order(
        self, best: NDArray[np.float64], spans: NDArray[np.intp], i: int
    ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Best way to reach each span from one whose middle lies before its own, and from which."""
        middle, left, right = spans.T
        gaps = self.spacing.first + np.arange(len(self.spacing.log_density))
        edge = np.full(self._start[i + 1] - self._start[i], -np.inf)
        owner = np.full(len(edge), -1)
        reached = np.full(len(spans), -np.inf)
        origin = np.full(len(spans), -1)
        ends = np.append(np.flatnonzero(np.diff(middle)) + 1, len(spans))
        begin = 0
        for end in ends.tolist():
            here = np.arange(begin, end)
            ways = edge[left[here, None] - gaps] + self.spacing.log_density
            which = ways.argmax(axis=1)
            reached[here] = ways[here - begin, which]
            origin[here] = owner[left[here] - gaps[which]]
            # Spans of one middle end at different places.
            better = here[best[here] > edge[right[here]]]
            edge[right[better]], owner[right[better]] = best[better], better
            begin = end
        return reached, origin

    def best_with_each(
        self, paths: Paths, lengths: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Score the best path that has a certain class at a certain place, for all of these.

        Here a path may go back or stay in place, so that these are upper bounds; they are exact
        wherever such a path is not the best.

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
