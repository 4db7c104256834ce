"""Find the image files of paths, folders, patterns and lists of paths."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path

from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES
from skcaptcha.datasets._list_images import natural_sort_key
from skcaptcha.exceptions import DatasetError
from skcaptcha.images._encoded_text import is_url
from skcaptcha.prediction._names_on_disk import sort_names

_WILDCARD = re.compile(r"[*?[]")
_ANY_FOLDERS = "**"
_ANY_IMAGE = ""  # not a possible part of a path
_BYTES_AT_ONCE = 2**16
# An image of the largest size that is read by default, as base64, with room to spare.
_MAX_BYTES_OF_PATH = 2**25

OnError = Callable[[str, str], object]


def find_images(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    on_error: OnError | None = None,
    null_separated: bool = False,
) -> Iterator[str]:
    """Find image files, in an order that is the same each time.

    Files are found while they are used. Memory holds at most 10,000 file names of a folder: more of
    them are sorted in a temporary file.

    Parameters
    ----------
    paths : str, path-like, or iterable of these
        Each is an image file; a folder, for all images in it and in its subfolders, except hidden
        files, hidden folders and folders that are links; a pattern with ``*``, ``?``, ``[...]`` or
        ``**`` (any number of folders); or ``"-"`` for a list of paths on standard input, one
        path per line.
    on_error : callable, default=None
        Function of the path of a folder that cannot be listed, and the reason. The other folders
        are searched. If None, a DatasetError is raised.
    null_separated : bool, default=False
        Whether paths on standard input end with a null character instead of a line feed, as
        ``find -print0`` writes them.

    Returns
    -------
    images : iterator of str
        Paths: for a folder, first its images, then its subfolders, both in natural order
        (``2.png`` before ``10.png``).

    Raises
    ------
    DatasetError
        If a folder contains no images or no file matches a pattern. It is raised before the first
        path is returned.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skcaptcha.prediction import find_images
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("10.png", "2.png", "b/1.jpg", "b/.1.png", "labels.csv"):
    ...         path = Path(folder, name)
    ...         path.parent.mkdir(exist_ok=True)
    ...         path.touch()
    ...     images = list(find_images([folder, f"{folder}/*/*.jpg"]))
    >>> [image.removeprefix(folder) for image in images]
    ['/2.png', '/10.png', '/b/1.jpg', '/b/1.jpg']
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    arguments = [os.fspath(path) for path in paths]
    for path in arguments:
        if path != "-" and next(_find(path, _ignore, null_separated), None) is None:
            if os.path.isdir(path):
                suffixes = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
                raise DatasetError(
                    f"{path}: contains no images; expected files that end in {suffixes}"
                )
            raise DatasetError(f"{path}: no file matches this pattern")
    return chain.from_iterable(_find(path, on_error or _fail, null_separated) for path in arguments)


def input_paths(paths: Iterable[str]) -> Iterator[str]:
    """Yield the files and folders that `find_images` would read or search.

    Use them to check that no output replaces an input.

    Parameters
    ----------
    paths : iterable of str
        Arguments of `find_images`. ``"-"``, standard input, is skipped.

    Yields
    ------
    path : str
        A file or folder as it is given; for a pattern, each file that matches it.

    Examples
    --------
    >>> from skcaptcha.prediction import input_paths
    >>> list(input_paths([".", "-", "no-such-folder/*.png"]))
    ['.']
    """
    for path in paths:
        if os.path.isdir(path):
            yield path
        elif path != "-":
            yield from _find(path, _ignore, False)


def _ignore(path: str, reason: str) -> None:
    pass


def _fail(path: str, reason: str) -> None:
    raise DatasetError(f"{path}: {reason}")


