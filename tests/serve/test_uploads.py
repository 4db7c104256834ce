"""Requests may hold images in several ways, and each wrong one gets a sentence."""

import base64
import gzip
import json
import time
from urllib.parse import quote_from_bytes

import pytest

from serving_clients import MAX_BYTES, MAX_IMAGES, Client, form
from skcaptcha.serve import Limits, PredictionServer


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "kind",
    [
        "image/png",
        "IMAGE/PNG; charset=binary",
        "image/jpeg",  # the content determines the format
        "application/octet-stream",
        "application/x-www-form-urlencoded",
        None,
    ],
)
def test_the_body_is_one_image(client, images, labels, kind):
    answer = client.predict(images[0], kind)
    assert answer.status == 200
    assert answer.texts == labels[:1]
    assert answer.results[0]["filename"] is None


def test_a_form_holds_several_images(client, images, labels):
    files = [("a.png", images[0]), ("ä/b.png", images[1]), (None, encoded(images[2]).encode())]
    answer = client.predict_form(files)
    assert answer.status == 200
    assert answer.texts == labels[:3]
    assert [result["filename"] for result in answer.results] == ["a.png", "ä/b.png", None]


def test_json_holds_images_as_text(client, images, labels):
    texts = [
        f"data:image/png;base64,{encoded(images[0])}",
        encoded(images[1]),
        f"data:image/png,{quote_from_bytes(images[2])}",
        "\n".join([encoded(images[3])[:60], encoded(images[3])[60:]]),
    ]
    answer = client.predict_texts(texts)
    assert answer.status == 200
    assert answer.texts == labels[:4]


@pytest.mark.parametrize("encoding", ["gzip", "br, gzip"])
def test_compressed_bodies_are_refused_with_a_remedy(client, images, encoding):
    answer = client.predict(gzip.compress(images[0]), content_encoding=encoding)
    assert answer.status == 415
    assert answer.headers["accept-encoding"] == "identity"
    assert answer.error == (
        f"The content encoding {encoding} is not supported; send the request uncompressed, without "
        "the header Content-Encoding."
    )
    assert client.predict(images[0], content_encoding="identity").status == 200


def test_a_body_of_unknown_length_is_read(client, images, labels):
    parts = iter([images[0][:100], images[0][100:]])
    answer = client.ask("POST", "/predict", parts, content_type="image/png")
    assert answer.texts == labels[:1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("/etc/passwd", "it is neither a data URL nor the base64 of a PNG"),
        ("file:///etc/passwd", "URLs are not downloaded; send the image itself"),
        ("http://127.0.0.1/a.png", "URLs are not downloaded; send the image itself"),
        ("data:image/png;base64,%%%", "the base64 of the data URL is damaged"),
        ("data:image/png;base64,", "the file is empty"),
        ("", "it is neither a data URL nor the base64 of a PNG"),
    ],
)
def test_texts_are_never_paths_or_addresses(client, images, labels, text, sentence):
    answer = client.predict_texts([text, encoded(images[0])])
    assert answer.status == 200
    wrong, right = answer.results
    assert wrong["error"].startswith(sentence)
    assert wrong["status"] == 422
    assert right["text"] == labels[0]
    alone = client.predict_texts([text])
    assert alone.status == 422
    assert alone.results == [wrong]


def test_a_path_of_an_existing_image_is_not_opened(client, images, tmp_path):
    (tmp_path / "a.png").write_bytes(images[0])
    assert client.predict_texts([str(tmp_path / "a.png")]).status == 422
    assert client.predict(str(tmp_path / "a.png").encode()).status == 422
    assert client.predict_form([(None, str(tmp_path / "a.png").encode())]).status == 422


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The JSON is invalid (the body: "),
        (b"[]", "The JSON is invalid (the body: "),
        (b'{"images": "abc"}', "The JSON is invalid (images: "),
        (b'{"images": [1]}', "The JSON is invalid (images.0: "),
        (b'{"images": ["a"], "modle": "b"}', "The JSON is invalid (modle: "),
        (b'{"images": []}', "The request contains no images"),
        (b"\xff", "The JSON is invalid (the body: "),
    ],
)
def test_wrong_json_is_refused(client, content, sentence):
    answer = client.predict(content, "application/json")
    assert answer.status == 400
    assert answer.error.startswith(sentence)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_wrong_forms_are_refused(client, kind):
    answer = client.predict(b"--y\r\nno form", kind)
    assert answer.status == 400
    assert answer.error


