"""Where a command may write, checked before the work."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from skcaptcha.cli._output import STDOUT
from skcaptcha.exceptions import OverwriteError, SkcaptchaError

_FORMATS = {
    "csv": ("CSV", (".csv",)),
    "parquet": ("Parquet", (".parquet",)),
    "html": ("HTML", (".html", ".htm")),
    "png": ("PNG", (".png",)),
    "json": ("JSON", (".json",)),
    "onnx": ("ONNX", (".onnx",)),
}
_LABEL_FILES = frozenset({"labels.csv", "labels.txt"})
_NEXT_TO_MODEL = (".json", ".csv", ".yaml", ".html")

Path_ = str | os.PathLike[str]


def check_outputs(
    *others: Path | None,
    reads: Iterable[Path_ | None] = (),
    model: Path | None = None,
    **formats: Path | None,
) -> None:
    """Raise an error if an output cannot be written, or would replace something of value.

    Nothing is created. A pipe or a device accepts everything, even two outputs. HTML and PNG files
    need the extra ``report``.

    Parameters
    ----------
    *others : Path or None
        Files with any suffix. None, here and below, is not checked.
    reads : iterable of path-like or None
        Files and folders of images that the command reads. They are only iterated over if an
        output exists.
    model : Path or None
        Model that the command reads. The files that ``fit`` writes next to it are protected.
    csv, parquet, html, png, json, onnx : Path or None
        File to write in that format; `json` is the argument of ``--json``, which may also be ``-``.

    Raises
    ------
    SkcaptchaError
        If a path is a folder, if its own folder cannot be created or written to, if its suffix is
        not one of the format, or if the extra that the format needs is not installed.
    OverwriteError
        If an output is an input, also through links, if it is or would be taken for the labels of
        a folder of images, or if two outputs are the same file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.cli._check_outputs import check_outputs
    >>> check_outputs(html=Path("score.pdf"))
    Traceback (most recent call last):
        ...
    skcaptcha.exceptions.SkcaptchaError: score.pdf: the format is HTML; use a name such as
    score.html
    """
    from skcaptcha.report._check_extra import check_extra

    if formats.get("json") == STDOUT:
        del formats["json"]
    if STDOUT in (*others, *formats.values()):
        raise SkcaptchaError("-: only --json can write to standard output; use a file name")
    for kind, path in formats.items():
        if path is not None and not _takes_anything(path):
            _check_suffix(path, *_FORMATS[kind])
    if any(formats.get(kind) is not None for kind in ("html", "png")):
        check_extra()
    outputs = [
        _Output(path)
        for path in (*others, *formats.values())
        if path is not None and not _takes_anything(path)
    ]
    beside = []
    if model is not None and model.name:  # "." is not a model, which loading it explains
        beside = [_Output(model.with_name(model.stem + suffix)) for suffix in _NEXT_TO_MODEL]
    for number, output in enumerate(outputs):
        output.check_place()
        if any(map(output.is_, outputs[:number])):
            raise OverwriteError(
                f"{output}: two results would be written to this file; use two names"
            )
        output.check_labels()
        if any(map(output.is_, beside)):
            raise OverwriteError(
                f"{output}: fit writes this file next to the model {model}; use another name"
            )
    if written := [output for output in outputs if output.exists()]:
        for read in reads:
            if read is not None:
                _check_input(written, read)


def refuse_outputs(names: Iterable[str], *outputs: Path | None) -> Iterator[str]:
    """Yield the names of inputs, and raise OverwriteError at one that is an output."""
    written = [_Output(path) for path in outputs if path is not None and path.is_file()]
    for name in names:
        for output in written:
            output.check_is_not(name)
        yield name


def check_model_suffix(model: Path, format: str) -> None:  # noqa: A002
    """Raise an error if the suffix of a model file is that of another format or kind of file."""
    from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES

    if _takes_anything(model):
        return
    suffix = model.suffix.lower()
    other = {".joblib": "joblib", ".skops": "skops"}.get(suffix, format)
    others = {".yaml", ".yml", ".txt"}.union(*(suffixes for _, suffixes in _FORMATS.values()))
    if other != format:
        problem = f"the format is {format}; add --format {other}, or"
    elif suffix in others | IMAGE_SUFFIXES:
        problem = f"{model.suffix} is not a suffix of models;"
    else:
        return
    raise SkcaptchaError(f"{model}: {problem} use a name such as {model.with_suffix(f'.{format}')}")


class _Output:
    """File that will be written, and the file that its links lead to."""

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

    def may_be(self, entry: os.DirEntry[str]) -> bool:
        """Return whether an entry of a folder may lead to this file, without reading the file.

        The inode number comes with the name, and reading a million files would take long.
        """
        return self._file is not None and (entry.is_symlink() or entry.inode() == self._file[1])

    def check_is_not(self, read: Path_) -> None:
        """Raise an error if an input leads to this file, also by a symbolic or a hard link."""
        if self.exists() and self._file == _identity(read):
            name = os.fspath(read)
            what = "is" if str(self) == name else f"leads to {name}, which is"
            raise OverwriteError(
                f"{self}: {what} read by this command, and the result would replace it; use "
                "another name"
            )

    def check_place(self) -> None:
        path, target = self._path, self._target
        if target.is_dir():
            raise SkcaptchaError(f"{path}: is a folder; use a file name")
        there = next(folder for folder in target.parents if folder.exists())
        if not there.is_dir():
            raise SkcaptchaError(f"{path}: cannot be written, because {there} is a file")
        if not os.access(there, os.W_OK | os.X_OK):
            raise SkcaptchaError(f"{path}: cannot be written (permission denied in {there})")

    def check_labels(self) -> None:
        """Raise an error if this would become, or replace, the labels of a folder of images."""
        from skcaptcha.datasets._file_kinds import contains_images
        from skcaptcha.datasets._label_files import may_hold_labels

        for file in dict.fromkeys((self._path, self._target)):
            if not may_hold_labels(file.name) or not contains_images(file.parent):
                continue
            if file.name.casefold() in _LABEL_FILES:
                raise OverwriteError(
                    f"{self}: {file.name} is the file of the labels of the images next to it; use "
                    "another name"
                )
            if any(os.path.lexists(file.parent / name) for name in _LABEL_FILES):
                continue  # that file is read instead
            raise OverwriteError(
                f"{self}: {file.name} would be mistaken for the labels of the images next to it; "
                f"use another name, such as {_harmless(file)}"
            )


def _check_suffix(path: Path, name: str, suffixes: Sequence[str]) -> None:
    # /dev/stdout may be a file, whose name the user did not choose.
    if path.suffix.lower() not in suffixes and path.parts[:2] != (os.sep, "dev"):
        suggested = _harmless(path.with_suffix(suffixes[0])) if path.name else f"a{suffixes[0]}"
        raise SkcaptchaError(f"{path}: the format is {name}; use a name such as {suggested}")


def _harmless(file: Path) -> Path:
    """Return another name if this one would be taken for labels of images next to it."""
    from skcaptcha.datasets._label_files import may_hold_labels

    return file.with_stem("results") if may_hold_labels(file.name) else file


def _check_input(outputs: Sequence[_Output], read: Path_) -> None:
    """Raise an error if an output is an input, or an image or the labels of a folder of inputs."""
    from skcaptcha.datasets._file_kinds import is_image
    from skcaptcha.datasets._label_files import may_hold_labels

    for output in outputs:
        output.check_is_not(read)
    waiting = [os.fspath(read)] if os.path.isdir(read) else []
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        continue
                    if is_image(entry.name) or may_hold_labels(entry.name):
                        for output in outputs:
                            if output.may_be(entry):
                                output.check_is_not(entry.path)
        except OSError:
            continue  # reading it will raise the error


def _takes_anything(path: Path) -> bool:
    """Return whether a path is a pipe or a device."""
    return path.exists() and not (path.is_file() or path.is_dir())


def _identity(path: Path_) -> tuple[int, int] | None:
    """Return what identifies a file, the same for all its paths; None if it does not exist."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
