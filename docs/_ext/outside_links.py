"""Turn links to files of the repository outside this folder into downloads."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\.?/[^)#:]+)(?:#[^)]*)?\)")


def _to_downloads(app: Sphinx, docname: str, source: list[str]) -> None:
    folder = Path(app.env.doc2path(docname)).parent

    def replace(match: re.Match[str]) -> str:
        text, path = match.groups()
        target = (folder / path).resolve()
        if target.is_relative_to(app.srcdir) or not target.is_file():
            return match[0]
        return f"{{download}}`{text.strip('`')} <{path}>`"

    source[0] = _LINK.sub(replace, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("source-read", _to_downloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
