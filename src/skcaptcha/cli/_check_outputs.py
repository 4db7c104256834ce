"""Where a command may write: the one rule that all commands follow, checked before the work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from skcaptcha.cli._output import STDOUT
from skcaptcha.exceptions import SkcaptchaError

SUFFIXES = {
    "CSV": (".csv",),
    "HTML": (".html", ".htm"),
    "JSON": (".json",),
    "PNG": (".png",),
}
"""What the name of a file in a format may end with."""

_LABEL_FILES = frozenset({"labels.csv", "labels.txt"})
_BESIDE_A_MODEL = (".json", ".csv", ".yaml", ".html")

Path_ = str | os.PathLike[str]


class OverwriteError(SkcaptchaError):
    """An output would replace what a command reads, or another output."""


def check_outputs(
    *others: Path | None,
    csv: Path | None = None,
    html: Path | None = None,
    png: Path | None = None,
    json: Path | None = None,
    reads: Iterable[Path_ | None] = (),
    models: Sequence[Path] = (),
) -> None:
    """Find out before the work whether its results can be written and replace nothing of value.

    Nothing is made yet. A pipe or a device takes anything, even twice.

    Parameters
    ----------
    *others : Path or None
        Files that may have any suffix. None, here and below: nothing to check.
    csv, html, png : Path or None
        A file to write in that format.
    json : Path or None
        What ``--json`` was given: alone, it may be ``-``.
    reads : iterable of path-like or None
        What the command reads: files, and folders of images. It is not iterated over unless there
        is a file that would be replaced.
    models : sequence of Path
        Models that the command reads, whose names with other suffixes are for what ``fit`` writes
        beside them.

    Raises
    ------
    SkcaptchaError
        If a path is a folder, or its own folder cannot be made or written to; if its suffix is not
        that of the format.
    OverwriteError
        If an output is an input, through links too, or the labels of a folder of images, or would
        be taken for them; if two outputs are the same file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.cli._check_outputs import check_outputs
    >>> check_outputs(html=Path("score.pdf"))
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.SkcaptchaError: score.pdf: HTML is written here; give it a name such as
    score.html
    >>> check_outputs(json=Path("m.json"), models=[Path("m.joblib")])
    Traceback (most recent call last):
        ...
    skcaptcha.cli._check_outputs.OverwriteError: m.json: this name is for what fit writes beside the
    model m.joblib; name another file
    """
    formats = {"CSV": csv, "HTML": html, "PNG": png, "JSON": None if json == STDOUT else json}
    if STDOUT in (*others, csv, html, png):
        raise SkcaptchaError(
            "-: only --json can write to the standard output; give the name of a file"
        )
    for name, path in formats.items():
        if path is not None and not _takes_anything(path):
            _check_suffix(path, name)
    outputs = [
        _Output(path)
        for path in (*others, *formats.values())
        if path is not None and not _takes_anything(path)
    ]
    for number, output in enumerate(outputs):
        output.check_place()
        if any(map(output.is_, outputs[:number])):
            raise OverwriteError(f"{output}: two results would go to this file; name another")
        output.check_labels()
        output.check_models(models)
    _check_inputs(outputs, reads)


def check_ours(file: Path, begins: str, out: Path) -> None:
    """Refuse to replace a file of a kind that people write, which nobody named.

    Parameters
    ----------
    file : Path
        What is written beside an output.
    begins : str
        How it begins if it is from an earlier run.
    out : Path
        The output.

    Raises
    ------
    OverwriteError
        If the file is there and begins otherwise.
    """
    if not file.is_file():
        return
    with file.open("rb") as stream:
        found = stream.read(len(begins.encode()))
    if found and found != begins.encode():
        raise OverwriteError(
            f"{file}: it is not from an earlier run, but would be replaced, since it is written "
            f"beside {out}; rename it, or name another place with --out"
        )


def refuse_outputs(names: Iterable[str], *outputs: Path | None) -> Iterator[str]:
    """Pass on the names of what is read as they come, and stop at one that is an output.

    Parameters
    ----------
    names : iterable of str
    *outputs : Path or None
        Files that will be written.

    Yields
    ------
    name : str

    Raises
    ------
    OverwriteError
        Names the file.
    """
    written = [_Output(path) for path in outputs if path is not None and path.is_file()]
    for name in names:
        for output in written:
            if output.is_file(name):
                raise _would_replace(output, name)
        yield name


def check_model_suffix(model: Path, format: str) -> None:  # noqa: A002
    """Refuse a name for a model that says it is something else.

    Parameters
    ----------
    model : Path
    format : {"joblib", "skops"}

    Raises
    ------
    SkcaptchaError
        Names the suffix.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.cli._check_outputs import check_model_suffix
    >>> check_model_suffix(Path("model.skops"), "joblib")
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.SkcaptchaError: model.skops: a file of joblib is written here; add --format
    skops, or give it a name such as model.joblib
    """
    from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES  # noqa: PLC0415 - --help needs it not

    if _takes_anything(model):
        return
    suffix = model.suffix.lower()
    other = {".joblib": "joblib", ".skops": "skops"}.get(suffix, format)
    if other != format:
        raise SkcaptchaError(
            f"{model}: a file of {format} is written here; add --format {other}, or give it a name "
            f"such as {model.with_suffix('.' + format)}"
        )
    others = {
        ".yaml",
        ".yml",
        ".txt",
        *IMAGE_SUFFIXES,
        *(s for of in SUFFIXES.values() for s in of),
    }
    if suffix in others:
        raise SkcaptchaError(
            f"{model}: the suffix {model.suffix} is for other files than models; give the model a "
            f"name such as {model.with_suffix('.' + format)}"
        )


class _Output:
    """A file that will be written, with what it leads to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._target = Path(os.path.realpath(path))
        self._file = _identity(self._target)

    def __str__(self) -> str:
        return str(self._path)

    def exists(self) -> bool:
        return self._file is not None

    def is_(self, other: _Output) -> bool:
        return self._target == other._target or (self.exists() and self._file == other._file)

    def is_file(self, path: Path_) -> bool:
        """Tell whether a path leads to the same file, be it by a symbolic or by a hard link."""
        return self.exists() and self._file == _identity(path)

    def is_entry(self, entry: os.DirEntry[str]) -> bool:
        assert self._file is not None
        # The number of a file comes with its name; to look at a million files would take long.
        if not entry.is_symlink() and entry.inode() != self._file[1]:
            return False
        return self.is_file(entry.path)

    def check_place(self) -> None:
        path, target = self._path, self._target
        if target.is_dir():
            raise SkcaptchaError(f"{path}: it is a folder; give the name of a file to write")
        there = next(folder for folder in target.parents if folder.exists())
        if not there.is_dir():
            raise SkcaptchaError(f"{path}: cannot be written, since {there} is a file")
        if not os.access(there, os.W_OK | os.X_OK):
            raise SkcaptchaError(f"{path}: cannot be written (permission denied in {there})")

    def check_labels(self) -> None:
        """Refuse what would become, or replace, the labels of a folder's images."""
        from skcaptcha.datasets._label_files import may_hold_labels  # noqa: PLC0415 - see above

        for file in dict.fromkeys((self._path, self._target)):
            if not may_hold_labels(file.name) or not _holds_images(file.parent):
                continue
            if file.name.casefold() in _LABEL_FILES:
                raise OverwriteError(
                    f"{self}: {file.name} holds the labels of the images beside it; name another "
                    "file"
                )
            if any(os.path.lexists(file.parent / name) for name in _LABEL_FILES):
                continue  # which are read instead
            raise OverwriteError(
                f"{self}: {file.name} would be taken for a file of labels of the images beside "
                f"it; name another file, such as {_harmless(file)}"
            )

    def check_models(self, models: Iterable[Path]) -> None:
        for model in models:
            beside = [_Output(model.with_name(model.stem + suffix)) for suffix in _BESIDE_A_MODEL]
            if any(map(self.is_, beside)):
                raise OverwriteError(
                    f"{self}: this name is for what fit writes beside the model {model}; name "
                    "another file"
                )


