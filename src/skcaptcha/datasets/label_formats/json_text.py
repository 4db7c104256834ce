"""Values of a JSON text, and the line in which each begins."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from skcaptcha.exceptions import DatasetError

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_LINE_END = re.compile(r"\r\n|\r|\n")


class JsonItem(NamedTuple):
    """An item of a list, or a member of an object, in a JSON text."""

    key: str | None
    """Name of the member; None for an item."""
    value: Any
    start: int
    """Position of the value in the text."""
    place: str
    """Where the value is, such as "line 3"."""


class JsonText:
    r"""A JSON text whose errors name the line.

    Parameters
    ----------
    path : Path
        File of the text, for errors.
    text : str
        Text to parse.

    Examples
    --------
    >>> text = JsonText(Path("labels.json"), '{"1.png":\n "AB"}')
    >>> [(item.key, item.value, item.place) for item in text.items()]
    [('1.png', 'AB', 'line 2')]
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text

    def value(self, start: int = 0) -> tuple[Any, int]:
        """Return the value that begins at a position, and the position after it."""
        start = self._skip(start)
        try:
            return _DECODER.raw_decode(self.text, start)
        except RecursionError as error:
            raise DatasetError(
                f"{self.path}: {self.place(start)}: its values are nested too deeply; is it the "
                "right file?"
            ) from error
        except ValueError as error:
            at = getattr(error, "pos", start)
            if self.is_at_end(at) or "delimiter" in str(error):
                # Something is missing after the value before.
                at = max(len(self.text[:at].rstrip()) - 1, 0)
            raise DatasetError(
                f"{self.path}: {self.place(at)} is not valid JSON; correct it"
            ) from error

    def is_at_end(self, start: int) -> bool:
        """Return whether only space follows a position."""
        return self._skip(start) == len(self.text)

    def values(self) -> Iterator[JsonItem]:
        """Yield the values of a text that consists of several, as JSON lines do."""
        start = self._skip(0)
        while start < len(self.text):
            value, end = self.value(start)
            yield JsonItem(None, value, start, self.place(start))
            start = self._skip(end)

    def items(self, start: int = 0) -> Iterator[JsonItem]:
        """Yield the items of the valid list or object that begins at a position."""
        start = self._skip(start)
        is_object = self.text[start] == "{"
        start = self._skip(start + 1)
        while self.text[start] not in "]}":
            key = None
            if is_object:
                key, start = self.value(start)
                start = self._skip(self._skip(start) + 1)
            value, end = self.value(start)
            yield JsonItem(key, value, start, self.place(start))
            start = self._skip(end)
            if self.text[start] == ",":
                start = self._skip(start + 1)

    def member(self, name: str) -> Iterator[JsonItem]:
        """Yield the items of a member of the object that the text is."""
        for item in self.items():
            if item.key == name:
                yield from self.items(item.start)

    def place(self, position: int) -> str:
        """Return the line of a position, for an error."""
        return f"line {1 + bisect_right(self._line_ends, position)}"

    @cached_property
    def _line_ends(self) -> list[int]:
        return [match.end() for match in _LINE_END.finditer(self.text)]

    def _skip(self, start: int) -> int:
        return _SPACE.match(self.text, start).end()  # type: ignore[union-attr]
