"""Lattice of candidates: exact Viterbi search for the best strings, in batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BATCH_SIZE = 64
"""Number of captchas in one lattice: larger batches are not faster."""

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


@dataclass(frozen=True)
class Paths:
    """The best path of each of n captchas.

    ``scores`` (n,) are ``-inf`` and ``lengths`` (n,) 0 if no path is allowed. ``segments`` and
    ``classes`` (n, longest) are the candidate and the class of each character, -1 after the last.
    ``length_scores`` (n, longest) are the scores of the best paths of 1, 2, ... characters.
    """

    scores: NDArray[np.float64]
    lengths: NDArray[np.intp]
    segments: NDArray[np.intp]
    classes: NDArray[np.intp]
    length_scores: NDArray[np.float64]


class _Column(NamedTuple):
    """Viterbi scores at one character position, (m, n_groups).

    ``before`` is the best score of everything before the character; ``best`` adds the best class
    of each group. In the backward direction "before" is what follows.
    """

    before: NDArray[np.float64]
    best: NDArray[np.float64]


class _Backward(NamedTuple):
    """Backward columns of paths of one length, and the result of `Lattice._edge_scores` of each."""

    columns: dict[int, _Column]
    edges: dict[int, NDArray[np.float64]]


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
        self._last: tuple[Any, list[_Column], list[NDArray[np.float64]]] | None = None
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
        self._nonempty = np.flatnonzero(counts)
        self._starts = offsets[:-1][self._nonempty]
        reach = max(abs(spacing.first), abs(spacing.first + len(spacing.log_density) - 1)) + 1
        low = np.zeros(len(counts), dtype=np.intp)
        high = np.zeros(len(counts), dtype=np.intp)
        if len(self._nonempty):
            ends = np.minimum(left, right).min(axis=1), np.maximum(left, right).max(axis=1)
            low[self._nonempty] = np.minimum.reduceat(ends[0], self._starts)
            high[self._nonempty] = np.maximum.reduceat(ends[1], self._starts)
        axis_starts = np.concatenate([[0], np.cumsum(high - low + 1 + 2 * reach)])
        self._n_pixels = int(axis_starts[-1])
        shift = (axis_starts[:-1] + reach - low)[self._captcha, None]
        self._left, self._right = left + shift, right + shift
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
        columns, edges = self._forward(allowed)
        tops = [self._best_of_captcha(column.best) for column in columns]
        totals = np.stack(tops, axis=1) + length_scores
        last = totals.argmax(axis=1)
        scores = totals[np.arange(n), last]
        lengths = np.where(np.isfinite(scores), last + 1, 0)
        segments = np.full((n, longest), -1, dtype=np.intp)
        classes = np.full((n, longest), -1, dtype=np.intp)
        for position in range(longest - 1, -1, -1):
            mask = self._class_mask(allowed, position)
            ending = np.flatnonzero(lengths == position + 1)
            continuing = np.flatnonzero(lengths > position + 1)
            if len(ending):
                segments[ending, position], classes[ending, position] = self._last_state(
                    columns[position], mask, ending, tops[position][ending]
                )
            if len(continuing):
                state = segments[continuing, position + 1], classes[continuing, position + 1]
                origin = self._backpointer(edges[position], *state, 1)
                segments[continuing, position], classes[continuing, position] = self._state_at(
                    origin, 1, columns[position], mask
                )
        return Paths(scores, lengths, segments, classes, totals)

    def max_emissions(self) -> NDArray[np.float64]:
        """Return the greatest emission score of each captcha, (n,); ``-inf`` if it is empty."""
        return self._best_of_captcha(self._group_scores)

    def max_marginals(
        self, paths: Paths, length_scores: NDArray[np.float64], allowed: NDArray[np.bool_]
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
        columns, edges = self._forward(allowed)
        backward: dict[int, _Backward] = {}
        for length in np.unique(paths.lengths[paths.lengths > 0]).tolist():
            own = np.flatnonzero(paths.lengths[self._nonempty] == length)
            of_length = length_scores[self._nonempty[own], length - 1, None]
            after = np.zeros_like(self._left, dtype=np.float64)
            backward[length] = _Backward({}, {})
            for position in range(length - 1, -1, -1):
                if position < length - 1:
                    after = self._transition(backward[length].edges[position + 1], self._right, -1)
                best = self._allowed_scores(allowed, position) + after
                backward[length].columns[position] = _Column(after, best)
                if position:
                    backward[length].edges[position] = self._edge_scores(best, -1)
                through = self.scores + columns[position].before[:, self._of_class]
                through += after[:, self._of_class]
                mask = self._class_mask(allowed, position)
                if mask is not None:
                    through[~np.broadcast_to(mask, through.shape)] = -np.inf
                of_captcha = np.maximum.reduceat(through, self._starts, axis=0)[own]
                scores[self._nonempty[own], position] = of_captcha + of_length

        def strings(
            captchas: NDArray[np.intp], positions: NDArray[np.intp], classes: NDArray[np.intp]
        ) -> NDArray[np.intp]:
            # Candidates and classes.
            found = np.full((2, len(captchas), longest), -1, dtype=np.intp)
            for length, (after_columns, after_edges) in backward.items():
                own = paths.lengths[captchas] == length
                for position in range(length):
                    some = np.flatnonzero(own & (positions == position))
                    if len(some):
                        around = columns[position].before, after_columns[position].before
                        segment = self._best_candidate(captchas[some], classes[some], *around)
                        found[:, some, position] = segment, classes[some]
                    some = np.flatnonzero(own & (positions < position))
                    if len(some):
                        segment, kind = found[:, some, position - 1]
                        origin = self._backpointer(after_edges[position], segment, kind, -1)
                        mask = self._class_mask(allowed, position)
                        found[:, some, position] = self._state_at(
                            origin, -1, after_columns[position], mask
                        )
            for position in range(longest - 2, -1, -1):
                some = np.flatnonzero(positions > position)
                if len(some):
                    segment, kind = found[:, some, position + 1]
                    origin = self._backpointer(edges[position], segment, kind, 1)
                    mask = self._class_mask(allowed, position)
                    found[:, some, position] = self._state_at(origin, 1, columns[position], mask)
            return found[1]

        return scores, strings

    def _forward(
        self, allowed: NDArray[np.bool_]
    ) -> tuple[list[_Column], list[NDArray[np.float64]]]:
        """Run the forward pass: a column for each position, and `_edge_scores` of all but one."""
        if self._last is not None and self._last[0] is allowed:
            return self._last[1:]
        columns = [_Column(np.zeros(self._left.shape), self._allowed_scores(allowed, 0))]
        edges = []
        for position in range(1, allowed.shape[-2]):
            edges.append(self._edge_scores(columns[-1].best, 1))
            before = self._transition(edges[-1], self._left, 1)
            columns.append(_Column(before, self._allowed_scores(allowed, position) + before))
        self._last = allowed, columns, edges
        return columns, edges

    def _class_mask(self, allowed: NDArray[np.bool_], position: int) -> NDArray[np.bool_] | None:
        """Return the classes allowed at a position, (1 or m, n_classes); None for all."""
        mask = allowed[..., position, :]
        if mask.all():
            return None
        return mask[None] if mask.ndim == 1 else mask[self._captcha]

    def _allowed_scores(self, allowed: NDArray[np.bool_], position: int) -> NDArray[np.float64]:
        """Return the best score of each group among the classes allowed at a position."""
        mask = self._class_mask(allowed, position)
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
        if len(self._nonempty):
            best[self._nonempty] = np.maximum.reduceat(states.max(axis=1), self._starts)
        return best

    def _transition(
        self, edge: NDArray[np.float64], targets: NDArray[np.intp], direction: int
    ) -> NDArray[np.float64]:
        """Return the best score over all gaps that lead to each target, with centers in order.

        Two centers are in order if the gap is greater than minus the mean of both widths. For most
        gaps that holds for all widths or for none.
        """
        widths = self._widths
        reached = np.full(self._n_pixels, -np.inf)
        candidate = np.empty_like(reached)
        gaps = self.spacing.first + np.arange(len(self.spacing.log_density))
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
        ends = self._ends[direction]
        edge = np.full((len(self._widths), self._n_pixels), -np.inf)
        if len(ends.first):
            best = np.maximum.reduceat(states.T.ravel()[ends.order], ends.first)
            edge.ravel()[ends.cell] = best
        for k in range(len(edge) - 1, 0, -1):
            np.maximum(edge[k - 1], edge[k], out=edge[k - 1])
        return edge

    @cached_property
    def _ends(self) -> dict[int, _Ends]:
        """The ends of all spans: right edges in direction 1, left edges in direction -1."""
        return {1: self._ends_at(self._right), -1: self._ends_at(self._left)}

    def _ends_at(self, pixels: NDArray[np.intp]) -> _Ends:
        # Each group ascends, or nearly so, which makes sorting faster.
        cells = (self._width_index * self._n_pixels + pixels).T.ravel()
        order = np.argsort(cells, kind="stable")
        first = np.flatnonzero(np.diff(cells[order], prepend=-1))
        number = np.full((len(self._widths), self._n_pixels), -1)
        cell = cells[order[first]]
        number.ravel()[cell] = np.arange(len(first))
        return _Ends(order, first, np.append(first[1:], len(order)), cell, number)

    def _backpointer(
        self,
        edge: NDArray[np.float64],
        segment: NDArray[np.intp],
        kind: NDArray[np.intp],
        direction: int,
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
        """Return where the best predecessors of states end (direction 1), or successors begin.

        Three arrays: the pixels, the indices of their least widths, and their scores.
        """
        group = self._of_class[kind]
        left, right = self._left[segment, group], self._right[segment, group]
        gaps = self.spacing.first + np.arange(len(self.spacing.log_density))
        width = (right - left)[:, None]
        least = np.searchsorted(self._widths, -2 * gaps - width, side="right")
        pixels = (left if direction == 1 else right)[:, None] - direction * gaps
        values = edge[np.minimum(least, len(edge) - 1), pixels]
        values[least == len(edge)] = -np.inf
        chosen = np.arange(len(segment)), (values + self.spacing.log_density).argmax(axis=1)
        return pixels[chosen], least[chosen], values[chosen]

    def _state_at(
        self,
        origin: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]],
        direction: int,
        column: _Column,
        mask: NDArray[np.bool_] | None,
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the first candidate, and its class, that `_backpointer` may mean."""
        at, least, value = origin
        ends, m = self._ends[direction], len(self.scores)
        width = np.arange(len(self._widths))[:, None]
        index = ends.number[width, at]
        which = np.nonzero((index >= 0) & (width >= least))
        first, stop, own = ends.first[index[which]], ends.stop[index[which]], which[1]
        found = np.full(len(at), m)
        # Usually one span, or one of each group, ends at a pixel.
        for step in range(int((stop - first).max(initial=0))):
            more = first + step < stop
            group, row = np.divmod(ends.order[first[more] + step], m)
            equal = column.best[row, group] == value[own[more]]
            np.minimum.at(found, own[more][equal], row[equal])
        pixels = self._right if direction == 1 else self._left
        meets = (pixels[found] == at[:, None]) & (self._width_index[found] >= least[:, None])
        return found, self._first_class(found, column, mask, value, meets)

    def _last_state(
        self,
        column: _Column,
        mask: NDArray[np.bool_] | None,
        captchas: NDArray[np.intp],
        value: NDArray[np.float64],
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the first candidate of each captcha, and its class, that has a score."""
        rows, exists = self._rows_of(captchas)
        equal = (column.best[rows] == value[:, None, None]).any(axis=2) & exists
        found = rows[np.arange(len(rows)), equal.argmax(axis=1)]
        return found, self._first_class(found, column, mask, value, True)

    def _best_candidate(
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

    def _first_class(
        self,
        rows: NDArray[np.intp],
        column: _Column,
        mask: NDArray[np.bool_] | None,
        value: NDArray[np.float64],
        meets: NDArray[np.bool_] | bool,
    ) -> NDArray[np.intp]:
        """Return the first class of each candidate that has a score, among groups that meet it."""
        same = (column.best[rows] == value[:, None]) & meets
        states = self.scores[rows] + column.before[rows][:, self._of_class]
        equal = (states == value[:, None]) & same[:, self._of_class]
        if mask is not None:
            equal &= mask[0] if len(mask) == 1 else mask[rows]
        return equal.argmax(axis=1)
