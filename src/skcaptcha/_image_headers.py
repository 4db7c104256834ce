"""What the headers of the commonest image files say, and whether the files are whole."""

from __future__ import annotations

import re
import struct
import zlib

_PNG_HEADER = struct.Struct(">8sIIBBBBB")
_PNG_CHUNK = struct.Struct(">I4s")
_PNG_CHECKSUM = struct.Struct(">I")
# Bit depth and colour type: grey, RGB, RGBA.
_PLAIN_PNG = {(1, 0), (2, 0), (4, 0), (8, 0), (8, 2), (8, 6)}
_JPEG_SEGMENT = struct.Struct(">BBH")
_JPEG_FRAME = struct.Struct(">BHHB")
# Markers of frames that have one scan of Huffman codes, of that scan, and of what may stand before
# it: tables, intervals, applications' data and comments.
_JPEG_FRAMES = {0xC0, 0xC1}
_JPEG_SCAN = 0xDA
_JPEG_TABLES = {0xC4, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)}
# In a scan, what follows the byte 0xFF makes a marker of it, but for nothing, another one, and the
# number of a restart.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)


def plain_png_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a whole PNG file that is neither 16-bit, palette nor keyed.

    Parameters
    ----------
    content : bytes
        Of a file that begins like one.

    Returns
    -------
    size : tuple of two ints, or None
        None if the file is of another kind, or is not whole.
    """
    try:
        header, width, height, depth, colour, _, _, interlaced = _PNG_HEADER.unpack_from(content, 8)
        if header != b"\0\0\0\rIHDR" or interlaced or (depth, colour) not in _PLAIN_PNG:
            return None
        place, kind = 8, b""
        while kind != b"IEND":
            length, kind = _PNG_CHUNK.unpack_from(content, place)
            if kind in (b"tRNS", b"acTL"):  # a transparent colour, an animation
                return None
            end = place + 8 + length
            if _PNG_CHECKSUM.unpack_from(content, end) != (zlib.crc32(content[place + 4 : end]),):
                return None
            place = end + 4
    except struct.error:
        return None
    return width, height


def plain_jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a whole JPEG file that is baseline, and grey or in three components.

    Parameters
    ----------
    content : bytes
        Of a file that begins like one.

    Returns
    -------
    size : tuple of two ints, or None
        None if the file is of another kind, or is not whole.
    """
    place, size = 2, None
    try:
        while True:
            start, marker, length = _JPEG_SEGMENT.unpack_from(content, place)
            if start != 0xFF:
                return None
            if marker in _JPEG_FRAMES and size is None:
                depth, height, width, components = _JPEG_FRAME.unpack_from(content, place + 4)
                if depth != 8 or components not in (1, 3):
                    return None
                size = width, height
            elif marker == _JPEG_SCAN:
                break
            elif marker not in _JPEG_TABLES:
                return None
            place += length + 2
    except struct.error:
        return None
    # Nothing but the end may follow the scan: a marker of another kind begins another scan, or an
    # image that was written into this one.
    end = _JPEG_MARKER.search(content, place + 2)
    whole = end is not None and content[end.start() :] == b"\xff\xd9"
    return size if whole else None
