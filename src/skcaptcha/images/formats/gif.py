"""The blocks of GIF files."""

from __future__ import annotations

import struct

from skcaptcha.images.formats.inspected import DamagedFileError, Inspected

_SCREEN = struct.Struct("<HHBBB")
_FRAME = struct.Struct("<HHHHB")
_TABLE = 0x80  # flag: a table of colors follows, whose size is in the last three bits
_EXTENSION, _CONTROL, _IMAGE = 0x21, 0xF9, 0x2C


def inspect_gif(content: bytes) -> Inspected:
    """Look at the blocks of a GIF file up to the end of its first frame.

    Parameters
    ----------
    content : bytes
        Of a file that begins like one.

    Returns
    -------
    inspected : Inspected
        Its content is the first frame, without comments.

    Raises
    ------
    DamagedFileError
        If it ends before, or is no sequence of blocks.
    """
    try:
        width, height, flags, _, _ = _SCREEN.unpack_from(content, 6)
        place = screen = 13 + _table(flags)
        control = b""
        while content[place] != _IMAGE:
            begin = place
            if content[place] == _EXTENSION:
                place = _after_blocks(content, place + 2)
                if content[begin + 1] == _CONTROL:
                    control = content[begin:place]
            elif content[place] == 0:  # some writers end a block twice
                place += 1
            else:
                raise DamagedFileError("it holds no frame")
        left, top, columns, rows, flags = _FRAME.unpack_from(content, place + 1)
        end = _after_blocks(content, place + 10 + _table(flags) + 1)
    except (IndexError, struct.error):
        raise DamagedFileError("it ends before the end of its first frame") from None
    size = max(width, left + columns), max(height, top + rows)
    first = b"".join([content[:screen], control, content[place:end], b";"])
    return Inspected(size, first, plain=False)


def _table(flags: int) -> int:
    """Number of bytes of a table of colors."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & _TABLE else 0


def _after_blocks(content: bytes, place: int) -> int:
    while length := content[place]:
        place += 1 + length
    return place + 1
