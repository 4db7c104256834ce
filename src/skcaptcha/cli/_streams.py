"""Standard streams that accept every text, whatever the encoding of the terminal or the pipe."""

from __future__ import annotations

import codecs
import io
import os
import sys

_HANDLER = "skcaptcha.escape"


def prepare_streams() -> None:
    r"""Open the standard streams that are closed, and escape what their encoding lacks.

    Such a letter is shown as in Python, for example as ``\xe9``. Bytes of a file name that are not
    text stay as they are, so that the name can be passed on.
    """
    codecs.register_error(_HANDLER, _escape)
    for name in ("stdin", "stdout", "stderr"):
        # A stream that was closed, as by >&-, is None, which libraries do not expect.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115 - stays open
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _escape(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return b"".join(map(_byte_or_escape, lacking)), error.end


def _byte_or_escape(character: str) -> bytes:
    try:
        return character.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return character.encode("ascii", "backslashreplace")
