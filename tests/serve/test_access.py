"""Other websites, and requests without the token, are refused."""

import pytest

from serving_clients import Client
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.serve import PredictionServer


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.",
        "",
        "[::1",
    ],
)
def test_domain_names_are_refused(client, images, host):
    """DNS rebinding: evil.example resolves to 127.0.0.1, so its scripts could read answers."""
    answer = client.predict(images[0], host=host or " ")
    assert answer.status == 403
    assert "use its IP address, or start it with --token" in answer.error
    assert client.get("/models", host=host or " ").status == 403
    assert client.get("/", host=host or " ").status == 403


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8000", "10.0.0.7", "reader"])
def test_addresses_and_local_names_are_accepted(client, host):
    """Forwarded ports and networks of containers have other addresses than the service itself."""
    assert client.get("/models", host=host).status == 200


@pytest.mark.parametrize(
    ("version", "origin", "status"),
    [("1.0", "", 200), ("1.0", "Origin: http://evil.example\r\n", 403), ("1.1", "", 400)],
)
def test_old_clients_need_no_host(client, version, origin, status):
    """Browsers send Host, and HTTP/1.1 demands it, but simple monitors use HTTP/1.0."""
    with client.connect() as connection:
        connection.sendall(f"GET /models HTTP/{version}\r\n{origin}\r\n".encode())
        assert connection.recv(2**16).startswith(f"HTTP/1.1 {status}".encode())


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:1", "http://["]
)
def test_other_origins_are_refused(client, images, origin):
    """Cross-site request forgery: any website can send a form to 127.0.0.1."""
    for path in ("/predict", "/models", "/"):
        answer = client.ask("POST", path, images[0], origin=origin)
        assert answer.status == 403
        assert answer.error == "Other websites may not use this service."
    assert client.predict(images[0], origin=f"http://{client.host}").status == 200


def test_every_answer_has_security_headers(client, images):
    answers = [
        client.get("/"),
        client.get("/page.js"),
        client.get("/nowhere"),
        client.get("/models"),
        client.get("/models", host="evil.example"),
        client.predict(images[0]),
        client.predict(b""),
    ]
    assert [answer.status for answer in answers] == [200, 200, 404, 200, 403, 200, 422]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


@pytest.mark.parametrize("name", ["host", "origin", "authorization"])
def test_ambiguous_headers_are_refused(client, name):
    with client.connect() as connection:
        head = f"GET /models HTTP/1.1\r\nhost: {client.host}\r\n{name}: a\r\n{name}: b\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(2**16).startswith(b"HTTP/1.1 400")


@pytest.fixture(scope="module")
def secured(model_file):
    with PredictionServer({"lines": model_file}, token="some secret") as server:
        yield Client(server.url)


@pytest.mark.parametrize(
    "sent",
    [None, "some secret", "Bearer", "Bearer wrong", "Bearer some", "Basic some", "é"],
)
def test_the_token_is_required(secured, images, sent):
    for answer in (
        secured.predict(images[0], authorization=sent),
        secured.get("/models", authorization=sent),
        secured.get("/metrics", authorization=sent),
        secured.get("/models?token=some secret".replace(" ", "%20"), authorization=sent),
    ):
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.error == "Send the token of this service: 'Authorization: Bearer TOKEN'."


def test_the_token_gives_access(secured, images, labels):
    answer = secured.predict(images[0], authorization="bearer some secret")
    assert answer.texts == labels[:1]
    # The token proves that it is no foreign website, so a proxy may use its own name.
    assert (
        secured.get("/models", authorization="Bearer some secret", host="a.example").status == 200
    )


def test_what_contains_nothing_of_the_user_needs_no_token(secured):
    for path in ("/", "/page.css", "/page.js", "/healthz", "/openapi.json"):
        assert secured.get(path).status == 200


@pytest.mark.parametrize("token", ["", "ä", "a\nb"])
def test_tokens_that_cannot_be_sent_are_refused(model_file, token):
    with pytest.raises(SkcaptchaError, match="the token must consist of printable ASCII"):
        PredictionServer({"lines": model_file}, token=token)
