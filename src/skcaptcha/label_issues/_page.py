"""Suspects as a page: each with its picture, its label, and what the model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from skcaptcha._display.percent import percent, percent_confidence
from skcaptcha.images import decode
from skcaptcha.label_issues._issues import LabelIssue, LabelIssues
from skcaptcha.report import Card, Page, Section, bullets, figures, gallery, headline, picture, text

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
    summary = {"captchas": n, "folds": issues.n_folds}
    if issues.n_other_length:
        summary["labels of which only the length was checked"] = issues.n_other_length
    sections = [
        Section(
            "Result",
            [
                headline(
                    str(len(suspects)),
                    f"{'label is' if len(suspects) == 1 else 'labels are'} probably wrong."
                    if suspects
                    else "No label looks wrong.",
                    f"That is {percent(len(suspects) / n, n)} of {n} captchas. Each was read by a "
                    "model that was fitted without it. A label is a suspect if that model is as "
                    "sure of another text as it usually is when it is right.",
                    mood="bad" if suspects else "good",
                ),
                figures(summary),
                Markup("<h3>What to do next</h3>"),
                bullets(_next_steps(suspects)),
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


def _next_steps(suspects: Sequence[LabelIssue]) -> list[Markup]:
    if not suspects:
        return [Markup("Fit a model: <code>skcaptcha fit FOLDER</code>")]
    return [
        Markup(
            "Compare each suspect with its picture. Some labels are right and their captchas hard "
            "to read: change only those that are wrong."
        ),
        Markup("Correct them in the browser: <code>skcaptcha check-labels FOLDER --fix</code>"),
        Markup("Fit the model again: <code>skcaptcha fit FOLDER</code>"),
    ]


def _card(issue: LabelIssue, X: Sequence[Any], names: Sequence[str]) -> Card:
    lines = [
        ("label", text(issue.label)),
        ("read as", text(issue.text)),
        ("confidence", percent_confidence(issue.confidence)),
        ("score", f"{issue.score:.3f}"),
        ("why", issue.reason),
        ("file", names[issue.index]),
    ]
    shown = picture(decode(X[issue.index]), f"captcha labeled {issue.label}")
    return Card(shown, lines)
