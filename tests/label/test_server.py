"""The API of the labeling server."""

import contextlib
import csv
import os
import socket
import sys

import pytest

from labeling_clients import Client, labels_on_disk
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.label import LabelingPage, LabelingSession

# Actions


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


def test_undo_skip_and_the_way_back(client, folder):
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


# The server


def test_server_listens_on_localhost_only(session):
    with LabelingPage(session) as served:
        assert Client(served).do("open")["task"]
        port = Client(served).port
        # A server on all addresses could be reached by any address of this machine.
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", port))
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.1", port))


def test_address_is_invalid_after_the_end(session):
    with LabelingPage(session) as page:
        first = page.url
    with LabelingPage(session) as page:
        assert page.url.split("=")[1] != first.split("=")[1]
        assert len(page.url.split("=")[1]) >= 43


def test_saved_address_is_private(session, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    with LabelingPage(session) as page:
        (kept,) = (tmp_path / "home").rglob("*.json")
        assert Client(page).token not in kept.read_text()
        assert kept.parent.stat().st_mode & 0o077 == 0
    assert not kept.exists()


def test_port_in_use_raises(session):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SkcaptchaError, match=f"port {port} cannot be used"):
            LabelingPage(session, port=port)


def test_port_of_a_killed_server_may_be_in_use(session):
    killed = LabelingPage(session).__enter__()
    killed._server.should_exit = True
    killed._ended.wait(10)
    port = Client(killed).port
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with LabelingPage(session) as page:
            assert f":{port}/" not in page.url
            assert Client(page).token != Client(killed).token


def test_missing_extra_raises_with_install_command(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SkcaptchaError, match=r"pip install 'skcaptcha\[web\]'"):
        LabelingPage(session)


def test_labels_have_the_columns_of_fit(client, folder):
    client.do("label", id=client.do("open")["task"]["id"], text="ABCD")
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        assert csv.DictReader(stream).fieldnames[:2] == ["filename", "label"]


def test_odd_label_is_asked_back(unlabeled):
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


def test_unicode_forms_are_normalized(tmp_path):
    decomposed, composed = "e\u0301", "\u00e9"
    write_captchas(tmp_path / "d", *make_line_captchas(2, random_state=0))
    (tmp_path / "d" / "00001.png").rename(tmp_path / "d" / f"{decomposed}.png")
    (tmp_path / "d" / "labels.csv").write_text(
        f"filename,label\n{composed}.png,{decomposed}A\n", encoding="utf-8"
    )
    with LabelingSession(tmp_path / "d", train=False) as session:
        assert session.task(f"{decomposed}.png", "tab").label == f"{composed}A"
        assert session.progress().n_labeled == 1
        session.label(f"{decomposed}.png", f"{decomposed}B", tab="tab", expected=f"{composed}A")
    captchas = load_captchas(tmp_path / "d")
    assert captchas.target.tolist() == [f"{composed}B"]
    assert (tmp_path / "d" / "labels.csv").read_text(encoding="utf-8").count(".png") == 1
