"""The report on labels that are probably wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skcaptcha._display.percent import percent, percent_confidence
from skcaptcha.images import decode
from skcaptcha.label_issues import LabelIssue, LabelIssues
from skcaptcha.report._blocks import Block, Card, Facts, Gallery, Headline, Item, Picture, verbatim
from skcaptcha.report._page import Page, Section
from skcaptcha.report._result_section import next_steps

_MAX_SHOWN = 500


def label_issues_report(
    issues: LabelIssues, X: Sequence[Any], names: Sequence[str], title: str = "Labels"
) -> Page:
    """Report the labels that are probably wrong, worst first, with their captchas.

    Parameters
    ----------
    issues : LabelIssues
        Result of `~skcaptcha.label_issues.find_label_issues`.
    X : sequence of n captchas
        The captchas that were passed to `~skcaptcha.label_issues.find_label_issues`.
    names : sequence of n str
        Names of the captchas, such as their file names.
    title : str, default="Labels"
        Title of the page.

    Returns
    -------
    page : Page
        Notebooks display it; its method ``save`` writes it to a file.
    """
    suspects, n = issues.suspects, len(issues.ranked)
    facts: list[tuple[str, object]] = [("captchas", n), ("folds", issues.n_folds)]
    if issues.n_other_length:
        facts.append(("labels checked only for their length", issues.n_other_length))
    headline = Headline(
        str(len(suspects)),
        f"{'label is' if len(suspects) == 1 else 'labels are'} probably wrong."
        if suspects
        else "No label looks wrong.",
        f"That is {percent(len(suspects) / n, n)} of {n} captchas. Each captcha was read by a "
        "model that was fitted without it. A label is suspect if that model is as confident of "
        "another text as it usually is of a correct one.",
        "bad" if suspects else "good",
    )
    result = Section("Result", [headline, Facts(facts), *next_steps(_next(suspects))])
    if not suspects:
        return Page(title, sections=[result])
    shown = suspects[:_MAX_SHOWN]
    blocks: list[Block] = [Gallery([_card(issue, X, names) for issue in shown])]
    if len(shown) < len(suspects):
        blocks.insert(0, f"The worst {len(shown)} of {len(suspects)} are shown.")
    return Page(title, sections=[result, Section("Suspect labels, worst first", blocks)])


def _next(suspects: Sequence[LabelIssue]) -> list[Item]:
    if not suspects:
        return [Item("Fit a model:", command="skcaptcha fit FOLDER")]
    return [
        Item(
            "Compare each suspect label with its captcha, and change only wrong labels: some are "
            "right, and the captcha is only hard to read."
        ),
        Item("Correct them in the browser:", command="skcaptcha check-labels FOLDER --fix"),
        Item("Fit the model again:", command="skcaptcha fit FOLDER"),
    ]


def _card(issue: LabelIssue, X: Sequence[Any], names: Sequence[str]) -> Card:
    lines = [
        ("label", verbatim(issue.label)),
        ("read as", verbatim(issue.text)),
        ("confidence", percent_confidence(issue.confidence)),
        ("score", f"{issue.score:.3f}"),
        ("why", issue.reason),
        ("file", names[issue.index]),
    ]
    return Card([Picture(decode(X[issue.index]), f"captcha labeled {issue.label}")], lines)
