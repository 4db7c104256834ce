"""The JSON export of Label Studio, with one text per image or one for each box."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from skcaptcha.datasets._file_kinds import is_image
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
    or annotations with different texts.
    """
    entries = []
    for item in text.items():
        task = item.value if isinstance(item.value, dict) else {}
        annotations = task.get("annotations")
        labels = set(map(_text, annotations if isinstance(annotations, list) else ())) - {""}
        if not labels:
            continue
        name = _image(task.get("data"))
        if name is None:
            raise DatasetError(
                f"{text.path}: {item.place}: the data of the task name no image; give its address "
                "or name"
            )
        if len(labels) > 1:
            raise DatasetError(
                f"{text.path}: {item.place}: {name} has annotations with different texts, "
                f"{' and '.join(sorted(labels))}; keep one of them"
            )
        entries.append(make_entry(text.path, item.place, name, labels.pop()))
    return entries


def _image(data: Any) -> str | None:
    """Return the name or address of the image among the data of a task."""
    values = data.values() if isinstance(data, dict) else ()
    return next((v for v in values if isinstance(v, str) and is_image(v)), None)


def _text(annotation: Any) -> str:
    """Return the text of an annotation, of its boxes from left to right; empty if it has none."""
    if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
        return ""
    results = annotation.get("result")
    parts = sorted(_parts(results if isinstance(results, list) else []))
    return "".join(part for _, part in parts)


def _parts(results: list[Any]) -> Iterator[tuple[float, str]]:
    """Yield the left end and the text of each text field."""
    for result in results:
        match result:
            case {"type": "textarea", "value": {"text": [*lines], **value}}:
                pass
            case {"type": "textarea", "value": {"text": str() as line, **value}}:
                lines = [line]
            case _:
                continue
        x = value.get("x")
        left = float(x) if isinstance(x, int | float) else 0.0
        yield left, "".join(line for line in lines if isinstance(line, str))
