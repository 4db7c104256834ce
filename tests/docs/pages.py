"""The code of a page: its fenced blocks, in the order in which a reader meets them.

A block whose first line is a comment with nothing but a file name, such as ``# mine.yaml``, is
that file. Blocks of ``sh`` and ``python`` run, those of ``pycon`` run as doctests, and a block of
``text`` after one of ``sh`` is what it prints, but for the numbers. An HTML comment before a block,
which readers do not see, says what the tests do otherwise, with the reason:

    <!-- not run: the reason -->
    <!-- runs as: another command, which does the same in a test -->

``<!-- slow -->`` anywhere in a page marks the whole of it. A page with
``<!-- given: captchas and a model -->`` begins with what the tutorials make: the labeled folders
``captchas``, ``lines-test`` and ``touching-test``, and the models ``artifacts/model.joblib``, which
cuts, and ``artifacts/sequence.joblib``, which does not.
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
    """A fenced block: what it holds and where it stands."""

    language: str
    code: str
    line: int
    note: str = ""

    @property
    def file(self) -> str | None:
        """The file that the block is, if it is one."""
        found = _FILE.match(self.code)
        return found["file"] if found else None

    @property
    def command(self) -> str | None:
        """What runs instead of the block."""
        found = re.match(r"runs as:\s*(.+)", self.note, re.DOTALL)
        return found[1] if found else None

    @property
    def reason(self) -> str | None:
        """Why the block does not run."""
        found = re.match(r"not run:\s*(.+)", self.note, re.DOTALL)
        return found[1] if found else None


def blocks_of(text: str) -> list[Block]:
    """Find the fenced blocks of a page."""
    return [
        Block(m["language"], m["code"], text[: m.start("code")].count("\n") + 1, m["note"] or "")
        for m in _FENCE.finditer(text)
    ]


def folders_made_by(text: str) -> set[str]:
    """Find the folders that the code of a page makes, where it runs as it stands in the page."""
    code = "\n".join(b.command or b.code for b in blocks_of(text) if not b.reason)
    return {m["by_command"] or m["by_call"] for m in _MAKES.finditer(code)}


def pages() -> list[Path]:
    """List the README and the pages of the site that hold code."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    hidden = {page for page in found if any(part.startswith("_") for part in page.parts)}
    return [page for page in found if page not in hidden and _runs(page)]


def _runs(page: Path) -> bool:
    return any(block.language in _RUN for block in blocks_of(page.read_text()))


def commands_of(script: str) -> list[str | list[str]]:
    """Divide a script into our commands, as lists of words, and what a shell must run."""
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
    """Make a pattern of shown output: numbers may be others, spaces and bars more or fewer.

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
