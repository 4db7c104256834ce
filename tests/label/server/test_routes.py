"""The API of the labeling server: actions and images."""

import contextlib
import csv
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from labeling_clients import Client, labels_on_disk
from skcaptcha.datasets import make_line_captchas, write_captchas
from skcaptcha.images import decode
from skcaptcha.label import LabelingPage, LabelingSession
from skcaptcha.label.server._routes import _id


def test_label_is_on_disk_before_the_response(client, folder):
    written = {}
    task = client.do("open")["task"]
    for k in range(12):
        text = f'A{k},"é '.strip()
        state = client.do("label", id=task["id"], text=text, keystrokes=3, seconds=1.5)
        written[task["filename"]] = text
        assert labels_on_disk(folder) == written
        assert state["progress"]["n_labeled"] == k + 1
        task = state["task"]
    assert task is None
    assert state["ahead"] is None


def test_response_names_the_image_to_preload(client):
    state = client.do("open")
    for _ in range(4):
        ahead = state["ahead"]
        state = client.do("label", id=state["task"]["id"], text="ABCD")
        assert state["task"]["id"] == ahead


def test_two_tabs_do_not_overwrite_each_other(page, folder):
    one, other = Client(page, "one"), Client(page, "other")
    first, second = one.do("open")["task"], other.do("open")["task"]
    assert first["id"] != second["id"]
    one.do("label", id=first["id"], text="MINE")
    answer = other.post("label", id=first["id"], text="YOURS")
    assert answer.status == 409
    assert answer.json()["theirs"] == "MINE"
    assert labels_on_disk(folder) == {first["filename"]: "MINE"}
    other.do("label", id=first["id"], text="YOURS", expected="MINE")
    assert labels_on_disk(folder) == {first["filename"]: "YOURS"}


def test_repeated_requests_are_idempotent(client, folder):
    task = client.do("open")["task"]
    for _ in range(2):
        state = client.do("label", id=task["id"], text="ABCD")
    assert state["progress"]["n_labeled"] == 1
    second = state["task"]
    for _ in range(2):
        state = client.do("unreadable", id=second["id"])
    assert state["progress"]["n_unreadable"] == 1
    third = state["task"]
    assert third["id"] not in {task["id"], second["id"]}
    assert labels_on_disk(folder) == {task["filename"]: "ABCD"}


def test_a_page_is_accepted_with_one_request(client, folder):
    names = {f"{k:05}.png": _id(f"{k:05}.png") for k in range(1, 5)}
    images = [{"id": names[name], "text": "ABCD", "typed": False} for name in names]
    images[1] |= {"text": "WXYZ", "typed": True}
    images[2] |= {"text": ""}
    for _ in range(2):
        state = client.do("accept", page="p", images=images)
    assert (state["progress"]["n_labeled"], state["progress"]["n_accepted"]) == (3, 2)
    assert state["progress"]["n_skipped"] == 1
    assert state["grid"] is None  # without a model
    assert state["task"]["id"] not in {image["id"] for image in images}
    expected = {"00001.png": "ABCD", "00002.png": "WXYZ", "00004.png": "ABCD"}
    assert labels_on_disk(folder) == expected
    client.do("undo")
    assert labels_on_disk(folder) == {}


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"page": "p"}, 400, "the page has no images"),
        ({"images": [{"id": "?", "text": "A", "typed": False}], "page": "p"}, 400, "no such image"),
        ({"images": [{"id": "?", "text": 1, "typed": False}], "page": "p"}, 400, "images.0.text"),
        ({"images": [{"id": "?", "text": "A", "typed": False}]}, 400, "no name"),
    ],
)
def test_bad_pages_are_rejected(client, folder, body, status, says):
    answer = client.post("accept", **body)
    assert answer.status == status
    assert says in answer.json()["error"]
    assert labels_on_disk(folder) == {}


