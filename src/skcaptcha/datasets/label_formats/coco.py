"""COCO with one box per character, which are read from left to right."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import Any, NamedTuple

from skcaptcha.datasets.label_formats.entry import LabelEntry, make_entry
from skcaptcha.datasets.label_formats.json_text import JsonText
from skcaptcha.exceptions import DatasetError

# Larger numbers are no pixels.
_MOST = 2**31
# Neighbors are further apart than this fraction of the narrower box.
_SAME_PLACE = 0.25


class _Character(NamedTuple):
    center: float
    name: str
    width: float
    place: str


def is_coco(value: Any) -> bool:
    """Return whether a value has the lists of a COCO file."""
    return isinstance(value, dict) and all(
        isinstance(value.get(name), list) for name in ("images", "annotations", "categories")
    )


def coco_entries(text: JsonText, value: dict[str, Any]) -> list[LabelEntry]:
    """Return the images that have boxes, with the characters of these from left to right.

    Raise DatasetError if a box has no image, no place or that of another one, or a category that is
    not one character, or if two images or categories have the same id.
    """
    for kind in ("images", "categories"):
        _check_ids(text, kind)
    names = {
        category["id"]: category.get("name")
        for category in value["categories"]
        if isinstance(category, dict) and _is_id(category.get("id"))
    }
    boxes: dict[Any, list[_Character]] = defaultdict(list)
    for item in text.member("annotations"):
        box = item.value if isinstance(item.value, dict) else {}
        image, category = box.get("image_id"), box.get("category_id")
        name = names.get(category) if _is_id(category) else None
        if not isinstance(name, str) or len(name) != 1:
            raise DatasetError(
                f"{text.path}: {item.place}: a box has the category {name!r}, which is not one "
                "character; name the category of each box by its character"
            )
        match box.get("bbox"):
            case [
                int() | float() as x,
                int() | float(),
                int() | float() as width,
                int() | float(),
            ] if abs(x) < _MOST and abs(width) < _MOST:
                character = _Character(x + width / 2, name, width, item.place)
                boxes[image if _is_id(image) else None].append(character)
            case _:
                raise DatasetError(
                    f"{text.path}: {item.place}: the box of {name} has no place; give its bbox as "
                    "[x, y, width, height]"
                )
    entries = []
    for item in text.member("images"):
        image = item.value if isinstance(item.value, dict) else {}
        key = image.get("id")
        characters = sorted(boxes.pop(key, ())) if _is_id(key) else []
        if characters:
            _check_places(text, characters)
            label = "".join(character.name for character in characters)
            entries.append(make_entry(text.path, item.place, image.get("file_name"), label))
    if boxes:
        alone = next(iter(boxes.values()))[0]
        raise DatasetError(
            f"{text.path}: {alone.place}: the box of {alone.name} has an image_id that no image "
            "has; correct or delete it"
        )
    return entries


def _check_ids(text: JsonText, kind: str) -> None:
    places: dict[Any, str] = {}
    for item in text.member(kind):
        key = item.value.get("id") if isinstance(item.value, dict) else None
        if not _is_id(key):
            continue
        if key in places:
            raise DatasetError(
                f"{text.path}: {item.place}: the id {key} occurs more than once among the {kind}, "
                f"first in {places[key]}; give each its own"
            )
        places[key] = item.place


def _check_places(text: JsonText, characters: list[_Character]) -> None:
    for one, other in pairwise(characters):
        if other.center - one.center <= _SAME_PLACE * min(one.width, other.width):
            raise DatasetError(
                f"{text.path}: {other.place}: the boxes of {one.name} and {other.name} are in one "
                "place; delete one of them"
            )


def _is_id(value: Any) -> bool:
    return isinstance(value, int | str)
