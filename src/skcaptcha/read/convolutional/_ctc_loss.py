"""Connectionist temporal classification (CTC): the loss of labels without positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ctc_loss(
    log_probabilities: NDArray[np.floating],
    targets: NDArray[np.intp],
    n_columns: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.floating]]:
    """Return the negative log-likelihoods of labels, and the gradient of their sum.

    The likelihood of a label is the sum over all its alignments: every column shows one of its
    characters or the blank, and a blank separates equal neighbors [1]_.

    Parameters
    ----------
    log_probabilities : ndarray of shape (n, T, K + 1)
        Log-softmax of the logits of K classes and, last, the blank.
    targets : ndarray of shape (n, L)
        Classes of the labels, -1 after the last character.
    n_columns : ndarray of shape (n,)
        Numbers of columns, at least 1. Columns beyond them are padding.

    Returns
    -------
    losses : ndarray of shape (n,)
        Infinite if there are too few columns for the label.
    gradient : ndarray of shape (n, T, K + 1)
        Gradient with respect to the logits, of the same type as ``log_probabilities``. 0 in padding
        and for infinite losses.

    References
    ----------
    .. [1] A. Graves, S. Fernandez, F. Gomez and J. Schmidhuber, "Connectionist temporal
       classification: labelling unsegmented sequence data with recurrent neural networks",
       ICML 2006.
    """
    n, n_steps, n_outputs = log_probabilities.shape
    lengths = _lengths(targets)
    # Sums from the right are sums from the left of the mirrored captcha: both run side by side.
    columns = np.arange(n_steps)[:, None]
    mirrored_columns = np.maximum(n_columns - 1 - columns, 0)
    mirrored_places = np.maximum(lengths[:, None] - 1 - np.arange(targets.shape[1]), 0)
    alignments = _Alignments(
        log_probabilities,
        np.concatenate([targets, np.take_along_axis(targets, mirrored_places, 1)]),
        np.concatenate([np.broadcast_to(columns, (n_steps, n)), mirrored_columns], axis=1),
    )
    totals = alignments.totals(lengths, n_columns)
    possible = np.isfinite(totals)
    counts = (columns < n_columns) & possible
    from_right = (mirrored_columns[:, :, None], n + np.arange(n)[:, None], mirrored_places)
    occupancy = alignments.before[:, :n] + alignments.characters[:, :n]
    occupancy += alignments.before[from_right]
    occupancy -= np.where(possible, totals, 0.0)[:, None]
    occupancy[~(counts[:, :, None] & (targets >= 0))] = -np.inf
    occupancy = np.exp(occupancy).transpose(1, 0, 2)

    gradient = np.exp(log_probabilities)
    gradient -= occupancy @ (targets[:, :, None] == np.arange(n_outputs))
    gradient[:, :, -1] -= 1.0 - occupancy.sum(axis=2)
    gradient[~counts.T] = 0.0
    return -totals, gradient


def log_likelihoods(
    log_probabilities: NDArray[np.floating],
    targets: NDArray[np.intp],
    n_columns: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Return the log-likelihoods (n,) of labels, for the same arguments as `ctc_loss`."""
    n, n_steps, _ = log_probabilities.shape
    columns = np.broadcast_to(np.arange(n_steps)[:, None], (n_steps, n))
    return _Alignments(log_probabilities, targets, columns).totals(_lengths(targets), n_columns)


def _lengths(targets: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.count_nonzero(targets >= 0, axis=1)


class _Alignments:
    """Log-sums over the beginnings of all alignments of m labels.

    ``log_probabilities`` has shape (n, T, K + 1) and ``targets`` (m, L), where m is a multiple of
    n. ``columns`` (T, m) is the order in which the columns are read.

    ``characters`` (T, m, L) are log-probabilities of the characters; ``before`` (T, m, L) are
    log-sums over the beginnings that arrive at a character, without its own log-probability.
    """

    def __init__(
        self,
        log_probabilities: NDArray[np.floating],
        targets: NDArray[np.intp],
        columns: NDArray[np.intp],
    ) -> None:
        n, n_steps, n_outputs = log_probabilities.shape
        m, n_characters = targets.shape
        flat = log_probabilities.ravel()
        first = ((np.arange(m) % n) * n_steps + columns) * n_outputs
        blanks = flat[first + n_outputs - 1].astype(np.float64)[:, :, None]
        self.characters = flat[first[:, :, None] + targets].astype(np.float64)
        self.before = np.full((n_steps, m, n_characters), -np.inf)
        # Beginnings that end in the blank before each character or at the end, and those that end
        # in the character before it.
        self._in_blank = np.full((n_steps, m, n_characters + 1), -np.inf)
        self._in_character = np.full((n_steps, m, n_characters + 1), -np.inf)
        self._in_blank[0, :, 0] = blanks[0, :, 0]
        self.before[0, :, :1] = 0.0
        self._in_character[0, :, 1:2] = self.characters[0, :, :1]
        differs = np.ones(targets.shape, dtype=bool)
        differs[:, 1:] = targets[:, 1:] != targets[:, :-1]
        either = np.empty((m, n_characters + 1))
        for t in range(1, n_steps):
            blank, character = self._in_blank[t - 1], self._in_character[t - 1]
            np.logaddexp(blank, character, out=either)
            np.add(either, blanks[t], out=self._in_blank[t])
            before = self.before[t]
            np.copyto(before, blank[:, :-1])
            np.copyto(before, either[:, :-1], where=differs)
            np.logaddexp(before, character[:, 1:], out=before)
            np.add(before, self.characters[t], out=self._in_character[t, :, 1:])

    def totals(self, lengths: NDArray[np.intp], n_columns: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the log-sums (n,) over the alignments of the first n labels."""
        end = n_columns - 1, np.arange(len(lengths)), lengths
        return np.logaddexp(self._in_blank[end], self._in_character[end])
