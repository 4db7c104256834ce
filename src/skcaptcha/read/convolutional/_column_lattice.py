"""Lattice of columns: exact search for the strings that the outputs of a network spell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from skcaptcha.read.sequence._constraints import exact_length
from skcaptcha.read.sequence._lattice import Strings, StringsThrough


@dataclass(frozen=True)
class ColumnPaths(Strings):
    """The best path of each of n captchas.

    ``first`` and ``last`` (n, longest) are the first and the last column of each character, -1
    after the last character.
    """

    first: NDArray[np.intp]
    last: NDArray[np.intp]


class ColumnLattice:
    """Columns of a batch of captchas with scores of their labels.

    A path chooses a label for each column: one of K classes, or the blank, which is label K. It
    spells a string: a run of one class is one character, and a blank separates equal characters.
    Its score is the sum of the scores of its labels.

    ``scores`` (n, T, K + 1) are log-probabilities; ``-inf`` forbids. ``n_columns`` (n,) are the
    numbers of columns, at least 1; columns beyond them are padding.

    For all methods, ``length_scores`` (longest,) or (n, longest) are added to paths of 1, 2, ...
    characters; ``-inf`` forbids. ``allowed`` (longest, K) or (n, longest, K) are the classes
    allowed at each position. No string is empty.
    """

    def __init__(self, scores: NDArray[np.floating], n_columns: NDArray[np.intp]) -> None:
        self.n_columns = n_columns
        self._captchas = np.arange(len(scores))
        self._scores = scores.transpose(1, 0, 2).astype(np.float64, order="C")
        # The forward pass of the last call: best paths and max-marginals need the same one.
        self._last: tuple[Any, _Beginnings | None] = (None, None)

    def viterbi(
        self, length_scores: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> ColumnPaths:
        """Find the best path of each captcha."""
        ends = self._captchas, self.n_columns - 1
        beginnings = self._forward(allowed)
        final = beginnings.scores_at(*ends)
        totals = final.max(axis=2)[:, 1:] + length_scores
        best = totals.argmax(axis=1)
        scores = totals[self._captchas, best]
        lengths = np.where(np.isfinite(scores), best + 1, 0)
        labels = final[self._captchas, lengths].argmax(axis=1)
        classes, first, last = beginnings.trace(*ends, lengths, labels)
        return ColumnPaths(scores, lengths, classes, totals, first, last)

    def align(self, targets: NDArray[np.intp]) -> ColumnPaths:
        """Find the best path that spells the target of each captcha.

        ``targets`` (n, longest) are classes, -1 after the last character. The length is 0 if no
        path spells the target.
        """
        n_classes = self._scores.shape[2] - 1
        allowed = (targets[:, :, None] == np.arange(n_classes)) | (targets < 0)[:, :, None]
        lengths = np.count_nonzero(targets >= 0, axis=1)
        return self.viterbi(exact_length(lengths, targets.shape[1]), allowed)

    def max_marginals(
        self, paths: Strings, length_scores: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], StringsThrough]:
        """Score the best path with each class at each position.

        ``paths`` is the result of `viterbi` for the same arguments; only paths as long as the best
        path of their captcha count. Returns scores (n, longest, K), and a function that takes k
        captchas, positions and classes and returns the classes (k, longest) of the best paths
        through them, -1 after the last character.
        """
        n_steps, n, n_outputs = self._scores.shape
        longest, lengths = allowed.shape[-2], paths.lengths
        occurring = int(lengths.max(initial=1))
        # What follows a character is what precedes it in the mirrored captcha.
        mirrored_columns = self.n_columns - 1 - np.arange(n_steps)[:, None]
        mirrored_counts = lengths[:, None] - np.arange(occurring)
        mirrored = allowed[..., :occurring, :]
        if not mirrored.all():
            own = np.broadcast_to(mirrored, (n, occurring, n_outputs - 1))
            mirrored = own[self._captchas[:, None], np.maximum(mirrored_counts - 1, 0)]
        forward = self._forward(allowed)
        backward = _Beginnings(self._scores[mirrored_columns, self._captchas], mirrored)

        best = np.full((n, occurring, n_outputs), -np.inf)
        for t in range(n_steps):
            some = np.flatnonzero(mirrored_columns[t] >= 0)
            through = backward.before[
                mirrored_columns[t, some, None], some[:, None], np.maximum(mirrored_counts[some], 0)
            ]
            through += forward.before[t, some, 1 : occurring + 1]
            through += self._scores[t, some, None]
            best[some] = np.maximum(best[some], through)
        best[mirrored_counts <= 0] = -np.inf
        of_length = np.broadcast_to(length_scores, (n, longest))[self._captchas, lengths - 1]
        scores = np.full((n, longest, n_outputs - 1), -np.inf)
        scores[:, :occurring] = best[:, :, :-1] + of_length[:, None, None]

        def strings(
            captchas: NDArray[np.intp], positions: NDArray[np.intp], classes: NDArray[np.intp]
        ) -> NDArray[np.intp]:
            counts, mirrored_counts = positions + 1, lengths[captchas] - positions
            columns = mirrored_columns[:, captchas]
            through = forward.before[:, captchas, counts, classes]
            through += self._scores[:, captchas, classes]
            through += backward.before[columns, captchas, mirrored_counts, classes]
            through[columns < 0] = -np.inf
            column = through.argmax(axis=0)
            found, *_ = forward.trace(captchas, column, counts, classes)
            column = self.n_columns[captchas] - 1 - column
            after, *_ = backward.trace(captchas, column, mirrored_counts, classes)
            row, place = np.nonzero(after >= 0)
            found[row, lengths[captchas[row]] - 1 - place] = after[row, place]
            return found

        return scores, strings

    def log_total(
        self, length_scores: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the log of the sum of the exponentials of the scores of all paths, (n,)."""
        ends = self.n_columns - 1, self._captchas
        totals = _log_sums(self._scores, allowed)[ends] + length_scores
        summed: NDArray[np.float64] = logsumexp(totals, axis=1)
        return summed

    def _forward(self, allowed: NDArray[np.bool_]) -> _Beginnings:
        if self._last[0] is not allowed or self._last[1] is None:
            self._last = allowed, _Beginnings(self._scores, allowed)
        assert self._last[1] is not None
        return self._last[1]


