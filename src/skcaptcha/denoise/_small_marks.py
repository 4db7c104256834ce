"""What the small marks of labels look like: learned from images whose labels contain them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from skcaptcha.measure._label_components import Components, label_components

# Components of ink that are much smaller than a character, or than the rest of it. The minus sign,
# hyphens and dashes, bullets, points and commas of other scripts, and quotation marks have several
# code points each.
_PARTS = (
    dict.fromkeys(".,'`^_~*!?\u00a1\u00bf\u00b0\u00b7\u2022\u2212\u2219\u22c5", 1)
    | dict.fromkeys("\u066b\u066c\u3001\u3002\u30fb\u2018\u2019\u201a\u2039\u203a", 1)
    | dict.fromkeys(':;"=%\u00ab\u00bb\u00f7\u201c\u201d\u201e', 2)
)
_DASH = "Pd"  # Unicode category
_DOTTED = "ij\u0456\u0458"
_TWO_PARTS = "\u0308\u030b"  # combining diaeresis and double acute

# The rows of the text have all but this fraction of its ink on either side.
_OUTSIDE = 0.03
# Vertical position, height and width of similar components differ by at most this much, relative
# to the height of the text. One of the factors suits the captchas.
_TOLERANCE = np.array([0.1, 0.08, 0.1])
_FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0)
# Larger components are strokes of characters: the stem of an i occurs as often as its dot.
_MAX_SIZE = np.array([0.4, 0.8])
_MAX_IMAGES, _MAX_EXAMPLES = 200, 150
# The rows of a text depend on its letters, and so does the place of a mark in relation to them.
_MAX_LOOKS = 3
_MIN_FOUND = 0.2
_MIN_LOG_ODDS = 6.0
# If a larger tolerance is about as likely, it is used: new images vary more.
_EQUIVALENT_LOG_ODDS = 3.0

N_FEATURES = len(_TOLERANCE)
"""Number of features of a component."""


def n_small_parts(character: str) -> int:
    """Return how many components of a character are small: 1 for a point or an i, 2 for a colon."""
    decomposed = unicodedata.normalize("NFKD", character)
    accents = [own for own in decomposed if unicodedata.combining(own)]
    bases = [own for own in decomposed if not unicodedata.combining(own)]
    n = sum(_PARTS.get(base, unicodedata.category(base) == _DASH) for base in bases)
    if not accents:  # which replace dots
        n += sum(base in _DOTTED for base in bases)
    return n + sum(1 + (accent in _TWO_PARTS) for accent in accents)


def describe_components(
    ink: NDArray[np.bool_], kept: NDArray[np.bool_]
) -> tuple[Components, NDArray[np.float64]]:
    """Find the components of ink in images (n, h, w), and describe them in relation to the text.

    The rows of the text are those of the ink that is ``kept`` (n, h, w). The features (p, 3) are
    the vertical position of the center below the top of the text, the height and the width, as
    fractions of the height of the text.
    """
    components = label_components(-ink.view(np.uint8), 8)
    rows = kept.sum(axis=2)
    empty = ~rows.any(axis=1)
    rows[empty] = ink[empty].sum(axis=2)
    total = rows.cumsum(axis=1) / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    top = (total > _OUTSIDE).argmax(axis=1)
    height = (total >= 1 - _OUTSIDE).argmax(axis=1) + 1 - top
    size = components.end - components.first
    center = components.first[:, 1] + size[:, 1] / 2 - top[components.image]
    features = np.stack([center, size[:, 1], size[:, 0]], axis=1)
    return components, features / height[components.image, None]


def training_images(labels: Sequence[str]) -> NDArray[np.intp]:
    """Return the indices of the images to learn marks from: all, or evenly distributed ones.

    There are none if no label contains a mark.
    """
    if not any(map(n_small_parts, {*"".join(labels)})):
        return np.empty(0, dtype=np.intp)
    n = min(len(labels), _MAX_IMAGES)
    return np.linspace(0, len(labels) - 1, n).astype(np.intp)


def learn_marks(
    features: NDArray[np.float64], image: NDArray[np.intp], labels: Sequence[str]
) -> NDArray[np.float64]:
    """Learn which components belong to the marks of the labels.

    As in multiple-instance learning, it is known which images show a mark, but not which of their
    components it is. A mark is similar in all images, so each component of such an image is an
    example of what it may look like. If it is the mark, the number of similar components in an
    image is the number of marks in its label and a few others; otherwise, it does not depend on the
    label. The likelihoods of these hypotheses decide.

    Parameters
    ----------
    features : ndarray of shape (p, 3)
        Features of all components.
    image : ndarray of shape (p,)
        Index of the image of each component, ascending.
    labels : sequence of n str
        Label of each image.

    Returns
    -------
    marks : ndarray of shape (k, 2, 3)
        Least and greatest features of each kind of mark.

    References
    ----------
    O. Maron and T. Lozano-Perez, "A framework for multiple-instance learning", NIPS 10 (1997),
    570-576.
    """
    small = (features[:, 1:] <= _MAX_SIZE).all(axis=1)
    features, image = features[small], image[small]
    marks = np.empty((0, 2, N_FEATURES))
    for character in sorted({*"".join(labels)}):
        expected = np.array([label.count(character) for label in labels])
        for _ in range(n_small_parts(character)):
            missing = expected
            for _ in range(_MAX_LOOKS):
                found = _most_likely_mark(features, image, missing)
                if found is None:
                    break
                marks = np.concatenate([marks, found[None]])
                inside = are_marks(features, found[None])
                counts = np.bincount(image[inside], minlength=len(labels))
                missing = np.maximum(missing - counts, 0)
                features, image = features[~inside], image[~inside]
    return marks


def are_marks(features: NDArray[np.float64], marks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which components (p,) look like one of the marks."""
    inside = np.zeros(len(features), dtype=bool)
    for least, greatest in marks:
        inside |= ((features >= least) & (features <= greatest)).all(axis=1)
    return inside


