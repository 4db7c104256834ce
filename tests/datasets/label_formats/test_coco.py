"""COCO with one box per character."""

import json
import random

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError

LABELS = {"1.png": "5UFQ", "2.png": "7", "3.png": "UU5"}


def coco(labels, **changes):
    """Return the text of a COCO file: boxes overlap, and are in no order."""
    characters = sorted(set("".join(labels.values())))
    images = [{"id": k * 7, "file_name": f"images/{name}"} for k, name in enumerate(labels)]
    boxes = [
        {"id": 0, "image_id": k * 7, "category_id": 1 + characters.index(c), "bbox": box}
        for k, label in enumerate(labels.values())
        for i, c in enumerate(label)
        for box in [[20.5 * i - (c == "U"), 5 * (c == "5"), 25 + 2 * (c == "U"), 30]]
    ]
    random.Random(0).shuffle(boxes)
    categories = [{"id": 1 + k, "name": name} for k, name in enumerate(characters)]
    categories.insert(0, {"id": 0, "name": "characters", "supercategory": "none"})
    value = {"images": images, "annotations": boxes, "categories": categories, **changes}
    return json.dumps(value, indent=1)


def test_characters_are_read_from_left_to_right(make_folder):
    folder = make_folder(*LABELS, "unlabeled.png")
    file = folder / "_annotations.coco.json"
    file.write_text(coco(LABELS))
    captchas = load_captchas(folder)
    assert dict(zip(captchas.filenames, captchas.target.tolist(), strict=True)) == LABELS


BOX = {"image_id": 0, "category_id": 1, "bbox": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ({**BOX, "category_id": 0}, "a box has the category 'characters', which is not one char"),
        ({**BOX, "category_id": 99}, "a box has the category None"),
        ({**BOX, "image_id": 99}, "the box of 5 has an image_id that no image has"),
        ({**BOX, "bbox": [1.2, 0, 2.8, 9]}, "the boxes of 5 and 5 are in one place; delete one"),
        ({**BOX, "bbox": [1, 2]}, "the box of 5 has no place"),
        ({**BOX, "bbox": ["a", 2, 3, 4]}, "the box of 5 has no place"),
        ({**BOX, "bbox": [10**400, 2, 3.5, 4]}, "the box of 5 has no place"),
        ({**BOX, "bbox": [float("nan"), 2, 3, 4]}, "the box of 5 has no place"),
        ([], "a box has the category None"),
        ({**BOX, "image_id": [], "category_id": {}}, "a box has the category None"),
    ],
)
def test_a_box_that_does_not_fit_is_named_with_its_line(make_folder, box, message):
    folder = make_folder(*LABELS)
    text = coco(LABELS, annotations=[BOX, box])
    (folder / "labels.json").write_text(text)
    starts = [k for k, line in enumerate(text.splitlines(), 1) if line in ("  {", "  []")]
    line = starts[len(LABELS) + 1]
    with pytest.raises(DatasetError, match=rf"labels\.json: line {line}: {message}"):
        load_captchas(folder)


@pytest.mark.parametrize("kind", ["images", "categories"])
def test_an_id_that_occurs_twice_is_named_with_its_line(make_folder, kind):
    value = json.loads(coco(LABELS))
    value[kind][2]["id"] = value[kind][1]["id"]
    folder = make_folder(*LABELS)
    (folder / "labels.json").write_text(json.dumps(value, indent=1))
    key = value[kind][1]["id"]
    message = rf"line \d+: the id {key} occurs more than once among the {kind}, first in line \d"
    with pytest.raises(DatasetError, match=message):
        load_captchas(folder)
