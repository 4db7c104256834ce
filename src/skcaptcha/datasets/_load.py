"""Loading folders of captchas with their labels: from two kinds of files, or from names."""

import os
import re
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from skcaptcha.datasets._captchas import Captchas
from skcaptcha.datasets._check_filenames import check_filenames
from skcaptcha.datasets._file_kinds import IMAGE_SUFFIXES, suggest_folder
from skcaptcha.datasets._label_files import check_no_header, check_no_pairs, check_unread_files
from skcaptcha.datasets._read_labels import (
    column,
    decode_labels,
    parse_labels_csv,
    read_label_file,
)
from skcaptcha.datasets._unusual_labels import describe_unusual_labels, normalize_label
from skcaptcha.exceptions import DatasetError, LabelWarning

# Endings that distinguish images with equal labels, and those that copying adds to a file name.
_ENDING = re.compile(r"\s*[-_]|\s*\([0-9]+\)$|\s+copy(\s+[0-9]+)?$")
_NOT_A_COUNT = 10**18  # longer numbers are timestamps or hashes
_RANGE = re.compile(r"\s*([0-9]{1,18})\s*\.\.\s*([0-9]{1,18})\s*")


def load_captchas(
    folder: str | Path, *, subset: str | None = None, labeled: bool = True
) -> Captchas:
    """List the captchas of a folder, with their labels.

    Images are the files with the suffix png, jpg, jpeg, gif, bmp or webp, in upper or lower case;
    hidden files and subfolders are ignored. They are sorted in natural order: ``2.png`` before
    ``10.png``. No image is opened. Labels are read from the first of these that exists:

    1. ``labels.csv``, UTF-8, with the columns ``filename`` and ``label``. Images that it does not
       name are unlabeled.
    2. ``labels.txt``, UTF-8, whose line N is the label of the image named N, with any suffix
       (``7.png`` and ``007.jpg`` are both named 7). Other images are unlabeled.
    3. The names of the images, without suffix. A ``-`` or ``_`` and the text after it only
       distinguish equal labels (``5UFQ_2.png`` is labeled ``5UFQ``), and so do the endings that
       copying adds (``5UFQ (2).png``, ``5UFQ(2).png``, ``5UFQ copy.png``).

    Labels are kept exactly, with spaces and case, except that their letters are composed (Unicode
    form NFC), as keyboards type them. File names in labels.csv may have either form.

    Parameters
    ----------
    folder : str or Path
        Folder of images.
    subset : str or None, default=None
        Range of positions to keep, such as ``"1..4500"``: from 1, both ends included, in the order
        described above.
    labeled : bool, default=True
        Whether to read labels and leave out unlabeled images. If False, all images are listed.

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
        If the folder is missing, or contains no images or no labels; if its label file is invalid,
        or the first line of labels.txt is a header; if the names would be the labels, but at least
        three of them are or begin with numbers, timestamps, words such as captcha_1 or hashes, or
        there is a file such as labels.json; if `subset` is not a range, or exceeds the captchas.

    Warns
    -----
    LabelWarning
        If the text after a dash may belong to the label, as in ``555-0019.png``; if the names are
        numbers that may not be labels; if a few labels are unlike the others, such as two in lower
        case among a hundred in upper case; if a label contains invisible characters, or letters
        that are written from right to left: the first character of a label is the leftmost one of
        its image.

    See Also
    --------
    split_captchas : Split captchas into a training set and a test set.

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
        for sentence in (*doubts, *describe_unusual_labels(bunch.target.tolist())):
            warnings.warn(f"{folder}: {sentence}", LabelWarning, stacklevel=2)
    return bunch


def count_unlabeled(folder: Path) -> tuple[int, int]:
    """Return the number of images of a labeled folder that have no label, and of all its images."""
    names = _image_names(folder)
    if not any(os.path.lexists(folder / file) for file in ("labels.csv", "labels.txt")):
        return 0, len(names)  # each is labeled by its name
    return len(names) - len(_labels(folder, names)[0]), len(names)


def parse_range(text: str, n: int, *, where: str) -> tuple[int, int]:
    """Parse a range such as ``"1..4500"`` (from 1, both ends included) of n captchas.

    Return the equivalent start and stop of a Python slice. Raise DatasetError if it is not a range,
    is empty, or exceeds n; `where` is the source of the captchas, for the message.
    """
    match = _RANGE.fullmatch(text)
    if not match:
        raise DatasetError(f"{text!r} is not a range; write it as 1..{max(n, 1)}")
    first, last = int(match[1]), int(match[2])
    if not 1 <= first <= last:
        raise DatasetError(
            f"the range {text} is empty; write the first and last position, counted from 1, "
            f"as in 1..{max(n, 1)}"
        )
    if last > n:
        raise DatasetError(
            f"the range {text} exceeds the {n} captchas of {where}; the maximum position is {n}"
        )
    return first - 1, last


def _image_names(folder: Path) -> list[str]:
    if not folder.exists():
        raise DatasetError(f"{folder}: no such folder; check its path")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: {suggest_folder(folder)}")
    try:
        names = _images_in(folder)
    except OSError as error:
        raise DatasetError(f"{folder}: cannot be listed ({error.strerror})") from error
    if not names:
        raise DatasetError(_describe_missing_images(folder))
    return sorted(names, key=natural_sort_key)


def _describe_missing_images(folder: Path) -> str:
    """Return a sentence that a folder contains no images, and which of its subfolders do."""
    inside = {}
    for path in sorted(folder.iterdir(), key=lambda path: natural_sort_key(path.name)):
        if not path.name.startswith(".") and path.is_dir():
            with suppress(OSError):
                inside[path] = len(_images_in(path))
    with_images = [path for path, n in inside.items() if n]
    if not with_images:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
        return f"{folder}: contains no images; expected files ending in {suffixes}"
    first = with_images[0]
    which = f"its subfolder {first.name} contains"
    remedy = f"pass that one: {first}"
    if len(with_images) > 1:
        which = f"its {len(with_images)} subfolders contain"
        remedy = f"pass one of them, such as {first}, or move all images into one"
    if any((folder / name).is_file() for name in ("labels.csv", "labels.txt")):
        remedy += ", and move the label file there as well"
    n = sum(inside.values())
    return f"{folder}: contains no images itself, but {which} {n}; {remedy}"


def _images_in(folder: Path) -> list[str]:
    # Broken links and the like cause an error when they are decoded.
    return [
        path.name
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not path.name.startswith(".")
        and not path.is_dir()
    ]


def natural_sort_key(name: str) -> bytes:
    """Return a sort key by which ``2.png`` comes before ``10.png``."""
    key = b""
    for k, part in enumerate(re.split(r"([0-9]+)", name)):
        # Parts with an odd index are numbers: the longer one, without leading zeros, is larger.
        if k % 2:
            digits = part.lstrip("0").encode()
            key += b"\1" + len(digits).to_bytes(4, "big") + digits
        else:
            key += part.encode(errors="surrogatepass") + b"\0"
    # The name itself puts 01.png and 1.png in order.
    return key + b"\0" + name.encode(errors="surrogatepass")


def _labels(folder: Path, names: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the labels, and warnings about all of them."""
    # Broken links count as well.
    if os.path.lexists(folder / "labels.csv"):
        return _labels_of_csv(folder / "labels.csv", names), []
    if os.path.lexists(folder / "labels.txt"):
        return _labels_of_lines(folder / "labels.txt", names), []
    check_unread_files(folder, names)
    labels = _labels_of_names(folder, names)
    return labels, check_filenames(folder, labels)


