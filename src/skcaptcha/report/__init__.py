"""Pictures of what a model does, and reports: HTML files that need nothing beside them."""

from skcaptcha.report._page import Page, Section
from skcaptcha.report._parts import (
    COLOURS,
    Card,
    chart,
    chart_style,
    figures,
    gallery,
    picture,
    table,
    text,
)
from skcaptcha.report._steps import Trace, draw_traces, trace

__all__ = [
    "COLOURS",
    "Card",
    "Page",
    "Section",
    "Trace",
    "chart",
    "chart_style",
    "draw_traces",
    "figures",
    "gallery",
    "picture",
    "table",
    "text",
    "trace",
]