def test_a_page_with_a_conflict_is_not_accepted(page, folder):
    one, other = Client(page, "one"), Client(page, "other")
    task = one.do("open")["task"]
    one.do("label", id=task["id"], text="MINE")
    image = {"id": task["id"], "text": "YOURS", "typed": False}
    others = [{"id": _id("00001.png"), "text": "ABCD", "typed": False}]
    others = [] if task["filename"] == "00001.png" else others
    answer = other.post("accept", page="p", images=[*others, image])
    assert answer.status == 409
    assert labels_on_disk(folder) == {task["filename"]: "MINE"}


def test_undo_skip_and_previous(client, folder):
    first = client.do("open")["task"]
    second = client.do("label", id=first["id"], text="ABCD")["task"]
    back = client.do("previous", id=second["id"])["task"]
    assert (back["id"], back["label"]) == (first["id"], "ABCD")
    assert client.do("previous", id=first["id"])["task"]["id"] == first["id"]
    assert client.do("following", id=first["id"])["task"]["id"] == second["id"]
    assert client.do("following", id=second["id"])["task"]["id"] == second["id"]
    third = client.do("skip", id=second["id"])["task"]
    assert third["id"] not in {first["id"], second["id"]}
    assert client.do("undo")["task"]["id"] == second["id"]
    undone = client.do("undo")["task"]
    assert (undone["id"], undone["label"], undone["typed"]) == (first["id"], None, "ABCD")
    assert labels_on_disk(folder) == {}
    answer = client.post("undo")
    assert answer.status == 400
    assert "nothing to undo" in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"tab": 3}', b'{"tab": ""}', b"[" * 50_000, b"\xff",
        b'{"tab": "\\ud800"}',
    ],
)  # fmt: skip
def test_invalid_requests_are_rejected(client, body):
    answer = client.ask("POST", "/api/open", client.headers, body)
    assert answer.status == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"text": ""}, {"text": 7}, {"text": "x" * 1001}, {"text": "\ud800"}, {"text": "a\nb"},
        {"text": "A", "expected": 3}, {"text": "A", "keystrokes": "x"},
        {"text": "A", "seconds": []},
    ],
)  # fmt: skip
def test_invalid_labels_are_rejected(client, folder, wrong):
    identity = client.do("open")["task"]["id"]
    answer = client.post("label", id=identity, **wrong)
    assert answer.status == 400
    assert answer.json()["error"]
    assert labels_on_disk(folder) == {}


def test_write_errors_are_reported(client, folder):
    identity = client.do("open")["task"]["id"]
    client.do("label", id=identity, text="ABCD")
    identity = client.do("open")["task"]["id"]
    (folder / "labels.csv").write_text("neither of the columns\n")
    answer = client.post("label", id=identity, text="EFGH")
    assert answer.status == 500
    assert "labels.csv" in answer.json()["error"]


def test_images_with_non_utf8_names_cannot_be_labeled(tmp_path):
    folder = tmp_path / "odd"
    write_captchas(folder, *make_line_captchas(1, random_state=0))
    (folder / "labels.csv").unlink()
    name = os.fsdecode(b"\xff <b>&\"'.png")
    with contextlib.suppress(OSError):
        (folder / "00001.png").rename(folder / name)
    if not (folder / name).exists():
        pytest.skip("this file system takes UTF-8 only")
    with LabelingSession(folder, train=False) as session, LabelingPage(session) as served:
        client = Client(served)
        task = client.do("open")["task"]
        assert task["filename"] == name
        assert client.get(f"/api/images/{task['id']}").status == 200
        answer = client.post("label", id=task["id"], text="ABCD")
        assert answer.status == 500
        assert "rename the image" in answer.json()["error"]
        client.do("skip", id=task["id"])
    with LabelingSession(folder, train=False) as session:
        assert session.progress().n_skipped == 1


def test_labels_have_the_columns_of_fit(client, folder):
    client.do("label", id=client.do("open")["task"]["id"], text="ABCD")
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        assert csv.DictReader(stream).fieldnames[:2] == ["filename", "label"]