def test_a_form_that_is_cut_off_is_refused(client, images, caplog):
    """Otherwise, the images that are missing would be left out of the answer."""
    content, kind = form([("a.png", images[0]), ("b.png", images[1])])
    first = len(form([("a.png", images[0])])[0]) - len(b"--limit--\r\n")
    for end in (first, first + 200, len(content) - len(b"--\r\n")):
        answer = client.predict(content[:end], kind)
        assert answer.status == 400
        assert answer.error.startswith("The form is damaged (its last boundary is missing); send")
    answer = client.predict(content, "multipart/form-data")
    assert "(its content type does not name the boundary)" in answer.error
    assert not caplog.records


def test_a_text_field_may_be_as_large_as_the_request(client, images, labels):
    text = encoded(images[0]).encode() + b"\n" * (MAX_BYTES // 2)
    assert client.predict_form([(None, text)]).texts == labels[:1]


def test_other_content_types_are_refused(client, images):
    answer = client.predict(images[0], "text/plain")
    assert answer.status == 415
    assert answer.error.startswith("The content type text/plain is not supported; send an image")


def test_too_many_images_are_refused(client, images):
    texts = [encoded(images[0])] * (MAX_IMAGES + 1)
    assert client.predict_texts(texts[1:]).status == 200
    answer = client.predict_texts(texts)
    assert answer.status == 413
    assert f"has {MAX_IMAGES + 1} images, more than the maximum of {MAX_IMAGES}" in answer.error
    for n in (MAX_IMAGES + 1, MAX_IMAGES + 2, 2 * MAX_IMAGES):
        answer = client.predict_form([("a.png", images[0])] * n)
        assert answer.status == 413
        assert f"images, more than the maximum of {MAX_IMAGES};" in answer.error


@pytest.mark.parametrize("tells_length", [True, False])
def test_too_many_bytes_are_refused(client, images, tells_length):
    file, kind_of_form = form([("a.png", bytes(MAX_BYTES))])
    zeros = bytes(MAX_BYTES + 1)
    for content, kind in ((zeros, "image/png"), (zeros, "application/json"), (file, kind_of_form)):
        body = content if tells_length else iter([content[:100], content[100:]])
        answer = client.ask("POST", "/predict", body, content_type=kind)
        assert answer.status == 413
        assert answer.error.startswith(f"The request is larger than {MAX_BYTES:,} bytes")
    assert client.predict(images[0] + bytes(MAX_BYTES - len(images[0]))).status in (200, 422)


def test_a_body_that_arrives_too_slowly_is_refused(model_file, images):
    limits = Limits(timeout=0.3)
    with PredictionServer({"lines": model_file}, limits=limits) as server:
        client = Client(server.url)
        with client.connect() as connection:
            head = f"POST /predict HTTP/1.1\r\nhost: {client.host}\r\ncontent-length: 9\r\n\r\n"
            connection.sendall(head.encode() + b"abc")
            began = time.monotonic()
            # The head and the body may arrive one after the other.
            answer = connection.recv(2**16)
            while not answer.endswith(b"}"):
                answer += connection.recv(2**16)
        assert 0.2 < time.monotonic() - began < 20
        assert answer.startswith(b"HTTP/1.1 408")
        sentence = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
        assert sentence == "The request did not arrive within 0.3 seconds; send it again."
        assert client.predict(images[0]).status == 200
