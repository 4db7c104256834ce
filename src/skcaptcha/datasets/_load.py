"""Folders of captchas and their labels, in the three ways that a folder can carry them."""

import csv
import os
import re
from collections import Counter
from io import StringIO
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from skcaptcha._regular_file import UnreadableError, read_regular_file
from skcaptcha.errors import DatasetError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"})
_RANGE = re.compile(r"\s*([0-9]{1,18})\s*\.\.\s*([0-9]{1,18})\s*")


def load_captchas(folder: str | Path, *, subset: str | None = None, labelled: bool = True) -> Bunch:
    """List the captchas of a folder, with their labels.

    Images are the files whose suffix is png, jpg, jpeg, gif, bmp or webp, in any case; hidden
    files and folders inside are passed over. They come in the natural order of their names:
    ``2.png`` before ``10.png``. No image is opened. Labels come from the first of these that
    the folder holds:

    1. ``labels.csv``, UTF-8, with the columns ``filename`` and ``label``; images that it does not
       name are unlabelled.
    2. ``labels.txt``, UTF-8, whose line N is the label of the image named N, whatever its suffix
       (``7.png`` and ``007.jpg`` are both named 7); other images are unlabelled.
    3. The names of the images, without suffix; a ``-`` or ``_`` and what follows it only tells
       equal labels apart (``5UFQ_2.png`` is labelled ``5UFQ``).

    Labels are kept exactly as they are written, spaces and case included.

    Parameters
    ----------
    folder : str or Path
        Folder of images.
    subset : str or None, default=None
        Range of positions to keep, such as ``"1..4500"``: counted from 1, both ends included, in
        the order described, among the captchas that would otherwise be returned.
    labelled : bool, default=True
        Whether labels are wanted. If so, unlabelled images are left out; if not, labels are not
        looked for and all images are listed.

    Returns
    -------
    Bunch
        With the attributes

        data : list of str
            Path of each image.
        target : ndarray of shape (n_captchas,), dtype str
            Label of each image; only if `labelled`.
        filenames : list of str
            Name of each image within the folder.

    Raises
    ------
    DatasetError
        If the folder is missing, or holds no images or no labels; if its labels are not as
        described above; if `subset` is no range, or reaches beyond the captchas.

    See Also
    --------
    split_captchas : Divide what this returns into two.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
    >>> images, labels = make_line_captchas(5, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     write_captchas(folder, images, labels)
    ...     captchas = load_captchas(folder, subset="2..4")
    >>> captchas.filenames
    ['00002.png', '00003.png', '00004.png']
    >>> bool((captchas.target == labels[1:4]).all())
    True
    """
    folder = Path(folder)
    names = _image_names(folder)
    labels = _labels(folder, names) if labelled else {}
    if labelled:
        names = [name for name in names if name in labels]
    if subset is not None:
        names = names[slice(*parse_range(subset, len(names), where=str(folder)))]
    bunch = Bunch(data=[str(folder / name) for name in names], filenames=names)
    if labelled:
        bunch.target = np.array([labels[name] for name in names])
    return bunch


def parse_range(text: str, n: int, *, where: str) -> tuple[int, int]:
    """Read a range such as ``"1..4500"`` of n captchas.

    Parameters
    ----------
    text : str
        Two positions from 1, both included, with two dots between.
    n : int
        Number of captchas that there are.
    where : str
        What the captchas are from, for the error.

    Returns
    -------
    start, stop : int
        The same range as Python counts it: from 0, its end not included.

    Raises
    ------
    DatasetError
        If it is no range, is empty, or reaches beyond n.
    """
    match = _RANGE.fullmatch(text)
    if not match:
        raise DatasetError(f"{text!r} is not a range; write it as 1..{max(n, 1)}")
    first, last = int(match[1]), int(match[2])
    if not 1 <= first <= last:
        raise DatasetError(
            f"the range {text} is empty; positions count from 1 and the first comes first, "
            f"as in 1..{max(n, 1)}"
        )
    if last > n:
        raise DatasetError(
            f"the range {text} reaches beyond the {n} captchas of {where}; end it at {n} or before"
        )
    return first - 1, last


