"""Reports as self-contained HTML pages, and pictures of the steps of a model."""

from skcaptcha.report._confidence_section import draw_calibration_curve
from skcaptcha.report._fit_report import fit_report
from skcaptcha.report._label_issues_report import label_issues_report
from skcaptcha.report._page import Page, Section
from skcaptcha.report._score_report import score_report
from skcaptcha.report._trace_figure import draw_traces
from skcaptcha.report._trace_terminal import TerminalTraces
from skcaptcha.report.audit import audit_report, audit_summary

__all__ = [
    "Page",
    "Section",
    "TerminalTraces",
    "audit_report",
    "audit_summary",
    "draw_calibration_curve",
    "draw_traces",
    "fit_report",
    "label_issues_report",
    "score_report",
]
