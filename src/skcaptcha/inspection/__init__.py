"""How well a model reads labeled captchas, and why it misreads some."""

from skcaptcha.inspection._evaluate import evaluate, summarize

__all__ = ["evaluate", "summarize"]
