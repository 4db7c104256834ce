"""Labels that are probably wrong: found by reading each captcha with what the others teach."""

from skcaptcha.label_issues._find import find_label_issues
from skcaptcha.label_issues._issues import LabelIssue, LabelIssues
from skcaptcha.label_issues._page import label_issues_page

__all__ = ["LabelIssue", "LabelIssues", "find_label_issues", "label_issues_page"]
