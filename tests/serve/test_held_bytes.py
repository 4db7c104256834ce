"""Requests that are not answered yet hold at most the allowed number of bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_clients import Client
from skcaptcha.serve import Limits, PredictionServer
from skcaptcha.serve._held_bytes import HeldBytes, TooManyBytesError


@given(st.lists(st.lists(st.integers(0, 60), max_size=5), max_size=5))
def test_what_requests_held_is_free_at_their_end(requests):
    held = HeldBytes(100)
    for parts in requests:
        with held.by_request() as request:
            for n in parts:
                before = held.n_free
                if n > before:
                    with pytest.raises(TooManyBytesError):
                        request.add(n)
                else:
                    request.add(n)
                assert held.n_free == 100 - request.n == before - (n if n <= before else 0)
        assert held.n_free == 100


@pytest.fixture(scope="module")
def small(model_file):
    limits = Limits(max_bytes=40_000, max_total_bytes=60_000)
    with PredictionServer({"lines": model_file}, limits=limits) as server:
        yield Client(server.url)


def head(client: Client, n: int) -> bytes:
    return f"POST /predict HTTP/1.1\r\nhost: {client.host}\r\ncontent-length: {n}\r\n\r\n".encode()


def wait_until_busy(client: Client, content: bytes) -> None:
    for _ in range(1000):
        if client.predict(content).status == 503:
            return
    raise AssertionError("the service always has memory for another request")


def test_uploads_beyond_the_limit_are_refused_until_others_are_answered(small, images, labels):
    with small.connect() as connection:
        connection.sendall(head(small, 40_000) + bytes(39_000))
        large = bytes(30_000)
        wait_until_busy(small, large)
        for content in (large, iter([large[:20_000], large[20_000:]])):  # of unknown length, too
            answer = small.ask("POST", "/predict", content, content_type="image/png")
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.error.startswith("Other requests hold most of the 60,000 bytes")
        # There is still space for small images.
        assert small.predict(images[0]).texts == labels[:1]
        connection.sendall(bytes(1000))
        assert connection.recv(2**16).startswith(b"HTTP/1.1 422")
    assert small.predict(large).status == 422


def test_a_closed_connection_holds_nothing(small):
    with small.connect() as connection:
        connection.sendall(head(small, 40_000) + bytes(39_000))
        wait_until_busy(small, bytes(30_000))
    for _ in range(1000):
        if small.predict(bytes(30_000)).status == 422:
            return
    raise AssertionError("the bytes of a closed connection are still counted")
