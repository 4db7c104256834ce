"""The labelling page's server does what the page asks for, and nothing that anybody else does."""

import contextlib
import csv
import json
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.errors import SkcaptchaError
from skcaptcha.images import decode
from skcaptcha.label import LabellingPage, LabellingSession
from skcaptcha.label._security import MAX_BODY_BYTES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder of six unlabelled images."""
    folder = tmp_path / "captchas"
    write_captchas(folder, *make_line_captchas(6, random_state=0))
    (folder / "labels.csv").unlink()
    return folder


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: Message
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class Page:
    """What the page's own script does."""

    def __init__(self, served: LabellingPage, tab: str = "a tab") -> None:
        self.address, self.token = served.url.split("/?token=")
        self.host = self.address.removeprefix("http://")
        self.port = int(self.host.split(":")[1])
        self.headers = {
            "host": self.host,
            "origin": self.address,
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
        }
        self.tab = tab

    def ask(
        self, method: str, path: str, headers: dict[str, str | None], content: bytes | None = None
    ) -> Answer:
        """Send exactly this; headers that are None are left out."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if value is not None:
                    connection.putheader(name, value)
            if content is not None and "transfer-encoding" not in headers:
                connection.putheader("content-length", str(len(content)))
            connection.endheaders(content)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, self.headers | headers)

    def post(
        self, method: str, *, headers: dict[str, str | None] | None = None, **body: Any
    ) -> Answer:
        content = json.dumps({"tab": self.tab, **body}).encode()
        return self.ask("POST", f"/api/{method}", self.headers | (headers or {}), content)

    def do(self, method: str, **body: Any) -> Any:
        answer = self.post(method, **body)
        assert answer.status == 200, answer.text
        return answer.json()


@pytest.fixture
def session(folder: Path) -> Iterator[LabellingSession]:
    with LabellingSession(folder, train=False) as session:
        yield session


@pytest.fixture
def served(session: LabellingSession) -> Iterator[LabellingPage]:
    with LabellingPage(session) as served:
        yield served


@pytest.fixture
def page(served: LabellingPage) -> Page:
    return Page(served)


def labels_on_disk(folder: Path) -> dict[str, str]:
    file = folder / "labels.csv"
    if not file.exists() or file.read_text(encoding="utf-8").count("\n") == 1:
        return {}
    captchas = load_captchas(folder)
    return dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))


# Who may ask


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token={token}x", "?t=1"])
def test_the_page_is_refused_without_its_token(page, query):
    headers = {"host": page.host}
    answer = page.ask("GET", "/" + query.format(token=page.token), headers)
    assert answer.status == 403
    assert "Open the whole address" in answer.text
    assert page.ask("GET", f"/?token={page.token}", headers).status == 200


@pytest.mark.parametrize("said", [None, "", "Bearer ", "Bearer wrong", "Bearer {token}x", "é"])
def test_nothing_is_told_or_changed_without_the_token(page, folder, said):
    identity = page.do("open")["task"]["id"]
    authorization = said and said.format(token=page.token)
    for path in (f"/api/images/{identity}", "/api/progress", f"/api/progress?token={page.token}"):
        assert page.get(path, authorization=authorization).status == 403
    answer = page.post("label", id=identity, text="EVIL", headers={"authorization": authorization})
    assert answer.status == 403
    assert labels_on_disk(folder) == {}


def test_no_cookie_stands_in_for_the_token(page):
    """Browsers would send it to every other server of this machine, whoever runs that."""
    assert "set-cookie" not in page.get(f"/?token={page.token}").headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}"]
)
def test_another_name_that_leads_here_is_refused(page, folder, host):
    """DNS rebinding: evil.example becomes 127.0.0.1, so its scripts may read what is answered."""
    identity = page.do("open")["task"]["id"]
    host = host.format(port=page.port)
    rebound = {"host": host}
    assert page.get(f"/?token={page.token}", **rebound).status == 403
    assert page.get("/page.js", **rebound).status == 403
    assert page.get("/api/progress", **rebound).status == 403
    assert page.post("label", id=identity, text="EVIL", headers=rebound).status == 403
    assert labels_on_disk(folder) == {}


def test_localhost_is_a_name_of_this_machine(page):
    local = f"localhost:{page.port}"
    headers = {"host": local, "origin": f"http://{local}"}
    assert page.post("open", headers=headers).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "https://{host}",
    ],
)
def test_other_pages_change_nothing(page, folder, origin):
    """Cross-site request forgery, even by a page that came to know the token."""
    identity = page.do("open")["task"]["id"]
    headers = {"origin": origin and origin.format(host=page.host)}
    for method in ("open", "label", "skip", "unreadable", "undo", "previous", "following"):
        answer = page.post(method, id=identity, text="EVIL", headers=headers)
        assert answer.status == 403, method
    assert labels_on_disk(folder) == {}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None])
def test_what_a_form_can_send_changes_nothing(page, folder, kind):
    identity = page.do("open")["task"]["id"]
    answer = page.post("label", id=identity, text="EVIL", headers={"content-type": kind})
    assert answer.status == 403
    assert labels_on_disk(folder) == {}


def test_changes_need_the_method_post(page, folder):
    identity = page.do("open")["task"]["id"]
    page.do("label", id=identity, text="ABCD")
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert page.ask(method, "/api/undo", page.headers, b'{"tab": "a tab"}').status == 405
    assert len(labels_on_disk(folder)) == 1


def test_large_requests_are_refused(page):
    answer = page.post("open", padding="x" * MAX_BODY_BYTES)
    assert answer.status == 403
    assert "larger" in answer.text
    # Nobody knows how much this will be.
    chunked = page.headers | {"transfer-encoding": "chunked"}
    assert page.ask("POST", "/api/open", chunked, b"0\r\n\r\n").status == 403


def test_every_answer_says_what_browsers_may_do_with_it(page):
    identity = page.do("open")["task"]["id"]
    answers = [
        page.get(f"/?token={page.token}"),
        page.get("/"),  # refused
        page.get("/page.js"),
        page.get(f"/api/images/{identity}"),
        page.get("/api/images/none"),
        page.get("/nowhere"),
        page.post("open"),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "access-control-allow-origin" not in answer.headers


# What is served


@pytest.mark.parametrize(
    "name",
    [
        "../secret.png", "..%2Fsecret.png", "%2e%2e%2fsecret.png", "/etc/passwd", "00001.png",
        "labels.csv", "0", "-1",
    ],
)  # fmt: skip
def test_images_go_by_no_path(page, folder, name):
    (folder.parent / "secret.png").write_bytes((folder / "00001.png").read_bytes())
    answer = page.get(f"/api/images/{name}")
    assert answer.status == 404
    assert not answer.content.startswith(b"\x89PNG")
    for method in ("label", "skip", "unreadable", "previous", "following"):
        refused = page.post(method, id=name, text="EVIL")
        assert refused.status == 400
        assert "no such image" in refused.json()["error"]
    assert labels_on_disk(folder) == {}


def test_an_image_is_served_as_it_is_decoded_here(page, folder):
    ids = {}
    for _ in range(6):
        task = page.do("open")["task"]
        ids[task["filename"]] = task["id"]
        page.do("skip", id=task["id"])
    for name, identity in ids.items():
        answer = page.get(f"/api/images/{identity}")
        assert answer.headers["content-type"] == "image/png"
        np.testing.assert_array_equal(decode(answer.content), decode(folder / name))


def only_image(folder: Path, name: str) -> Any:
    """Ask for the only image of a folder."""
    with LabellingSession(folder, train=False) as session, LabellingPage(session) as served:
        page = Page(served)
        task = page.do("open")["task"]
        assert task["filename"] == name
        return page.get(f"/api/images/{task['id']}")


def test_links_that_lead_outside_are_not_followed(folder, tmp_path):
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


def test_a_folder_that_is_reached_by_a_link_serves_its_images(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    link = tmp_path / "link"
    with LabellingSession(link, train=False) as session, LabellingPage(session) as served:
        page = Page(served)
        assert page.get(f"/api/images/{page.do('open')['task']['id']}").status == 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not a PNG"),
        (b"<html><script>alert(1)</script>", "not a PNG"),
        (b"", "empty"),
        (cv2.imencode(".png", np.zeros((1100, 1000), np.uint8))[1].tobytes(), "pixels"),
    ],
)
def test_what_is_no_sound_image_is_not_served(tmp_path, content, reason):
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "a.png").write_bytes(content)
    answer = only_image(folder, "a.png")
    assert answer.status == 422
    assert reason in answer.json()["error"]
    assert answer.headers["content-type"] == "application/json"


# What is done


def test_a_label_is_on_disk_when_the_answer_comes(page, folder):
    written = {}
    task = page.do("open")["task"]
    for k in range(6):
        text = f'A{k},"é '.strip()
        state = page.do("label", id=task["id"], text=text, keystrokes=3, seconds=1.5)
        written[task["filename"]] = text
        assert labels_on_disk(folder) == written
        assert state["progress"]["n_labelled"] == k + 1
        task = state["task"]
    assert task is None
    assert state["ahead"] is None


def test_the_image_after_the_next_is_named_for_preloading(page):
    state = page.do("open")
    for _ in range(4):
        ahead = state["ahead"]
        state = page.do("label", id=state["task"]["id"], text="ABCD")
        assert state["task"]["id"] == ahead


def test_two_tabs_have_different_images_and_neither_overwrites_the_other(served, folder):
    one, other = Page(served, "one"), Page(served, "other")
    first, second = one.do("open")["task"], other.do("open")["task"]
    assert first["id"] != second["id"]
    one.do("label", id=first["id"], text="MINE")
    answer = other.post("label", id=first["id"], text="YOURS")
    assert answer.status == 409
    assert answer.json()["theirs"] == "MINE"
    assert labels_on_disk(folder) == {first["filename"]: "MINE"}
    other.do("label", id=first["id"], text="YOURS", expected="MINE")
    assert labels_on_disk(folder) == {first["filename"]: "YOURS"}


def test_what_was_asked_twice_since_the_answer_was_lost_is_done_once(page, folder):
    task = page.do("open")["task"]
    for _ in range(2):
        state = page.do("label", id=task["id"], text="ABCD")
    assert state["progress"]["n_labelled"] == 1
    second = state["task"]
    for _ in range(2):
        state = page.do("unreadable", id=second["id"])
    assert state["progress"]["n_unreadable"] == 1
    third = state["task"]
    assert third["id"] not in {task["id"], second["id"]}
    assert labels_on_disk(folder) == {task["filename"]: "ABCD"}


def test_undo_skip_and_the_way_back(page, folder):
    first = page.do("open")["task"]
    second = page.do("label", id=first["id"], text="ABCD")["task"]
    back = page.do("previous", id=second["id"])["task"]
    assert (back["id"], back["label"]) == (first["id"], "ABCD")
    assert page.do("previous", id=first["id"])["task"]["id"] == first["id"]
    assert page.do("following", id=first["id"])["task"]["id"] == second["id"]
    assert page.do("following", id=second["id"])["task"]["id"] == second["id"]
    third = page.do("skip", id=second["id"])["task"]
    assert third["id"] not in {first["id"], second["id"]}
    assert page.do("undo")["task"]["id"] == second["id"]
    undone = page.do("undo")["task"]
    assert (undone["id"], undone["label"], undone["typed"]) == (first["id"], None, "ABCD")
    assert labels_on_disk(folder) == {}
    answer = page.post("undo")
    assert answer.status == 400
    assert "nothing to take back" in answer.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"tab": 3}', b'{"tab": ""}', b"[" * 50_000, b"\xff",
        b'{"tab": "\\ud800"}',
    ],
)  # fmt: skip
def test_requests_that_make_no_sense_are_refused(page, body):
    answer = page.ask("POST", "/api/open", page.headers, body)
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
def test_labels_that_make_no_sense_are_refused(page, folder, wrong):
    identity = page.do("open")["task"]["id"]
    answer = page.post("label", id=identity, **wrong)
    assert answer.status == 400
    assert answer.json()["error"]
    assert labels_on_disk(folder) == {}


def test_what_cannot_be_written_is_said(page, folder):
    identity = page.do("open")["task"]["id"]
    page.do("label", id=identity, text="ABCD")
    identity = page.do("open")["task"]["id"]
    (folder / "labels.csv").write_text("neither of the columns\n")
    answer = page.post("label", id=identity, text="EFGH")
    assert answer.status == 500
    assert "labels.csv" in answer.json()["error"]


def test_names_that_are_not_utf8_can_be_labelled(tmp_path):
    folder = tmp_path / "odd"
    write_captchas(folder, *make_line_captchas(1, random_state=0))
    (folder / "labels.csv").unlink()
    name = os.fsdecode(b"\xff <b>&\"'.png")
    with contextlib.suppress(OSError):
        (folder / "00001.png").rename(folder / name)
    if not (folder / name).exists():
        pytest.skip("this file system takes UTF-8 only")
    with LabellingSession(folder, train=False) as session, LabellingPage(session) as served:
        page = Page(served)
        task = page.do("open")["task"]
        assert task["filename"] == name
        assert page.get(f"/api/images/{task['id']}").status == 200


# The server as a whole


def test_only_this_machine_reaches_it(session):
    with LabellingPage(session) as served:
        assert Page(served).do("open")["task"]
        port = Page(served).port
        # Whoever listens on all addresses is reached by any of the machine's.
        with socket.socket() as other, pytest.raises(OSError, match="refused"):
            other.connect(("127.0.0.2", port))
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.1", port))


def test_an_address_is_worth_nothing_after_the_end(session):
    with LabellingPage(session) as page:
        first = page.url
    with LabellingPage(session) as page:
        assert page.url.split("=")[1] != first.split("=")[1]
        assert len(page.url.split("=")[1]) >= 43


def test_addresses_are_kept_where_others_cannot_read(session, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    with LabellingPage(session) as page:
        (kept,) = (tmp_path / "home").rglob("*.json")
        assert json.loads(kept.read_text())["token"] in page.url
        assert kept.parent.stat().st_mode & 0o077 == 0
    assert not kept.exists()


def test_a_port_that_is_taken_is_named(session):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SkcaptchaError, match=f"port {port} cannot be used"):
            LabellingPage(session, port=port)


def test_a_port_left_by_a_killed_server_may_be_taken_meanwhile(session):
    killed = LabellingPage(session).__enter__()
    killed._server.should_exit = True
    killed._ended.wait(10)
    port = Page(killed).port
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with LabellingPage(session) as page:
            assert f":{port}/" not in page.url


def test_without_the_extra_it_is_said_what_to_install(session, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SkcaptchaError, match=r"pip install 'skcaptcha\[web\]'"):
        LabellingPage(session)


def test_labels_have_the_columns_that_fit_reads(page, folder):
    page.do("label", id=page.do("open")["task"]["id"], text="ABCD")
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as stream:
        assert csv.DictReader(stream).fieldnames[:2] == ["filename", "label"]
