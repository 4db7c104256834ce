"""Folders of captchas and their labels, in the three ways that a folder can carry them."""

import csv
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

import numpy as np

from skcaptcha._files.regular_file import UnreadableError, check_text_size, read_regular_file
from skcaptcha.datasets._captchas import Captchas
from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES, folder_meant
from skcaptcha.datasets._label_files import refuse_header, refuse_pairs, refuse_unread_files
from skcaptcha.datasets._names import check_names
from skcaptcha.datasets._odd_labels import normalized, odd_labels
from skcaptcha.exceptions import DatasetError, LabelWarning

# What follows tells images of one label apart; so does what copying adds to the name of a file.
_NO_PART_OF_LABEL = re.compile(r"\s*[-_]|\s*\([0-9]+\)$|\s+copy(\s+[0-9]+)?$")
_RANGE = re.compile(r"\s*([0-9]{1,18})\s*\.\.\s*([0-9]{1,18})\s*")


def load_captchas(
    folder: str | Path, *, subset: str | None = None, labeled: bool = True
) -> Captchas:
    """List the captchas of a folder, with their labels.

    Images are the files whose suffix is png, jpg, jpeg, gif, bmp or webp, in any case; hidden
    files and folders inside are passed over. They come in the natural order of their names:
    ``2.png`` before ``10.png``. No image is opened. Labels come from the first of these that
    the folder holds:

    1. ``labels.csv``, UTF-8, with the columns ``filename`` and ``label``; images that it does not
       name are unlabeled.
    2. ``labels.txt``, UTF-8, whose line N is the label of the image named N, whatever its suffix
       (``7.png`` and ``007.jpg`` are both named 7); other images are unlabeled.
    3. The names of the images, without suffix; a ``-`` or ``_`` and what follows it only tells
       equal labels apart (``5UFQ_2.png`` is labeled ``5UFQ``), and so does what copying adds
       (``5UFQ (2).png``, ``5UFQ(2).png``, ``5UFQ copy.png``).

    Labels are kept as they are written, spaces and case included, with their letters composed
    (Unicode's form NFC), as keyboards type them. A file whose name is in another form than in
    labels.csv is found.

    Parameters
    ----------
    folder : str or Path
        Folder of images.
    subset : str or None, default=None
        Range of positions to keep, such as ``"1..4500"``: counted from 1, both ends included, in
        the order described, among the captchas that would otherwise be returned.
    labeled : bool, default=True
        Whether labels are wanted. If so, unlabeled images are left out; if not, labels are not
        looked for and all images are listed.

    Returns
    -------
    captchas : Captchas
        A `sklearn.utils.Bunch` with the attributes

        data : list of str
            Path of each image.
        target : ndarray of shape (n_captchas,), dtype str
            Label of each image; only if `labeled`.
        filenames : list of str
            Name of each image within the folder.

    Raises
    ------
    DatasetError
        If the folder is missing, or holds no images or no labels; if its labels are not as
        described above, or the first line of labels.txt is a header; if the names of the images
        would be taken for labels, and they, or three or more of them, are or begin with numbers,
        timestamps, words such as captcha_1 or hashes, or a file with another name, such as
        labels.json, is there; if `subset` is no range, or reaches beyond the captchas.

    Warns
    -----
    LabelWarning
        If the names are cut at a dash but what follows may belong to the label, as in
        ``555-0019.png``; if they are numbers that may be labels or not; if a few labels are unlike
        the others, such as two in lower case among a hundred in upper case; if one holds a
        character that cannot be seen, or letters that are written from right to left: the first
        character of a label is the leftmost one of its image.

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
    labels, doubts = _labels(folder, names) if labeled else ({}, [])
    if labeled:
        names = [name for name in names if name in labels]
    if subset is not None:
        names = names[slice(*parse_range(subset, len(names), where=str(folder)))]
    bunch = Captchas(data=[str(folder / name) for name in names], filenames=names)
    if labeled:
        bunch.target = np.array([labels[name] for name in names])
        for sentence in (*doubts, *odd_labels(bunch.target.tolist())):
            warnings.warn(f"{folder}: {sentence}", LabelWarning, stacklevel=2)
    return bunch


def count_unlabeled(folder: Path) -> tuple[int, int]:
    """Count the images that `load_captchas` leaves out because they have no label.

    Parameters
    ----------
    folder : Path
        A labeled folder.

    Returns
    -------
    n, n_images : int
        The number of those, and of all images.
    """
    names = _image_names(folder)
    if not any(os.path.lexists(folder / file) for file in ("labels.csv", "labels.txt")):
        return 0, len(names)  # each is labeled by its name
    return len(names) - len(_labels(folder, names)[0]), len(names)


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
        raise DatasetError(f"{folder}: no such folder; check its path")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: {folder_meant(folder)}")
    try:
        # What is no file, such as a link that leads nowhere, has its error when it is decoded.
        names = [path.name for path in folder.iterdir() if _is_image(path)]
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error
    if not names:
        raise DatasetError(no_images_in(folder))
    return sorted(names, key=natural_order)


def no_images_in(folder: Path) -> str:
    """Say that a folder holds no images, and which folders inside do.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    sentence : str
    """
    inside = {
        path.name: n
        for path in sorted(folder.iterdir(), key=lambda path: natural_order(path.name))
        if not path.name.startswith(".") and path.is_dir() and (n := _number_of_images(path))
    }
    if not inside:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
        return f"{folder}: holds no images; expected files ending in {suffixes}"
    first = next(iter(inside))
    which = f"its folder {first}" if len(inside) == 1 else f"the {len(inside)} folders in it"
    remedy = f"give that one: {folder / first}"
    if len(inside) > 1:
        remedy = f"give one of them, such as {folder / first}, or move all images into one"
    if any((folder / name).is_file() for name in ("labels.csv", "labels.txt")):
        remedy += ", and move the file of labels there too"
    return f"{folder}: holds no images itself, but {which} {_hold(inside)}; {remedy}"


def _hold(inside: dict[str, int]) -> str:
    return f"{'holds' if len(inside) == 1 else 'hold'} {sum(inside.values())}"


def _number_of_images(folder: Path) -> int:
    try:
        return sum(_is_image(path) for path in folder.iterdir())
    except OSError:
        return 0


def _is_image(path: Path) -> bool:
    return (
        path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith(".")
        and not path.is_dir()
    )


def natural_order(name: str) -> tuple[list[str | int], str]:
    parts = re.split(r"([0-9]+)", name)
    # Digits stand at every odd place, so numbers only ever meet numbers; the name itself puts
    # 1.png and 01.png in an order.
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], name


def _labels(folder: Path, names: list[str]) -> tuple[dict[str, str], list[str]]:
    """Give the labels, and sentences about what may be wrong with all of them."""
    # A link that leads nowhere is there too.
    if os.path.lexists(folder / "labels.csv"):
        return _labels_of_csv(folder / "labels.csv", names), []
    if os.path.lexists(folder / "labels.txt"):
        return _labels_of_lines(folder / "labels.txt", names), []
    refuse_unread_files(folder, names)
    labels = _labels_of_names(folder, names)
    return labels, check_names(folder, labels)


def _read(path: Path) -> str:
    try:
        return read_regular_file(path, check_text_size).decode("utf-8-sig")
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
    actual = actual_names(counts, names)
    missing = sorted(set(counts) - set(actual), key=natural_order)
    if missing:
        raise DatasetError(
            f"{path}: {len(missing)} of the {len(rows)} files it names are not among the images "
            f"beside it, first {missing[0]}; {_remedy_for_missing(missing[0], path.parent, names)}"
        )
    for name, label in rows:
        if not label:
            raise DatasetError(f"{path}: the label of {name} is empty; write it or delete the line")
    return {actual[name]: normalized(label) for name, label in rows}


def actual_names(written: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """Find files by names whose letters may be composed (NFC) or not (NFD), unlike theirs.

    Parameters
    ----------
    written : iterable of str
    names : iterable of str
        Of the files that are there.

    Returns
    -------
    actual : dict of str to str
        The file of each written name; names of no file are left out, and so is a second name of
        the same file.

    Examples
    --------
    >>> from skcaptcha.datasets._load import actual_names
    >>> actual_names(["\u00e9.png", "a.png"], ["e\u0301.png"]) == {"\u00e9.png": "e\u0301.png"}
    True
    """
    there = set(names)
    actual = {name: name for name in written if name in there}
    others = [name for name in written if name not in there]
    if others:
        by_form = {_text(name): name for name in there - set(actual)}
        for name in others:
            found = by_form.pop(_text(name), None)
            if found is not None:
                actual[name] = found
    return actual


def _text(name: str) -> str:
    """Give the name of a file as text, also where the system takes names for ASCII."""
    return normalized(name.encode(errors="surrogateescape").decode(errors="surrogateescape"))


def _remedy_for_missing(name: str, folder: Path, names: Sequence[str]) -> str:
    """Say what to do if a file is not there, which may be there by another name."""
    *above, last = re.split(r"[/\\]", name)
    if last in names:
        return f"leave the folder out of the names, as in {last}"
    if above and (folder / name).is_file():
        return f"move {folder / 'labels.csv'} there, and leave the folder out of the names"
    similar = [other for other in names if Path(other).stem == name]
    similar += [other for other in names if other.lower() == name.lower()]
    if similar:
        return f"write {similar[0]}, as the image is called"
    return "restore them or delete their lines"


def _labels_of_lines(path: Path, names: list[str]) -> dict[str, str]:
    lines = re.split(r"\r\n|\r|\n", _read(path))
    refuse_pairs(path, lines)
    stems = [Path(name).stem for name in names]
    refuse_header(
        path, lines, max([int(s) for s in stems if re.fullmatch("[0-9]{1,18}", s)] or [0])
    )
    labels: dict[str, str] = {}
    named: dict[int, str] = {}
    zero = next((name for name in names if re.fullmatch("0+", Path(name).stem)), None)
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
            labels[name] = normalized(label)
    if labels and zero is not None:
        first = min(named)
        raise DatasetError(
            f"{path}: line N is the label of the image named N, so that {zero} has none; if line 1 "
            f"is its label, and not that of {named[first] if first == 1 else 'image 1'}, write a "
            "labels.csv with the columns filename and label; else move it to another folder"
        )
    if not labels:
        raise DatasetError(
            f"{path}: labels none of the {len(names)} images; line N is the label of the image "
            "named N, such as 1.png"
        )
    return labels


def _labels_of_names(folder: Path, names: list[str]) -> dict[str, str]:
    labels = {
        name: _NO_PART_OF_LABEL.split(Path(_text(name)).stem, maxsplit=1)[0] for name in names
    }
    for name, label in labels.items():
        if not label:
            raise DatasetError(
                f"{folder / name}: its name holds no label; name it by its label, such as 5UFQ.png "
                "or 5UFQ_2.png, or write a labels.csv"
            )
    return labels