def test_unusual_labels_need_confirmation(unlabeled):
    folder, truth = unlabeled(25)
    rows = "".join(f"{name},{label}\n" for name, label in list(truth.items())[:22])
    (folder / "labels.csv").write_text(f"filename,label\n{rows}")
    with LabelingSession(folder, train=False) as session, LabelingPage(session) as page:
        client = Client(page)
        task = client.do("open")["task"]
        for confirmed in ({}, {"confirmed": False}):
            answer = client.post("label", id=task["id"], text="ABC", **confirmed)
            assert (answer.status, answer.json()["error"]) == (
                422,
                "ABC is unusual: 22 labels have 4 characters.",
            )
        assert task["filename"] not in labels_on_disk(folder)
        client.do("label", id=task["id"], text="ABC", confirmed=True)
        assert labels_on_disk(folder)[task["filename"]] == "ABC"
        client.do("label", id=task["id"], text="ABC")  # the answer was lost
        assert session.describe_unusual_labels() == [
            "22 labels have 4 characters, 1 does not (ABC); if it is mistyped, correct it"
        ]


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png", "..%2Fsecret.png", "%2e%2e%2fsecret.png", "/etc/passwd", "00001.png",
        "labels.csv", "0", "-1",
    ],
)  # fmt: skip
def test_images_cannot_be_requested_by_path(client, folder, name):
    (folder.parent / "secret.png").write_bytes((folder / "00001.png").read_bytes())
    answer = client.get(f"/api/images/{name}")
    assert answer.status == 404
    assert not answer.content.startswith(b"\x89PNG")
    for method in ("label", "skip", "unreadable", "previous", "following"):
        refused = client.post(method, id=name, text="EVIL")
        assert refused.status == 400
        assert "no such image" in refused.json()["error"]
    assert labels_on_disk(folder) == {}


def test_images_are_decoded_by_the_server(client, folder):
    ids = {}
    for _ in range(12):
        task = client.do("open")["task"]
        ids[task["filename"]] = task["id"]
        client.do("skip", id=task["id"])
    for name, identity in ids.items():
        answer = client.get(f"/api/images/{identity}")
        assert answer.headers["content-type"] == "image/png"
        np.testing.assert_array_equal(decode(answer.content), decode(folder / name))


def only_image(folder: Path, name: str) -> Any:
    """Request the only image of a folder."""
    with LabelingSession(folder, train=False) as session, LabelingPage(session) as served:
        client = Client(served)
        task = client.do("open")["task"]
        assert task["filename"] == name
        return client.get(f"/api/images/{task['id']}")


def test_links_to_other_folders_are_not_followed(folder, tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.png").symlink_to(folder / "00001.png")
    answer = only_image(inside, "a.png")
    assert answer.status == 422
    assert "link to a file outside" in answer.json()["error"]
    (inside / "deeper").mkdir()
    (inside / "deeper" / "b.png").write_bytes((folder / "00002.png").read_bytes())
    (inside / "a.png").unlink()
    (inside / "a.png").symlink_to(Path("deeper") / "b.png")
    answer = only_image(inside, "a.png")
    np.testing.assert_array_equal(decode(answer.content), decode(folder / "00002.png"))


def test_link_to_itself_is_rejected(tmp_path):
    (tmp_path / "a.png").symlink_to("a.png")
    answer = only_image(tmp_path, "a.png")
    assert answer.status == 422
    assert "broken link" in answer.json()["error"]


def test_a_linked_folder_is_served(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    link = tmp_path / "link"
    with LabelingSession(link, train=False) as session, LabelingPage(session) as served:
        client = Client(served)
        assert client.get(f"/api/images/{client.do('open')['task']['id']}").status == 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not a PNG"),
        (b"<html><script>alert(1)</script>", "not a PNG"),
        (b"", "empty"),
        (cv2.imencode(".png", np.zeros((1100, 1000), np.uint8))[1].tobytes(), "pixels"),
    ],
)
def test_invalid_images_are_not_served(tmp_path, content, reason):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "a.png").write_bytes(content)
    answer = only_image(folder, "a.png")
    assert answer.status == 422
    assert reason in answer.json()["error"]
    assert answer.headers["content-type"] == "application/json"
