"""JSON and JSON lines: names with labels, objects, COCO, and Label Studio's export."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from skcaptcha.datasets._file_kinds import is_image
from skcaptcha.datasets.label_formats.coco import coco_entries, is_coco
from skcaptcha.datasets.label_formats.columns import find_columns
from skcaptcha.datasets.label_formats.entry import LabelEntry, NoLabelsError, make_entry
from skcaptcha.datasets.label_formats.json_text import JsonItem, JsonText
from skcaptcha.datasets.label_formats.label_studio import is_label_studio, label_studio_entries
from skcaptcha.exceptions import DatasetError


def json_entries(path: Path, text: str) -> tuple[list[LabelEntry], str]:
    """Return the images with their labels, and the name of the format.

    Raise DatasetError if the text is not JSON, or an item of it has no name or no label.

    >>> json_entries(Path("labels.json"), '{"1.png": "AB"}')
    ([LabelEntry(filename='1.png', label='AB', place='line 1')], 'names with labels')
    """
    json_text = JsonText(path, text)
    if json_text.is_at_end(0):
        raise NoLabelsError(f"{path}: is empty; write the label of each image")
    value, end = json_text.value()
    if not json_text.is_at_end(end):
        return _entries_of_objects(json_text, json_text.values()), "JSON lines"
    if is_coco(value):
        return coco_entries(json_text, value), "COCO, boxes from left to right"
    if is_label_studio(value):
        return label_studio_entries(json_text), "Label Studio"
    if isinstance(value, list):
        return _entries_of_objects(json_text, json_text.items()), "a list of objects"
    if isinstance(value, dict) and _columns(value) is None:
        return _entries_of_names(path, json_text.items()), "names with labels"
    return _entries_of_objects(json_text, json_text.values()), "JSON lines"


def _entries_of_objects(text: JsonText, items: Iterable[JsonItem]) -> list[LabelEntry]:
    """Return the entries of objects with a name and a label, or with a label by name, each."""
    entries: list[LabelEntry] = []
    for item in items:
        columns = _columns(item.value)
        if columns is not None:
            filename, label = (item.value[name] for name in columns)
            entries.append(make_entry(text.path, item.place, filename, label))
        elif isinstance(item.value, dict) and item.value and all(map(is_image, item.value)):
            entries += _entries_of_names(text.path, text.items(item.start))
        else:
            found = ", ".join(item.value) if isinstance(item.value, dict) else "no object"
            kind = DatasetError if entries else NoLabelsError
            raise kind(
                f"{text.path}: {item.place}: expected an object with the keys filename and label; "
                f"found {found or 'no keys'}"
            )
    return entries


def _entries_of_names(path: Path, items: Iterable[JsonItem]) -> list[LabelEntry]:
    entries: list[LabelEntry] = []
    for item in items:
        if isinstance(item.value, dict | list) and not entries:
            raise NoLabelsError(
                f"{path}: {item.place}: expected the label of each image by its name, as in "
                f'{{"1.png": "AB"}}, a list of objects with the keys filename and label, COCO, or '
                f"an export of Label Studio; found the key {item.key}"
            )
        entries.append(make_entry(path, item.place, item.key, item.value))
    return entries


def _columns(value: Any) -> tuple[str, str] | None:
    """Return the keys of the name and the label of an object, if it has both."""
    if not isinstance(value, dict):
        return None
    keys = list(value)
    columns = find_columns(keys)
    return None if columns is None else (keys[columns[0]], keys[columns[1]])
