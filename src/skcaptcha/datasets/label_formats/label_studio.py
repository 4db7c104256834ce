"""The JSON export of Label Studio, with one text per image or one for each box."""

from __future__ import annotations

from typing import Any

from skcaptcha.datasets._file_kinds import is_image
from skcaptcha.datasets._match_filenames import path_of_address
from skcaptcha.datasets.label_formats.entry import LabelEntry, make_entry
from skcaptcha.datasets.label_formats.json_text import JsonText
from skcaptcha.exceptions import DatasetError


def is_label_studio(value: Any) -> bool:
    """Return whether a value is a list of tasks, with their data and annotations."""
    return (
        isinstance(value, list)
        and bool(value)
        and isinstance(value[0], dict)
        and isinstance(value[0].get("data"), dict)
        and isinstance(value[0].get("annotations"), list)
    )


def label_studio_entries(text: JsonText) -> list[LabelEntry]:
    """Return the images that were annotated, with their texts.

    Texts of several boxes are joined from left to right. Raise DatasetError if a task has no image,
    texts without boxes to order them by, or annotations with different texts.
    """
    entries = []
    for item in text.items():
        task = item.value if isinstance(item.value, dict) else {}
        annotations = task.get("annotations")
        parts = list(map(_parts, annotations if isinstance(annotations, list) else ()))
        labels = sorted({"".join(part for _, part in some) for some in parts} - {""})
        if not labels:
            continue
        name = _image(task.get("data"))
        if name is None:
            raise DatasetError(
                f"{text.path}: {item.place}: the data of the task name no image; give its address "
                "or name"
            )
        unordered = next((some for some in parts if len(dict(some)) < len(some)), None)
        if unordered is not None:
            texts = " and ".join(part for _, part in unordered)
            raise DatasetError(
                f"{text.path}: {item.place}: {name} has several texts in one place, {texts}; keep "
                "one of them, or draw a box for each"
            )
        if len(labels) > 1:
            raise DatasetError(
                f"{text.path}: {item.place}: {name} has annotations with different texts, "
                f"{' and '.join(labels)}; keep one of them"
            )
        entries.append(make_entry(text.path, item.place, name, labels[0]))
    return entries


def _image(data: Any) -> str | None:
    """Return the name or address of the image among the data of a task."""
    values = data.values() if isinstance(data, dict) else ()
    texts = [value for value in values if isinstance(value, str)]
    return next((t for t in texts if is_image(t) or is_image(path_of_address(t))), None)


def _parts(annotation: Any) -> list[tuple[float, str]]:
    """Return the left end and the text of each text of an annotation, from left to right.

    A text without a box has its left end at 0.
    """
    if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
        return []
    results = annotation.get("result")
    found = []
    for result in results if isinstance(results, list) else ():
        match result:
            case {"type": "textarea", "value": {"text": str() | list() as text, **place}}:
                left = _left(place)
                lines = [text] if isinstance(text, str) else text
                found += [(left, line) for line in lines if isinstance(line, str) and line]
    return sorted(found)


def _left(place: dict[Any, Any]) -> float:
    match place:
        case {"x": int() | float() as x}:
            return x
        case {"points": [*points]}:  # a polygon
            return min((p[0] for p in points if isinstance(p, list) and _is_point(p)), default=0.0)
    return 0.0


def _is_point(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, int | float) for value in values)
