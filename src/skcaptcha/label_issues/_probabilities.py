"""From scores of models to probabilities, calibrated on all captchas that they had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logit

from skcaptcha.label_issues._out_of_fold import Judged
from skcaptcha.read._confidence import calibrate

_FARTHEST = 100.0
_SUREST = 1e-12


class Given(NamedTuple):
    """What labels say, and how probable each thing is that they could say instead.

    Attributes
    ----------
    owner : ndarray of shape (m,)
        Which captcha each belongs to.
    place : ndarray of shape (m,)
        Where in its label, from 0; -1: it is the length of the label.
    label : ndarray of shape (m,)
        What the label says: an index of a column.
    probabilities : ndarray of shape (m, k)
        Rows add up to 1.
    names : list of k str
        What the columns mean.
    """

    owner: NDArray[np.intp]
    place: NDArray[np.intp]
    label: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    names: list[str]


def characters_of(judged: Sequence[Judged], y: NDArray[np.str_]) -> Given:
    """Give the characters of all labels, where captchas can be cut as their label needs it.

    Parameters
    ----------
    judged : sequence of n Judged
    y : ndarray of n str

    Returns
    -------
    given : Given
    """
    classes = np.unique(list("".join(y)))
    scores: list[NDArray[np.float64]] = []
    owner: list[int] = []
    place: list[int] = []
    for i, (_, judgment, known) in enumerate(judged):
        if judgment.characters is None:
            continue
        rows = np.full((len(y[i]), len(classes)), -np.inf)
        rows[:, np.searchsorted(classes, known)] = judgment.characters
        scores.append(rows)
        owner += [i] * len(y[i])
        place += range(len(y[i]))
    of_label = "".join(str(y[i]) for i in dict.fromkeys(owner))
    label = np.searchsorted(classes, list(of_label)) if of_label else np.empty(0, np.intp)
    table = np.concatenate([np.empty((0, len(classes))), *scores])
    unknown = np.isneginf(table[np.arange(len(label)), label])
    probabilities = _calibrated(table, label, ~unknown)
    # Of a character that only this captcha has, models of others say nothing: it may be whatever
    # they are not sure of.
    rest = 1 - probabilities[unknown].max(axis=1, initial=0.0)
    probabilities[unknown, label[unknown]] = rest
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Given(np.array(owner, np.intp), np.array(place), label, probabilities, classes.tolist())


def lengths_of(judged: Sequence[Judged], y: NDArray[np.str_]) -> Given:
    """Give the lengths of all labels.

    Parameters
    ----------
    judged : sequence of n Judged
    y : ndarray of n str

    Returns
    -------
    given : Given
        With a column for each length that labels have; common ones are more probable before
        anything is seen.
    """
    n = len(y)
    lengths, label, counts = np.unique(np.char.str_len(y), return_inverse=True, return_counts=True)
    scores = np.full((n, len(lengths)), -np.inf)
    for row, (_, judgment, _) in zip(scores, judged, strict=True):
        known = lengths < len(judgment.lengths)
        row[known] = judgment.lengths[lengths[known]]
    # Where nothing fits, the image says nothing.
    scores[~np.isfinite(scores).any(axis=1)] = 0.0
    prior = np.log(counts / n)
    probabilities = _calibrated(scores, label, np.ones(n, dtype=bool), prior)
    names = [str(length) for length in lengths]
    return Given(np.arange(n), np.full(n, -1), label, probabilities, names)


def confidences_of(judged: Sequence[Judged], y: NDArray[np.str_]) -> NDArray[np.float64]:
    """Say how probable it is that each text is right.

    Parameters
    ----------
    judged : sequence of n Judged
    y : ndarray of n str

    Returns
    -------
    confidences : ndarray of shape (n,)
    """
    said = np.array([reading.confidence for reading, _, _ in judged])
    right = np.array([reading.text for reading, _, _ in judged]) == y
    margins = logit(np.clip(said, _SUREST, 1 - _SUREST))
    return np.where(said > 0, calibrate(margins, right)(margins), 0.0)


def _calibrated(
    scores: NDArray[np.float64],
    label: NDArray[np.intp],
    use: NDArray[np.bool_],
    prior: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Turn scores into the probabilities that make labels likeliest (temperature scaling)."""
    if scores.size == 0:
        return np.empty(scores.shape)
    finite = np.isfinite(scores)
    least = np.where(finite, scores, np.inf).min(axis=1, keepdims=True)
    whole = np.where(finite, scores, least)
    whole = np.maximum(whole - whole.max(axis=1, keepdims=True), -_FARTHEST)
    bias = np.zeros(scores.shape[1]) if prior is None else prior
    rows, own = np.flatnonzero(use), label[use]
    # As in Platt's scaling: without an error nothing else would keep the temperature from 0.
    doubt = 1 / (len(rows) + 2)

    def logs(log_temperature: float) -> NDArray[np.float64]:
        logs: NDArray[np.float64] = log_softmax(whole / np.exp(log_temperature) + bias, axis=1)
        return logs

    def loss(log_temperature: float) -> float:
        of_rows = logs(log_temperature)[rows]
        hits = of_rows[np.arange(len(rows)), own].sum()
        return float(-(1 - doubt) * hits - doubt * of_rows.mean(axis=1).sum())

    best = minimize_scalar(loss, bounds=(-10.0, 10.0), method="bounded").x
    return np.exp(logs(best))
