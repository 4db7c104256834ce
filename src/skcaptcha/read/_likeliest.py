"""The best string of each captcha alone, without trying what cannot be part of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skcaptcha.read._constraints import Constraints
from skcaptcha.read._lattice import Lattice, Spacing, Spans

# By how much a gap must be less probable than the likeliest one to be tried only where needed: of
# scores between -14 and 14, two or more would have to be better than the best of such a string.
_IMPROBABLE = 30.0
_ROUNDING = 1e-6


def likeliest(
    scores: NDArray[np.float64],
    spans: Spans,
    offsets: NDArray[np.intp],
    spacing: Spacing,
    constraints: Constraints,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the classes on the best path of each captcha, as `Lattice.best` does.

    Most of its time `Lattice` tries gaps so narrow or so wide that no path takes them. A path with
    such a gap is worth no more than it would be with the best of all scores at each of its places
    and the likeliest of all gaps at the others. Where the best path without them is worth more than
    that, it is the best of all; elsewhere they are tried.

    Parameters
    ----------
    scores, spans, offsets, spacing
        As `Lattice` takes them.
    constraints : Constraints

    Returns
    -------
    lengths : ndarray of shape (n,)
    classes : ndarray of shape (n, longest)
        As in `Paths`.
    """
    usual, dropped = _without_tails(spacing)
    lattice = Lattice(scores, spans, offsets, usual)
    paths = lattice.best(*constraints)
    lengths, classes = paths.lengths, paths.classes
    characters = np.arange(1, len(constraints.lengths) + 1)
    gaps = (characters - 2) * spacing.log_density.max() + dropped
    bound = lattice.tops()[:, None] * characters + gaps + constraints.lengths
    most = bound[:, 1:].max(axis=1, initial=-np.inf)
    rest = np.flatnonzero(~(paths.scores > most + _ROUNDING))
    if np.isfinite(dropped) and len(rest):
        rows = np.flatnonzero(np.isin(np.repeat(np.arange(len(lengths)), np.diff(offsets)), rest))
        own = spans._replace(left=spans.left[rows], right=spans.right[rows])
        starts = np.concatenate([[0], np.cumsum(np.diff(offsets)[rest])])
        paths = Lattice(scores[rows], own, starts, spacing).best(*constraints)
        lengths[rest], classes[rest] = paths.lengths, paths.classes
    return lengths, classes


def _without_tails(spacing: Spacing) -> tuple[Spacing, float]:
    """Drop improbable gaps at both ends of the table; give the greatest density among them."""
    density = spacing.log_density
    probable = np.flatnonzero(density > density.max() - _IMPROBABLE)
    kept = slice(probable[0], probable[-1] + 1)
    dropped = np.concatenate([density[: kept.start], density[kept.stop :]]).max(initial=-np.inf)
    return Spacing(spacing.first + int(kept.start), density[kept]), float(dropped)
