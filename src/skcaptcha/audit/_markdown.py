"""An audit as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skcaptcha.audit._blocks import Block, Drawing, Facts, Headline, Item, Items, Rows
from skcaptcha.audit._figures import Audit
from skcaptcha.audit._report import parts

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~])")


def to_markdown(audit: Audit, title: str) -> str:
    """Write an audit as Markdown.

    Charts are left out; tables have their figures.

    Parameters
    ----------
    audit : Audit
    title : str

    Returns
    -------
    text : str
    """
    blocks = [f"# {_escaped(title)}"]
    for part in parts(audit):
        blocks += [f"## {part.heading}", *map(_written, part.blocks)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _written(block: Block) -> str:
    match block:
        case Headline(value, verdict, detail):
            return f"**{_escaped(value)}**: {_escaped(verdict)} {_escaped(detail)}"
        case Facts(rows):
            return _table(("", ""), rows)
        case Rows(header, rows, marked):
            return _table(header, rows, marked)
        case Items(items):
            return "\n".join(f"- {_item(item)}" for item in items)
        case Drawing():
            return ""
        case text:
            return _escaped(text)


def _table(
    header: Sequence[str], rows: Sequence[Sequence[str]], marked: frozenset[int] = frozenset()
) -> str:
    lines = [header, ["---"] * len(header)]
    for k, row in enumerate(rows):
        cells = map(_escaped, row)
        lines.append([f"**{cell}**" if k in marked else cell for cell in cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _item(item: Item) -> str:
    source = _escaped(item.source)
    if item.url:
        source = f"[{source}]({item.url})"
    written = [f"**{_escaped(item.lead)}**" if item.lead else "", _escaped(item.text)]
    return " ".join([*filter(None, written), *([f"({source})"] if source else [])])


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
