"""The best string through a lattice of candidates: exact dynamic programming, whole batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

StringsThrough = Callable[[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]], NDArray[np.intp]]


class Spans(NamedTuple):
    """Where candidates begin and end as characters, in pixels of their image; may lie outside.

    Attributes
    ----------
    left, right : ndarray of shape (m, n_groups), dtype intp
        Classes that are equally wide are one group.
    of_class : ndarray of shape (n_classes,), dtype intp, or None
        The group of each class. None: one for all where there is but one, else each has its own.
    """

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    of_class: NDArray[np.intp] | None = None


@dataclass(frozen=True)
class Spacing:
    """How far apart characters stand.

    The gap between two neighbors is what lies between the right edge of the one and the left edge
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


class _Onward(NamedTuple):
    """The best ways to go on to the end, of paths of one length.

    Attributes
    ----------
    fronts : dict of int to _Front
        By place: as the best paths that end there, so what is best after it.
    edges : dict of int to ndarray
        By place, `Lattice._edges` of what begins there.
    """

    fronts: dict[int, _Front]
    edges: dict[int, NDArray[np.float64]]


class _Ends(NamedTuple):
    """The spans that end at each place, by their width.

    Attributes
    ----------
    order : ndarray of shape (m * n_groups,)
        The spans, by the place where they end: each is its group times m, and its candidate.
    first, stop : ndarray of shape (n_ends,)
        Which of ``order`` have the same width and end at the same place.
    there : ndarray of shape (n_ends,)
        Which width and place that is, as an index of the raveled ``number``.
    number : ndarray of shape (n_widths, length of the axis)
        Which of the ``n_ends`` that is for each width and place; -1 where no span ends.
    """

    order: NDArray[np.intp]
    first: NDArray[np.intp]
    stop: NDArray[np.intp]
    there: NDArray[np.intp]
    number: NDArray[np.intp]


class _Front(NamedTuple):
    """The best paths of so many characters that end at each candidate.

    Attributes
    ----------
    before : ndarray of shape (m, n_groups)
        What is best before the last character, which it has as a class of each group.
    best : ndarray of shape (m, n_groups)
        With that, of the best class of each group.
    """

    before: NDArray[np.float64]
    best: NDArray[np.float64]


