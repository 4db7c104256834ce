"""Labelling a folder of images by hand, with a model that learns meanwhile and guesses."""

from skcaptcha.label._page import LabellingPage
from skcaptcha.label._session import LabellingSession
from skcaptcha.label._task import Estimate, Guess, Progress, Task

__all__ = ["Estimate", "Guess", "LabellingPage", "LabellingSession", "Progress", "Task"]
