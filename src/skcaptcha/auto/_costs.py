"""Estimates of how long recipes take to fit."""

from __future__ import annotations

from skcaptcha.auto._families import Content
from skcaptcha.auto._process_pool import ProcessPool
from skcaptcha.read.sequence._ensemble import n_copies_for

# Half of the time of a fold is needed to train a network, the other half to align the characters.
# The final fit trains three networks, and is repeated three times for calibration; the shortened
# fit trains one network and is repeated twice. Without networks both take about the same time.
FINAL_FIT = 6.0
_SHORTENED_FIT = 1.5
_FINAL_FIT_WITHOUT_NETWORKS = 2.5


def has_networks(recipe: Content) -> bool:
    """Check whether the reader trains networks on augmented windows, which takes long."""
    return recipe["steps"]["read"].get("n_windows") is not None


def training_size(recipe: Content, n_characters: int) -> float:
    """Return the number of windows, or of characters, that the fit time is proportional to."""
    n_windows = recipe["steps"]["read"].get("n_windows")
    if n_windows is None:
        return float(n_characters)
    return float(n_characters) * n_copies_for(n_windows, n_characters)


def final_fit_seconds(
    recipe: Content,
    fold_seconds: float,
    pool: ProcessPool,
    *,
    n_characters: int,
    n_folds: int,
    shortened: bool = False,
) -> float:
    """Estimate the time of the final fit from the time that one process needs for a fold."""
    if not has_networks(recipe):
        return _FINAL_FIT_WITHOUT_NETWORKS * fold_seconds
    growth = training_size(recipe, n_characters)
    growth /= training_size(recipe, characters_in_fold(n_characters, n_folds))
    more = growth * (_SHORTENED_FIT if shortened else FINAL_FIT)
    return pool.seconds(fold_seconds * (1 + more), n_folds)


def characters_in_fold(n_characters: int, n_folds: int) -> int:
    """Return the number of training characters in a fold."""
    return max(1, int(n_characters * (1 - 1 / n_folds)))
