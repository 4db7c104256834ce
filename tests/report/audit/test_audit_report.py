"""The report on an audit has the figures of the audit, in HTML and in Markdown."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from skcaptcha._display.percent import percent
from skcaptcha.audit import Audit
from skcaptcha.audit._audit import Ablation, AuditPoint
from skcaptcha.audit._defenses import DEFENSES, assess
from skcaptcha.audit._proportions import Difference, paired_difference, proportion
from skcaptcha.report import audit_report, audit_summary


@pytest.fixture(scope="module")
def audit() -> Audit:
    amounts = {defense.key: np.zeros(30) for defense in DEFENSES} | {"lines": np.ones(30)}
    return Audit(
        n=94,
        n_duplicates=4,
        n_train=60,
        n_held_out=30,
        measured={"width": "120 pixels"},
        n_characters=6,
        length=4,
        curve=(
            AuditPoint(10, proportion(9, 30), "HOG + SVC", 0.5, 2e6),
            AuditPoint(60, proportion(29, 30), "HOG + SVC", 0.7, 1e6),
        ),
        skipped=(20, 50),
        findings=tuple(assess(amounts, np.arange(30) > 0)),
        ablations=(
            Ablation("without a step", ("lines",), proportion(5, 30), paired_difference(24, 0, 30)),
            Ablation("without another step", ("noise",), None, None),
        ),
        n_ablation=60,
        ablation_base=proportion(29, 30),
        budget=6.0,
        seconds=5.0,
        cpu_seconds=1.2,
    )


def html_of(audit: Audit) -> str:
    return audit_report(audit, "Audit of <x>").to_html().replace("\N{NO-BREAK SPACE}", " ")


def markdown_of(audit: Audit) -> str:
    return audit_report(audit, "Audit of <x>").to_markdown()


def test_html_and_markdown_have_the_same_figures(audit):
    html, markdown = html_of(audit), markdown_of(audit)
    assert "Audit of &lt;x&gt;" in html
    assert r"Audit of \<x\>" in markdown
    for _, value in audit_summary(audit):
        assert value in html
        assert value in markdown
    for point in audit.curve:
        assert f"| {point.n_labels} | {percent(point.read.value, point.read.n)}" in markdown
    for text in ("20 and 50 labels", "does not hold", "not measured", "Without such"):
        assert (text in html) == (text in markdown) == (text != "Without such")


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


def test_captchas_are_shown_in_html_only(audit):
    image = np.zeros((20, 60), dtype=np.uint8)
    page = audit_report(audit, "Audit", [(image, "ABC")])
    assert page.to_html().count('class="picture"') == 1
    assert "Some of the captchas" not in page.to_markdown()


def test_page_has_only_links_to_sources(audit):
    html = html_of(audit)
    assert "https://www.rfc-editor.org/rfc/rfc9576" in html
    assert not re.findall(r"(?:src|href)=\"(?!#|https://www\.|https://owasp)[^\"]*", html)
    assert "<script" not in html


def test_rows_of_markdown_tables_have_the_same_number_of_cells(audit):
    rows = [line for line in markdown_of(audit).splitlines() if line.startswith("|")]
    for line, following in pairwise(rows):
        if following.startswith("| ---"):
            assert following.count(" | ") == line.count(" | ")


@pytest.mark.parametrize(
    ("n_correct", "text"), [(33, "probably 67 or fewer"), (10, "not reached with 67")]
)
def test_threshold_that_few_captchas_cannot_confirm_is_not_called_unreachable(
    audit, n_correct, text
):
    point = replace(audit.best, n_labels=67, read=proportion(n_correct, 33))
    rows = dict(audit_summary(replace(audit, curve=(point,), n_held_out=33)))
    assert text in rows["labels to read 90 %"]


@pytest.mark.parametrize(
    ("n_correct", "n", "text"),
    [
        (0, 500, "This reader does not break the scheme"),
        (0, 50, "too few captchas to conclude whether the scheme is broken"),
        (1, 17, "too few captchas to conclude whether the scheme is broken"),
        (10, 500, "too few captchas to conclude whether the scheme is broken"),
        (11, 500, "This scheme is broken"),
        (11, 500, "10 % is not reached"),
        (10, 100, "too few captchas to conclude whether 10 % is exceeded as well"),
        (90, 100, "also exceeds a threshold ten times as high"),
    ],
)
def test_scheme_is_called_broken_only_if_chance_does_not_explain_it(audit, n_correct, n, text):
    point = replace(audit.best, read=proportion(n_correct, n))
    other = replace(audit, curve=(*audit.curve[:-1], point), n_held_out=n)
    assert text in markdown_of(other)


def test_duplicates_do_not_count_as_captchas(audit):
    assert "captchas are few" not in markdown_of(audit)
    other = replace(audit, n=60, n_duplicates=40)
    assert "20 labeled captchas are few" in markdown_of(other)


def test_chance_of_a_guess_is_shown_for_any_length(audit):
    assert "once in 1,000,000 times" in markdown_of(replace(audit, n_characters=10, length=6))
    assert "correct once in" in markdown_of(replace(audit, n_characters=99, length=300))


@pytest.mark.parametrize(
    ("attempts", "text"),
    [
        ((2.5, 2.0, 1234.0), "2.5 (2.0 to 1,234)"),
        ((np.inf, 12.0, np.inf), "unknown (12.0 or more)"),
    ],
)
def test_attempts_as_text(attempts, text):
    from skcaptcha.report.audit._number_text import times

    assert times(*attempts) == text


def test_numbers_as_text():
    from skcaptcha.report.audit._number_text import in_points, minutes, rounded, with_interval

    assert with_interval(proportion(8, 10)) == "80 % (49 to 95)"
    assert in_points(Difference(0.2, 0.05, 0.33), 50) == "+20 (+5 to +33)"
    assert [minutes(seconds) for seconds in (3, 100, 6000)] == ["0.05", "1.7", "100"]
    assert rounded(6806246.4) == "6,810,000"
