"""N-best strings: alternatives to the best string, and its margin over them."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from skcaptcha.read.sequence._constraints import Constraints
from skcaptcha.read.sequence._lattice import Strings, StringsThrough

# Larger margins mean nothing more.
_MAX_MARGIN = 100.0


class StringLattice(Protocol):
    """A lattice whose paths spell strings, such as `Lattice`, which describes the methods."""

    def viterbi(
        self, length_scores: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> Strings: ...

    def max_marginals(
        self, paths: Strings, length_scores: NDArray[np.float64], allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], StringsThrough]: ...


class Alternatives:
    """Strings that differ from the best one at some position, or in their length.

    There is one for each other character at each position: the best string that has it. Therefore
    the second best string is always among them. ``paths`` are the best paths of the lattice.
    """

    def __init__(self, lattice: StringLattice, paths: Strings, constraints: Constraints) -> None:
        self._lattice = lattice
        self._paths = paths
        self._constraints = constraints
        self._marginals, self._strings = lattice.max_marginals(paths, *constraints)
        n, longest, _ = self._marginals.shape
        captcha, position = np.nonzero(np.arange(longest) < paths.lengths[:, None])
        substitutions = self._marginals.copy()
        substitutions[captcha, position, paths.classes[captcha, position]] = -np.inf
        other_lengths = paths.length_scores.copy()
        found = np.flatnonzero(paths.lengths)
        other_lengths[found, paths.lengths[found] - 1] = -np.inf
        self._scores = np.concatenate([substitutions.reshape(n, -1), other_lengths], axis=1)

    def margins(self) -> NDArray[np.float64]:
        """Return how much better the best string is than the second best, (n,), at most 100."""
        second = self._scores.max(axis=1)
        margins = np.full(len(second), _MAX_MARGIN)
        exists = np.isfinite(second)
        margins[exists] = self._paths.scores[exists] - second[exists]
        return np.minimum(margins, _MAX_MARGIN)

    def best(self, n: int) -> list[Strings]:
        """Return the n best alternatives of each captcha, best first; some may be equal strings."""
        captchas, longest, n_classes = self._marginals.shape
        order = np.argsort(-self._scores, axis=1, kind="stable")[:, :n]
        scores = np.take_along_axis(self._scores, order, 1)
        lengths = np.where(np.isfinite(scores), self._paths.lengths[:, None], 0)
        classes = np.full((*order.shape, longest), -1, dtype=np.intp)
        other_length = order >= longest * n_classes
        captcha, rank = np.nonzero(np.isfinite(scores) & ~other_length)
        positions, kinds = np.divmod(order[captcha, rank], n_classes)
        classes[captcha, rank] = self._strings(captcha, positions, kinds)
        for k in range(order.shape[1]):
            some = np.flatnonzero(np.isfinite(scores[:, k]) & other_length[:, k])
            if not len(some):
                continue
            length_scores = np.full((captchas, longest), -np.inf)
            length = order[some, k] - longest * n_classes
            of_length = np.broadcast_to(self._constraints.length_scores, length_scores.shape)
            length_scores[some, length] = of_length[some, length]
            paths = self._lattice.viterbi(length_scores, self._constraints.allowed)
            classes[some, k], lengths[some, k] = paths.classes[some], paths.lengths[some]
        return [
            Strings(scores[:, k], lengths[:, k], classes[:, k], self._paths.length_scores)
            for k in range(order.shape[1])
        ]

    def character_probabilities(self, captcha: int, scale: float) -> NDArray[np.float64]:
        """Return the probability of each character of the best string, (length,).

        ``scale`` converts scores to log-odds.
        """
        length = self._paths.lengths[captcha]
        behind = self._marginals[captcha, :length] - self._paths.scores[captcha]
        return 1 / np.exp(scale * behind).sum(axis=1)
