"""Training models on the labels so far, in a separate process."""

from skcaptcha.label.training._learner import Learner
from skcaptcha.label.training._scheduler import TrainingScheduler

__all__ = ["Learner", "TrainingScheduler"]
