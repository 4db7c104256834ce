"""The blocks that a page consists of: `blocks.html` renders them as HTML, `_markdown` as text.

A block is one of these classes, a str, which becomes a paragraph, or Markup, which is HTML already.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from skcaptcha.inspection import Trace

_MAGNIFIED_BELOW = 240  # pixels
_MAX_SCALE = 3

Mood: TypeAlias = Literal["", "good", "bad"]
"""The color of a headline."""


@dataclass(frozen=True)
class Headline:
    """The most important figure, in large type, with its meaning and how it was measured."""

    value: str
    conclusion: str
    detail: str
    mood: Mood = ""


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str


@dataclass(frozen=True)
class Facts:
    """A table of names and values."""

    rows: Sequence[tuple[str, object]]


@dataclass(frozen=True)
class Table:
    """A table; `summary` folds it, `bold` are the indices of the rows in bold type."""

    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    summary: str = ""
    bold: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Details:
    """A paragraph that is folded under its summary."""

    summary: str
    text: str


@dataclass(frozen=True)
class Item:
    """A point of a list: `lead` in bold type, text, a command to run, a source with its address."""

    text: str
    lead: str = ""
    command: str = ""
    source: str = ""
    url: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list of points."""

    items: Sequence[Item]


@dataclass(frozen=True)
class Picture:
    """An image, magnified if it is small, with boxes ``x, y, w, h`` drawn on it."""

    image: NDArray[np.uint8]
    description: str
    boxes: NDArray[np.intp] | Sequence[Sequence[int]] = ()

    @property
    def scale(self) -> int:
        """Factor by which it is magnified."""
        return max(1, min(_MAX_SCALE, _MAGNIFIED_BELOW // self.image.shape[1]))

    @property
    def data_uri(self) -> str:
        """The image as a PNG in a data URI."""
        # OpenCV's order of channels is blue, green, red.
        ordered = self.image[..., ::-1] if self.image.ndim == 3 else self.image
        _, png = cv2.imencode(".png", np.ascontiguousarray(ordered))
        return f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}"


@dataclass(frozen=True)
class Card:
    """Pictures of one captcha, and a list of names and values below them."""

    pictures: Sequence[Picture]
    lines: Sequence[tuple[str, object]]


@dataclass(frozen=True)
class Gallery:
    """Cards in rows."""

    cards: Sequence[Card]


@dataclass(frozen=True)
class Strip:
    """The stages of a trace in one row, below the prediction and its label."""

    trace: Trace
    label: str


@dataclass(frozen=True)
class Bars:
    """A bar chart in HTML, of rows ``name, length in 0..1, text, is pale``, for any width."""

    rows: Sequence[tuple[str, float, str, bool]]
    description: str
    caption: str = ""


Block: TypeAlias = (
    str | Headline | Heading | Facts | Table | Details | Bullets | Gallery | Strip | Bars
)


def verbatim(text: str) -> Markup:
    """Return the text of a captcha in monospaced type, so that each space shows."""
    if not text:
        return Markup('<span class="faint">(nothing)</span>')
    return Markup('<span class="text">{}</span>').format(text)


def plain(text: object) -> str:
    """Return text without HTML tags, if it is Markup."""
    return text.striptags() if isinstance(text, Markup) else str(text)
