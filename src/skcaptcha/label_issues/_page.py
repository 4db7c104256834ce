"""Suspects as a page: each with its picture, its label, and what the model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skcaptcha.images import decode
from skcaptcha.label_issues._issues import LabelIssue, LabelIssues
from skcaptcha.report import Card, Page, Section, figures, gallery, picture, text

_MOST_SHOWN = 500


def label_issues_page(
    issues: LabelIssues, X: Sequence[Any], names: Sequence[str], title: str = "Labels"
) -> Page:
    """Show the suspects, worst first, on a page for the browser.

    Parameters
    ----------
    issues : LabelIssues
    X : sequence of n captchas
        As `find_label_issues` took them.
    names : sequence of n str
        What they are called.
    title : str, default="Labels"

    Returns
    -------
    page : skcaptcha.report.Page
        It has a method ``save``, and shows in a notebook.
    """
    suspects = issues.suspects
    n = len(issues.ranked)
    summary = {
        "captchas": n,
        "to be looked at": f"{len(suspects)} ({len(suspects) / n:.1%})".replace("%", " %"),
        "folds": issues.n_folds,
    }
    if issues.n_other_length:
        summary["only the length was checked of"] = issues.n_other_length
    sections = [
        Section(
            "Summary",
            [
                figures(summary),
                "Each captcha was read by a model that had seen only others. A label is a suspect "
                "where that model is as sure of something else as it usually is when it is right. "
                "Some suspects are right and hard to read: look before you change them.",
            ],
        )
    ]
    if suspects:
        shown = suspects[:_MOST_SHOWN]
        parts: list[str] = [gallery(_card(issue, X, names) for issue in shown)]
        if len(shown) < len(suspects):
            parts.insert(0, f"These are the worst {len(shown)} of {len(suspects)}.")
        sections.append(Section("Suspects, worst first", parts))
    return Page(title, sections=sections)


def _card(issue: LabelIssue, X: Sequence[Any], names: Sequence[str]) -> Card:
    lines = [
        ("label", text(issue.label)),
        ("reads", text(issue.text)),
        ("sure", f"{issue.confidence:.1%}".replace("%", " %")),
        ("score", f"{issue.score:.3f}"),
        ("why", issue.reason),
        ("file", names[issue.index]),
    ]
    shown = picture(decode(X[issue.index]), f"captcha labelled {issue.label}")
    return Card(shown, lines)
