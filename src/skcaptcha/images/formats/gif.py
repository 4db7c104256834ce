"""The blocks of GIF files."""

from __future__ import annotations

import struct

from skcaptcha.images.formats import DamagedFileError, Inspection

_SCREEN = struct.Struct("<HHBBB")
_FRAME = struct.Struct("<HHHHB")
_TABLE = 0x80  # flag: a color table follows, whose size is in the lowest three bits
_EXTENSION, _CONTROL, _IMAGE = 0x21, 0xF9, 0x2C


def inspect_gif(content: bytes) -> Inspection:
    """Check the blocks of a GIF file up to the end of its first frame.

    The returned content contains only that frame, without comments. Raise DamagedFileError if the
    frame is missing or incomplete.
    """
    try:
        width, height, flags, _, _ = _SCREEN.unpack_from(content, 6)
        position = screen = 13 + _table_size(flags)
        control = b""
        while content[position] != _IMAGE:
            begin = position
            if content[position] == _EXTENSION:
                position = _after_blocks(content, position + 2)
                if content[begin + 1] == _CONTROL:
                    control = content[begin:position]
            elif content[position] == 0:  # some writers end a block twice
                position += 1
            else:
                raise DamagedFileError("it has no frame")
        left, top, columns, rows, flags = _FRAME.unpack_from(content, position + 1)
        end = _after_blocks(content, position + 10 + _table_size(flags) + 1)
    except (IndexError, struct.error):
        raise DamagedFileError("its first frame is truncated") from None
    size = max(width, left + columns), max(height, top + rows)
    first = b"".join([content[:screen], control, content[position:end], b";"])
    return Inspection(size, first, plain=False)


def _table_size(flags: int) -> int:
    """Return the number of bytes of a color table."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & _TABLE else 0


def _after_blocks(content: bytes, position: int) -> int:
    while length := content[position]:
        position += 1 + length
    return position + 1
