"""The images that the arguments of a command mean, found as they are asked for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path
from typing import Protocol, Self

from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES
from skcaptcha.datasets._load import natural_sort_key
from skcaptcha.exceptions import DatasetError
from skcaptcha.images._encoded_text import is_url
from skcaptcha.prediction._sorted_names import SortedNames

_MAGIC = re.compile(r"[*?[]")
_ANY_FOLDERS = "**"
_BYTES_AT_ONCE = 2**16
# An image of the largest size that is read by default, as base64, with room to spare.
_MOST_BYTES_OF_PATH = 2**25

_Failed = Callable[[str, str], None]


def images_of(arguments: Sequence[str], failed: _Failed, *, null: bool = False) -> Iterator[str]:
    """Find the images that arguments mean, in an order that is the same every time.

    However many files a folder has, few of their names are held.

    Parameters
    ----------
    arguments : sequence of str
        Images; folders, of whose trees all images are meant but hidden ones and those in folders
        that are hidden or links; patterns with ``*``, ``?``, ``[...]`` and ``**`` (any folders),
        of which all matching files are meant; or ``-`` for a list of paths on the standard input.
    failed : callable
        Is told the path of each folder that cannot be listed, and why.
    null : bool, default=False
        On the standard input, names end with a null character instead of a line feed.

    Returns
    -------
    paths : iterator of str
        In a folder, the images come first, then the folders inside, each in the natural order of
        names.

    Raises
    ------
    DatasetError
        If a folder's tree holds no image, or nothing matches a pattern; before any path is given.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha.prediction._find_images import images_of
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("10.png", "2.png", "b/1.jpg", "b/.1.png", "labels.csv"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     paths = list(images_of([folder, f"{folder}/*/*.jpg"], print))
    >>> [path.removeprefix(folder) for path in paths]
    ['/2.png', '/10.png', '/b/1.jpg', '/b/1.jpg']
    """
    for argument in arguments:
        if argument != "-" and next(_of(argument, lambda *_: None, null=null), None) is None:
            if os.path.isdir(argument):
                suffixes = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
                raise DatasetError(
                    f"{argument}: contains no images; expected files ending in {suffixes}"
                )
            raise DatasetError(f"{argument}: there is no file whose path matches this pattern")
    return chain.from_iterable(_of(argument, failed, null=null) for argument in arguments)


def named(arguments: Sequence[str]) -> Iterator[str]:
    """Give the files and folders that arguments name, those on the standard input left out.

    Parameters
    ----------
    arguments : sequence of str
        As `images_of` takes them.

    Yields
    ------
    path : str
        A folder as it is; of a pattern, each file that matches.
    """
    for argument in arguments:
        if os.path.isdir(argument):
            yield argument
        elif argument != "-":
            yield from _of(argument, lambda *_: None, null=False)


def _of(argument: str, failed: _Failed, *, null: bool) -> Iterator[str]:
    if argument == "-":
        return _listed(b"\0" if null else b"\n")
    if os.path.isdir(argument):
        return _walk(Path(argument), _Images(), failed)
    if not _MAGIC.search(argument) or os.path.lexists(argument) or is_url(argument):
        return iter([argument])
    parts = Path(argument).parts
    fixed = next(i for i, part in enumerate(parts) if _MAGIC.search(part))
    return _walk(Path(*parts[:fixed]), _Pattern(parts[fixed:]), failed)


def _listed(end: bytes) -> Iterator[str]:
    """Read names from the standard input, as they come."""
    rest: list[bytes] = []
    n_bytes = 0
    while block := sys.stdin.buffer.read1(_BYTES_AT_ONCE):  # type: ignore[union-attr]
        *names, last = block.split(end)
        if names:
            names[0] = b"".join([*rest, names[0]])
            rest, n_bytes = [], 0
            yield from map(os.fsdecode, _without_line_ends(names, end))
        rest.append(last)
        n_bytes += len(last)
        if n_bytes > _MOST_BYTES_OF_PATH:
            separator = "line feed" if end == b"\n" else "null character"
            raise DatasetError(
                f"-: the list of paths has {n_bytes:,} bytes without a {separator}, which is no "
                "path; write one path on each line, or end each with a null character and give "
                "--null"
            )
    yield from map(os.fsdecode, _without_line_ends([b"".join(rest)], end))


def _without_line_ends(names: list[bytes], end: bytes) -> Iterator[bytes]:
    if end == b"\n":
        names = [name.removesuffix(b"\r") for name in names if name.strip()]
    return filter(None, names)


def _walk(folder: Path, meant: _Meant, failed: _Failed) -> Iterator[str]:
    """Find the files that are meant in a folder's tree."""
    waiting: list[tuple[str, _Meant]] = [("" if folder == Path() else str(folder), meant)]
    while waiting:
        path, meant = waiting.pop()
        inside = []
        with SortedNames() as names:
            try:
                with os.scandir(path or os.curdir) as entries:
                    for entry in entries:
                        if not _is_folder(entry):
                            if meant.takes(entry.name):
                                names.add(entry.name)
                        # A link may lead back to where the walk comes from.
                        elif not entry.is_symlink() and (there := meant.inside(entry.name)):
                            inside.append((entry.name, there))
            except FileNotFoundError:
                continue
            except OSError as error:
                failed(path, f"it cannot be listed ({error.strerror})")
                continue
            inside.sort(key=lambda folder: natural_sort_key(folder[0]), reverse=True)
            waiting += [(os.path.join(path, name), there) for name, there in inside]
            yield from (os.path.join(path, name) for name in names)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, say: reading it will tell
        return False


class _Meant(Protocol):
    """Which names in a folder are meant."""

    def takes(self, name: str) -> bool:
        """Whether a file of that name is meant."""

    def inside(self, name: str) -> Self | None:
        """Which names are meant in a folder of that name; None if there can be none."""


class _Images:
    """All images of a tree."""

    def takes(self, name: str) -> bool:
        suffix = os.path.splitext(name)[1].lower()
        return suffix in IMAGE_SUFFIXES and not name.startswith(".")

    def inside(self, name: str) -> Self | None:
        return None if name.startswith(".") else self


class _Pattern:
    """The files whose path matches a pattern.

    Several of its parts may be the next to match, since ``**`` stands for any number of folders.
    """

    def __init__(self, parts: Sequence[str], reached: Iterable[int] = (0,)) -> None:
        self._parts = parts
        self._reached: set[int] = set()
        for place in reached:
            self._reached.add(place)
            while place < len(parts) and parts[place] == _ANY_FOLDERS:
                place += 1  # noqa: PLW2901 - which may be none
                self._reached.add(place)

    def takes(self, name: str) -> bool:
        last = len(self._parts) - 1
        return last in self._reached and self._matches(name, self._parts[last])

    def inside(self, name: str) -> Self | None:
        after = self._after(name)
        return after if after._reached - {len(self._parts)} else None

    def _after(self, name: str) -> Self:
        return type(self)(self._parts, self._places_after(name))

    def _places_after(self, name: str) -> Iterator[int]:
        for place in self._reached - {len(self._parts)}:
            part = self._parts[place]
            if self._matches(name, part):
                yield place if part == _ANY_FOLDERS else place + 1

    def _matches(self, name: str, part: str) -> bool:
        if name.startswith(".") and not part.startswith("."):
            return False
        return part == _ANY_FOLDERS or fnmatch(name, part)
