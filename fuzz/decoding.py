"""Fuzz target: any bytes give a complete image within the limits, or an ImageError."""

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
LATER_FRAMES = "APNG"  # only the first frame is decoded


def check(content: bytes) -> None:
    """Check the decoding of a content, and of a PNG file with corrected checksums."""
    check_decoded(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        check_decoded(with_correct_checksums(content))


def with_correct_checksums(content: bytes) -> bytes:
    """Correct the checksums of the chunks of a PNG file."""
    parts, place = [content[:8]], 8
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4])
        parts += [content[place:end], zlib.crc32(content[place + 4 : end]).to_bytes(4)]
        place = end + 4
    return b"".join(parts)


def check_decoded(content: bytes) -> None:
    """Raise AssertionError unless the content gives a complete image or an ImageError."""
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
    error_text = error_of_pillow(content)
    if LATER_FRAMES not in error_text:
        assert not any(word in error_text.lower() for word in TRUNCATED), (
            f"decoded, but Pillow rejects it: {error_text}"
        )


def error_of_pillow(content: bytes) -> str:
    """Return the error of Pillow for a file, or an empty string."""
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
