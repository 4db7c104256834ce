"""Fuzz target: any bytes are a whole image within the limits, or an ImageError."""

import sys
import warnings
import zlib
from io import BytesIO

import atheris

with atheris.instrument_imports(include=["skcaptcha", "PIL"]):
    from PIL import Image

    from skcaptcha.exceptions import ImageError
    from skcaptcha.images import decode

import numpy as np

MAX_PIXELS = 2**16
TRUNCATED = ("truncated", "not enough image data")
LATER_FRAMES = "APNG"  # of which none is read


def check(content: bytes) -> None:
    """Raise an error if the content is decoded to anything but an image, or partly.

    Parameters
    ----------
    content : bytes
        Also looked at with the checksums of a PNG file set right, which no chance would do.
    """
    check_decoded(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        check_decoded(with_right_checksums(content))


def with_right_checksums(content: bytes) -> bytes:
    """Set the checksums of a PNG file's chunks right.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    content : bytes
    """
    parts, place = [content[:8]], 8
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4])
        parts += [content[place:end], zlib.crc32(content[place + 4 : end]).to_bytes(4)]
        place = end + 4
    return b"".join(parts)


def check_decoded(content: bytes) -> None:
    """Raise an error if the content is decoded to anything but an image, or partly.

    Parameters
    ----------
    content : bytes
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            image = decode(content, max_pixels=MAX_PIXELS)
        except ImageError as error:
            assert "\n" not in str(error), f"more than one line: {error}"
            assert not warned, f"a warning: {warned[0].message}"
            return
        gray = decode(content, gray=True, max_pixels=MAX_PIXELS)
    assert not warned, f"a warning: {warned[0].message}"
    assert image.dtype == np.uint8
    assert image.ndim == 2 or image.shape[2:] == (3,), image.shape
    assert 0 < image.shape[0] * image.shape[1] <= MAX_PIXELS, image.shape
    assert image.flags.c_contiguous
    assert gray.shape == image.shape[:2], gray.shape
    why = refused_by_pillow(content)
    if LATER_FRAMES not in why:
        assert not any(word in why.lower() for word in TRUNCATED), (
            f"decoded, and to Pillow it is: {why}"
        )


def refused_by_pillow(content: bytes) -> str:
    """Say why Pillow refuses a file, or nothing.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    why : str
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Image.open(BytesIO(content)).load()
        except Exception as error:
            return str(error)
    return ""


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
