"""What is known of each label, and of all of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LabelIssue:
    """How far a label can be trusted.

    Attributes
    ----------
    index : int
        Which captcha it is, from 0.
    label : str
        As given.
    text : str
        What a model reads that has not seen this captcha.
    confidence : float in 0..1
        How probable it is that the text is what the label should be.
    score : float in 0..1
        How well the label fits the image: of its worst character, or of its length. From 0, where
        another is certain, over 0.5, where another is as probable, to 1.
    suspect : bool
        Whether it should be looked at.
    reason : str
        Why, as a sentence; empty if it is no suspect.
    """

    index: int
    label: str
    text: str
    confidence: float
    score: float
    suspect: bool
    reason: str


@dataclass(frozen=True)
class LabelIssues:
    """All labels, the most doubtful first.

    Attributes
    ----------
    ranked : tuple of n LabelIssue
        The suspects before all others, and of both the least score first.
    n_folds : int
        Each captcha was read by a model that was fitted to all but one of so many parts.
    n_other_length : int
        How many captchas cannot be cut into as many characters as their label has, so that
        nothing but the length of the label was checked.
    """

    ranked: tuple[LabelIssue, ...]
    n_folds: int
    n_other_length: int

    @property
    def suspects(self) -> tuple[LabelIssue, ...]:
        """Those that should be looked at, as many as confident learning counts."""
        return tuple(issue for issue in self.ranked if issue.suspect)
