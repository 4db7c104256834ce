"""Labeling a folder of images by hand, with a model that learns meanwhile and guesses."""

from skcaptcha.label._page import LabelingPage
from skcaptcha.label._session import LabelingSession
from skcaptcha.label._task import Estimate, Guess, Progress, Task

__all__ = ["Estimate", "Guess", "LabelingPage", "LabelingSession", "Progress", "Task"]