def _image_names(folder: Path) -> list[str]:
    if not folder.exists():
        raise DatasetError(f"{folder}: there is no such folder; check its path")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: is a file; give the folder that holds the images")
    try:
        # What is no file, such as a link that leads nowhere, has its error when it is decoded.
        names = [
            path.name
            for path in folder.iterdir()
            if path.suffix.lower() in IMAGE_SUFFIXES
            and not path.name.startswith(".")
            and not path.is_dir()
        ]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error
    if not names:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
        raise DatasetError(f"{folder}: holds no images; expected files ending in {suffixes}")
    return sorted(names, key=natural_order)


def natural_order(name: str) -> tuple[list[str | int], str]:
    parts = re.split(r"([0-9]+)", name)
    # Digits stand at every odd place, so numbers only ever meet numbers; the name itself puts
    # 1.png and 01.png in an order.
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], name


def _labels(folder: Path, names: list[str]) -> dict[str, str]:
    # A link that leads nowhere is there too.
    if os.path.lexists(folder / "labels.csv"):
        return _labels_of_csv(folder / "labels.csv", names)
    if os.path.lexists(folder / "labels.txt"):
        return _labels_of_lines(folder / "labels.txt", names)
    return _labels_of_names(folder, names)


def _read(path: Path) -> str:
    try:
        return read_regular_file(path, lambda size: None).decode("utf-8-sig")
    except UnreadableError as error:
        raise DatasetError(f"{path}: {error}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text; save it as UTF-8") from error


def _labels_of_csv(path: Path, names: list[str]) -> dict[str, str]:
    try:
        reader = csv.DictReader(StringIO(_read(path), newline=""), strict=True)
        columns = reader.fieldnames or []
        if not {"filename", "label"} <= set(columns):
            found = ", ".join(columns) or "none"
            raise DatasetError(
                f"{path}: its first line must name the columns filename and label; found {found}"
            )
        rows = []
        for row in reader:
            if None in row:
                raise DatasetError(
                    f"{path}: line {reader.line_num} has more columns than the first line names; "
                    'put a label that holds a comma in quotes, as in 1.png,"a,b"'
                )
            rows.append((row["filename"] or "", row["label"]))
    except csv.Error as error:
        raise DatasetError(
            f"{path}: is not a well-formed CSV file ({error}); correct it"
        ) from error
    if not rows:
        raise DatasetError(f"{path}: holds no labels; add a line filename,label for each image")
    counts = Counter(name for name, _ in rows)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise DatasetError(
            f"{path}: {len(repeated)} of its files occur more than once, first {repeated[0]}; "
            "keep one line for each"
        )
    missing = sorted(set(counts) - set(names), key=natural_order)
    if missing:
        raise DatasetError(
            f"{path}: {len(missing)} of the {len(rows)} files it names are not among the images "
            f"beside it, first {missing[0]}; restore them or delete their lines"
        )
    for name, label in rows:
        if not label:
            raise DatasetError(f"{path}: the label of {name} is empty; write it or delete the line")
    return dict(rows)


def _labels_of_lines(path: Path, names: list[str]) -> dict[str, str]:
    lines = re.split(r"\r\n|\r|\n", _read(path))
    labels: dict[str, str] = {}
    named: dict[int, str] = {}
    for name in names:
        stem = Path(name).stem
        number = int(stem) if re.fullmatch("[0-9]+", stem) else 0
        if not 1 <= number <= len(lines):
            continue
        label = lines[number - 1]
        if number in named:
            raise DatasetError(
                f"{path}: line {number} could belong to {named[number]} or to {name}; "
                "rename or delete one"
            )
        if not label and any(lines[number:]):
            raise DatasetError(
                f"{path}: line {number}, the label of {name}, is empty; write it or delete {name}"
            )
        if label:
            named[number] = name
            labels[name] = label
    if not labels:
        raise DatasetError(
            f"{path}: labels none of the {len(names)} images; line N is the label of the image "
            "named N, such as 1.png"
        )
    return labels


def _labels_of_names(folder: Path, names: list[str]) -> dict[str, str]:
    labels = {name: re.split("[-_]", Path(name).stem, maxsplit=1)[0] for name in names}
    for name, label in labels.items():
        if not label:
            raise DatasetError(
                f"{folder / name}: its name holds no label; name it by its label, such as 5UFQ.png "
                "or 5UFQ_2.png, or write a labels.csv"
            )
    return labels
