"""Learning from images without labels."""

from skcaptcha.semi_supervised._self_training_reader import SelfTrainingReader

__all__ = ["SelfTrainingReader"]
