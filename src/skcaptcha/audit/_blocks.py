"""What an audit's report is made of, whatever it is written as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Headline:
    """The one figure that matters most, what it means, and how it was measured."""

    value: str
    verdict: str
    detail: str
    mood: Literal["", "bad"] = ""


@dataclass(frozen=True)
class Facts:
    """Names and what belongs to them."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Rows:
    """A table; the rows in `marked`, by number, stand out; `summary` folds it where it can be."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    marked: frozenset[int] = field(default_factory=frozenset)
    summary: str = ""


@dataclass(frozen=True)
class Item:
    """A point of a list: its beginning stands out, its end is where more is to be read."""

    lead: str
    text: str
    source: str = ""
    url: str = ""


@dataclass(frozen=True)
class Items:
    """A list."""

    items: Sequence[Item]


@dataclass(frozen=True)
class Drawing:
    """A chart by name; where charts cannot be shown, a table before or after has the figures."""

    name: Literal["curve", "costs", "published"]
    description: str


Block = str | Headline | Facts | Rows | Items | Drawing


@dataclass(frozen=True)
class Part:
    """Blocks under a heading."""

    heading: str
    blocks: Sequence[Block]
