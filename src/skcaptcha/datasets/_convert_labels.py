"""Writing the labels of a folder in another format."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from skcaptcha._files.atomic import write_atomically
from skcaptcha.datasets._label_files import FIRST, has_label_file, may_hold_labels
from skcaptcha.datasets._load import load_captchas
from skcaptcha.exceptions import DatasetError, OverwriteError

FORMATS = {"csv": "labels.csv", "tsv": "labels.tsv", "gt.txt": "gt.txt", "jsonl": "labels.jsonl"}
_NOT_UTF8 = re.compile("[\ud800-\udfff]")

_Pairs = Iterable[tuple[str, str]]


class ConvertedLabels(NamedTuple):
    """Result of `convert_labels`."""

    file: Path
    """File that was written."""
    n_labels: int
    """Number of labels in it."""


def convert_labels(
    folder: str | Path,
    to: str,
    *,
    out: str | Path | None = None,
    labels: str | Path | None = None,
) -> ConvertedLabels:
    r"""Write the labels of a folder to a file of another format.

    The labels are those that `load_captchas` reads, wherever they come from. It reads all formats,
    and other programs read some of them. No file is overwritten.

    Parameters
    ----------
    folder : str or Path
        Folder of images.
    to : {"csv", "tsv", "gt.txt", "jsonl"}
        Format to write: comma- or tab-separated values with the columns ``filename`` and ``label``;
        a name, a tab and a label in each line, without a header; or an object with the keys
        ``filename`` and ``label`` in each line.
    out : str or Path, default=None
        File to write. None writes ``labels.csv``, ``labels.tsv``, ``gt.txt`` or ``labels.jsonl`` in
        the folder.
    labels : str or Path, default=None
        File to read the labels from; see `load_captchas`.

    Returns
    -------
    converted : ConvertedLabels
        A named tuple with the attributes

        file : Path
            File that was written.
        n_labels : int
            Number of labels in it.

    Raises
    ------
    DatasetError
        If `load_captchas` cannot read the labels, or if the format cannot hold one of them.
    OverwriteError
        If the file exists, or would leave two files in the folder that could hold its labels.

    See Also
    --------
    load_captchas : Read the labels of a folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.datasets import convert_labels, make_line_captchas, write_captchas
    >>> with TemporaryDirectory() as folder:
    ...     write_captchas(folder, make_line_captchas(2, random_state=0)[0], ["5UFQ", "HOTS"])
    ...     print(convert_labels(folder, "gt.txt").file.read_text().expandtabs())
    00001.png       5UFQ
    00002.png       HOTS
    """
    if to not in FORMATS:
        raise DatasetError(f"{to!r} is not a format; use one of {', '.join(FORMATS)}")
    folder = Path(folder)
    file = folder / FORMATS[to] if out is None else Path(out)
    _check_output(file, folder, to)
    captchas = load_captchas(folder, labels=labels)
    pairs = list(zip(captchas.filenames, captchas.target.tolist(), strict=True))
    for name, _ in pairs:
        if _NOT_UTF8.search(name):
            raise DatasetError(
                f"{folder}: the file name {name!r} is not UTF-8 and cannot be written; rename the "
                "image"
            )
    match to:
        case "csv":
            text = _separated(pairs, ",")
        case "tsv":
            text = _separated(pairs, "\t")
        case "gt.txt":
            text = _plain(pairs, folder)
        case _:
            text = _json_lines(pairs)
    write_atomically(file, text.encode())
    return ConvertedLabels(file, len(pairs))


def _check_output(file: Path, folder: Path, to: str) -> None:
    suffix = Path(FORMATS[to]).suffix
    if file.suffix.lower() != suffix:
        advised = file.with_suffix(suffix) if file.name else FORMATS[to]
        raise DatasetError(f"{file}: the format is {to}; use a name such as {advised}")
    if os.path.lexists(file):
        raise OverwriteError(
            f"{file}: exists, and may hold labels; delete it, or write another file (--out, in "
            "Python out=)"
        )
    if file.parent.resolve() != folder.resolve():
        return
    if file.name.endswith(".gt.txt"):
        raise DatasetError(
            f"{file}: next to images, a file with this name holds the text of one of them; use a "
            f"name such as {folder / FORMATS['gt.txt']}"
        )
    if file.name in FIRST or not may_hold_labels(file.name):
        return
    if not any(os.path.lexists(folder / name) for name in FIRST) and _has_labels(folder):
        raise OverwriteError(
            f"{file}: would be a second file of labels next to the images; use csv, which is read "
            "before all others, or write the file elsewhere (--out, in Python out=)"
        )


def _has_labels(folder: Path) -> bool:
    try:
        return has_label_file(folder)
    except DatasetError:  # several files could be meant
        return True


def _separated(pairs: _Pairs, separator: str) -> str:
    text = StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([("filename", "label"), *pairs])
    return text.getvalue()


def _plain(pairs: _Pairs, folder: Path) -> str:
    for name, label in pairs:
        if re.search("[\t\r\n]", name + label):
            raise DatasetError(
                f"{folder}: the name or the label of {name!r} contains a tab or a line break, "
                "which gt.txt cannot hold; use csv, tsv or jsonl"
            )
    return "".join(f"{name}\t{label}\n" for name, label in pairs)


def _json_lines(pairs: _Pairs) -> str:
    rows = ({"filename": name, "label": label} for name, label in pairs)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
