"""The web server loses no request when it ends, and closes connections that send nothing."""

import json
import threading
from http.client import HTTPConnection

import pytest

from serving_clients import Client
from skcaptcha.serve import Limits, PredictionServer


def test_connections_that_send_nothing_are_closed(model_file, images):
    with PredictionServer({"lines": model_file}, limits=Limits(timeout=0.5)) as server:
        client = Client(server.url)
        for sent in (b"", b"POST /pre", b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"):
            with client.connect() as connection:
                connection.sendall(sent)
                answer = b""
                try:
                    while part := connection.recv(2**16):
                        answer += part
                except ConnectionResetError:
                    pass
            assert answer.startswith(b"HTTP/1.1 200") == sent.endswith(b"\r\n\r\n")
        assert client.predict(images[0]).status == 200


def test_invalid_requests_do_not_stop_the_service(client, images):
    for sent in (
        b"\x16\x03\x01\x00\xa5\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 100 + b"x\r\n\r\n",
    ):
        with client.connect() as connection:
            connection.sendall(sent)
            assert connection.recv(2**16).startswith(b"HTTP/1.1 400")
    assert client.predict(images[0]).status == 200


def test_the_end_loses_no_request(model_file, images, labels):
    """Clients send one request after another over connections that stay open."""
    server = PredictionServer({"lines": model_file})
    host = Client(server.url).host
    answered: list[bool] = []
    refused: list[str] = []

    def send() -> None:
        connection = HTTPConnection(host, timeout=30)
        i = 0
        while True:
            k = i % len(images)
            try:
                connection.connect()
            except ConnectionError:
                return refused.append("refused")  # it was not accepted, so nothing is lost
            while True:
                try:
                    connection.request("POST", "/predict", images[k])
                    response = connection.getresponse()
                    result = json.loads(response.read())["results"][0]
                except Exception as error:
                    return refused.append(repr(error))
                answered.append(result["text"] == labels[k])
                if response.headers["connection"] == "close":
                    break

    threads = [threading.Thread(target=send) for _ in range(6)]
    with server:
        for thread in threads:
            thread.start()
        while len(answered) < 60:
            assert threads[0].is_alive(), refused
    for thread in threads:
        thread.join(30)
    assert refused == ["refused"] * 6
    assert all(answered)


@pytest.mark.parametrize("n", [40])
def test_idle_connections_do_not_keep_others_from_being_answered(client, images, n):
    connections = [client.connect() for _ in range(n)]
    try:
        assert client.predict(images[0]).status == 200
    finally:
        for connection in connections:
            connection.close()
