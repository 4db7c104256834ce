"""What an audit finds, in figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from skcaptcha import __version__
from skcaptcha.audit._defenses import Finding
from skcaptcha.audit._intervals import Difference, Share, attempts, surely_exceeds

MARKS = (0.01, 0.1, 0.5, 0.9)
"""Shares of captchas read, for which the labels are counted that they take."""

SECONDS_PER_LABEL = 5.0
"""An assumption, not measured."""

FEW = 30
"""Of fewer captchas little can be told."""


@dataclass(frozen=True)
class Point:
    """A point of the learning curve.

    Attributes
    ----------
    n_labels : int
    read : Share
        Of the held-out captchas.
    recipe : str
        What was chosen with these labels alone.
    cpu_seconds : float
        For choosing and fitting.
    readings_per_hour : float
        Of one core.
    """

    n_labels: int
    read: Share
    recipe: str
    cpu_seconds: float
    readings_per_hour: float


@dataclass(frozen=True)
class Ablation:
    """What the reader loses without a step.

    Attributes
    ----------
    what : str
        What was changed.
    answers : tuple of str
        Keys of the defenses that are answered by what is missing.
    read : Share or None
        Of the held-out captchas; None if the changed recipe cannot be fitted.
    loss : Difference or None
        Share read by the whole recipe less that by the changed one, on the same captchas.
    """

    what: str
    answers: tuple[str, ...]
    read: Share | None
    loss: Difference | None


@dataclass(frozen=True)
class Audit:
    """What `audit_captchas` finds.

    Attributes
    ----------
    n, n_duplicates : int
        Captchas that were given, and how many of them repeat the image of another one: those were
        left out.
    n_learn, n_held_out : int
        How many could be learned from, and how many were kept apart to be read.
    measured : dict of str to str
        What they look like.
    n_characters : int
        How many different characters the labels have.
    length : int or None
        The usual length of labels.
    curve : tuple of Point
    skipped : tuple of int
        Numbers of labels for which no time was left.
    findings : tuple of Finding
        What was found of each defense.
    ablations : tuple of Ablation
    n_ablation : int
        How many captchas the recipes of the ablations learned from.
    ablation_base : Share or None
        What the whole recipe reads that learned from so many.
    budget, seconds, cpu_seconds : float
        Seconds allowed, seconds spent, and the processors' seconds for the learning curve.
    version : str
        Of skcaptcha.
    """

    n: int
    n_duplicates: int
    n_learn: int
    n_held_out: int
    measured: dict[str, str]
    n_characters: int
    length: int | None
    curve: tuple[Point, ...]
    skipped: tuple[int, ...]
    findings: tuple[Finding, ...]
    ablations: tuple[Ablation, ...]
    n_ablation: int
    ablation_base: Share | None
    budget: float
    seconds: float
    cpu_seconds: float
    version: str = __version__

    @property
    def best(self) -> Point:
        """The point with the most labels."""
        return self.curve[-1]

    @property
    def attempts(self) -> tuple[float, float, float]:
        """How many captchas are tried until one is read: expected, least and most."""
        return attempts(self.best.read)

    def labels_needed(self, mark: float) -> int | None:
        """Give the first number of labels with which, for sure, so many captchas are read.

        Parameters
        ----------
        mark : float
            Share of captchas.

        Returns
        -------
        n_labels : int or None
            The first measured number at which `surely_exceeds` says so; None: none.
        """
        return next((p.n_labels for p in self.curve if surely_exceeds(p.read, mark)), None)

    def figures(self) -> dict[str, Any]:
        """Give all figures as mappings, lists, numbers and strings, for JSON.

        Returns
        -------
        figures : dict
        """
        plain = asdict(self)
        for point, own in zip(plain["curve"], self.curve, strict=True):
            point["read"] = own.read._asdict()
        for finding, found in zip(plain["findings"], self.findings, strict=True):
            for key in ("more", "less", "cost", "read_with"):
                value = getattr(found, key)
                finding[key] = value and value._asdict()
        for ablation, done in zip(plain["ablations"], self.ablations, strict=True):
            ablation["read"] = done.read and done.read._asdict()
            ablation["loss"] = done.loss and done.loss._asdict()
        plain["ablation_base"] = self.ablation_base and self.ablation_base._asdict()
        expected, low, high = (None if n == float("inf") else n for n in self.attempts)
        return plain | {
            "string_accuracy": self.best.read.value,
            "string_accuracy_interval": [self.best.read.low, self.best.read.high],
            "labels_needed": {str(mark): self.labels_needed(mark) for mark in MARKS},
            "attempts_per_success": expected,
            "attempts_per_success_interval": [low, high],
            "assumed_seconds_per_label": SECONDS_PER_LABEL,
        }
