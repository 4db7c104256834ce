"""The directive ``published-rates``: the table of rates that the report of `audit` shows."""

from __future__ import annotations

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class PublishedRates(SphinxDirective):
    """A table of published rates, and a list of their papers."""

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the table and of the list."""
        from skcaptcha.report.audit._published_rates import (  # noqa: PLC0415 - only this page needs it
            as_published,
            published_rates,
        )

        papers = published_rates()
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 40 20 40", ""]
        lines += ["   * - scheme", "     - read", "     - source"]
        for paper in papers:
            for scheme, rate in paper.rates.items():
                lines += [f"   * - {scheme}", f"     - {as_published(rate)}"]
                lines += [f"     - {paper.short}"]
        lines += ["", *(f"- {paper}" for paper in papers if paper.rates)]
        holder = nodes.container()
        self.state.nested_parse(_as_rst(self, lines), self.content_offset, holder)
        return holder.children


def _as_rst(directive: SphinxDirective, lines: list[str]) -> StringList:
    # In a Markdown page, an eval-rst directive contains reStructuredText.
    fenced = ["````{eval-rst}", *lines, "````"]
    return StringList(fenced, source=directive.get_source_info()[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.add_directive("published-rates", PublishedRates)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
