"""An audit as a page of HTML."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from skcaptcha.audit._blocks import Block, Drawing, Facts, Headline, Item, Items, Rows
from skcaptcha.audit._charts import draw
from skcaptcha.audit._figures import Audit
from skcaptcha.audit._report import parts
from skcaptcha.report import (
    Card,
    Page,
    Section,
    bullets,
    details,
    figures,
    gallery,
    headline,
    picture,
    table,
)


def to_page(
    audit: Audit, title: str, captchas: Sequence[tuple[NDArray[np.uint8], str]] = ()
) -> Page:
    """Make an audit a page of its own.

    Parameters
    ----------
    audit : Audit
    title : str
    captchas : sequence of (ndarray of shape (h, w) or (h, w, 3), str), default=()
        Some of the captchas and their labels, to be shown in the summary.

    Returns
    -------
    page : Page
    """
    sections = [
        Section(part.heading, [_shown(block, audit) for block in part.blocks])
        for part in parts(audit)
    ]
    if captchas:
        cards = [
            Card(picture(image, f"captcha {label}"), [("label", label)])
            for image, label in captchas
        ]
        sections.insert(1, Section("Some of the captchas", [gallery(cards)]))
    return Page(title, f"Data: {audit.n} captchas.", sections)


def _shown(block: Block, audit: Audit) -> str:
    match block:
        case Headline(value, verdict, detail, mood):
            words = map(_unbroken, (value, verdict, detail))
            return headline(*words, mood=mood)
        case Facts(rows):
            return figures([(name, _unbroken(what)) for name, what in rows])
        case Rows(header, rows, marked, summary):
            bold = Markup("<strong>{}</strong>")
            shown = table(
                header,
                [
                    [
                        bold.format(_unbroken(cell)) if k in marked else _unbroken(cell)
                        for cell in row
                    ]
                    for k, row in enumerate(rows)
                ],
            )
            return details(summary, shown) if summary else shown
        case Items(items):
            return bullets(map(_item, items))
        case Drawing(name, description):
            return draw(name, audit, description)
        case text:
            return _unbroken(text)


def _unbroken(text: str) -> str:
    """Keep a number and its sign on one line."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _item(item: Item) -> Markup:
    said = Markup("<strong>{}</strong> {}").format(item.lead, item.text)
    if not item.source:
        return said
    source: str = item.source
    if item.url:
        source = Markup('<a href="{}">{}</a>').format(item.url, item.source)
    return Markup('{} <span class="faint">{}</span>').format(said, source)
