"""A report: one HTML file without external resources."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from skcaptcha import __version__
from skcaptcha._display.percent import percent_confidence
from skcaptcha._files.atomic import write_atomically
from skcaptcha.report._blocks import Block, Picture, Table, plain, verbatim
from skcaptcha.report._markdown import escape, to_markdown
from skcaptcha.report._reading_text import uncertain_characters


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Attributes
    ----------
    heading : str
        Its heading.
    blocks : sequence of (str or block)
        A str becomes a paragraph. ``markupsafe.Markup`` is inserted as HTML.
    """

    heading: str
    blocks: Sequence[Block]


class Page:
    r"""A report as one self-contained HTML file, for light and dark screens and for paper.

    Notebooks display a page. It makes no requests: styles and pictures are part of the
    file, and its content security policy forbids everything else.

    Parameters
    ----------
    title : str
        Title of the page.
    subtitle : str, default=""
        A line below the title, such as the name of the data. The date and the version of skcaptcha
        follow it.
    sections : sequence of Section, default=()
        Sections of the page.

    Examples
    --------
    >>> from skcaptcha.report import Page, Section
    >>> page = Page("Readings <1>", sections=[Section("Result", ["3 of 4 are correct."])])
    >>> "<h1>Readings &lt;1&gt;</h1>" in page.to_html()
    True
    >>> print(page.to_markdown())
    # Readings \<1\>
    <BLANKLINE>
    ## Result
    <BLANKLINE>
    3 of 4 are correct.
    <BLANKLINE>
    """

    def __init__(self, title: str, subtitle: str = "", sections: Sequence[Section] = ()) -> None:
        self.title = title
        self.subtitle = subtitle
        self.sections = list(sections)
        self._date = datetime.now(UTC).date().isoformat()

    def to_html(self) -> str:
        """Return the page as HTML.

        Returns
        -------
        html : str
        """
        html = _template().render(
            title=self.title,
            subtitle=self.subtitle,
            sections=self.sections,
            date=self._date,
            version=__version__,
        )
        return _valid_unicode(html)

    def to_markdown(self) -> str:
        """Return the page as Markdown, without charts and pictures.

        Returns
        -------
        text : str
            Sections that contain only charts and pictures are left out.
        """
        blocks = [f"# {escape(self.title)}"]
        for section in self.sections:
            if written := [*filter(None, map(to_markdown, section.blocks))]:
                blocks += [f"## {escape(section.heading)}", *written]
        return _valid_unicode("\n\n".join(blocks) + "\n")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file. A file that exists is replaced in one step.

        Parameters
        ----------
        path : path-like
            Path of the file. The page is written as Markdown if the path ends with ``.md``, and as
            HTML otherwise.
        """
        is_markdown = os.fspath(path).endswith(".md")
        content = (self.to_markdown() if is_markdown else self.to_html()).encode()
        write_atomically(path, content)

    def _repr_html_(self) -> str:
        # The frame keeps the page's styles out of the notebook.
        frame = Markup(
            '<iframe title="{}" style="width: 100%; height: 40em; border: 0" srcdoc="{}"></iframe>'
        )
        return str(frame.format(self.title, self.to_html()))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("skcaptcha.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        *(_block_kind, _column_kinds, _unbroken),
        *(percent_confidence, plain, uncertain_characters, verbatim),
    ):
        environment.filters[function.__name__.removeprefix("_")] = function
    environment.globals["Picture"] = Picture
    return environment.get_template("page.html")


def _valid_unicode(text: str) -> str:
    """Replace surrogates: file names need not be valid Unicode, but a page has to be."""
    return text.encode(errors="replace").decode()


def _block_kind(block: Block) -> str:
    """Return the name of the macro that renders a block."""
    return type(block).__name__.lower()


def _column_kinds(table: Table) -> list[str]:
    """Return an HTML attribute for each column: columns of numbers are aligned right."""
    numbers = [
        bool(table.rows) and all(re.match(r"[-+]?\d|$", str(row[k])) for row in table.rows)
        for k in range(len(table.header))
    ]
    return [Markup(' class="number"') if is_number else "" for is_number in numbers]


def _unbroken(text: object) -> str:
    """Keep a number and its percent sign on one line."""
    kind = Markup if isinstance(text, Markup) else str
    return kind(re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", str(text)))
