"""A model for the service, and clients that send requests with exactly the given headers."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import skcaptcha
from skcaptcha.datasets import make_line_captchas

N_TRAIN = 40
MAX_BYTES = 200_000
MAX_IMAGES = 5


def save_model(path: Path, n: int) -> Path:
    """Save a model that was fitted to the first n captchas."""
    images, labels = make_line_captchas(N_TRAIN, random_state=0)
    model = skcaptcha.load_recipe("grid").pipeline().fit(images[:n], labels[:n])
    skcaptcha.save(model, path, manifest={"image_heights": [30], "image_widths": [120]})
    return path


@dataclass
class Answer:
    """Response of the service."""

    status: int
    headers: Message
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> str:
        return self.json()["error"]

    @property
    def results(self) -> list[dict[str, Any]]:
        return self.json()["results"]

    @property
    def texts(self) -> list[str]:
        return [result["text"] for result in self.results]


class Client:
    """Sends requests to a service, each over its own connection."""

    def __init__(self, url: str, **headers: str) -> None:
        self.host = urlsplit(url).netloc
        self.headers = headers

    def connect(self) -> socket.socket:
        host, port = self.host.split(":")
        return socket.create_connection((host, int(port)), timeout=30)

    def ask(
        self,
        method: str,
        path: str,
        content: bytes | Iterator[bytes] | None = None,
        **headers: str | None,
    ) -> Answer:
        """Send a request; underscores in the names of headers stand for hyphens.

        The length of an iterator is not known, so that it is sent in chunks.
        """
        given = {**self.headers, **headers}
        named = {name.replace("_", "-"): value for name, value in given.items() if value}
        connection = HTTPConnection(self.host, timeout=30)
        with closing(connection):
            connection.request(method, path, content, named)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, **headers)

    def predict(
        self, content: bytes, kind: str | None = "image/png", query: str = "", **headers: str
    ) -> Answer:
        return self.ask("POST", f"/predict{query}", content, content_type=kind, **headers)

    def predict_texts(self, texts: Sequence[Any], query: str = "") -> Answer:
        content = json.dumps({"images": texts}).encode()
        return self.predict(content, "application/json", query)

    def predict_form(self, parts: Sequence[tuple[str | None, bytes]], query: str = "") -> Answer:
        """Send a form; a part without a file name is a text field."""
        content, kind = form(parts)
        return self.predict(content, kind, query)


def form(parts: Sequence[tuple[str | None, bytes]]) -> tuple[bytes, str]:
    """Return the content and the content type of a form."""
    lines = []
    for name, content in parts:
        file = "" if name is None else f'; filename="{name}"'
        head = f'--limit\r\nContent-Disposition: form-data; name="image"{file}\r\n\r\n'
        lines.append(head.encode() + content + b"\r\n")
    return b"".join([*lines, b"--limit--\r\n"]), "multipart/form-data; boundary=limit"
