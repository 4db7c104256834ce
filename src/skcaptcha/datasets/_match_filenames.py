"""Which images of a folder the names in a label file mean."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from skcaptcha.datasets._unusual_labels import normalize_label
from skcaptcha.datasets.label_formats.entry import LabelEntry
from skcaptcha.exceptions import DatasetError

# Label Studio puts it before the name of an uploaded file.
_UPLOAD = re.compile("[0-9a-f]{8}-")


def match_filenames(written: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """Map the names in a label file to the names of existing files.

    Their letters may be composed (NFC) or decomposed (NFD). Names without a file are left out, and
    so is a second name of the same file.
    """
    there = set(names)
    actual = {name: name for name in written if name in there}
    others = [name for name in written if name not in there]
    if others:
        by_form = {name_as_text(name): name for name in there - set(actual)}
        for name in others:
            found = by_form.pop(name_as_text(name), None)
            if found is not None:
                actual[name] = found
    return actual


def name_as_text(name: str) -> str:
    """Return the name of a file as text, even if the file system encoding is ASCII."""
    return normalize_label(name.encode(errors="surrogateescape").decode(errors="surrogateescape"))


def labels_of_entries(
    path: Path, entries: Sequence[LabelEntry], names: Sequence[str], folder: Path
) -> dict[str, str]:
    """Return the label of each image that a file of another program labels.

    Such files name images as they were elsewhere: in other folders, by an address, or without
    suffix. Raise DatasetError if a name is not that of exactly one image, or is repeated.
    """
    find = _Images(names).find
    labels: dict[str, str] = {}
    places: dict[str, str] = {}
    missing: list[LabelEntry] = []
    for entry in entries:
        found = find(entry.filename)
        if len(found) > 1:
            raise DatasetError(
                f"{path}: {entry.place}: {entry.filename} could be {found[0]} or {found[1]}; write "
                "the name with its folder and suffix"
            )
        if not found:
            missing.append(entry)
        elif found[0] in labels:
            raise DatasetError(
                f"{path}: {entry.place}: {entry.filename} occurs more than once, first in "
                f"{places[found[0]]}; keep one of them"
            )
        else:
            labels[found[0]], places[found[0]] = normalize_label(entry.label), entry.place
    if missing:
        raise missing_images(path, missing, len(entries), names)
    if not labels:
        raise DatasetError(f"{path}: contains no labels; add one for each image of {folder}")
    return labels


def missing_images(
    path: Path, missing: Sequence[LabelEntry], n: int, names: Sequence[str]
) -> DatasetError:
    """Return the error that some of the n entries of a label file name no image."""
    first = missing[0]
    return DatasetError(
        f"{path}: {len(missing)} of the {n} files it names are not images in its folder, first "
        f"{first.filename} ({first.place}); {_remedy_for_missing(first.filename, path, names)}"
    )


def _remedy_for_missing(name: str, path: Path, names: Sequence[str]) -> str:
    """Return what to do if a file is missing, which may have another name."""
    *above, last = re.split(r"[/\\]", name)
    if last in names:
        return f"leave the folder out of the names, as in {last}"
    if above and os.path.isfile(path.parent / name):
        return f"move {path} there, and leave the folder out of the names"
    similar = [other for other in names if Path(other).stem == name]
    similar += [other for other in names if other.lower() == name.lower()]
    if similar:
        return f"write {similar[0]}, the name of the image"
    return "restore them or delete their lines"


class _Images:
    """Images of a folder, found by names that other programs gave them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._there = set(names)
        for name in names:
            text = name_as_text(name)
            last = text.rpartition("/")[2]
            for key in {text, last}:
                self._by_name[key].append(name)
            self._by_stem[last.rpartition(".")[0]].append(name)

    def find(self, written: str) -> list[str]:
        """Return the images that may be meant: the best match, or several equally good ones."""
        if written in self._there:
            return [written]
        text = name_as_text(written)
        for path in dict.fromkeys((text, path_of_address(text))):
            parts = re.split(r"[/\\]", path)
            # Images are in the folder itself or in one of its subfolders.
            for name in ("/".join(parts[-2:]), parts[-1]):
                if found := self._by_name.get(name):
                    return found
            last = parts[-1]
            for found in (
                self._by_stem.get(last),
                self._by_name.get(_UPLOAD.sub("", last, count=1)),
            ):
                if found:
                    return found
        return []


def path_of_address(text: str) -> str:
    """Return the path of a file that an address contains, as in ``/data/local-files/?d=1.png``."""
    try:
        parts = urlsplit(text)
    except ValueError:  # an invalid address
        return text
    return parse_qs(parts.query).get("d", [unquote(parts.path)])[0]
