"""Pictures of what a model does."""

from skcaptcha.report._steps import Trace, draw_traces, trace

__all__ = ["Trace", "draw_traces", "trace"]
