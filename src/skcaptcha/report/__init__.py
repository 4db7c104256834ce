"""Reports as self-contained HTML pages, and pictures of the steps of a model.

All but `TerminalTraces` need the extra ``report``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skcaptcha.report._check_extra import check_extra

# The names that __getattr__ returns, for type checkers and editors.
if TYPE_CHECKING:
    from skcaptcha.report._confidence_section import draw_calibration_curve
    from skcaptcha.report._fit_report import fit_report
    from skcaptcha.report._label_issues_report import label_issues_report
    from skcaptcha.report._page import Page, Section
    from skcaptcha.report._score_report import score_report
    from skcaptcha.report._trace_figure import draw_traces
    from skcaptcha.report._trace_terminal import TerminalTraces
    from skcaptcha.report.audit import audit_report, audit_summary

_HOMES = {
    "Page": "_page",
    "Section": "_page",
    "TerminalTraces": "_trace_terminal",
    "audit_report": "audit",
    "audit_summary": "audit",
    "draw_calibration_curve": "_confidence_section",
    "draw_traces": "_trace_figure",
    "fit_report": "_fit_report",
    "label_issues_report": "_label_issues_report",
    "score_report": "_score_report",
}

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


# With it, type checkers would accept any attribute.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        # Imported at first use, because only pictures in the terminal work without the extra.
        if name != "TerminalTraces":
            check_extra()
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
