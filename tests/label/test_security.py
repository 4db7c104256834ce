"""The server only answers its own page, and only serves images of the session."""

import asyncio
import contextlib
import hashlib
import hmac
import resource
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from labeling_clients import Client, Server, labels_on_disk
from skcaptcha.images import decode
from skcaptcha.label import LabelingPage, LabelingSession
from skcaptcha.label.server._connections import Connections
from skcaptcha.label.server._guard import MAX_BODY_BYTES

# Access control


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token={token}x", "?t=1"])
def test_page_requires_the_token(client, query):
    headers = {"host": client.host}
    answer = client.ask("GET", "/" + query.format(token=client.token), headers)
    assert answer.status == 403
    assert "Open the full address" in answer.text
    assert client.ask("GET", f"/?token={client.token}", headers).status == 200


@pytest.mark.parametrize("said", [None, "", "Bearer ", "Bearer wrong", "Bearer {token}x", "é"])
def test_api_requires_the_token(client, folder, said):
    identity = client.do("open")["task"]["id"]
    authorization = said and said.format(token=client.token)
    for path in (f"/api/images/{identity}", "/api/progress", f"/api/progress?token={client.token}"):
        assert client.get(path, authorization=authorization).status == 403
    answer = client.post(
        "label", id=identity, text="EVIL", headers={"authorization": authorization}
    )
    assert answer.status == 403
    assert labels_on_disk(folder) == {}


def test_cookie_does_not_replace_the_token(client):
    """Browsers would send it to every other server on this machine."""
    assert "set-cookie" not in client.get(f"/?token={client.token}").headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}"]
)
def test_other_host_names_are_rejected(client, folder, host):
    """DNS rebinding: evil.example resolves to 127.0.0.1, so its scripts may read responses."""
    identity = client.do("open")["task"]["id"]
    host = host.format(port=client.port)
    rebound = {"host": host}
    assert client.get(f"/?token={client.token}", **rebound).status == 403
    assert client.get("/page.js", **rebound).status == 403
    assert client.get("/api/progress", **rebound).status == 403
    assert client.post("label", id=identity, text="EVIL", headers=rebound).status == 403
    assert labels_on_disk(folder) == {}


def test_localhost_is_accepted(client):
    local = f"localhost:{client.port}"
    headers = {"host": local, "origin": f"http://{local}"}
    assert client.post("open", headers=headers).status == 200


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
def test_other_origins_are_rejected(client, folder, origin):
    """Cross-site request forgery, even by a page that knows the token."""
    identity = client.do("open")["task"]["id"]
    headers = {"origin": origin and origin.format(host=client.host)}
    for method in ("open", "label", "skip", "unreadable", "undo", "previous", "following"):
        answer = client.post(method, id=identity, text="EVIL", headers=headers)
        assert answer.status == 403, method
    assert labels_on_disk(folder) == {}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", None])
def test_form_content_types_are_rejected(client, folder, kind):
    identity = client.do("open")["task"]["id"]
    answer = client.post("label", id=identity, text="EVIL", headers={"content-type": kind})
    assert answer.status == 403
    assert labels_on_disk(folder) == {}


def test_changes_require_post(client, folder):
    identity = client.do("open")["task"]["id"]
    client.do("label", id=identity, text="ABCD")
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert client.ask(method, "/api/undo", client.headers, b'{"tab": "a tab"}').status == 405
    assert len(labels_on_disk(folder)) == 1


def test_large_requests_are_rejected(client):
    answer = client.post("open", padding="x" * MAX_BODY_BYTES)
    assert answer.status == 403
    assert "larger" in answer.text
    # The length is unknown.
    chunked = client.headers | {"transfer-encoding": "chunked"}
    assert client.ask("POST", "/api/open", chunked, b"0\r\n\r\n").status == 403


def test_every_response_has_security_headers(client):
    identity = client.do("open")["task"]["id"]
    answers = [
        client.get(f"/?token={client.token}"),
        client.get("/"),  # refused
        client.get("/page.js"),
        client.get(f"/api/images/{identity}"),
        client.get("/api/images/none"),
        client.get("/nowhere"),
        client.post("open"),
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


# Tabs whose server was killed


def signed(key: str, signer: str, host: str, nonce: str, server_nonce: str) -> str:
    message = f"{signer}\n{host}\n{nonce}\n{server_nonce}".encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def test_token_is_sent_only_to_tabs_that_know_the_key(client, page):
    key = page._address.key
    stranger = {"authorization": None}
    said = client.post("resume", headers=stranger, nonce="mine").json()
    assert said.keys() == {"nonce", "proof"}
    assert said["proof"] == signed(key, "server", client.host, "mine", said["nonce"])
    right = signed(key, "page", client.host, "mine", said["nonce"])
    for nonce, proof in [
        ("mine", said["proof"]),
        ("mine", ""),
        ("mine", 7),
        ("mine", "\u00e9"),
        ("other", right),
        ("mine", signed("another key", "page", client.host, "mine", said["nonce"])),
        ("mine", signed(key, "page", "127.0.0.1:1", "mine", said["nonce"])),
        ("mine", signed(key, "page", client.host, "mine", "number of an earlier start")),
        (None, right),
        ("n" * 10_000, right),
    ]:
        refused = client.post("resume", headers=stranger, nonce=nonce, proof=proof)
        assert (refused.status, refused.json().keys()) == (403, {"error"})
    told = client.post("resume", headers=stranger, nonce="mine", proof=right)
    assert told.json() == {"token": client.token}
    elsewhere = stranger | {"origin": "http://evil.example"}
    assert client.post("resume", headers=elsewhere, nonce="mine", proof=right).status == 403


# Connections


def test_idle_connections_do_not_block_the_user(start, folder):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
    try:
        server: Server = start(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    client = Client(SimpleNamespace(url=server.url))
    with contextlib.ExitStack() as idle:
        for k in range(300):
            stranger = socket.create_connection(("127.0.0.1", client.port), timeout=60)
            idle.enter_context(stranger)
            if k % 2:
                stranger.sendall(b"POST /api/resume HTTP/1.1\r\ncontent-length: 9\r\nx:")
        assert client.post("open").status == 200


def test_untrusted_connections_are_limited():
    async def closed(stream: asyncio.StreamReader, seconds: float) -> bool:
        try:
            return await asyncio.wait_for(stream.read(), seconds) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    async def scene() -> None:
        connections = Connections(limit=2, seconds=1.0)
        came: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.opened(writer.transport)
            await came.put(writer)

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            place = server.sockets[0].getsockname()
            streams, ends = [], []
            for k in range(4):
                streams.append(await asyncio.open_connection(*place))
                ends.append(writer := await came.get())
                if k == 0:
                    connections.trust(writer.get_extra_info("peername"))
            user, oldest, *strangers = (reader for reader, _ in streams)
            assert await closed(oldest, 0.5)
            for stranger in strangers:
                assert await closed(stranger, 30)
            assert not await closed(user, 0.5)
            for writer in [*ends, *(writer for _, writer in streams)]:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    asyncio.run(scene())


# Images


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


def test_links_out_of_the_folder_are_not_followed(folder, tmp_path):
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


def test_folder_behind_a_link_is_served(folder, tmp_path):
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