class Lattice:
    """Candidates of a batch of captchas, and what each is worth as each character.

    A path chooses candidates from left to right, the middle of each to the right of the one before,
    and a class for each. Its score is the sum of the candidates' scores and of the logarithmic
    densities of the gaps between neighbors. All captchas lie side by side on one axis, too far
    apart to meet: a step of the dynamic program is a few array operations for the whole batch. Of
    classes that are equally wide only the best can be on the best path.

    Parameters
    ----------
    scores : ndarray of shape (m, n_classes)
        ``-inf`` forbids.
    spans : Spans of m candidates
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
        spans: Spans,
        offsets: NDArray[np.intp],
        spacing: Spacing,
    ) -> None:
        self.scores = scores
        self.offsets = offsets
        self.spacing = spacing
        # Of what was last asked for: the best paths and all others come one after the other.
        self._last: tuple[Any, list[_Front], list[NDArray[np.float64]]] | None = None
        left, right, of_class = spans
        if of_class is None:
            of_class = (
                np.arange(scores.shape[1])
                if left.shape[1] > 1
                else np.zeros(scores.shape[1], dtype=np.intp)
            )
        self._of_class = of_class
        self._order = np.argsort(of_class, kind="stable")
        self._first_of_group = np.searchsorted(of_class[self._order], np.arange(left.shape[1]))
        counts = np.diff(offsets)
        self._captcha = np.repeat(np.arange(len(counts)), counts)
        self._some = np.flatnonzero(counts)
        self._starts = offsets[:-1][self._some]
        reach = max(abs(spacing.first), abs(spacing.first + len(spacing.log_density) - 1)) + 1
        low = np.zeros(len(counts), dtype=np.intp)
        high = np.zeros(len(counts), dtype=np.intp)
        if len(self._some):
            ends = np.minimum(left, right).min(axis=1), np.maximum(left, right).max(axis=1)
            low[self._some] = np.minimum.reduceat(ends[0], self._starts)
            high[self._some] = np.maximum.reduceat(ends[1], self._starts)
        self._start = np.concatenate([[0], np.cumsum(high - low + 1 + 2 * reach)])
        shift = (self._start[:-1] + reach - low)[self._captcha, None]
        self._left, self._right = left + shift, right + shift
        width = right - left
        # If every span is wider than neighbors can overlap, their middles are always in order, and
        # all may be taken for equally wide.
        least = width.min(initial=abs(spacing.first) + 1)
        self._widths, self._width_index = np.array([least]), np.zeros_like(width)
        if spacing.first <= -least:
            self._widths, index = np.unique(width, return_inverse=True)
            self._width_index = index.reshape(width.shape)

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
        n, longest = len(self.offsets) - 1, lengths.shape[-1]
        fronts, edges = self._forward(allowed)
        tops = [self._best_of_captcha(front.best) for front in fronts]
        of_length = np.stack(tops, axis=1) + lengths
        last = of_length.argmax(axis=1)
        scores = of_length[np.arange(n), last]
        found = np.where(np.isfinite(scores), last + 1, 0)
        segments = np.full((n, longest), -1, dtype=np.intp)
        classes = np.full((n, longest), -1, dtype=np.intp)
        for place in range(longest - 1, -1, -1):
            may = self._may(allowed, place)
            ending, going_on = np.flatnonzero(found == place + 1), np.flatnonzero(found > place + 1)
            if len(ending):
                segments[ending, place], classes[ending, place] = self._last_of(
                    fronts[place], may, ending, tops[place][ending]
                )
            if len(going_on):
                state = segments[going_on, place + 1], classes[going_on, place + 1]
                came = self._came_from(edges[place], *state, 1)
                segments[going_on, place], classes[going_on, place] = self._there(
                    came, 1, fronts[place], may
                )
        return Paths(scores, found, segments, classes, of_length)

    def tops(self) -> NDArray[np.float64]:
        """Give the greatest score of all candidates of each captcha, whatever is allowed.

        Returns
        -------
        tops : ndarray of shape (n,)
            ``-inf`` where there is no candidate.
        """
        return self._best_of_captcha(self._best_scores)

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
        return self.best_with_each_and_strings(paths, lengths, allowed)[0]

    def best_with_each_and_strings(
        self, paths: Paths, lengths: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], StringsThrough]:
        """Do as `best_with_each` does, and give what tells the strings of these paths.

        Parameters
        ----------
        paths, lengths, allowed
            As `best_with_each` takes them.

        Returns
        -------
        scores : ndarray of shape (n, longest, n_classes)
        strings : callable
            Takes captchas, and a place and a class for each: gives the classes of the best paths
            that have these, (k, longest), with -1 after the last.
        """
        n, n_classes = len(self.offsets) - 1, self.scores.shape[1]
        longest = lengths.shape[-1]
        lengths = np.broadcast_to(lengths, (n, longest))
        scores = np.full((n, longest, n_classes), -np.inf)
        fronts, edges = self._forward(allowed)
        onward: dict[int, _Onward] = {}
        for length in np.unique(paths.lengths[paths.lengths > 0]).tolist():
            own = np.flatnonzero(paths.lengths[self._some] == length)
            of_length = lengths[self._some[own], length - 1, None]
            after = np.zeros_like(self._left, dtype=np.float64)
            onward[length] = _Onward({}, {})
            for place in range(length - 1, -1, -1):
                if place < length - 1:
                    after = self._spaced(onward[length].edges[place + 1], self._right, -1)
                best = self._of_groups(allowed, place) + after
                onward[length].fronts[place] = _Front(after, best)
                if place:
                    onward[length].edges[place] = self._edges(best, -1)
                through = self.scores + fronts[place].before[:, self._of_class]
                through += after[:, self._of_class]
                may = self._may(allowed, place)
                if may is not None:
                    through[~np.broadcast_to(may, through.shape)] = -np.inf
                of_captcha = np.maximum.reduceat(through, self._starts, axis=0)[own]
                scores[self._some[own], place] = of_captcha + of_length

        def strings(
            captchas: NDArray[np.intp], places: NDArray[np.intp], classes: NDArray[np.intp]
        ) -> NDArray[np.intp]:
            # Candidates and classes.
            found = np.full((2, len(captchas), longest), -1, dtype=np.intp)
            for length, (ahead, beginning) in onward.items():
                own = paths.lengths[captchas] == length
                for place in range(length):
                    some = np.flatnonzero(own & (places == place))
                    if len(some):
                        around = fronts[place].before, ahead[place].before
                        segment = self._best_with(captchas[some], classes[some], *around)
                        found[:, some, place] = segment, classes[some]
                    some = np.flatnonzero(own & (places < place))
                    if len(some):
                        segment, kind = found[:, some, place - 1]
                        came = self._came_from(beginning[place], segment, kind, -1)
                        may = self._may(allowed, place)
                        found[:, some, place] = self._there(came, -1, ahead[place], may)
            for place in range(longest - 2, -1, -1):
                some = np.flatnonzero(places > place)
                if len(some):
                    segment, kind = found[:, some, place + 1]
                    came = self._came_from(edges[place], segment, kind, 1)
                    may = self._may(allowed, place)
                    found[:, some, place] = self._there(came, 1, fronts[place], may)
            return found[1]

        return scores, strings

    def _forward(
        self, allowed: NDArray[np.bool_]
    ) -> tuple[list[_Front], list[NDArray[np.float64]]]:
        """The best paths of 1, 2, ... characters, and of all but the last their `_edges`."""
        if self._last is not None and self._last[0] is allowed:
            return self._last[1:]
        fronts = [_Front(np.zeros(self._left.shape), self._of_groups(allowed, 0))]
        edges = []
        for place in range(1, allowed.shape[-2]):
            edges.append(self._edges(fronts[-1].best, 1))
            before = self._spaced(edges[-1], self._left, 1)
            fronts.append(_Front(before, self._of_groups(allowed, place) + before))
        self._last = allowed, fronts, edges
        return fronts, edges

    def _may(self, allowed: NDArray[np.bool_], place: int) -> NDArray[np.bool_] | None:
        """Which classes may stand at a place, (1 or m, n_classes); None: all."""
        may = allowed[..., place, :]
        if may.all():
            return None
        return may[None] if may.ndim == 1 else may[self._captcha]

    def _of_groups(self, allowed: NDArray[np.bool_], place: int) -> NDArray[np.float64]:
        """The best score of those classes of each group that may stand at a place."""
        may = self._may(allowed, place)
        if may is None:
            return self._best_scores
        return self._best_of_groups(np.where(may, self.scores, -np.inf))

    @cached_property
    def _of_width(self) -> list[tuple[NDArray[np.intp], ...]]:
        """The spans of each width: rows and groups."""
        return [np.nonzero(self._width_index == k) for k in range(len(self._widths))]

    @cached_property
    def _best_scores(self) -> NDArray[np.float64]:
        return self._best_of_groups(self.scores)

    def _best_of_groups(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        best: NDArray[np.float64] = np.maximum.reduceat(
            scores[:, self._order], self._first_of_group, axis=1
        )
        return best

    def _best_of_captcha(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        best = np.full(len(self.offsets) - 1, -np.inf)
        if len(self._some):
            best[self._some] = np.maximum.reduceat(states.max(axis=1), self._starts)
        return best

    def _spaced(
        self, edge: NDArray[np.float64], goals: NDArray[np.intp], direction: int
    ) -> NDArray[np.float64]:
        """Best score over all gaps that lead from spans to others, in order of their middles.

        Two middles are in order if the gap is greater than minus the mean of both widths: of most
        gaps, that is so for all widths or for none.
        """
        widths = self._widths
        reached = np.full(self._start[-1], -np.inf)
        way = np.empty_like(reached)
        gaps = self.spacing.first + np.arange(len(self.spacing.log_density))
        n_crowded = int(np.searchsorted(gaps, -widths[0], side="right"))
        for gap, log_density in zip(
            gaps[n_crowded:].tolist(), self.spacing.log_density[n_crowded:].tolist(), strict=True
        ):
            to = slice(max(direction * gap, 0), len(reached) + min(direction * gap, 0))
            by = slice(max(-direction * gap, 0), len(reached) - max(direction * gap, 0))
            np.add(edge[0, by], log_density, out=way[to])
            np.maximum(reached[to], way[to], out=reached[to])
        result = reached[goals]
        if n_crowded:
            for width, there in zip(widths, self._of_width, strict=True):
                least = np.searchsorted(widths, -2 * gaps[:n_crowded] - width, side="right")
                first = int(np.searchsorted(-least, -len(widths), side="right"))
                some = slice(first, n_crowded)
                by_gap = edge[least[some], goals[there][:, None] - direction * gaps[some]]
                by_gap += self.spacing.log_density[some]
                result[there] = np.maximum(result[there], by_gap.max(axis=1, initial=-np.inf))
        return result

    def _edges(self, states: NDArray[np.float64], direction: int) -> NDArray[np.float64]:
        """Best score of the spans that end at each place, among those of each width or more."""
        ends = self._ends[direction]
        edge = np.full((len(self._widths), self._start[-1]), -np.inf)
        if len(ends.first):
            best = np.maximum.reduceat(states.T.ravel()[ends.order], ends.first)
            edge.ravel()[ends.there] = best
        for k in range(len(edge) - 1, 0, -1):
            np.maximum(edge[k - 1], edge[k], out=edge[k - 1])
        return edge

    @cached_property
    def _ends(self) -> dict[int, _Ends]:
        """Where spans end, on the way to the right (1) and on the way back (-1)."""
        return {1: self._ends_at(self._right), -1: self._ends_at(self._left)}

    def _ends_at(self, places: NDArray[np.intp]) -> _Ends:
        # One group after the other: each ascends, or nearly so, which sorting makes use of.
        there = (self._width_index * self._start[-1] + places).T.ravel()
        order = np.argsort(there, kind="stable")
        first = np.flatnonzero(np.diff(there[order], prepend=-1))
        number = np.full((len(self._widths), self._start[-1]), -1)
        there = there[order[first]]
        number.ravel()[there] = np.arange(len(first))
        return _Ends(order, first, np.append(first[1:], len(order)), there, number)

    def _came_from(
        self,
        edge: NDArray[np.float64],
        segment: NDArray[np.intp],
        kind: NDArray[np.intp],
        direction: int,
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Where the spans end from which the best way leads to given states; -1: they lead to.

        Returns
        -------
        at : ndarray
            Places on the axis.
        least : ndarray
            Indices of the least width that they have.
        value : ndarray
            What they are worth.
        """
        group = self._of_class[kind]
        left, right = self._left[segment, group], self._right[segment, group]
        gaps = self.spacing.first + np.arange(len(self.spacing.log_density))
        width = (right - left)[:, None]
        least = np.searchsorted(self._widths, -2 * gaps - width, side="right")
        places = (left if direction == 1 else right)[:, None] - direction * gaps
        worth = edge[np.minimum(least, len(edge) - 1), places]
        worth[least == len(edge)] = -np.inf
        chosen = np.arange(len(segment)), (worth + self.spacing.log_density).argmax(axis=1)
        return places[chosen], least[chosen], worth[chosen]

    def _there(
        self,
        came: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]],
        direction: int,
        front: _Front,
        may: NDArray[np.bool_] | None,
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The first candidate, and its class, of those where `_came_from` says."""
        at, least, value = came
        ends, m = self._ends[direction], len(self.scores)
        width = np.arange(len(self._widths))[:, None]
        index = ends.number[width, at]
        which = np.nonzero((index >= 0) & (width >= least))
        first, stop, own = ends.first[index[which]], ends.stop[index[which]], which[1]
        found = np.full(len(at), m)
        # Mostly one span, or one of each group, ends at a place.
        for step in range(int((stop - first).max(initial=0))):
            more = first + step < stop
            group, row = np.divmod(ends.order[first[more] + step], m)
            right = front.best[row, group] == value[own[more]]
            np.minimum.at(found, own[more][right], row[right])
        places = self._right if direction == 1 else self._left
        meets = (places[found] == at[:, None]) & (self._width_index[found] >= least[:, None])
        return found, self._classes_of(found, front, may, value, meets)

    def _last_of(
        self,
        front: _Front,
        may: NDArray[np.bool_] | None,
        captchas: NDArray[np.intp],
        value: NDArray[np.float64],
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The first candidate of each of some captchas, and its class, that is worth so much."""
        rows, there = self._rows_of(captchas)
        same = (front.best[rows] == value[:, None, None]).any(axis=2) & there
        found = rows[np.arange(len(rows)), same.argmax(axis=1)]
        return found, self._classes_of(found, front, may, value, True)

    def _best_with(
        self,
        captchas: NDArray[np.intp],
        classes: NDArray[np.intp],
        before: NDArray[np.float64],
        after: NDArray[np.float64],
    ) -> NDArray[np.intp]:
        """The candidate of each of some captchas that is best as a certain class."""
        rows, there = self._rows_of(captchas)
        kind, group = classes[:, None], self._of_class[classes][:, None]
        worth = self.scores[rows, kind] + before[rows, group]
        worth += after[rows, group]
        worth[~there] = -np.inf
        best: NDArray[np.intp] = rows[np.arange(len(rows)), worth.argmax(axis=1)]
        return best

    def _rows_of(self, captchas: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """The candidates of each of some captchas, and which of the row these are."""
        begin, stop = self.offsets[captchas, None], self.offsets[captchas + 1, None]
        rows = begin + np.arange((stop - begin).max())
        return np.minimum(rows, len(self.scores) - 1), rows < stop

    def _classes_of(
        self,
        rows: NDArray[np.intp],
        front: _Front,
        may: NDArray[np.bool_] | None,
        value: NDArray[np.float64],
        meets: NDArray[np.bool_] | bool,
    ) -> NDArray[np.intp]:
        """The first class of each candidate that is worth so much, of the groups in question."""
        same = (front.best[rows] == value[:, None]) & meets
        states = self.scores[rows] + front.before[rows][:, self._of_class]
        right = (states == value[:, None]) & same[:, self._of_class]
        if may is not None:
            right &= may[0] if len(may) == 1 else may[rows]
        return right.argmax(axis=1)
