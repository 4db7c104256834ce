"""What the rows of an unfinished table were read with, so that no others are added to them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from skcaptcha._files.regular_file import UnreadableError, check_text_size, read_regular_file
from skcaptcha.exceptions import SkcaptchaError

Settings = Mapping[str, str | int | float | None]
"""The model and the options that readings depend on, by their names."""


class BegunWith:
    """A file beside an unfinished table that says what its rows are read with.

    Parameters
    ----------
    unfinished : Path
    settings : mapping of str to str, int, float or None
        What rows are read with now; None: an option that is not given.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha.prediction._table_settings import BegunWith
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     part = Path(folder) / "a.csv.part"
    ...     BegunWith(part, {"model": "ab", "--length": 4}).keep()
    ...     try:
    ...         BegunWith(part, {"model": "ab", "--length": None}).check()
    ...     except SkcaptchaError as error:
    ...         print(str(error).removeprefix(folder + "/"))
    a.csv.part: its rows were read with --length 4; resume with the same, or delete it to begin anew
    """

    def __init__(self, unfinished: Path, settings: Settings) -> None:
        self._unfinished = unfinished
        self._settings = settings
        self._file = Path(f"{unfinished}.json")

    def check(self) -> None:
        """Refuse to go on with others; an older version kept nothing, and is gone on from.

        Raises
        ------
        SkcaptchaError
            Says what differs.
        """
        found = self._found()
        if found is None:
            return
        differing = [
            name for name, value in self._settings.items() if found.get(name, value) != value
        ]
        if differing:
            then = " and ".join(_said(name, found[name]) for name in differing)
            raise SkcaptchaError(
                f"{self._unfinished}: its rows were read with {then}; resume with the same, or "
                "delete it to begin anew"
            )

    def keep(self) -> None:
        """Write down what rows are read with from now on."""
        from skcaptcha._files.atomic import write_atomically  # noqa: PLC0415 - --help needs it not

        self._found()
        content = json.dumps(dict(self._settings), indent=2).encode()
        write_atomically(self._file, lambda stream: stream.write(content + b"\n"))

    def remove(self) -> None:
        """Remove it, since the table is complete."""
        with suppress(FileNotFoundError):
            os.unlink(self._file)

    def _found(self) -> dict[str, object] | None:
        if not self._file.exists():
            return None
        try:
            found = json.loads(read_regular_file(self._file, check_text_size))
        except (UnreadableError, ValueError):
            found = None
        if not isinstance(found, dict) or not found.keys() & self._settings.keys():
            raise SkcaptchaError(
                f"{self._file}: it is not what an interrupted run left; rename it, since what "
                f"the rows of {self._unfinished} are read with is kept there"
            )
        return found


def _said(name: str, value: object) -> str:
    if not name.startswith("--"):
        return f"another {name}"
    return f"no {name}" if value is None else f"{name} {value}"
