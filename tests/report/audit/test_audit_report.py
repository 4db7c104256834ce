"""The audit report contains the results of the audit, in HTML and in Markdown."""

import re
from itertools import pairwise

import numpy as np

from skcaptcha._display.percent import percent
from skcaptcha.audit import Audit
from skcaptcha.report import audit_report, audit_summary


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
