"""The names of captchas that were read before, which may be too many for the memory."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from skcaptcha.exceptions import SkcaptchaError

_KIB_IN_MEMORY = 16 * 1024


class DoneNames:
    """How often each captcha was read before; a context manager.

    Examples
    --------
    >>> from skcaptcha.prediction._done_names import DoneNames
    >>> with DoneNames() as done:
    ...     done.add(["a.png", "b.png", "a.png"])
    ...     [done.take(name) for name in ("a.png", "c.png", "a.png", "a.png")]
    [True, False, True, False]
    """

    def __init__(self) -> None:
        # Without a name it is a temporary file, and in the memory as long as it is small.
        self._database = sqlite3.connect("", isolation_level=None)
        for command in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{_KIB_IN_MEMORY}",
            "CREATE TABLE done (name BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID",
            "BEGIN",
        ):
            self._database.execute(command)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._database.close()
        if isinstance(error, sqlite3.Error):
            raise SkcaptchaError(
                f"{tempfile.gettempdir()}: the names of what was read before cannot be kept there "
                f"({error}); make room, or let TMPDIR name another folder"
            ) from error

    def add(self, names: Iterable[str]) -> None:
        """Count captchas that were read.

        Parameters
        ----------
        names : iterable of str
        """
        self._database.executemany(
            "INSERT INTO done VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1",
            ((_bytes(name),) for name in names),
        )

    def take(self, name: str) -> bool:
        """Tell whether a captcha was read, once for each time that it was.

        Parameters
        ----------
        name : str

        Returns
        -------
        was_read : bool
        """
        command = "UPDATE done SET n = n - 1 WHERE name = ? AND n > 0"
        return self._database.execute(command, (_bytes(name),)).rowcount > 0


def _bytes(name: str) -> bytes:
    # What has no place in UTF-8 is escaped, since some kinds of tables cannot hold it.
    return name.encode(errors="backslashreplace")
