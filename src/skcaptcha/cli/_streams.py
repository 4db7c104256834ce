"""Standard streams that take every text, whatever the encoding of the terminal or the pipe."""

from __future__ import annotations

import codecs
import io
import os
import sys

_HANDLER = "skcaptcha.shown"


def prepare_streams() -> None:
    r"""Have the standard streams there, and escape on them what their encoding lacks.

    A letter that it lacks is shown as in Python, such as ``\xe9``. Bytes of a file name that are
    no text stay as they are, so that the name can be passed on.
    """
    codecs.register_error(_HANDLER, _shown)
    for name in ("stdin", "stdout", "stderr"):
        # Python has None for a stream that was closed, as by >&-, and libraries stumble over it.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115 - open to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def _shown(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return b"".join(map(_byte_or_escape, lacking)), error.end


def _byte_or_escape(character: str) -> bytes:
    try:
        return character.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return character.encode("ascii", "backslashreplace")