class _Beginnings:
    """The best beginnings of paths.

    ``scores`` has shape (T, n, K + 1). ``before`` (T, n, longest + 1, K + 1) are the scores of the
    best beginnings with 0, 1, ... characters and each label in the last column, without the score
    of that label.
    """

    def __init__(self, scores: NDArray[np.float64], allowed: NDArray[np.bool_]) -> None:
        n_steps, n, n_outputs = scores.shape
        longest = allowed.shape[-2]
        self._scores = scores
        self.before = np.full((n_steps, n, longest + 1, n_outputs), -np.inf)
        self.before[0, :, 0, -1] = 0.0
        self.before[0, :, 1, :-1] = np.where(allowed[..., 0, :], 0.0, -np.inf)
        forbidden = None if allowed.all() else ~allowed
        captcha, counts = np.arange(n)[:, None], np.arange(longest + 1)
        for t in range(1, n_steps):
            # Columns up to t cannot hold more characters.
            count = counts[: t + 2]
            before = self.before[t, :, : t + 2]
            until = self.before[t - 1, :, : t + 2] + scores[t - 1, :, None]
            label = until.argmax(axis=2)
            best = until[captcha, count, label]
            until[captcha, count, label] = -np.inf
            second = until.max(axis=2)
            until[captcha, count, label] = best
            # A character begins after any other label, or continues.
            chosen = captcha, count[1:], label[:, :-1]
            same = until[chosen]
            np.maximum(until[:, 1:], best[:, :-1, None], out=before[:, 1:])
            before[chosen] = np.maximum(same, second[:, :-1])
            if forbidden is not None:
                np.copyto(before[:, 1:, :-1], -np.inf, where=forbidden[..., : t + 1, :])
            before[:, :, -1] = best

    def scores_at(
        self, captchas: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return the scores (k, longest + 1, K + 1) up to a column of each of k captchas."""
        return self.before[columns, captchas] + self._scores[columns, captchas, None]

    def trace(
        self,
        captchas: NDArray[np.intp],
        columns: NDArray[np.intp],
        counts: NDArray[np.intp],
        labels: NDArray[np.intp],
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Follow the best beginnings up to given states from right to left.

        The states are k captchas, columns, numbers of characters and labels. Returns the class,
        the first and the last column of each character, (k, longest), -1 after the last.
        """
        blank = self._scores.shape[2] - 1
        shape = len(captchas), self.before.shape[2] - 1
        classes, first, last = (np.full(shape, -1) for _ in range(3))
        counts, labels = counts.copy(), labels.copy()
        for t in range(int(columns.max(initial=-1)), -1, -1):
            own = np.flatnonzero((columns >= t) & (counts > 0))
            count, label = counts[own], labels[own]
            shows = label < blank
            character = own[shows], count[shows] - 1
            classes[character] = label[shows]
            first[character] = t
            last[character] = np.maximum(last[character], t)
            if t == 0:
                break
            # States of the column before: after a blank, any with as many characters.
            row = np.arange(len(own))
            until = self.before[t - 1, captchas[own], count - shows]
            until += self._scores[t - 1, captchas[own]]
            until[row[shows], label[shows]] = -np.inf
            source = until.argmax(axis=1)
            stays = self.before[t - 1, captchas[own], count, label]
            stays += self._scores[t - 1, captchas[own], label]
            stays = shows & (stays >= until[row, source])
            counts[own] = count - (shows & ~stays)
            labels[own] = np.where(stays, label, source)
        return classes, first, last


def spell(logits: NDArray[np.floating]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the classes (length,) that the best labels of columns (T, K + 1) spell.

    The second array holds the columns that they are centered at.
    """
    labels = logits.argmax(axis=1)
    first = np.flatnonzero(np.diff(labels, prepend=-1))
    last = np.append(first[1:], len(labels)) - 1
    is_character = labels[first] < logits.shape[1] - 1
    return labels[first][is_character], ((first + last) / 2)[is_character]


def _log_sums(scores: NDArray[np.float64], allowed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return log-sums over the beginnings of paths with 1, 2, ... characters.

    ``scores`` has shape (T, n, K + 1), and the log-sums up to each column (T, n, longest).
    """
    n_steps, n, n_outputs = scores.shape
    longest = allowed.shape[-2]
    captcha, count = np.arange(n)[:, None], np.arange(longest + 1)
    # For each number of characters, sums for each label of the last column, in units of their
    # total. Its log is ``scale``.
    states = np.zeros((n, longest + 1, n_outputs))
    scale = np.full((n, longest + 1), -np.inf)
    states[:, 0, -1], states[:, 1, :-1] = 1.0, allowed[..., 0, :]
    scale[:, :2] = 0.0
    log_sums = np.empty((n_steps, n, longest))
    emissions = np.exp(scores)[:, :, None]
    for t in range(n_steps):
        states *= emissions[t]
        # Subtraction of the greatest from the total would lose the others.
        chosen = captcha, count, states[:, :, :-1].argmax(axis=2)
        greatest = states[chosen]
        states[chosen] = 0.0
        others = states.sum(axis=2)
        states[chosen] = greatest
        total = others + greatest
        exists = total > 0
        scale[~exists] = -np.inf
        total[~exists] = 1.0
        scale += np.log(total)
        log_sums[t] = scale[:, 1:]
        states /= total[:, :, None]
        others /= total
        # A character begins after any other label, or continues.
        entering = 1.0 - states[:, :-1, :-1]
        entering[captcha, count[:-1], chosen[2][:, :-1]] = others[:, :-1]
        common = scale.copy()
        np.maximum(scale[:, 1:], scale[:, :-1], out=common[:, 1:])
        reached = np.where(np.isfinite(common), common, 0.0)
        stay = np.exp(scale - reached)
        states *= stay[:, :, None]
        entering *= np.exp(scale[:, :-1] - reached[:, 1:])[:, :, None]
        states[:, 1:, :-1] += entering
        states[:, 1:, :-1] *= allowed
        states[:, :, -1] = stay
        scale = common
    return log_sums
