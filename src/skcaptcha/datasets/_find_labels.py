"""The labels of a folder of captchas, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from skcaptcha.datasets._check_filenames import check_filenames
from skcaptcha.datasets._label_files import (
    TEXTS_BESIDE,
    find_label_file,
    has_label_file,
    move_if_named,
)
from skcaptcha.datasets._list_images import (
    images_directly_in,
    images_in_subfolders,
    natural_sort_key,
    no_images,
)
from skcaptcha.datasets._match_filenames import (
    labels_of_entries,
    match_filenames,
    missing_images,
)
from skcaptcha.datasets._numbered_lines import labels_of_lines
from skcaptcha.datasets._read_labels import (
    LabelCsv,
    decode_labels,
    parse_labels_csv,
    read_label_file,
)
from skcaptcha.datasets._unusual_labels import normalize_label
from skcaptcha.datasets.label_formats.entry import NoLabelsError
from skcaptcha.datasets.label_formats.folder_names import labels_of_folders
from skcaptcha.datasets.label_formats.image_names import labels_of_names
from skcaptcha.datasets.label_formats.json_labels import json_entries
from skcaptcha.datasets.label_formats.tab_separated import (
    begins_with_image,
    has_header,
    split_lines,
    tab_separated_entries,
)
from skcaptcha.datasets.label_formats.text_beside import labels_beside
from skcaptcha.exceptions import DatasetError

IMAGE_NAMES = "the names of the images"


class FoundLabels(NamedTuple):
    """The images of a folder, and the labels of those that have one."""

    names: list[str]
    """Names of all images, in natural order."""
    labels: dict[str, str]
    source: str
    """Where the labels come from, such as "labels.csv"."""
    doubts: list[str]
    """Warnings about all labels."""

    @property
    def n_unlabeled(self) -> int:
        """Number of images that have no label."""
        return len(self.names) - len(self.labels)


def find_labels(folder: Path, file: Path | None = None) -> FoundLabels:
    """Return the images of a folder and their labels.

    The labels come from `file`, or from the first of these that exists: a file of labels in the
    folder, the names of its images, the names of its subfolders. Raise DatasetError if they are
    missing, invalid, or in doubt.
    """
    names = images_directly_in(folder)
    if not names:
        return _labels_above(folder, file)
    if file is not None:
        _check_given(folder, file)
        return FoundLabels(names, *_labels_of_file(file, names, folder), [])
    found = find_label_file(folder, names)
    if found is None:
        labels = labels_of_names(folder, names)
        return FoundLabels(names, labels, IMAGE_NAMES, check_filenames(folder, labels))
    if found == TEXTS_BESIDE:
        return FoundLabels(names, labels_beside(folder, names), TEXTS_BESIDE, [])
    try:
        return FoundLabels(names, *_labels_of_file(folder / found, names, folder), [])
    except NoLabelsError as error:
        if found in ("labels.csv", "labels.txt"):
            raise
        raise DatasetError(
            f"{error}; or write a labels.csv with the columns filename and label, or, "
            f"{move_if_named(found)}"
        ) from error


def _labels_above(folder: Path, file: Path | None) -> FoundLabels:
    """Return the labels of images that are in the subfolders of a folder."""
    names = images_in_subfolders(folder)
    if names and file is not None:
        _check_given(folder, file)
        return FoundLabels(names, *_labels_of_file(file, names, folder), [])
    try:
        found = find_label_file(folder, ()) if names else None
        if found is not None:
            return FoundLabels(names, *_labels_of_file(folder / found, names, folder), [])
    except NoLabelsError as error:
        raise no_images(folder) from error
    subfolders = {name.rpartition("/")[0] for name in names}
    labels = None
    if not any(has_label_file(folder / subfolder) for subfolder in subfolders):
        labels = labels_of_folders(names)
    if labels is None:
        raise no_images(folder)
    return FoundLabels(names, labels, "the names of the subfolders", [])


def _check_given(folder: Path, file: Path) -> None:
    """Raise DatasetError if a file does not exist, but one in the folder does."""
    if not file.exists() and (folder / file).exists():
        raise DatasetError(f"{file}: no such file; pass its path: {folder / file}")


def _labels_of_file(path: Path, names: Sequence[str], folder: Path) -> tuple[dict[str, str], str]:
    """Return the labels of images from a file, and a description of the file."""
    content = read_label_file(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _labels_of_csv(path, parse_labels_csv(path, content), names, folder)
    if suffix in (".json", ".jsonl"):
        entries, form = json_entries(path, decode_labels(path, content))
        return labels_of_entries(path, entries, names, folder), f"{path.name} ({form})"
    lines = split_lines(decode_labels(path, content))
    if has_header(lines):
        return _labels_of_csv(path, parse_labels_csv(path, content), names, folder)
    if path.name == "labels.txt" and not begins_with_image(lines):
        return labels_of_lines(path, lines, names), path.name
    entries = tab_separated_entries(path, lines)
    if not entries:
        raise NoLabelsError(f"{path}: is empty; write the name of each image, a tab and its label")
    labels = labels_of_entries(path, entries, names, folder)
    return labels, f"{path.name} (name, tab, label)"


def _labels_of_csv(
    path: Path, table: LabelCsv, names: Sequence[str], folder: Path
) -> tuple[dict[str, str], str]:
    if not table.rows:
        raise NoLabelsError(f"{path}: contains no labels; add a line filename,label for each image")
    differs = table.description()
    source = f"{path.name} ({differs})" if differs else path.name
    # Our own file has exact names; those in another's may have been written elsewhere.
    if path != folder / "labels.csv" or "/" in names[0]:
        return labels_of_entries(path, table.entries(), names, folder), source
    actual = match_filenames(table.rows, names)
    missing = [entry for entry in table.entries() if entry.filename not in actual]
    if missing:
        missing.sort(key=lambda entry: natural_sort_key(entry.filename))
        raise missing_images(path, missing, len(table.rows), names)
    rows = table.rows.items()
    return {actual[name]: normalize_label(row[table.label]) for name, row in rows}, source
