"""The sections on defenses contain the results of the audit."""

from dataclasses import replace

import numpy as np

from skcaptcha.audit import Audit
from skcaptcha.audit._defenses import DEFENSES, assess
from skcaptcha.report import audit_report


def html_of(audit: Audit) -> str:
    return audit_report(audit, "Audit of <x>").to_html().replace("\N{NO-BREAK SPACE}", " ")


def markdown_of(audit: Audit) -> str:
    return audit_report(audit, "Audit of <x>").to_markdown()


def test_step_that_is_needed_is_explained(audit):
    assert "The same recipe without a step reads 80 " in markdown_of(audit)
    assert "So lines only help against readers without such a step" in markdown_of(audit)


def test_costs_are_drawn_if_there_are_any(audit):
    amounts = {defense.key: np.arange(1.0, 41.0) for defense in DEFENSES}
    findings = assess(amounts, np.arange(40) % 3 > 0)
    without, with_costs = (
        html_of(replace(audit, findings=found)).count("<svg") for found in ([], findings)
    )
    assert with_costs == without + 1 > 1


def test_chance_of_a_guess_is_shown_for_any_length(audit):
    assert "once in 1,000,000 times" in markdown_of(replace(audit, n_characters=10, length=6))
    assert "correct once in" in markdown_of(replace(audit, n_characters=99, length=300))
