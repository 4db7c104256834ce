"""File names in a temporary database, because millions of them would fill the memory.

sqlite sorts 300,000 names in 2.0 s of processor time and 14 MiB (a merge sort of our own: 4.0 s and
23 MiB; a Python list: 0.8 s and 48 MiB, which grow with the number of names).
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice

from skcaptcha.datasets._list_images import natural_sort_key
from skcaptcha.exceptions import SkcaptchaError

_KIB_IN_MEMORY = 8 * 1024
_NAMES_IN_MEMORY = 10_000


def sort_names(names: Iterable[str]) -> Iterator[str]:
    """Yield names in natural order (``2.png`` before ``10.png``)."""
    names = iter(names)
    first = list(islice(names, _NAMES_IN_MEMORY + 1))
    if len(first) <= _NAMES_IN_MEMORY:
        yield from sorted(first, key=natural_sort_key)
        return
    with _database("CREATE TABLE names (key BLOB, name BLOB)") as database:
        rows = ((natural_sort_key(name), os.fsencode(name)) for name in chain(first, names))
        database.executemany("INSERT INTO names VALUES (?, ?)", rows)
        first.clear()
        for (name,) in database.execute("SELECT name FROM names ORDER BY key"):
            yield os.fsdecode(name)


class DoneNames:
    """Names of the images in a table, and how often each of them is in it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add(self, names: Iterable[str]) -> None:
        """Count images that are in the table."""
        self._database.executemany(
            "INSERT INTO done VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1",
            ((_bytes(name),) for name in names),
        )

    def take(self, name: str) -> bool:
        """Return whether an image is in the table: once for each of its rows."""
        command = "UPDATE done SET n = n - 1 WHERE name = ? AND n > 0"
        return self._database.execute(command, (_bytes(name),)).rowcount > 0


@contextmanager
def done_names() -> Iterator[DoneNames]:
    """Open an empty set of names that is removed at the end of the context."""
    with _database("CREATE TABLE done (name BLOB PRIMARY KEY, n INTEGER) WITHOUT ROWID") as opened:
        yield DoneNames(opened)


@contextmanager
def _database(create: str) -> Iterator[sqlite3.Connection]:
    # Without a name it is a temporary file, and in memory while it is small.
    database = sqlite3.connect("", isolation_level=None)
    try:
        for command in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{_KIB_IN_MEMORY}",
            create,
            "BEGIN",
        ):
            database.execute(command)
        yield database
    except sqlite3.Error as error:
        raise SkcaptchaError(
            f"{tempfile.gettempdir()}: cannot store the names of the images ({error}); free some "
            "space, or set TMPDIR to another folder"
        ) from error
    finally:
        database.close()


def _bytes(name: str) -> bytes:
    # Bytes that are not UTF-8 are escaped, as in a Parquet file, which cannot contain them.
    return name.encode(errors="backslashreplace")
