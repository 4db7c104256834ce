"""A report: one HTML file that needs nothing beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from skcaptcha import __version__
from skcaptcha._files.atomic import write_atomically


@dataclass(frozen=True)
class Section:
    """A part of a report under a heading of its own.

    Attributes
    ----------
    heading : str
    parts : sequence of str
        Text becomes a paragraph; what the functions of this package give, which is
        ``markupsafe.Markup``, stays what it is.
    """

    heading: str
    parts: Sequence[str]


class Page:
    """A report as one self-contained HTML file, for screens light and dark and for paper.

    It shows itself in a notebook. It makes no requests: styles and pictures are part of the file,
    and its content security policy forbids everything else.

    Parameters
    ----------
    title : str
    subtitle : str, default=""
        What the page is about, such as the data. The date and the version of skcaptcha follow it.
    sections : sequence of Section, default=()

    Examples
    --------
    >>> from skcaptcha.report import Page, Section
    >>> page = Page("Readings <1>", sections=[Section("Result", ["3 of 4 were read right."])])
    >>> "<h1>Readings &lt;1&gt;</h1>" in page.to_html()
    True
    """

    def __init__(self, title: str, subtitle: str = "", sections: Sequence[Section] = ()) -> None:
        self.title = title
        self.subtitle = subtitle
        self.sections = list(sections)
        self._date = datetime.now(UTC).date().isoformat()

    def to_html(self) -> str:
        """Give the whole file.

        Returns
        -------
        html : str
        """
        sections = [
            Section(section.heading, [_part(part) for part in section.parts])
            for section in self.sections
        ]
        html = _template().render(
            title=self.title,
            subtitle=self.subtitle,
            sections=sections,
            date=self._date,
            version=__version__,
        )
        # File names need not be valid Unicode, which a page has to be.
        return html.encode(errors="replace").decode()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file, all of it or nothing.

        Parameters
        ----------
        path : path-like
        """
        html = self.to_html().encode()
        write_atomically(path, lambda file: file.write(html))

    def _repr_html_(self) -> str:
        # In a frame, so that its styles do not reach the notebook's.
        frame = Markup(
            '<iframe title="{}" style="width: 100%; height: 40em; border: 0" srcdoc="{}"></iframe>'
        )
        return str(frame.format(self.title, self.to_html()))


def _part(part: str) -> Markup:
    return part if isinstance(part, Markup) else Markup("<p>{}</p>").format(part)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("skcaptcha.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")