def _labels_of_csv(path: Path, names: list[str]) -> dict[str, str]:
    header, rows = parse_labels_csv(path, read_label_file(path))
    if not rows:
        raise DatasetError(f"{path}: contains no labels; add a line filename,label for each image")
    actual = match_filenames(rows, names)
    missing = sorted(set(rows) - set(actual), key=natural_sort_key)
    if missing:
        raise DatasetError(
            f"{path}: {len(missing)} of the {len(rows)} files it names are not images in its "
            f"folder, first {missing[0]}; {_remedy_for_missing(missing[0], path.parent, names)}"
        )
    label = column(header, "label")
    return {actual[name]: normalize_label(row[label]) for name, row in rows.items()}


def match_filenames(written: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """Map the names in a label file to the names of existing files.

    Their letters may be composed (NFC) or decomposed (NFD). Names without a file are left out, and
    so is a second name of the same file.
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
    """Return the name of a file as text, even if the file system encoding is ASCII."""
    return normalize_label(name.encode(errors="surrogateescape").decode(errors="surrogateescape"))


def _remedy_for_missing(name: str, folder: Path, names: Sequence[str]) -> str:
    """Return what to do if a file is missing, which may have another name."""
    *above, last = re.split(r"[/\\]", name)
    if last in names:
        return f"leave the folder out of the names, as in {last}"
    if above and (folder / name).is_file():
        return f"move {folder / 'labels.csv'} there, and leave the folder out of the names"
    similar = [other for other in names if Path(other).stem == name]
    similar += [other for other in names if other.lower() == name.lower()]
    if similar:
        return f"write {similar[0]}, the name of the image"
    return "restore them or delete their lines"


def _labels_of_lines(path: Path, names: list[str]) -> dict[str, str]:
    lines = re.split(r"\r\n|\r|\n", decode_labels(path, read_label_file(path)))
    check_no_pairs(path, lines)
    numbered: dict[int, list[str]] = {}
    for name in names:
        if re.fullmatch("[0-9]+", stem := Path(name).stem):
            numbered.setdefault(int(stem), []).append(name)
    check_no_header(path, lines, max((n for n in numbered if n < _NOT_A_COUNT), default=0))
    labels: dict[str, str] = {}
    for number, (name, *others) in numbered.items():
        if not 1 <= number <= len(lines):
            continue
        if label := lines[number - 1]:
            labels[name] = normalize_label(label)
            if others:
                raise DatasetError(
                    f"{path}: line {number} could belong to {name} or to {others[0]}; "
                    "rename or delete one"
                )
        elif any(lines[number:]):
            raise DatasetError(
                f"{path}: line {number}, the label of {name}, is empty; write it or delete {name}"
            )
    if not labels:
        raise DatasetError(
            f"{path}: labels none of the {len(names)} images; line N is the label of the image "
            "named N, such as 1.png"
        )
    if 0 in numbered:
        first = numbered.get(1, ["image 1"])[0]
        raise DatasetError(
            f"{path}: line N is the label of the image named N, so {numbered[0][0]} has no label; "
            f"if line 1 is its label, and not that of {first}, write a labels.csv with the columns "
            "filename and label; otherwise move it to another folder"
        )
    return labels


def _labels_of_names(folder: Path, names: list[str]) -> dict[str, str]:
    labels = {name: _ENDING.split(Path(_text(name)).stem, maxsplit=1)[0] for name in names}
    for name, label in labels.items():
        if not label:
            raise DatasetError(
                f"{folder / name}: its name contains no label; name it by its label, such as "
                "5UFQ.png or 5UFQ_2.png, or write a labels.csv"
            )
    return labels
