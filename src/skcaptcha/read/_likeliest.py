"""The best strings of each captcha, without trying what cannot be part of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skcaptcha.read._constraints import Constraints
from skcaptcha.read._lattice import Lattice, Paths, Spacing, Spans

# By how much a gap must be less probable than the likeliest one to be tried only where needed: of
# scores between -14 and 14, two or more would have to be better than the best of such a string.
_IMPROBABLE = 30.0
_ROUNDING = 1e-6


class Searched(NamedTuple):
    """The best paths of captchas, of which those of some are wanted.

    Attributes
    ----------
    lattice : Lattice of k captchas
    paths : Paths of k captchas
    chosen : ndarray of shape (c,), dtype intp
        Which of the k are wanted.
    captchas : ndarray of shape (c,), dtype intp
        Which of the batch these are.
    """

    lattice: Lattice
    paths: Paths
    chosen: NDArray[np.intp]
    captchas: NDArray[np.intp]


def search(
    scores: NDArray[np.float64],
    spans: Spans,
    offsets: NDArray[np.intp],
    spacing: Spacing,
    constraints: Constraints,
    *,
    within: float = 0.0,
) -> list[Searched]:
    """Find the best path of each captcha, in lattices that have all paths nearly as good.

    Most of its time a `Lattice` tries gaps so narrow or so wide that no good path takes them. A
    path with such a gap is worth no more than it would be with the best of all scores at each of
    its places and the likeliest of all gaps at the others. Where the best path without them is
    worth more than that by ``within``, they are left out; elsewhere they are tried.

    Parameters
    ----------
    scores, spans, offsets, spacing
        As `Lattice` takes them.
    constraints : Constraints
    within : float >= 0, default=0
        How far behind the best path of a captcha others may be that must not get lost.

    Returns
    -------
    searched : list of Searched
        Each captcha is wanted of one of them.
    """
    n = len(offsets) - 1
    usual, dropped = _without_tails(spacing, _IMPROBABLE + within)
    lattice = Lattice(scores, spans, offsets, usual)
    paths = lattice.best(*constraints)
    characters = np.arange(1, len(constraints.lengths) + 1)
    gaps = (characters - 2) * spacing.log_density.max() + dropped
    bound = lattice.tops()[:, None] * characters + gaps + constraints.lengths
    most = bound[:, 1:].max(axis=1, initial=-np.inf)
    sure = paths.scores > most + within + _ROUNDING
    if not np.isfinite(dropped):
        sure[:] = True
    kept, rest = np.flatnonzero(sure), np.flatnonzero(~sure)
    searched = [Searched(lattice, paths, kept, kept)] if len(kept) else []
    if len(rest):
        rows = np.flatnonzero(~sure[np.repeat(np.arange(n), np.diff(offsets))])
        own = spans._replace(left=spans.left[rows], right=spans.right[rows])
        starts = np.concatenate([[0], np.cumsum(np.diff(offsets)[rest])])
        complete = Lattice(scores[rows], own, starts, spacing)
        found = complete.best(*constraints)
        searched.append(Searched(complete, found, np.arange(len(rest)), rest))
    return searched


def likeliest(
    scores: NDArray[np.float64],
    spans: Spans,
    offsets: NDArray[np.intp],
    spacing: Spacing,
    constraints: Constraints,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the classes on the best path of each captcha, as `Lattice.best` does.

    Parameters
    ----------
    scores, spans, offsets, spacing, constraints
        As `search` takes them.

    Returns
    -------
    lengths : ndarray of shape (n,)
    classes : ndarray of shape (n, longest)
        As in `Paths`.
    """
    n, longest = len(offsets) - 1, len(constraints.lengths)
    lengths, classes = np.zeros(n, dtype=np.intp), np.full((n, longest), -1, dtype=np.intp)
    for _, paths, chosen, captchas in search(scores, spans, offsets, spacing, constraints):
        lengths[captchas], classes[captchas] = paths.lengths[chosen], paths.classes[chosen]
    return lengths, classes


def _without_tails(spacing: Spacing, improbable: float) -> tuple[Spacing, float]:
    """Drop improbable gaps at both ends of the table; give the greatest density among them."""
    density = spacing.log_density
    probable = np.flatnonzero(density > density.max() - improbable)
    kept = slice(probable[0], probable[-1] + 1)
    dropped = np.concatenate([density[: kept.start], density[kept.stop :]]).max(initial=-np.inf)
    return Spacing(spacing.first + int(kept.start), density[kept]), float(dropped)
