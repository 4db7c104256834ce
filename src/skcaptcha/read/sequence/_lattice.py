"""Lattice of candidates: exact Viterbi search for the best strings, in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.segments import Segments

_BATCH_SIZE = 64  # larger lattices are not faster

StringsThrough = Callable[[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]], NDArray[np.intp]]


class Spans(NamedTuple):
    """Where m candidates begin and end as characters, in pixels; possibly outside the image.

    ``left`` and ``right`` have shape (m, n_groups): classes of equal width form one group.
    ``of_class`` (n_classes,) is the group of each class; None means that there is one group for
    all classes, or one for each.
    """

    left: NDArray[np.intp]
    right: NDArray[np.intp]
    of_class: NDArray[np.intp] | None = None


@dataclass(frozen=True)
class Spacing:
    """Log-density of the gaps ``first``, ``first + 1``, ... between characters, in pixels.

    A gap is the distance from the right edge of a character to the left edge of the next one,
    negative if they overlap.
    """

    first: int
    log_density: NDArray[np.float64]

    @property
    def gaps(self) -> NDArray[np.intp]:
        """The gaps, in ascending order."""
        return self.first + np.arange(len(self.log_density))


@dataclass(frozen=True)
class Strings:
    """A string of each of n captchas, usually the best one.

    ``scores`` (n,) are ``-inf`` and ``lengths`` (n,) 0 if no string is allowed. ``classes``
    (n, longest) are the classes of the characters, -1 after the last. ``length_scores``
    (n, longest) are the scores of the best strings of 1, 2, ... characters.
    """

    scores: NDArray[np.float64]
    lengths: NDArray[np.intp]
    classes: NDArray[np.intp]
    length_scores: NDArray[np.float64]


@dataclass(frozen=True)
class Paths(Strings):
    """The best path of each of n captchas.

    ``segments`` (n, longest) are the candidates of the characters, -1 after the last.
    """

    segments: NDArray[np.intp]


class _Column(NamedTuple):
    """Viterbi scores at one character position, (m, n_groups).

    ``before`` is the best score of everything before the character; ``best`` adds the best class
    of each group. In direction -1, "before" is what follows. ``mask`` is the result of
    `Lattice._class_mask`, and ``edge`` that of `Lattice._edge_scores` of the position before.
    """

    mask: NDArray[np.bool_] | None
    edge: NDArray[np.float64]
    before: NDArray[np.float64]
    best: NDArray[np.float64]


class _Ends(NamedTuple):
    """The spans that end at each pixel of the axis, by their width.

    ``order`` (m * n_groups,) sorts the spans, each ``group * m + candidate``, by width and end.
    ``first`` and ``stop`` (n_ends,) delimit the spans of equal width and end in ``order``;
    ``cell`` (n_ends,) is the flat index of that width and pixel. ``number`` (n_widths, n_pixels)
    maps them back, with -1 where no span ends.
    """

    order: NDArray[np.intp]
    first: NDArray[np.intp]
    stop: NDArray[np.intp]
    cell: NDArray[np.intp]
    number: NDArray[np.intp]


class Lattice:
    """Candidates of a batch of captchas with their emission scores.

    A path chooses candidates from left to right, with increasing centers, and a class for each.
    Its score is the sum of the emission scores and of the log-densities of the gaps. All captchas
    lie on one axis, too far apart to interact, so each step of the dynamic program is a few array
    operations for the whole batch. Among classes of equal width only the best can be on the best
    path.

    ``scores`` (m, n_classes) are the emission scores; ``-inf`` forbids. The candidates of captcha
    i are ``scores[offsets[i]:offsets[i + 1]]``.
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
        # The forward pass of the last call: best paths and max-marginals need the same one.
        self._last: tuple[Any, dict[int, _Column]] = (None, {})
        left, right, of_class = spans
        if of_class is None:
            of_class = np.arange(scores.shape[1]) % left.shape[1]
        self._of_class = of_class
        self._order = np.argsort(of_class, kind="stable")
        self._first_of_group = np.searchsorted(of_class[self._order], np.arange(left.shape[1]))
        counts = np.diff(offsets)
        self._captcha = np.repeat(np.arange(len(counts)), counts)
        self._nonempty = np.flatnonzero(counts)
        self._starts = offsets[:-1][self._nonempty]
        reach = max(abs(spacing.first), abs(spacing.first + len(spacing.log_density) - 1)) + 1
        low = np.zeros(len(counts), dtype=np.intp)
        high = np.zeros(len(counts), dtype=np.intp)
        ends = np.minimum(left, right).min(axis=1), np.maximum(left, right).max(axis=1)
        low[self._nonempty] = np.minimum.reduceat(ends[0], self._starts)
        high[self._nonempty] = np.maximum.reduceat(ends[1], self._starts)
        axis_starts = np.concatenate([[0], np.cumsum(high - low + 1 + 2 * reach)])
        self._n_pixels = int(axis_starts[-1])
        shift = (axis_starts[:-1] + reach - low)[self._captcha, None]
        # In each direction, the edge of a span where it begins, and the one where it ends.
        self._begin = {1: left + shift, -1: right + shift}
        self._end = {1: self._begin[-1], -1: self._begin[1]}
        self._ends: dict[int, _Ends] = {}
        width = right - left
        # If every span is wider than the largest possible overlap, centers are always in order,
        # and all spans can be treated as equally wide.
        least = width.min(initial=abs(spacing.first) + 1)
        self._widths, self._width_index = np.array([least]), np.zeros_like(width)
        if spacing.first <= -least:
            self._widths, index = np.unique(width, return_inverse=True)
            self._width_index = index.reshape(width.shape)

    def viterbi(self, length_scores: NDArray[np.float64], allowed: NDArray[np.bool_]) -> Paths:
        """Find the best path of each captcha.

        ``length_scores`` (longest,) or (n, longest) are added to paths of 1, 2, ... characters;
        ``-inf`` forbids. ``allowed`` (longest, n_classes) or (n, longest, n_classes) are the
        classes allowed at each position.
        """
        n, longest = len(self.offsets) - 1, length_scores.shape[-1]
        columns = self._forward(allowed)
        tops = [self._best_of_captcha(column.best) for column in columns.values()]
        totals = np.stack(tops, axis=1) + length_scores
        last = totals.argmax(axis=1)
        scores = totals[np.arange(n), last]
        lengths = np.where(np.isfinite(scores), last + 1, 0)
        # Candidates and classes.
        states = np.full((2, n, longest), -1, dtype=np.intp)
        for position in range(longest - 1, -1, -1):
            ending = np.flatnonzero(lengths == position + 1)
            if len(ending):
                states[:, ending, position] = self._last_states(columns[position], ending)
            continuing = np.flatnonzero(lengths > position + 1)
            if len(continuing):
                states[:, continuing, position] = self._states_before(
                    columns, position, states[:, continuing, position + 1], 1
                )
        return Paths(scores, lengths, states[1], totals, states[0])

    def max_emissions(self) -> NDArray[np.float64]:
        """Return the greatest emission score of each captcha, (n,); ``-inf`` if it is empty."""
        return self._best_of_captcha(self._group_scores)

    def max_marginals(
        self, paths: Strings, length_scores: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], StringsThrough]:
        """Score the best path with each class at each position.

        ``paths`` is the result of `viterbi` for the same arguments; only paths as long as the best
        path of their captcha count. Returns scores (n, longest, n_classes), and a function that
        takes k captchas, positions and classes and returns the classes (k, longest) of the best
        paths through them, -1 after the last character.
        """
        n, n_classes = len(self.offsets) - 1, self.scores.shape[1]
        longest = length_scores.shape[-1]
        length_scores = np.broadcast_to(length_scores, (n, longest))
        scores = np.full((n, longest, n_classes), -np.inf)
        forward = self._forward(allowed)
        backward = {}
        for length in np.unique(paths.lengths[paths.lengths > 0]).tolist():
            own = np.flatnonzero(paths.lengths[self._nonempty] == length)
            of_length = length_scores[self._nonempty[own], length - 1, None]
            backward[length] = self._columns(allowed, range(length - 1, -1, -1), -1)
            for position in range(length):
                mask = forward[position].mask
                through = self.scores + forward[position].before[:, self._of_class]
                through += backward[length][position].before[:, self._of_class]
                if mask is not None:
                    through = np.where(mask, through, -np.inf)
                of_captcha = np.maximum.reduceat(through, self._starts, axis=0)[own]
                scores[self._nonempty[own], position] = of_captcha + of_length

        def strings(
            captchas: NDArray[np.intp], positions: NDArray[np.intp], classes: NDArray[np.intp]
        ) -> NDArray[np.intp]:
            # Candidates and classes.
            found = np.full((2, len(captchas), longest), -1, dtype=np.intp)
            for length, after in backward.items():
                own = paths.lengths[captchas] == length
                for position in range(length):
                    some = np.flatnonzero(own & (positions == position))
                    if len(some):
                        around = forward[position].before, after[position].before
                        segment = self._best_candidates(captchas[some], classes[some], *around)
                        found[:, some, position] = segment, classes[some]
                    some = np.flatnonzero(own & (positions < position))
                    if len(some):
                        found[:, some, position] = self._states_before(
                            after, position, found[:, some, position - 1], -1
                        )
            for position in range(longest - 2, -1, -1):
                some = np.flatnonzero(positions > position)
                if len(some):
                    found[:, some, position] = self._states_before(
                        forward, position, found[:, some, position + 1], 1
                    )
            return found[1]

        return scores, strings

    def _forward(self, allowed: NDArray[np.bool_]) -> dict[int, _Column]:
        if self._last[0] is not allowed:
            self._last = allowed, self._columns(allowed, range(allowed.shape[-2]), 1)
        return self._last[1]

    def _columns(
        self, allowed: NDArray[np.bool_], positions: range, direction: int
    ) -> dict[int, _Column]:
        """Run the forward pass (direction 1) or the backward pass (-1) over some positions."""
        columns: dict[int, _Column] = {}
        edge, before = np.empty((0, 0)), np.zeros(self._width_index.shape)
        for position in positions:
            if columns:
                edge = self._edge_scores(columns[position - direction].best, direction)
                before = self._transition(edge, direction)
            mask = self._class_mask(allowed, position)
            best = self._allowed_scores(mask) + before
            columns[position] = _Column(mask, edge, before, best)
        return columns

    def _class_mask(self, allowed: NDArray[np.bool_], position: int) -> NDArray[np.bool_] | None:
        """Return the classes allowed at a position, (1 or m, n_classes); None for all."""
        mask = allowed[..., position, :]
        if mask.all():
            return None
        return mask[None] if mask.ndim == 1 else mask[self._captcha]

    def _allowed_scores(self, mask: NDArray[np.bool_] | None) -> NDArray[np.float64]:
        """Return the best score of each group among the classes of a mask."""
        if mask is None:
            return self._group_scores
        return self._best_of_groups(np.where(mask, self.scores, -np.inf))

    @cached_property
    def _spans_of_width(self) -> list[tuple[NDArray[np.intp], ...]]:
        """Candidates and groups of the spans of each width."""
        return [np.nonzero(self._width_index == k) for k in range(len(self._widths))]

    @cached_property
    def _group_scores(self) -> NDArray[np.float64]:
        return self._best_of_groups(self.scores)

    def _best_of_groups(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        best: NDArray[np.float64] = np.maximum.reduceat(
            scores[:, self._order], self._first_of_group, axis=1
        )
        return best

    def _best_of_captcha(self, states: NDArray[np.float64]) -> NDArray[np.float64]:
        best = np.full(len(self.offsets) - 1, -np.inf)
        best[self._nonempty] = np.maximum.reduceat(states.max(axis=1), self._starts)
        return best

    def _transition(self, edge: NDArray[np.float64], direction: int) -> NDArray[np.float64]:
        """Return the best score over all gaps that lead to each span, with centers in order.

        Two centers are in order if the gap is greater than minus the mean of both widths. For most
        gaps that holds for all widths or for none.
        """
        widths, gaps, targets = self._widths, self.spacing.gaps, self._begin[direction]
        reached = np.full(self._n_pixels, -np.inf)
        candidate = np.empty_like(reached)
        n_overlapping = int(np.searchsorted(gaps, -widths[0], side="right"))
        for gap, log_density in zip(
            gaps[n_overlapping:].tolist(),
            self.spacing.log_density[n_overlapping:].tolist(),
            strict=True,
        ):
            to = slice(max(direction * gap, 0), len(reached) + min(direction * gap, 0))
            by = slice(max(-direction * gap, 0), len(reached) - max(direction * gap, 0))
            np.add(edge[0, by], log_density, out=candidate[to])
            np.maximum(reached[to], candidate[to], out=reached[to])
        result = reached[targets]
        if n_overlapping:
            for width, spans in zip(widths, self._spans_of_width, strict=True):
                least = np.searchsorted(widths, -2 * gaps[:n_overlapping] - width, side="right")
                first = int(np.searchsorted(-least, -len(widths), side="right"))
                some = slice(first, n_overlapping)
                by_gap = edge[least[some], targets[spans][:, None] - direction * gaps[some]]
                by_gap += self.spacing.log_density[some]
                result[spans] = np.maximum(result[spans], by_gap.max(axis=1, initial=-np.inf))
        return result

    def _edge_scores(self, states: NDArray[np.float64], direction: int) -> NDArray[np.float64]:
        """Return the best state that ends at each pixel, of each width or more."""
        ends = self._ends_in(direction)
        edge = np.full((len(self._widths), self._n_pixels), -np.inf)
        edge.ravel()[ends.cell] = np.maximum.reduceat(states.T.ravel()[ends.order], ends.first)
        for k in range(len(edge) - 1, 0, -1):
            np.maximum(edge[k - 1], edge[k], out=edge[k - 1])
        return edge

    def _ends_in(self, direction: int) -> _Ends:
        if direction not in self._ends:
            # Each group ascends, or nearly so, which makes sorting faster.
            cells = (self._width_index * self._n_pixels + self._end[direction]).T.ravel()
            order = np.argsort(cells, kind="stable")
            first = np.flatnonzero(np.diff(cells[order], prepend=-1))
            number = np.full((len(self._widths), self._n_pixels), -1)
            cell = cells[order[first]]
            number.ravel()[cell] = np.arange(len(first))
            stop = np.append(first[1:], len(order))
            self._ends[direction] = _Ends(order, first, stop, cell, number)
        return self._ends[direction]

    def _states_before(
        self,
        columns: dict[int, _Column],
        position: int,
        states: NDArray[np.intp],
        direction: int,
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the best candidates at a position before the given ones, and their classes.

        ``states`` (2, k) are candidates and classes at the position after it. Of equally good
        states, those with the smallest gap are chosen, then the first.
        """
        segment, kind = states
        group = self._of_class[kind]
        begin = self._begin[direction][segment, group]
        width = direction * (self._end[direction][segment, group] - begin)[:, None]
        # Where a state before ends, and the index of its least width.
        gaps, edge = self.spacing.gaps, columns[position + direction].edge
        least = np.searchsorted(self._widths, -2 * gaps - width, side="right")
        pixels = begin[:, None] - direction * gaps
        values = edge[np.minimum(least, len(edge) - 1), pixels]
        values[least == len(edge)] = -np.inf
        chosen = np.arange(len(segment)), (values + self.spacing.log_density).argmax(axis=1)
        at, least, value = pixels[chosen], least[chosen], values[chosen]
        # The first candidate with this score.
        column, ends, m = columns[position], self._ends_in(direction), len(self.scores)
        index = ends.number[:, at]
        which = np.nonzero((index >= 0) & (np.arange(len(edge))[:, None] >= least))
        first, stop, own = ends.first[index[which]], ends.stop[index[which]], which[1]
        found = np.full(len(at), m)
        # Usually one span, or one of each group, ends at a pixel.
        for step in range(int((stop - first).max(initial=0))):
            more = first + step < stop
            group, row = np.divmod(ends.order[first[more] + step], m)
            equal = column.best[row, group] == value[own[more]]
            np.minimum.at(found, own[more][equal], row[equal])
        meets = self._end[direction][found] == at[:, None]
        meets &= self._width_index[found] >= least[:, None]
        return found, self._first_classes(found, column, value, meets)

    def _last_states(
        self, column: _Column, captchas: NDArray[np.intp]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the first of the best candidates of each captcha, and its first class."""
        rows, exists = self._rows_of(captchas)
        best = np.where(exists, column.best[rows].max(axis=2), -np.inf)
        chosen = np.arange(len(rows)), best.argmax(axis=1)
        return rows[chosen], self._first_classes(rows[chosen], column, best[chosen], True)

    def _best_candidates(
        self,
        captchas: NDArray[np.intp],
        classes: NDArray[np.intp],
        before: NDArray[np.float64],
        after: NDArray[np.float64],
    ) -> NDArray[np.intp]:
        """Return the candidate of each captcha on the best path through a class."""
        rows, exists = self._rows_of(captchas)
        kind, group = classes[:, None], self._of_class[classes][:, None]
        total = self.scores[rows, kind] + before[rows, group]
        total += after[rows, group]
        total[~exists] = -np.inf
        best: NDArray[np.intp] = rows[np.arange(len(rows)), total.argmax(axis=1)]
        return best

    def _rows_of(self, captchas: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the candidates of captchas, padded to a table, and which cells are not padding."""
        begin, stop = self.offsets[captchas, None], self.offsets[captchas + 1, None]
        rows = begin + np.arange((stop - begin).max())
        return np.minimum(rows, len(self.scores) - 1), rows < stop

    def _first_classes(
        self,
        rows: NDArray[np.intp],
        column: _Column,
        value: NDArray[np.float64],
        meets: NDArray[np.bool_] | bool,
    ) -> NDArray[np.intp]:
        """Return the first class of each candidate that has a score, among groups that meet it."""
        same = (column.best[rows] == value[:, None]) & meets
        states = self.scores[rows] + column.before[rows][:, self._of_class]
        equal = (states == value[:, None]) & same[:, self._of_class]
        if column.mask is not None:
            equal &= np.broadcast_to(column.mask, self.scores.shape)[rows]
        return equal.argmax(axis=1)


def batches(X: Segments) -> Iterator[tuple[slice, Segments]]:
    """Yield batches of captchas for one lattice each, with their places among all captchas."""
    for begin in range(0, len(X), _BATCH_SIZE):
        part = slice(begin, min(begin + _BATCH_SIZE, len(X)))
        yield part, X[part]
