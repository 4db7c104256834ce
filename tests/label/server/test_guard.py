"""The server answers only its own page."""

import pytest

from labeling_clients import labels_on_disk
from skcaptcha.label.server._guard import MAX_BODY_BYTES


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
    """Browsers would send a cookie to every other server on this machine."""
    assert "set-cookie" not in client.get(f"/?token={client.token}").headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "0.0.0.0:{port}"]
)
def test_other_host_names_are_rejected(client, folder, host):
    """DNS rebinding: evil.example resolves to 127.0.0.1, so its scripts could read responses."""
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
    for method in (
        "open",
        "label",
        "skip",
        "unreadable",
        "undo",
        "previous",
        "following",
        "grid",
        "accept",
    ):
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