def _check_suffix(path: Path, name: str) -> None:
    # /dev/stdout may be a file with a name that nobody gave here.
    if path.suffix.lower() not in SUFFIXES[name] and path.parts[:2] != (os.sep, "dev"):
        suggested = Path(f"a{SUFFIXES[name][0]}")
        if path.name:
            suggested = _harmless(path.with_suffix(SUFFIXES[name][0]))
        raise SkcaptchaError(f"{path}: {name} is written here; give it a name such as {suggested}")


def _harmless(file: Path) -> Path:
    """Give a file another name if this one would be taken for labels of images beside it."""
    from skcaptcha.datasets._label_files import may_hold_labels  # noqa: PLC0415 - see above

    return file.with_stem("results") if may_hold_labels(file.name) else file


def _check_inputs(outputs: Sequence[_Output], reads: Iterable[Path_ | None]) -> None:
    written = [output for output in outputs if output.exists()]
    if not written:
        return
    for read in reads:
        if read is None:
            continue
        for output in written:
            if output.is_file(read):
                raise _would_replace(output, read)
        if os.path.isdir(read):
            _check_tree(written, read)


def _check_tree(outputs: Sequence[_Output], folder: Path_) -> None:
    """Refuse outputs that are an image or the labels of a folder, or of one inside it."""
    from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES  # noqa: PLC0415 - --help needs it not

    waiting = [os.fspath(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        continue
                    suffix = os.path.splitext(entry.name)[1].lower()
                    if suffix not in IMAGE_SUFFIXES and entry.name.casefold() not in _LABEL_FILES:
                        continue
                    for output in outputs:
                        if output.is_entry(entry):
                            raise _would_replace(output, entry.path)
        except OSError:
            continue  # whoever reads it will say so


def _would_replace(output: _Output, read: Path_) -> OverwriteError:
    name = os.fspath(read)
    what = "is" if str(output) == name else f"leads to {name}, which is"
    return OverwriteError(
        f"{output}: {what} read by this command, whose result would replace it; name another file"
    )


def _holds_images(folder: Path) -> bool:
    from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES  # noqa: PLC0415 - --help needs it not

    try:
        with os.scandir(folder) as entries:
            return any(
                os.path.splitext(entry.name)[1].lower() in IMAGE_SUFFIXES for entry in entries
            )
    except OSError:
        return False


def _takes_anything(path: Path) -> bool:
    """Tell whether a path is a pipe or a device."""
    return path.exists() and not (path.is_file() or path.is_dir())


def _identity(path: Path_) -> tuple[int, int] | None:
    """Give what two paths of one file have in common; None: there is no such file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
