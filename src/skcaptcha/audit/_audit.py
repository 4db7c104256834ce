"""The result of an audit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from skcaptcha import __version__
from skcaptcha.audit._defenses import Finding
from skcaptcha.audit._proportions import (
    Difference,
    Proportion,
    expected_attempts,
    significantly_exceeds,
)

THRESHOLDS = (0.01, 0.1, 0.5, 0.9)
"""Proportions of captchas read for which an audit reports the number of labels needed."""

SECONDS_PER_LABEL = 5.0
"""An assumption, not a measurement."""


@dataclass(frozen=True)
class AuditPoint:
    """A point of the learning curve.

    Attributes
    ----------
    n_labels : int
        Number of labeled captchas that the recipe was chosen with and fitted to.
    read : Proportion
        Proportion of the held-out captchas that were read correctly.
    recipe : str
        Name of the recipe that was chosen.
    cpu_seconds : float
        Processor time for choosing and fitting.
    readings_per_hour : float
        Number of captchas that one core reads in an hour.
    n_unlabeled, n_pseudo_labeled : int
        Number of unlabeled captchas, and of those that taught.
    gain : Difference or None
        With unlabeled captchas, `read` minus the proportion that is read without them, with the
        same labels in the same time; None if none taught, or if that was not measured.
    """

    n_labels: int
    read: Proportion
    recipe: str
    cpu_seconds: float
    readings_per_hour: float
    n_unlabeled: int = 0
    n_pseudo_labeled: int = 0
    gain: Difference | None = None


@dataclass(frozen=True)
class Ablation:
    """The effect of removing one step from the recipe.

    Attributes
    ----------
    change : str
        The change, worded to follow "the same recipe".
    counters : tuple of str
        Keys of the defenses that the removed step counters.
    read : Proportion or None
        Proportion of the held-out captchas that were read correctly; None if the changed recipe
        could not be fitted.
    loss : Difference or None
        Proportion read by the unchanged recipe minus `read`, on the same captchas.
    """

    change: str
    counters: tuple[str, ...]
    read: Proportion | None
    loss: Difference | None


@dataclass(frozen=True)
class Audit:
    """Result of `audit_captchas`.

    Attributes
    ----------
    n : int
        Number of captchas.
    n_duplicates : int
        Number of captchas that were left out because they are duplicates.
    n_train, n_held_out : int
        Numbers of captchas available for training, and held out for evaluation.
    measured : dict of str to str
        Properties of the captchas, such as their size.
    n_characters : int
        Number of different characters in the labels.
    length : int or None
        The usual length of labels.
    curve : tuple of AuditPoint
        Learning curve.
    skipped : tuple of int
        Numbers of labels for which the time budget was too short.
    n_unlabeled : int or None
        Number of unlabeled captchas that are not duplicates; None if none were passed.
    unlabeled_curve : tuple of AuditPoint
        Learning curve with unlabeled captchas, which include the training captchas beyond the first
        `n_labels`, without their labels. It has no points for numbers of labels with which
        unlabeled captchas cannot help.
    unlabeled_skipped : tuple of int
        Numbers of labels that are missing in `unlabeled_curve` because the time was too short.
    findings : tuple of Finding
        One finding for each defense.
    ablations : tuple of Ablation
        One ablation for each step that counters a defense.
    n_ablation : int
        Number of training captchas of the ablations.
    ablation_base : Proportion or None
        Proportion read by the unchanged recipe, fitted to `n_ablation` captchas.
    budget, seconds, cpu_seconds : float
        Time budget, time used, and processor time of the learning curves, in seconds.
    version : str
        Version of skcaptcha.
    """

    n: int
    n_duplicates: int
    n_train: int
    n_held_out: int
    measured: dict[str, str]
    n_characters: int
    length: int | None
    curve: tuple[AuditPoint, ...]
    skipped: tuple[int, ...]
    findings: tuple[Finding, ...]
    ablations: tuple[Ablation, ...]
    n_ablation: int
    ablation_base: Proportion | None
    budget: float
    seconds: float
    cpu_seconds: float
    n_unlabeled: int | None = None
    unlabeled_curve: tuple[AuditPoint, ...] = ()
    unlabeled_skipped: tuple[int, ...] = ()
    version: str = __version__

    @property
    def best(self) -> AuditPoint:
        """The point with the most labels."""
        return self.curve[-1]

    @property
    def attempts(self) -> tuple[float, float, float]:
        """Mean number of attempts until one captcha is read, and its 95 % interval."""
        return expected_attempts(self.best.read)

    def labels_needed(self, threshold: float, *, unlabeled: bool = False) -> int | None:
        """Return the smallest number of labels with which more than a threshold is read.

        Parameters
        ----------
        threshold : float in 0..1
            Proportion of captchas.
        unlabeled : bool, default=False
            Whether whoever reads the captchas may use unlabeled ones as well.

        Returns
        -------
        n_labels : int or None
            The first point of the learning curve, or of both with `unlabeled`, at which the lower
            end of the 95 % Clopper-Pearson interval exceeds the threshold; None if there is no such
            point.
        """
        points = [*self.curve, *(self.unlabeled_curve if unlabeled else ())]
        enough = [p.n_labels for p in points if significantly_exceeds(p.read, threshold)]
        return min(enough, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as dicts, sequences, numbers and strings, for JSON.

        Returns
        -------
        result : dict
        """
        expected, low, high = (None if n == float("inf") else n for n in self.attempts)
        return {
            **asdict(self),
            "string_accuracy": self.best.read.value,
            "string_accuracy_interval": [self.best.read.low, self.best.read.high],
            "labels_needed": {str(p): self.labels_needed(p) for p in THRESHOLDS},
            "labels_needed_with_unlabeled": {
                str(p): self.labels_needed(p, unlabeled=True) for p in THRESHOLDS
            },
            "attempts_per_success": expected,
            "attempts_per_success_interval": [low, high],
            "assumed_seconds_per_label": SECONDS_PER_LABEL,
        }
