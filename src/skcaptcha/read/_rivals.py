"""What else each captcha could say, and how far behind the best string that is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skcaptcha.read._constraints import Constraints
from skcaptcha.read._lattice import Lattice, Paths

# Farther ahead than this says no more.
_FARTHEST = 100.0


class Rivals:
    """Strings that differ from the best one in the character at some place, or in their length.

    For each place and each other character there that is the best string which has it; so the
    second best string of all is among them.

    Parameters
    ----------
    lattice : Lattice
    paths : Paths
        The best ones.
    constraints : Constraints
    """

    def __init__(self, lattice: Lattice, paths: Paths, constraints: Constraints) -> None:
        self.lattice = lattice
        self.paths = paths
        self.constraints = constraints
        self.with_each, self._strings = lattice.best_with_each_and_strings(paths, *constraints)
        n, longest, _ = self.with_each.shape
        here, place = np.nonzero(np.arange(longest) < paths.lengths[:, None])
        others = self.with_each.copy()
        others[here, place, paths.classes[here, place]] = -np.inf
        lengths = paths.of_length.copy()
        found = np.flatnonzero(paths.lengths)
        lengths[found, paths.lengths[found] - 1] = -np.inf
        self._scores = np.concatenate([others.reshape(n, -1), lengths], axis=1)

    def margins(self) -> NDArray[np.float64]:
        """By how much the best string is ahead of the second best, of shape (n,), at most 100."""
        second = self._scores.max(axis=1)
        ahead = np.full(len(second), _FARTHEST)
        rivalled = np.isfinite(second)
        ahead[rivalled] = self.paths.scores[rivalled] - second[rivalled]
        return np.minimum(ahead, _FARTHEST)

    def best(self, n: int) -> list[Paths]:
        """Find the best n rivals of each captcha; some may spell the same.

        Parameters
        ----------
        n : int

        Returns
        -------
        rivals : list of Paths
            First the best one of each captcha, then the next.
        """
        captchas, longest, n_classes = self.with_each.shape
        order = np.argsort(-self._scores, axis=1, kind="stable")[:, :n]
        scores = np.take_along_axis(self._scores, order, 1)
        found = np.where(np.isfinite(scores), self.paths.lengths[:, None], 0)
        classes = np.full((*order.shape, longest), -1, dtype=np.intp)
        of_length = order >= longest * n_classes
        fixed, of_rank = np.nonzero(np.isfinite(scores) & ~of_length)
        places, kinds = np.divmod(order[fixed, of_rank], n_classes)
        classes[fixed, of_rank] = self._strings(fixed, places, kinds)
        for rank in range(order.shape[1]):
            other = np.flatnonzero(np.isfinite(scores[:, rank]) & of_length[:, rank])
            if not len(other):
                continue
            lengths = np.full((captchas, longest), -np.inf)
            length = order[other, rank] - longest * n_classes
            lengths[other, length] = self.constraints.lengths[length]
            paths = self.lattice.best(lengths, self.constraints.allowed)
            classes[other, rank], found[other, rank] = paths.classes[other], paths.lengths[other]
        nowhere = np.full((captchas, longest), -1, dtype=np.intp)
        return [
            Paths(scores[:, k], found[:, k], nowhere, classes[:, k], self.paths.of_length)
            for k in range(order.shape[1])
        ]

    def probabilities(self, captcha: int, sharpness: float) -> NDArray[np.float64]:
        """How probable each character of the best string is, against the others at its place.

        Parameters
        ----------
        captcha : int
        sharpness : float > 0
            What a unit of score is worth, in log-odds.

        Returns
        -------
        probabilities : ndarray of shape (length,)
        """
        length = self.paths.lengths[captcha]
        behind = self.with_each[captcha, :length] - self.paths.scores[captcha]
        return 1 / np.exp(sharpness * behind).sum(axis=1)
