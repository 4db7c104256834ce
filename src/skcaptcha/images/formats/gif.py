"""The blocks of GIF files."""

from __future__ import annotations

import struct

from skcaptcha.images.formats import DamagedFileError, Inspection

_SCREEN = struct.Struct("<HHBBB")
_FRAME = struct.Struct("<HHHHB")
_TABLE = 0x80  # flag: a color table follows, whose size is in the lowest three bits
_EXTENSION, _CONTROL, _IMAGE, _TRAILER = 0x21, 0xF9, 0x2C, 0x3B


def inspect_gif(content: bytes, n_frames: int = 1) -> Inspection:
    """Check the blocks of a GIF file up to the end of its first frames.

    The returned content contains only these frames, without comments. Raise DamagedFileError if a
    frame is missing or incomplete.
    """
    found = 0
    try:
        width, height, flags, _, _ = _SCREEN.unpack_from(content, 6)
        position = 13 + _table_size(flags)
        kept, control = [content[:position]], b""
        while found < n_frames and not (found and content[position] == _TRAILER):
            begin = position
            if content[position] == _EXTENSION:
                position = _after_blocks(content, position + 2)
                if content[begin + 1] == _CONTROL:
                    control = content[begin:position]
            elif content[position] == _IMAGE:
                left, top, columns, rows, flags = _FRAME.unpack_from(content, position + 1)
                position = _after_blocks(content, position + 10 + _table_size(flags) + 1)
                if found and (left + columns > width or top + rows > height):
                    raise DamagedFileError("a later frame is larger than the first")
                width, height = max(width, left + columns), max(height, top + rows)
                kept += control, content[begin:position]
                control = b""
                found += 1
            elif content[position] == 0:  # some writers end a block twice
                position += 1
            elif found:
                raise DamagedFileError(f"it has unknown data after frame {found}")
            else:
                raise DamagedFileError("it has no frame")
    except (IndexError, struct.error):
        which = f"frame {found + 1}" if found else "its first frame"
        raise DamagedFileError(f"{which} is truncated") from None
    return Inspection((width, height), b"".join([*kept, b";"]), plain=False)


def gif_is_animated(content: bytes) -> bool:
    """Return whether a GIF file contains more than one frame, or the beginning of a second one."""
    try:
        return len(inspect_gif(content, 2).content) > len(inspect_gif(content).content)
    except DamagedFileError:
        return True


def _table_size(flags: int) -> int:
    """Return the number of bytes of a color table."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & _TABLE else 0


def _after_blocks(content: bytes, position: int) -> int:
    while length := content[position]:
        position += 1 + length
    return position + 1
