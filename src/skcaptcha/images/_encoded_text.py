"""Images given as text instead of a path: data URLs and base64."""

from __future__ import annotations

import re
from base64 import b64decode
from contextlib import suppress
from urllib.parse import unquote_to_bytes

from skcaptcha.images._limits import UnusableError

_DATA_URL = re.compile(r"data:(?P<head>[^,]*),", re.IGNORECASE)
# A single letter before the colon is a drive. pathlib replaces two slashes with one.
_URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
# The first characters of PNG, JPEG, GIF, WebP and BMP files, and the least length of an image.
_BASE64 = re.compile(r"\s*(?:iVBORw0KGgo|[/_]9j[/_]|R0lGOD|UklGR|Qk)[\w+/=\s-]{40,}", re.ASCII)
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_LONGEST_PATH = 4096


def content_of_text(text: str) -> bytes | None:
    """Decode a data URL or base64. Return None if the text, which is not a path, is neither.

    Raise UnusableError for damaged data URLs, and for other URLs, which are never downloaded.
    """
    if match := _DATA_URL.match(text):
        content = unquote_to_bytes(text[match.end() :])
        if not match["head"].lower().endswith(";base64"):
            return content
        try:
            return _from_base64(content)
        except ValueError as error:
            raise UnusableError(f"the base64 of the data URL is damaged ({error})") from error
    if _URL.match(text):
        raise UnusableError("URLs are not downloaded; save the image and pass its path")
    if _BASE64.fullmatch(text):
        with suppress(ValueError):
            return _from_base64(text.encode())
    return None


def _from_base64(encoded: bytes) -> bytes:
    letters = b"".join(encoded.split()).rstrip(b"=").translate(_FROM_URL_SAFE)
    return b64decode(letters + b"=" * (-len(letters) % 4), validate=True)


def is_url(text: str) -> bool:
    """Return whether a text is a URL: a data URL, or one of any other scheme."""
    return bool(_DATA_URL.match(text) or _URL.match(text))


def name_of_source(text: str) -> str:
    """Shorten a text that contains an image, for messages."""
    if len(text) > _LONGEST_PATH or _DATA_URL.match(text) or _BASE64.fullmatch(text):
        return f"{text[:40]}... ({len(text):,} characters)" if len(text) > 60 else text
    return text
