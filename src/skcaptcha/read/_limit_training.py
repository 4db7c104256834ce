"""A limit to the time that networks take, for commands that fit a pipeline several times."""

from __future__ import annotations

from sklearn.pipeline import Pipeline

from skcaptcha.read._convolutional_reader import ConvolutionalReader


def limit_training(model: Pipeline, seconds: float) -> bool:
    """Let the networks of an unfitted pipeline train for at most some seconds in each fit.

    Return whether there are any. Without a limit, they train for all batches of their recipe, which
    can take minutes.
    """
    reader = getattr(model[-1], "reader", model[-1])  # of an Evaluate
    if not isinstance(reader, ConvolutionalReader):
        return False
    if reader.budget is None or reader.budget > seconds:
        reader.set_params(budget=seconds)
    return True
