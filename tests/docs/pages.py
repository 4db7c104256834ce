"""The fenced code blocks of a page, in order.

A block that starts with a comment of only a file name, such as ``# mine.yaml``, is that file.
``sh`` and ``python`` blocks run; ``pycon`` blocks run as doctests. A ``text`` block
after an ``sh`` block is its output, in which numbers may differ. An HTML comment before a block,
which is not visible on the page, changes how the tests run it:

    <!-- not run: the reason -->
    <!-- runs as: another command, which does the same in a test -->

``<!-- slow -->`` anywhere in a page marks the whole page as slow. A page with
``<!-- given: captchas and a model -->`` needs the files of the tutorials: the labeled folders
``captchas``, ``lines-test`` and ``touching-test``, and the models ``artifacts/model.joblib``, which
segments captchas, and ``artifacts/sequence.joblib``, which does not.
"""

import re
import shlex
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"^(?:<!--\s*(?P<note>(?:not run|runs as):.*?)\s*-->\n+)?"
    r"^```(?P<language>[a-z]+)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"^# (?P<file>[\w./-]+\.(?:py|yaml|csv))\n")
_RUN = {"sh", "python", "pycon"}
_MAKES = re.compile(
    r"""skcaptcha\ (?:generate\ \w+|cut\ \S+)\ (?P<by_command>[\w-]+)
    |write_(?:captchas|characters)\("(?P<by_call>[\w-]+)\"""",
    re.VERBOSE,
)


class Block(NamedTuple):
    """The code and position of a fenced block."""

    language: str
    code: str
    line: int
    note: str = ""

    @property
    def file(self) -> str | None:
        """The name of the file that the block contains, or None."""
        found = _FILE.match(self.code)
        return found["file"] if found else None

    @property
    def command(self) -> str | None:
        """The command that runs instead of the block."""
        found = re.match(r"runs as:\s*(.+)", self.note, re.DOTALL)
        return found[1] if found else None

    @property
    def reason(self) -> str | None:
        """The reason why the block does not run."""
        found = re.match(r"not run:\s*(.+)", self.note, re.DOTALL)
        return found[1] if found else None


def blocks_of(text: str) -> list[Block]:
    """Find the fenced blocks of a page."""
    return [
        Block(m["language"], m["code"], text[: m.start("code")].count("\n") + 1, m["note"] or "")
        for m in _FENCE.finditer(text)
    ]


def folders_created_by(text: str) -> set[str]:
    """Return the folders that the code of a page creates if it runs unchanged."""
    code = "\n".join(b.command or b.code for b in blocks_of(text) if not b.reason)
    return {m["by_command"] or m["by_call"] for m in _MAKES.finditer(code)}


def pages() -> list[Path]:
    """Return the README and the pages of the site that contain code."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    hidden = {page for page in found if any(part.startswith("_") for part in page.parts)}
    return [page for page in found if page not in hidden and _runs(page)]


def _runs(page: Path) -> bool:
    return any(block.language in _RUN for block in blocks_of(page.read_text()))


def commands_of(script: str) -> list[str | list[str]]:
    """Split a script into skcaptcha commands, as lists of words, and lines for the shell."""
    if "\\\n" in script:
        return [script]
    parts: list[str | list[str]] = []
    for ours, lines in groupby(filter(str.strip, script.splitlines()), _is_ours):
        if ours:
            parts += [shlex.split(line, comments=True) for line in lines]
        else:
            parts.append("\n".join(lines))
    return parts


def _is_ours(line: str) -> bool:
    return line.startswith("skcaptcha ") and not set("|&;<>$*") & set(line.partition(" #")[0])


def expected_output(text: str) -> re.Pattern[str]:
    """Return a pattern for shown output: numbers, spaces and bars may differ.

    ``...`` stands for anything.
    """
    parts = re.split(r"(\.\.\.|\d[\d.,]*|\s+)", text.strip())
    return re.compile("".join(map(_pattern, parts)), re.DOTALL)


def _pattern(part: str) -> str:
    if part == "...":
        return r".*?"
    if part.isspace():
        return r"\s+"
    return r"\d[\d.,]*" if part[:1].isdigit() else re.escape(part)
