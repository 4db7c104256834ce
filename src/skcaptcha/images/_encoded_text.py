"""Images that come as text in the place of a path: data URLs and base64."""

from __future__ import annotations

import re
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from skcaptcha.images._limits import UnusableError

_DATA_URL = re.compile(r"data:(?P<head>[^,]*),", re.IGNORECASE)
# One letter before the colon is a drive. pathlib makes one slash of two.
_URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
# How a PNG, JPEG, GIF, WebP and BMP file begins in base64, and no image takes fewer characters.
_BASE64 = re.compile(r"\s*(?:iVBORw0KGgo|[/_]9j[/_]|R0lGOD|UklGR|Qk)[\w+/=\s-]{40,}", re.ASCII)
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_LONGEST_PATH = 4096


def content_of_text(text: str) -> bytes | None:
    """Decode a data URL or base64.

    Parameters
    ----------
    text : str
        What was given as a path, and leads to no file.

    Returns
    -------
    content : bytes or None
        Of the image file; None if the text is neither.

    Raises
    ------
    UnusableError
        If it is a damaged data URL, or another URL: nothing is downloaded.
    """
    if match := _DATA_URL.match(text):
        content = unquote_to_bytes(text[match.end() :])
        if not match["head"].lower().endswith(";base64"):
            return content
        try:
            return _from_base64(content)
        except ValueError as error:
            raise UnusableError(f"it is a data URL whose base64 is damaged ({error})") from error
    if _URL.match(text):
        raise UnusableError(
            "it is a URL, and skcaptcha downloads nothing; save the image and pass its path"
        )
    if _BASE64.fullmatch(text):
        try:
            return _from_base64(text.encode())
        except ValueError:
            return None
    return None


def _from_base64(encoded: bytes) -> bytes:
    letters = b"".join(encoded.split()).rstrip(b"=").translate(_FROM_URL_SAFE)
    return b64decode(letters + b"=" * (-len(letters) % 4), validate=True)


def is_url(text: str) -> bool:
    """Tell whether a text is a URL, of data or of any other scheme.

    Parameters
    ----------
    text : str

    Returns
    -------
    url : bool
    """
    return bool(_DATA_URL.match(text) or _URL.match(text))


def name_of_source(text: str) -> str:
    """Shorten a text that holds an image, for messages.

    Parameters
    ----------
    text : str
        A path, or what was given in its place.

    Returns
    -------
    name : str
    """
    if len(text) > _LONGEST_PATH or _DATA_URL.match(text) or _BASE64.fullmatch(text):
        return f"{text[:40]}... ({len(text):,} characters)" if len(text) > 60 else text
    return text
