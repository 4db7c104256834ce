"""Finding labels that are probably wrong, by cross-validation and confident learning."""

from skcaptcha.label_issues._find_label_issues import find_label_issues
from skcaptcha.label_issues._issues import LabelIssue, LabelIssues

__all__ = ["LabelIssue", "LabelIssues", "find_label_issues"]
