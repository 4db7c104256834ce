"""The web server of the labeling page, for one user on one machine."""

from skcaptcha.label.server._labeling_page import LabelingPage

__all__ = ["LabelingPage"]
