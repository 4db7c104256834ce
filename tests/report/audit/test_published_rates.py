from itertools import pairwise

from skcaptcha.report import audit_report
from skcaptcha.report._markdown import escape
from skcaptcha.report.audit._published_rates import as_published, published_rates


def test_papers_are_in_chronological_order_and_rates_are_fractions():
    papers = published_rates()
    assert all(first.year <= second.year for first, second in pairwise(papers))
    assert all(0 <= rate <= 1 for paper in papers for rate in paper.rates.values())


def test_rates_have_the_digits_of_their_paper():
    assert [as_published(rate) for rate in (0.7, 0.3868, 0.998, 0.0)] == [
        "70 %", "38.68 %", "99.8 %", "0 %",
    ]  # fmt: skip


def test_report_lists_each_rate_and_each_paper(audit):
    markdown = audit_report(audit).to_markdown()
    for paper in published_rates():
        assert f"- {escape(paper)}" in markdown
        for scheme, rate in paper.rates.items():
            assert f"| {as_published(rate)} | {escape(scheme)} | {paper.short} |" in markdown
