"""The audit report contains the results of the audit, in HTML and in Markdown."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np

from skcaptcha._display.percent import percent
from skcaptcha.audit import Audit
from skcaptcha.audit._audit import AuditPoint
from skcaptcha.audit._proportions import paired_difference, proportion
from skcaptcha.report import audit_report, audit_summary
from skcaptcha.report.audit._number_text import in_points, span, with_interval


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


def test_both_learning_curves_are_in_the_report(audit):
    gain = paired_difference(4, 0, 30)
    point = AuditPoint(20, proportion(28, 30), "HOG + SVC", 1.0, 1e6, 940, 812, gain)
    other = replace(audit, n_unlabeled=900, unlabeled_curve=(point,))
    row = f"| 20 | 940 | 812 | 93 % | {span(point.read)} % | {in_points(gain, 30)} | 0.02 | HOG"
    assert row in markdown_of(other)
    html = html_of(other)
    for text in ("labels alone", f"images as well: 20: {with_interval(point.read)}"):
        assert text in html
        assert text not in html_of(audit)
    # No curve, but the reason.
    none = markdown_of(replace(audit, n_unlabeled=3))
    assert "3 that were given" in none
    assert "of which taught" not in none


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
