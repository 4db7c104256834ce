"""The chunks of PNG files."""

from __future__ import annotations

import struct
import zlib

from skcaptcha.images.formats.inspected import DamagedFileError, Inspected

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8sIIBBBBB")
_CHUNK = struct.Struct(">I4s")
_CHECKSUM = struct.Struct(">I")
_VALUE = struct.Struct(">H")
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"
# All others hold metadata, which may be compressed to a thousandth, or frames of an animation.
_METADATA = 0x20  # flag in the first letter of a chunk's kind: a small one
_NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
# Damage to these does no harm, so that their checksums need not be computed. Of other kinds they
# are: a letter that was changed must not make metadata of what is needed.
_KNOWN_METADATA = {
    b"bKGD", b"cHRM", b"cICP", b"eXIf", b"gAMA", b"hIST", b"iCCP", b"iTXt", b"pHYs", b"sBIT",
    b"sPLT", b"sRGB", b"tEXt", b"tIME", b"zTXt",
}  # fmt: skip
# Common encoders write 8 KB of pixels into each.
_MAX_CHUNKS = 10_000
# Bit depth and color type: gray, RGB, palette, RGBA.
_PLAIN = {(1, 0), (2, 0), (4, 0), (8, 0), (8, 2), (1, 3), (2, 3), (4, 3), (8, 3), (8, 6)}
_RGB, _PALETTE, _GRAY_AND_ALPHA = 2, 3, 4  # types of color
_CHANNELS = {0: 1, _RGB: 3, _PALETTE: 1, _GRAY_AND_ALPHA: 2, 6: 4}
_DEPTHS = {
    0: (1, 2, 4, 8, 16),
    _RGB: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GRAY_AND_ALPHA: (8, 16),
    6: (8, 16),
}
# First column, first row, and the steps to the next ones, of the parts of an interlaced image.
_PASSES = [
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
]  # fmt: skip


def inspect_png(content: bytes) -> Inspected:
    """Look at the chunks of a PNG file.

    Parameters
    ----------
    content : bytes
        Of a file that begins like one.

    Returns
    -------
    inspected : Inspected
        Of its content, only the chunks without which there is no image.

    Raises
    ------
    DamagedFileError
        If a chunk before the last one is damaged or missing, but for those that hold metadata.
    """
    try:
        header, width, height, depth, color, _, _, interlaced = _HEADER.unpack_from(content, 8)
    except struct.error:
        raise DamagedFileError("it ends in its header") from None
    if header != b"\0\0\0\rIHDR" or interlaced > 1 or depth not in _DEPTHS.get(color, ()):
        raise DamagedFileError("it does not begin with a header")
    plain = not interlaced and (depth, color) in _PLAIN
    kept, place, kind, has_pixels, n_chunks = [_SIGNATURE], 8, b"", False, 0
    has_palette = False
    while kind != b"IEND":
        n_chunks += 1
        if n_chunks > _MAX_CHUNKS:
            raise DamagedFileError(f"it has more than {_MAX_CHUNKS} chunks")
        try:
            length, kind = _CHUNK.unpack_from(content, place)
            end = place + 12 + length
            if kind in _KNOWN_METADATA:
                place = end
                continue
            (checksum,) = _CHECKSUM.unpack_from(content, end - 4)
        except struct.error:
            # What a file may lose after its pixels, if nothing of them is missing.
            if not has_pixels:
                raise DamagedFileError("it ends before its pixels") from None
            kept.append(_END)
            plain = False
            break
        if zlib.crc32(content[place + 4 : end - 4]) != checksum:
            raise DamagedFileError("a checksum is wrong")
        if kind in _NEEDED:
            has_key = kind == b"tRNS" and color != _PALETTE
            plain &= not has_key
            kept.append(
                _key_of_8_bits(content[place + 8 : end - 4], depth, color)
                if has_key and depth != 8
                else content[place:end]
            )
            has_pixels |= kind == b"IDAT"
            has_palette |= kind == b"PLTE"
            if has_pixels and color == _PALETTE and not has_palette:
                raise DamagedFileError("its palette is missing")
        elif not kind[0] & _METADATA:
            raise DamagedFileError(f"a chunk {kind!r} is unknown, and needed")
        place = end
    needed = b"".join(kept)
    return Inspected((width, height), needed, plain and has_pixels)


def _key_of_8_bits(key: bytes, depth: int, color: int) -> bytes:
    """Bring the transparent color to the depth of the pixels with which Pillow compares it."""
    if len(key) != 2 * _CHANNELS[color]:
        raise DamagedFileError("its transparent color is none")
    values = [value for (value,) in _VALUE.iter_unpack(key)]
    if depth < 8:
        # Only the lowest bits count.
        values = [(value & 2**depth - 1) * 255 // (2**depth - 1) for value in values]
    elif color == _RGB:
        values = [value >> 8 for value in values]
    return _chunk(b"tRNS", b"".join(map(_VALUE.pack, values)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return _CHUNK.pack(len(data), kind) + data + _CHECKSUM.pack(zlib.crc32(kind + data))


def png_has_gray_and_alpha(needed: bytes) -> bool:
    """Tell whether a PNG file is gray with transparency; with 16 bits, Pillow makes colors of it.

    Parameters
    ----------
    needed : bytes
        As `inspect_png` gives it.

    Returns
    -------
    gray : bool
    """
    return needed[25] == _GRAY_AND_ALPHA


def png_is_whole(needed: bytes) -> bool:
    """Tell whether the pixels of a PNG file are all there; Pillow would fill up with black.

    Parameters
    ----------
    needed : bytes
        As `inspect_png` gives it.

    Returns
    -------
    whole : bool
    """
    _, width, height, depth, color, _, _, interlaced = _HEADER.unpack_from(needed, 8)
    bits = _CHANNELS[color] * depth
    rows = 0
    for left, top, right, down in _PASSES if interlaced else [(0, 0, 1, 1)]:
        columns, lines = -((left - width) // right), -((top - height) // down)
        rows += lines * (1 + (columns * bits + 7) // 8) if columns > 0 else 0
    decoder, place, found = zlib.decompressobj(), 8, 0
    try:
        while place < len(needed) and found <= rows and not decoder.eof:
            length, kind = _CHUNK.unpack_from(needed, place)
            if kind == b"IDAT":
                # One byte more, so that the end of the compressed data is reached.
                data = needed[place + 8 : place + 8 + length]
                found += len(decoder.decompress(data, rows + 1 - found))
            place += 12 + length
    except zlib.error:
        return False
    return found > rows or (found == rows and decoder.eof)
