"""A candidate of the race, and the report on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sklearn.pipeline import Pipeline

from skcaptcha.auto._families import Content, Family, Variant, name_of
from skcaptcha.semi_supervised import SelfTrainingReader

GOOD_ENOUGH = 0.998
"""A candidate with this string accuracy needs no further help."""
NO_TIME = "no time left"
"""Beginning of the outcome of a candidate that there was no time for."""

# Errors may shrink by these factors from screening to cross-validation, with and without a
# surrogate reader.
_ERROR_RATIO, _ERROR_RATIO_OF_SURROGATE = 4, 20

_NOT_TRIED = Variant({}, ())


@dataclass(frozen=True)
class Trial:
    """The report on one candidate of the race.

    Attributes
    ----------
    family : int
        Index of its family in auto.yaml, -1 for networks that start from one of them.
    name : str
        Names of its segmenter, features and classifier.
    settings : dict
        Parameters in which it differs from other candidates of its family.
    outcome : str
        Reason why it was chosen or not.
    screened : float or None
        String accuracy in the screening, which may use a surrogate for the reader.
    n_screened : int
        Number of captchas in the screening.
    accuracy : float or None
        String accuracy in cross-validation, possibly in the first folds only.
    n_validated : int
        Number of captchas read in cross-validation.
    seconds : float
        Time spent on it.
    """

    family: int
    name: str
    settings: Content
    outcome: str
    screened: float | None
    n_screened: int
    accuracy: float | None
    n_validated: int
    seconds: float


@dataclass
class Candidate:
    """A variant of a family, and its results so far.

    The variant is empty for a family that is not tried. ``character_accuracy`` and
    ``ignoring_case`` come from the latest evaluation, ``recipe`` is the best one so far, or empty
    if none was fitted, and ``fold_seconds`` is the time that one process needs for a fold.
    ``model`` is the pipeline of a network, which is trained on all captchas at once, and
    ``self_training`` how captchas without a label taught.
    """

    family: Family
    variant: Variant = _NOT_TRIED
    outcome: str = ""
    screened: float | None = None
    accuracy: float | None = None
    character_accuracy: float = 0.0
    ignoring_case: float = 0.0
    recipe: Content = field(default_factory=dict)
    n_validated: int = 0
    seconds: float = 0.0
    fold_seconds: float = 0.0
    out_of_time: bool = False
    model: Pipeline | None = None
    self_training: SelfTrainingReader | None = None

    @property
    def estimate(self) -> float:
        """The best estimate of its string accuracy; -1 without any.

        Few captchas are held out of networks, so theirs is Laplace's estimate.
        """
        if self.accuracy is not None and self.model is not None:
            return laplace_estimate(self.accuracy, self.n_validated)
        if self.accuracy is not None:
            return self.accuracy
        return -1.0 if self.screened is None else self.screened

    @property
    def score(self) -> tuple[float, float]:
        """String accuracy, then character accuracy."""
        return self.estimate, self.character_accuracy

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Sort key: candidates that were only screened come after all others."""
        return self.accuracy is not None or self.out_of_time, *self.score

    @property
    def name(self) -> str:
        return name_of(self.recipe) if self.recipe else self.family.name

    @property
    def has_surrogate(self) -> bool:
        return len(self.variant.stages) > 1

    @property
    def upper_bound(self) -> float:
        """The accuracy it may reach with all captchas, tuned, and with its own reader."""
        assert self.screened is not None
        ratio = _ERROR_RATIO_OF_SURROGATE if self.has_surrogate else _ERROR_RATIO
        return 1 - (1 - self.screened) / ratio


def laplace_estimate(accuracy: float, n: int) -> float:
    """Return Laplace's estimate of an accuracy that was measured on n captchas."""
    return (accuracy * n + 1) / (n + 2)


def two_standard_errors(accuracy: float, n: int) -> float:
    """Return two standard errors of an accuracy that was measured on n captchas."""
    return 2 * math.sqrt(max(accuracy * (1 - accuracy), 0.01) / n)
