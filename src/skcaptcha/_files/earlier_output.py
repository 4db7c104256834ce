"""Files that a command may replace because an earlier run wrote them."""

from __future__ import annotations

from pathlib import Path

from skcaptcha.exceptions import OverwriteError


def check_earlier_output(file: Path, beginning: str, out: Path) -> None:
    """Raise OverwriteError if a file that is written next to `out` exists and begins differently.

    A file of this kind may also be written by hand, and its name was not given by the user.
    """
    if not file.is_file():
        return
    with file.open("rb") as stream:
        found = stream.read(len(beginning.encode()))
    if found and found != beginning.encode():
        raise OverwriteError(
            f"{file}: not from an earlier run, but it would be replaced, because it is written "
            f"next to {out}; rename it, or choose another name with --out"
        )
