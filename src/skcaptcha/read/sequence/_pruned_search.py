"""Viterbi search without improbable gaps, exact because captchas that need them are redone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.read.sequence._constraints import Constraints
from skcaptcha.read.sequence._lattice import Lattice, Paths, Spacing, Spans

# Gaps are pruned if their log-density is this much below that of the most likely gap. Emission
# scores lie between -14 and 14: two or more would have to be better than on the best path.
_MIN_LOG_RATIO = 30.0
_ROUNDING_ERROR = 1e-6


class SearchResult(NamedTuple):
    """Best paths of the k captchas of a lattice, valid for some of them.

    ``chosen`` (c,) are the valid ones among the k; ``captchas`` (c,) are their indices in the
    batch.
    """

    lattice: Lattice
    paths: Paths
    chosen: NDArray[np.intp]
    captchas: NDArray[np.intp]


def search_lattice(
    scores: NDArray[np.float64],
    spans: Spans,
    offsets: NDArray[np.intp],
    spacing: Spacing,
    constraints: Constraints,
    *,
    within: float = 0.0,
) -> list[SearchResult]:
    """Find the best path of each captcha, in lattices with all paths at most ``within`` worse.

    Trying gaps takes most of the time of a `Lattice`. A path with a pruned gap has at most the
    best emission score at each position and the most likely gap everywhere else. If the best path
    without pruned gaps is better than this bound by ``within``, the result is exact; the other
    captchas are searched again with all gaps. Each captcha is valid in one of the results.
    """
    n = len(offsets) - 1
    usual, dropped = _without_tails(spacing, _MIN_LOG_RATIO + within)
    lattice = Lattice(scores, spans, offsets, usual)
    paths = lattice.viterbi(*constraints)
    characters = np.arange(1, len(constraints.length_scores) + 1)
    gaps = (characters - 2) * spacing.log_density.max() + dropped
    bounds = lattice.max_emissions()[:, None] * characters + gaps + constraints.length_scores
    bound = bounds[:, 1:].max(axis=1, initial=-np.inf)
    exact = paths.scores > bound + within + _ROUNDING_ERROR
    if not np.isfinite(dropped):
        exact[:] = True
    kept, rest = np.flatnonzero(exact), np.flatnonzero(~exact)
    results = [SearchResult(lattice, paths, kept, kept)] if len(kept) else []
    if len(rest):
        rows = np.flatnonzero(~exact[np.repeat(np.arange(n), np.diff(offsets))])
        own = spans._replace(left=spans.left[rows], right=spans.right[rows])
        starts = np.concatenate([[0], np.cumsum(np.diff(offsets)[rest])])
        complete = Lattice(scores[rows], own, starts, spacing)
        found = complete.viterbi(*constraints)
        results.append(SearchResult(complete, found, np.arange(len(rest)), rest))
    return results


def _without_tails(spacing: Spacing, min_log_ratio: float) -> tuple[Spacing, float]:
    """Drop improbable gaps at both ends; also return the greatest log-density among them."""
    density = spacing.log_density
    probable = np.flatnonzero(density > density.max() - min_log_ratio)
    kept = slice(probable[0], probable[-1] + 1)
    dropped = np.concatenate([density[: kept.start], density[kept.stop :]]).max(initial=-np.inf)
    return Spacing(spacing.first + int(kept.start), density[kept]), float(dropped)
