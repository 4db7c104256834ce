"""The headers of WebP files."""

from __future__ import annotations

import struct

from skcaptcha.images.formats import DamagedFileError, Inspection

_ANIMATION = 2  # flag in the extended header


def inspect_webp(content: bytes) -> Inspection:
    """Read the size of a WebP file. Raise DamagedFileError if it has no header."""
    try:
        match content[12:16]:
            case b"VP8X":
                size = _of_24_bits(content, 24), _of_24_bits(content, 27)
            case b"VP8L":
                (bits,) = struct.unpack_from("<I", content, 21)
                size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
            case b"VP8 ":
                width, height = struct.unpack_from("<HH", content, 26)
                size = width & 0x3FFF, height & 0x3FFF
            case _:
                raise DamagedFileError("it has no header")
    except struct.error:
        raise DamagedFileError("its header is truncated") from None
    return Inspection(size, content, plain=False)


def webp_is_animated(content: bytes) -> bool:
    """Return whether the header of a WebP file announces an animation."""
    return content[12:16] == b"VP8X" and bool(content[20:21]) and bool(content[20] & _ANIMATION)


def _of_24_bits(content: bytes, position: int) -> int:
    low, high = struct.unpack_from("<HB", content, position)
    return int(low + (high << 16)) + 1
