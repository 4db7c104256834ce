"""The blocks of a page as Markdown; charts and pictures are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup

from skcaptcha.report._blocks import (
    Block,
    Bullets,
    Details,
    Facts,
    Heading,
    Headline,
    Item,
    Table,
    plain,
)

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def to_markdown(block: Block) -> str:
    """Return a block as Markdown; empty if it cannot be shown."""
    match block:
        case Headline(value, conclusion, detail):
            return f"**{escape(value)}**: {escape(conclusion)} {escape(detail)}"
        case Heading(text):
            return f"### {escape(text)}"
        case Facts(rows):
            return _table(("", ""), rows)
        case Table(header, rows):
            return _table([escape(name) for name in header], rows, block.bold)
        case Details(summary, text):
            return f"**{escape(summary)}** {escape(text)}"
        case Bullets(items):
            return "\n".join(f"- {_item(item)}" for item in items)
        case str() if not isinstance(block, Markup):
            return escape(block)
        case _:
            return ""


def escape(text: object) -> str:
    """Return text on one line, with the characters escaped that have a meaning in Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(plain(text).split()))


def _table(
    header: Sequence[str], rows: Sequence[Sequence[object]], bold: frozenset[int] = frozenset()
) -> str:
    lines = [header, ["---"] * len(header)]
    for k, row in enumerate(rows):
        cells = map(escape, row)
        lines.append([f"**{cell}**" if k in bold else cell for cell in cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _item(item: Item) -> str:
    source = escape(item.source)
    parts = (
        f"**{escape(item.lead)}**" if item.lead else "",
        escape(item.text),
        f"`{item.command}`" if item.command else "",
        f"([{source}]({item.url}))" if item.url else f"({source})" if source else "",
    )
    return " ".join(filter(None, parts))
