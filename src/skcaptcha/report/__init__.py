"""Pictures of what a model does, and reports: HTML files that need nothing beside them."""

from skcaptcha.inspection._attempts import Attempt, attempts_of
from skcaptcha.inspection._causes import Cause, why_wrong
from skcaptcha.report._confidence import draw_reliability, reliability
from skcaptcha.report._fit import fit_report
from skcaptcha.report._page import Page, Section
from skcaptcha.report._parts import (
    COLORS,
    Card,
    bullets,
    chart,
    chart_style,
    details,
    figures,
    gallery,
    headline,
    picture,
    table,
    text,
)
from skcaptcha.report._plots import bars
from skcaptcha.report._score import score_report
from skcaptcha.report._steps import Trace, draw_traces, trace
from skcaptcha.report._terminal import TerminalStrip
from skcaptcha.report._times import StepTime, time_steps

__all__ = [
    "COLORS",
    "Attempt",
    "Card",
    "Cause",
    "Page",
    "Section",
    "StepTime",
    "TerminalStrip",
    "Trace",
    "attempts_of",
    "bars",
    "bullets",
    "chart",
    "chart_style",
    "details",
    "draw_reliability",
    "draw_traces",
    "figures",
    "fit_report",
    "gallery",
    "headline",
    "picture",
    "reliability",
    "score_report",
    "table",
    "text",
    "time_steps",
    "trace",
    "why_wrong",
]
