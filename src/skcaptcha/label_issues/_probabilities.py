"""Calibrated probabilities of the characters and lengths of labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logit

from skcaptcha.label_issues._out_of_fold import HeldOut
from skcaptcha.read._calibration import fit_platt_scaling, fit_temperature

_MIN_SCORE = -100.0
_MIN_DOUBT = 1e-12


class LabelProbabilities(NamedTuple):
    """Values in labels, and the probabilities of all possible values.

    Attributes
    ----------
    owner : ndarray of shape (m,)
        Index of the captcha of each value.
    position : ndarray of shape (m,)
        Position of the character in the label, from 0; -1 for the length of the label.
    label : ndarray of shape (m,)
        Value in the label, as the index of a column.
    probabilities : ndarray of shape (m, k)
        Probability of each value; rows add up to 1.
    names : list of k str
        The possible values.
    """

    owner: NDArray[np.intp]
    position: NDArray[np.intp]
    label: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    names: list[str]


def character_probabilities(held_out: Sequence[HeldOut], y: NDArray[np.str_]) -> LabelProbabilities:
    """Return the probabilities of the characters of labels.

    Captchas that cannot be read as strings of as many characters as their label has are left out.
    """
    classes = np.unique(list("".join(y)))
    scores: list[NDArray[np.float64]] = []
    owner: list[int] = []
    position: list[int] = []
    for i, (_, own, known) in enumerate(held_out):
        if own.characters is None:
            continue
        rows = np.full((len(y[i]), len(classes)), -np.inf)
        rows[:, np.searchsorted(classes, known)] = own.characters
        scores.append(rows)
        owner += [i] * len(y[i])
        position += range(len(y[i]))
    of_labels = "".join(str(y[i]) for i in dict.fromkeys(owner))
    label = np.searchsorted(classes, list(of_labels)) if of_labels else np.empty(0, np.intp)
    table = np.concatenate([np.empty((0, len(classes))), *scores])
    unknown = np.isneginf(table[np.arange(len(label)), label])
    probabilities = _calibrated(table, label, ~unknown)
    # If only this captcha has a character, the model was not trained on it. The character gets the
    # probability that the model leaves open.
    rest = 1 - probabilities[unknown].max(axis=1, initial=0.0)
    probabilities[unknown, label[unknown]] = rest
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return LabelProbabilities(
        np.array(owner, np.intp), np.array(position), label, probabilities, classes.tolist()
    )


def length_probabilities(held_out: Sequence[HeldOut], y: NDArray[np.str_]) -> LabelProbabilities:
    """Return the probabilities of the lengths of labels; their frequencies are the prior."""
    n = len(y)
    lengths, label, counts = np.unique(np.char.str_len(y), return_inverse=True, return_counts=True)
    scores = np.full((n, len(lengths)), -np.inf)
    for row, (_, own, _) in zip(scores, held_out, strict=True):
        known = lengths < len(own.lengths)
        row[known] = own.lengths[lengths[known]]
    # If no length is possible, only the prior counts.
    scores[~np.isfinite(scores).any(axis=1)] = 0.0
    prior = np.log(counts / n)
    probabilities = _calibrated(scores, label, np.ones(n, dtype=bool), prior)
    names = [str(length) for length in lengths]
    return LabelProbabilities(np.arange(n), np.full(n, -1), label, probabilities, names)


def text_confidences(held_out: Sequence[HeldOut], y: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the calibrated probability that each text is right, of shape (n,)."""
    confidences = np.array([reading.confidence for reading, _, _ in held_out])
    right = np.array([reading.text for reading, _, _ in held_out]) == y
    margins = logit(np.clip(confidences, _MIN_DOUBT, 1 - _MIN_DOUBT))
    return np.where(confidences > 0, fit_platt_scaling(margins, right).predict_proba(margins), 0.0)


def _calibrated(
    scores: NDArray[np.float64],
    label: NDArray[np.intp],
    use: NDArray[np.bool_],
    prior: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Scale scores by the temperature that maximizes the likelihood of the labels in `use`."""
    if scores.size == 0:
        return np.empty(scores.shape)
    finite = np.isfinite(scores)
    lowest = np.where(finite, scores, np.inf).min(axis=1, keepdims=True)
    filled = np.where(finite, scores, lowest)
    filled = np.maximum(filled - filled.max(axis=1, keepdims=True), _MIN_SCORE)
    bias = np.zeros(scores.shape[1]) if prior is None else prior
    temperature = fit_temperature([filled[use]], [label[use]], bias)
    return np.exp(log_softmax(filled / temperature + bias, axis=1))
