"""Images given as text instead of a path."""

import base64
from pathlib import Path
from urllib.parse import quote_from_bytes

import numpy as np
import pytest

from image_samples import COLOR, GRAY, encode, small_files
from skcaptcha.exceptions import ImageError
from skcaptcha.images import ImageDecoder, decode

FILES = small_files()
BASE64 = {name: base64.b64encode(content).decode() for name, content in FILES.items()}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file(name: str) -> None:
    text = BASE64[name]
    lines = "\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    url_safe = text.translate(str.maketrans("+/", "-_")).rstrip("=")
    for source in (text, lines, url_safe, f"data:image/png;base64,{text}", f"Data:;base64,{lines}"):
        np.testing.assert_array_equal(decode(source), decode(FILES[name]))


def test_percent_encoded_data_url() -> None:
    content = encode(COLOR)
    for url in (
        "data:image/png," + quote_from_bytes(content),
        "data:image/png;base64," + quote_from_bytes(base64.b64encode(content), safe=""),
    ):
        np.testing.assert_array_equal(decode(url), COLOR)


def test_text_in_a_batch_of_paths(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode(GRAY))
    images = ImageDecoder().transform([str(path), BASE64["PNG RGB"]])
    np.testing.assert_array_equal(images[0], GRAY)
    np.testing.assert_array_equal(images[1], COLOR)


def test_a_file_with_that_name_takes_precedence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = "QkJC" * 20
    Path(name).write_bytes(encode(GRAY))
    np.testing.assert_array_equal(decode(name), GRAY)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (BASE64["PNG RGB"][:100], "damaged or truncated PNG"),
        ("data:image/png;base64," + "*" * 50_000, "the base64 of the data URL is damaged"),
        ("data:text/html,<html>" + "x" * 50_000, "it is not a PNG, JPEG"),
        ("iVBORw0KGgo" + "A" * 50_000, "damaged or truncated PNG"),
        ("x" * 50_000, "it cannot be read"),
    ],
    ids=["truncated", "damaged", "page", "long", "a name too long"],
)
def test_errors_are_short(source: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        decode(source)
    assert len(str(caught.value)) < 300
    assert source[:30] in str(caught.value)
    with pytest.raises(ImageError) as caught:
        ImageDecoder().transform([source])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    "url", ["https://example.org/captcha.png?n=1", "HTTP://localhost/", "s3://a/b.png", "file:///a"]
)
def test_nothing_is_downloaded(url: str) -> None:
    for source in (url, Path(url)):
        with pytest.raises(ImageError, match="URLs are not downloaded; save"):
            decode(source)


@pytest.mark.parametrize("path", ["Qk.png", "R0lGODlh", "/9j/missing", "C:/a.png", "data", "a:b"])
def test_paths_that_look_like_text(path: str) -> None:
    with pytest.raises(ImageError, match="no such file"):
        decode(path)
