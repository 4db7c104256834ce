"""The JSON export of Label Studio."""

import json

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError


def area(text, x=None):
    place = {} if x is None else {"x": x, "y": 10.0, "width": 9.0, "height": 80.0, "rotation": 0}
    value = {**place, "text": text}
    return {"from_name": "t", "to_name": "i", "type": "textarea", "value": value}


def polygon(text, *x):
    made = area(text)
    made["value"]["points"] = [[left, 5.5] for left in x]
    return made


def task(image, *annotations, **data):
    made = [{"id": 1, "was_cancelled": False, "result": result} for result in annotations]
    return {"id": 1, "annotations": made, "data": {"image": image, **data}, "predictions": []}


LABELED = [
    (task("/data/upload/1/5b0a1c2d-1.png", [area(["5UFQ"])]), "1.png", "5UFQ"),
    (task("https://host/9.png?signature=a.b", [area(["5UFQ"])]), "9.png", "5UFQ"),
    (task("/data/local-files/?d=my%20captchas/2.png", [area("AB 1")]), "2.png", "AB 1"),
    (task("https://host:80/a/3%C3%BC.png", [area(["ü"])], note="x"), "3ü.png", "ü"),
    (
        task(
            "4.png", [area(["C"], 61.5), {"type": "rectangle", "value": {"x": 1}}, area(["A"], 7)]
        ),
        "4.png",
        "AC",
    ),
    (
        task("8.png", [polygon(["D"], 50, 60, 55), polygon(["C"], 20, 70, 30), area(["X"], 40)]),
        "8.png",
        "CXD",
    ),
    (task("s3://bucket/5.png", [area(["X"])], [area(["X"])]), "5.png", "X"),
]


def write(folder, tasks):
    text = "[" + ",\n".join(map(json.dumps, tasks)) + "]"
    (folder / "project-1-at-2026-11-30-12-00-5f6a7b8c.json").write_text(text)


def test_texts_of_annotated_tasks_are_labels(make_folder):
    folder = make_folder(*(name for _, name, _ in LABELED), "6.png", "7.png")
    cancelled = task("7.png", [area(["Q"])])
    cancelled["annotations"][0]["was_cancelled"] = True
    write(folder, [*(made for made, _, _ in LABELED), task("6.png"), cancelled])
    captchas = load_captchas(folder)
    found = dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))
    assert found == {name: label for _, name, label in LABELED}


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (task("2.png", [area(["A"])], [area(["B"])]), "2.png has annotations with .*, A and B"),
        (task("2.png", [area(["A", "B"])]), "2.png has several texts in one place, A and B"),
        (task("2.png", [area(["B"]), area(["A"])]), "2.png has several texts in one place"),
        (task("none", [area(["A"])]), "the data of the task name no image"),
        (task("/data/upload/1/5b0a1c2d-1.png", [area(["A"])]), "1.png occurs more than once"),
    ],
)
def test_a_task_that_does_not_fit_is_named_with_its_line(make_folder, made, message):
    folder = make_folder("1.png", "2.png")
    write(folder, [task("1.png", [area(["A"])]), made])
    with pytest.raises(DatasetError, match=f"line 2: .*{message}"):
        load_captchas(folder)