def _find(path: str, on_error: OnError, null_separated: bool) -> Iterator[str]:
    if path == "-":
        return _listed(b"\0" if null_separated else b"\n")
    if os.path.isdir(path):
        return _walk(Path(path), (_ANY_FOLDERS, _ANY_IMAGE), on_error)
    if not _WILDCARD.search(path) or os.path.lexists(path) or is_url(path):
        return iter([path])
    parts = Path(path).parts
    n_fixed = next(i for i, part in enumerate(parts) if _WILDCARD.search(part))
    return _walk(Path(*parts[:n_fixed]), parts[n_fixed:], on_error)


def _listed(end: bytes) -> Iterator[str]:
    """Read paths from standard input as they arrive."""
    rest: list[bytes] = []
    n_bytes = 0
    while block := sys.stdin.buffer.read1(_BYTES_AT_ONCE):  # type: ignore[union-attr]
        *paths, last = block.split(end)
        if paths:
            paths[0] = b"".join([*rest, paths[0]])
            rest, n_bytes = [], 0
            yield from map(os.fsdecode, _without_line_ends(paths, end))
        rest.append(last)
        n_bytes += len(last)
        if n_bytes > _MAX_BYTES_OF_PATH:
            separator = "line feed" if end == b"\n" else "null character"
            raise DatasetError(
                f"-: the list of paths has {n_bytes:,} bytes without a {separator}, which is too "
                "long for a path; write one path per line, or end each with a null character and "
                "use --null"
            )
    yield from map(os.fsdecode, _without_line_ends([b"".join(rest)], end))


def _without_line_ends(paths: list[bytes], end: bytes) -> Iterator[bytes]:
    if end == b"\n":
        paths = [path.removesuffix(b"\r") for path in paths if path.strip()]
    return filter(None, paths)


def _walk(folder: Path, parts: Sequence[str], on_error: OnError) -> Iterator[str]:
    """Yield the files in a folder and its subfolders whose path matches the parts of a pattern.

    ``**`` matches any number of folders, so in a subfolder, several parts may be the next to match:
    each folder comes with the positions of these parts.
    """
    waiting = [("" if folder == Path() else str(folder), _with_skipped(parts, {0}))]
    while waiting:
        path, positions = waiting.pop()
        subfolders: list[tuple[str, set[int]]] = []
        try:
            names = sort_names(_files(path, parts, positions, subfolders))
            yield from (os.path.join(path, name) for name in names)
        except FileNotFoundError:
            continue
        except OSError as error:
            on_error(path, f"it cannot be listed ({error.strerror})")
            continue
        subfolders.sort(key=lambda subfolder: natural_sort_key(subfolder[0]), reverse=True)
        waiting += [(os.path.join(path, name), inside) for name, inside in subfolders]


def _files(
    path: str, parts: Sequence[str], positions: set[int], subfolders: list[tuple[str, set[int]]]
) -> Iterator[str]:
    """Yield the names of the files in a folder that match; add its subfolders to a list."""
    last = len(parts) - 1
    with os.scandir(path or os.curdir) as entries:
        for entry in entries:
            if not _is_folder(entry):
                if last in positions and _matches(entry.name, parts[last]):
                    yield entry.name
            # A link may lead back to a folder above.
            elif not entry.is_symlink():
                after = {
                    i if parts[i] == _ANY_FOLDERS else i + 1
                    for i in positions
                    if i <= last and _matches(entry.name, parts[i])
                }
                inside = _with_skipped(parts, after)
                if inside - {len(parts)}:
                    subfolders.append((entry.name, inside))


def _with_skipped(parts: Sequence[str], positions: set[int]) -> set[int]:
    """Add the positions that are reached because ``**`` may match no folder."""
    reached = set(positions)
    for i in positions:
        while i < len(parts) and parts[i] == _ANY_FOLDERS:
            i += 1  # noqa: PLW2901
            reached.add(i)
    return reached


def _matches(name: str, part: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    if part == _ANY_IMAGE:
        return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES
    return part == _ANY_FOLDERS or fnmatch(name, part)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself, which cannot be read later
        return False
