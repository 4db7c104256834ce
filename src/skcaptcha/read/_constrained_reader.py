"""Base class of readers whose strings can be constrained: length, characters, positions."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skcaptcha.read._base import BaseReader, LabelScores
from skcaptcha.read._calibration import PlattScaling
from skcaptcha.read._reading import Reading
from skcaptcha.read.sequence._constraints import Constraints, exact_length, make_constraints
from skcaptcha.read.sequence._lattice import Strings
from skcaptcha.read.sequence._n_best import Alternatives, StringLattice

_N_RUNNERS_UP = 3


class ConstrainedReader(BaseReader):
    """Base class of readers that find the best string in a lattice, under constraints.

    A subclass has the parameters ``length``, ``charset``, ``mask`` and ``fold_case``, and the
    fitted attributes ``classes_``, ``lengths_`` and ``calibrator_``.
    """

    _parameter_constraints: dict[str, Any] = {
        "length": [
            Interval(Integral, 1, None, closed="left"),
            "array-like",
            StrOptions({"free"}),
            None,
        ],
        "charset": [str, None],
        "mask": [list, tuple, None],
        "fold_case": ["boolean"],
    }

    length: int | tuple[int, int] | str | None
    charset: str | None
    mask: Sequence[str | None] | None
    classes_: NDArray[np.str_]
    lengths_: dict[int, int]
    calibrator_: PlattScaling

    def check_constraints(self) -> Self:
        """Check that some string can meet ``length``, ``charset`` and ``mask``.

        Returns
        -------
        self : object
            The reader.

        Raises
        ------
        ReadingError
            If no string can meet them.
        """
        check_is_fitted(self)
        self._constraints(max(self.lengths_))
        return self

    def _constraints(self, longest: int) -> Constraints:
        return make_constraints(
            self.classes_,
            self.lengths_,
            longest,
            length=self.length,
            charset=self.charset,
            mask=self.mask,
            fold_case=self.fold_case,
        )

    def _texts(self, strings: Strings) -> list[str]:
        return [
            "".join(self.classes_[own[:length]])
            for own, length in zip(strings.classes, strings.lengths, strict=True)
        ]

    def _readings(
        self,
        lattice: StringLattice,
        paths: Strings,
        constraints: Constraints,
        boxes: Sequence[NDArray[np.intp]],
        captchas: Sequence[int],
    ) -> list[Reading]:
        """Return the readings of some captchas of a lattice that have a path.

        ``boxes`` are those of the characters of all captchas.
        """
        scale = self.calibrator_.scale
        texts = self._texts(paths)
        alternatives = Alternatives(lattice, paths, constraints)
        others = [(self._texts(other), other.scores) for other in alternatives.best(_N_RUNNERS_UP)]
        confidences = self.calibrator_.predict_proba(alternatives.margins())
        readings = []
        for i in captchas:
            odds: dict[str, float] = {}
            for other_texts, other_scores in others:
                if np.isfinite(other_scores[i]) and other_texts[i] != texts[i]:
                    own = np.exp(scale * (other_scores[i] - paths.scores[i]))
                    odds.setdefault(other_texts[i], float(own))
            # The runners-up divide the rest, but none is more probable than the text.
            confidence = confidences[i]
            rest = (1 - confidence) / max(sum(odds.values()), np.finfo(float).tiny)
            readings.append(
                Reading(
                    text=texts[i],
                    confidence=float(confidence),
                    boxes=boxes[i],
                    probabilities=alternatives.character_probabilities(i, scale),
                    runners_up=tuple(
                        (other, float(min(own * rest, confidence))) for other, own in odds.items()
                    ),
                )
            )
        return readings

    def _scores_in_lattice(
        self, lattice: StringLattice, labels: NDArray[np.str_], penalty: float = 0.0
    ) -> list[LabelScores]:
        """Score labels by the best path of each string, ignoring the frequency of its length.

        Each character costs ``penalty``.
        """
        lengths = np.char.str_len(labels)
        longest = max(int(lengths.max(initial=1)), *self.lengths_)
        allowed = np.ones((longest, len(self.classes_)), dtype=bool)
        penalties = -penalty * np.arange(1, longest + 1, dtype=np.float64)
        length_scores = lattice.viterbi(penalties, allowed).length_scores
        of_label = exact_length(lengths, longest)
        paths = lattice.viterbi(of_label, allowed)
        characters, _ = lattice.max_marginals(paths, of_label, allowed)
        return [
            LabelScores(
                characters[i, :length] if paths.lengths[i] == length else None,
                np.concatenate([[-np.inf], length_scores[i]]),
            )
            for i, length in enumerate(lengths)
        ]
