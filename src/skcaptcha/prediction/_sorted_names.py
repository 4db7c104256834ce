"""The names in a folder in their natural order, which may be too many for the memory."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import IO, Self

from skcaptcha.datasets._load import natural_sort_key
from skcaptcha.exceptions import SkcaptchaError

_NAMES_IN_MEMORY = 50_000
_BYTES_AT_ONCE = 2**13  # of each run, of which there may be hundreds
_END = b"\0"  # no file's name holds it


class SortedNames:
    """Takes names in any order and gives them sorted; a context manager.

    Many are sorted in runs that wait in a temporary file.

    Parameters
    ----------
    n_in_memory : int
        How many names a run has.

    Examples
    --------
    >>> from skcaptcha.prediction._sorted_names import SortedNames
    >>> with SortedNames(n_in_memory=2) as names:
    ...     for name in ("10.png", "9.png", "b.png", "a.png", "1.png"):
    ...         names.add(name)
    ...     list(names)
    ['1.png', '9.png', '10.png', 'a.png', 'b.png']
    """

    def __init__(self, n_in_memory: int = _NAMES_IN_MEMORY) -> None:
        self._n_in_memory = n_in_memory
        self._names: list[str] = []
        self._runs: list[tuple[int, int]] = []
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, name: str) -> None:
        """Take a name.

        Parameters
        ----------
        name : str

        Raises
        ------
        SkcaptchaError
            If there is no room for temporary files.
        """
        if len(self._names) == self._n_in_memory:
            self._put_aside()
        self._names.append(name)

    def __iter__(self) -> Iterator[str]:
        self._names.sort(key=natural_sort_key)
        if not self._runs:
            return iter(self._names)
        runs = (self._run(*places) for places in self._runs)
        return heapq.merge(*runs, self._names, key=natural_sort_key)

    def _put_aside(self) -> None:
        self._names.sort(key=natural_sort_key)
        with _room_for_names():
            if self._file is None:
                # Written and read in large pieces as it is.
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - see __exit__
            begin = self._file.tell()
            content = memoryview(b"".join(os.fsencode(name) + _END for name in self._names))
            while content:
                content = content[self._file.write(content) :]
        self._runs.append((begin, self._file.tell()))
        self._names.clear()

    def _run(self, place: int, end: int) -> Iterator[str]:
        assert self._file is not None
        rest = b""
        while place < end:
            self._file.seek(place)
            block = self._file.read(min(_BYTES_AT_ONCE, end - place))
            place += len(block)
            *names, rest = (rest + block).split(_END)
            yield from map(os.fsdecode, names)


@contextmanager
def _room_for_names() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SkcaptchaError(
            f"{tempfile.gettempdir()}: the names in a large folder cannot be kept there "
            f"({error.strerror}); make room, or let TMPDIR name another folder"
        ) from error