def _most_likely_mark(
    features: NDArray[np.float64], image: NDArray[np.intp], expected: NDArray[np.intp]
) -> NDArray[np.float64] | None:
    """Return the least and greatest features of a mark, or None if none is likely enough."""
    examples = features[expected[image] > 0]
    if len(examples) > _MAX_EXAMPLES:
        examples = examples[np.linspace(0, len(examples) - 1, _MAX_EXAMPLES).astype(int)]
    counts = _count_similar(features, image, examples, len(expected))
    best, found = _MIN_LOG_ODDS, None
    for k, factor in enumerate(_FACTORS):
        log_odds = [_log_odds(count, expected) for count in counts[:, k]]
        if log_odds and max(log_odds) > best - _EQUIVALENT_LOG_ODDS * (found is not None):
            best = max(best, *log_odds)
            found = _similar_to(examples[int(np.argmax(log_odds))], factor)
    return found


def _count_similar(
    features: NDArray[np.float64], image: NDArray[np.intp], examples: NDArray[np.float64], n: int
) -> NDArray[np.intp]:
    """Return how many components of each image are similar to an example: (e, factors, n)."""
    # Noisy images have hundreds of components: those whose position differs too much are left out.
    order = np.argsort(features[:, 0], kind="stable")
    scaled, image = features[order] / _TOLERANCE, image[order]
    examples = examples / _TOLERANCE
    first = np.searchsorted(scaled[:, 0], examples[:, 0] - _FACTORS[-1], side="left")
    end = np.searchsorted(scaled[:, 0], examples[:, 0] + _FACTORS[-1], side="right")
    counts = np.zeros((len(examples), len(_FACTORS), n), dtype=np.intp)
    for own, example, a, b in zip(counts, examples, first, end, strict=True):
        distance = np.abs(scaled[a:b] - example).max(axis=1)
        factor = np.searchsorted(_FACTORS, distance)
        similar = factor < len(_FACTORS)
        bins = factor[similar] * n + image[a:b][similar]
        own[:] = np.bincount(bins, minlength=own.size).reshape(own.shape).cumsum(axis=0)
    return counts


def _similar_to(example: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
    return np.stack([example - factor * _TOLERANCE, example + factor * _TOLERANCE])


def _log_odds(counts: NDArray[np.intp], expected: NDArray[np.intp]) -> float:
    """Compare two explanations of the numbers of similar components (n,).

    Either each expected mark is found with the same probability, and others are there by chance
    (binomial and Poisson distributions); or all are there by chance.
    """
    marks = np.minimum(counts, expected)
    probability = marks.sum() / expected.sum()
    if probability < _MIN_FOUND:
        return -np.inf
    probability = min(probability, 1 - 0.5 / expected.sum())
    others = (counts - marks).mean() + 0.5 / len(counts)
    likelihood = np.zeros(len(counts))
    for k in range(int(marks.max()) + 1):
        ways = np.array([comb(n, k) for n in expected.tolist()])
        binomial = ways * probability**k * (1 - probability) ** np.maximum(expected - k, 0)
        likelihood += binomial * (counts >= k) * np.exp(_log_poisson(counts - k, others))
    by_chance = _log_poisson(counts, counts.mean() + 0.5 / len(counts))
    log_likelihood = np.log(np.maximum(likelihood, np.finfo(float).tiny))
    return float((log_likelihood - by_chance).sum())


def _log_poisson(counts: NDArray[np.intp], mean: float) -> NDArray[np.float64]:
    counts = np.maximum(counts, 0)
    log_probability: NDArray[np.float64] = counts * np.log(mean) - mean - gammaln(counts + 1)
    return log_probability
