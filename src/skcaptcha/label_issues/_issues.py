"""The result of a check of labels."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LabelIssue:
    """Result of the check of one label.

    Attributes
    ----------
    index : int
        Index of the captcha.
    label : str
        The label.
    text : str
        Text that a model reads that was not trained on this captcha.
    confidence : float in [0, 1]
        Probability that the text is what the captcha shows.
    score : float in [0, 1]
        Normalized margin of the worst character of the label, or of its length: 0 if another
        value is certain, 0.5 if another is as probable, 1 if the label is certain.
    suspect : bool
        Whether the label is probably wrong.
    reason : str
        Reason why it is a suspect; empty otherwise.
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
    """Results of the check of all labels.

    Attributes
    ----------
    ranked : tuple of n LabelIssue
        The suspects first, then the other labels; both sorted by ascending score.
    n_folds : int
        Number of cross-validation folds.
    n_other_length : int
        Number of captchas that cannot be read as strings of as many characters as their label has.
        Only the lengths of these labels were checked.
    """

    ranked: tuple[LabelIssue, ...]
    n_folds: int
    n_other_length: int

    @property
    def suspects(self) -> tuple[LabelIssue, ...]:
        """Labels that are probably wrong."""
        return tuple(issue for issue in self.ranked if issue.suspect)
