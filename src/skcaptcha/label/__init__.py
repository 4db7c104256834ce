"""Labeling a folder of images by hand while a model learns and suggests labels."""

from skcaptcha.label._session import LabelingSession
from skcaptcha.label._task import Acceptance, Estimate, Grid, Guess, Progress, Task
from skcaptcha.label.server import LabelingPage

__all__ = [
    "Acceptance",
    "Estimate",
    "Grid",
    "Guess",
    "LabelingPage",
    "LabelingSession",
    "Progress",
    "Task",
]
