"""The chunks of PNG files."""

from __future__ import annotations

import struct
import zlib

from skcaptcha.images.formats import DamagedFileError, Inspection

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8sIIBBBBB")
_CHUNK = struct.Struct(">I4s")
_CHECKSUM = struct.Struct(">I")
_VALUE = struct.Struct(">H")
_END = b"\0\0\0\0IEND\xae\x42\x60\x82"
_METADATA = 0x20  # flag in the first letter of a chunk's type: lower case
# All other chunks contain metadata, which may be compressed to a thousandth, or animation frames.
_NEEDED = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_NEEDED_BY_ANIMATIONS = {*_NEEDED, b"acTL", b"fcTL", b"fdAT"}
_REGION = struct.Struct(">4xII")  # width and height in fcTL, after its number
# Damage to these is harmless, so that their checksums are not computed. Those of unknown chunks
# are: a damaged letter must not turn a critical chunk into metadata.
_KNOWN_METADATA = {
    b"bKGD", b"cHRM", b"cICP", b"eXIf", b"gAMA", b"hIST", b"iCCP", b"iTXt", b"pHYs", b"sBIT",
    b"sPLT", b"sRGB", b"tEXt", b"tIME", b"zTXt",
}  # fmt: skip
# Common encoders write 8 KB of pixel data into each chunk.
_MAX_CHUNKS = 10_000
_RGB, _PALETTE, _GRAY_AND_ALPHA = 2, 3, 4  # color types; 0 is gray, 6 is RGBA
_CHANNELS = {0: 1, _RGB: 3, _PALETTE: 1, _GRAY_AND_ALPHA: 2, 6: 4}
_DEPTHS = {
    0: (1, 2, 4, 8, 16),
    _RGB: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GRAY_AND_ALPHA: (8, 16),
    6: (8, 16),
}
# First column and row, and the steps between columns and rows, of each pass of an interlaced image.
_PASSES = [
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
]  # fmt: skip


def inspect_png(content: bytes, *, animated: bool = False) -> Inspection:
    """Check the chunks of a PNG file.

    The returned content contains only the chunks that the image, or the animation, needs. Raise
    DamagedFileError if a chunk other than metadata and the last one is damaged or missing.
    """
    needed = _NEEDED_BY_ANIMATIONS if animated else _NEEDED
    try:
        header, width, height, depth, color, _, _, interlaced = _HEADER.unpack_from(content, 8)
    except struct.error:
        raise DamagedFileError("its header is truncated") from None
    if header != b"\0\0\0\rIHDR" or interlaced > 1 or depth not in _DEPTHS.get(color, ()):
        raise DamagedFileError("its header is invalid")
    plain = not interlaced and depth <= 8 and color != _GRAY_AND_ALPHA
    kept, position, kind, n_chunks = [_SIGNATURE], 8, b"", 0
    found: set[bytes] = set()
    while kind != b"IEND":
        n_chunks += 1
        if n_chunks > _MAX_CHUNKS:
            raise DamagedFileError(f"it has more than {_MAX_CHUNKS} chunks")
        try:
            length, kind = _CHUNK.unpack_from(content, position)
            end = position + 12 + length
            if kind in _KNOWN_METADATA:
                position = end
                continue
            (checksum,) = _CHECKSUM.unpack_from(content, end - 4)
        except struct.error:
            # A file without its end is accepted if all of its pixels are there.
            if b"IDAT" not in found:
                raise DamagedFileError("it has no pixel data") from None
            if animated:
                raise DamagedFileError("its last frame is truncated") from None
            kept.append(_END)
            plain = False
            break
        if zlib.crc32(content[position + 4 : end - 4]) != checksum:
            raise DamagedFileError("a checksum is wrong")
        if kind in needed:
            has_key = kind == b"tRNS" and color != _PALETTE
            plain &= not has_key
            kept.append(
                _key_of_8_bits(content[position + 8 : end - 4], depth, color)
                if has_key and depth != 8
                else content[position:end]
            )
            found.add(kind)
            if kind == b"IDAT" and color == _PALETTE and b"PLTE" not in found:
                raise DamagedFileError("its palette is missing")
        elif not kind[0] & _METADATA:
            raise DamagedFileError(f"its critical chunk {kind!r} is unknown")
        position = end
    return Inspection((width, height), b"".join(kept), plain and b"IDAT" in found)


def _key_of_8_bits(key: bytes, depth: int, color: int) -> bytes:
    """Scale the transparent color to 8 bits, as Pillow scales the pixels."""
    if len(key) != 2 * _CHANNELS[color]:
        raise DamagedFileError("its transparent color is invalid")
    values = [value for (value,) in _VALUE.iter_unpack(key)]
    if depth < 8:
        # Only the lowest bits are used.
        values = [(value & 2**depth - 1) * 255 // (2**depth - 1) for value in values]
    elif color == _RGB:
        values = [value >> 8 for value in values]
    chunk = _CHUNK.pack(len(key), b"tRNS") + b"".join(map(_VALUE.pack, values))
    return chunk + _CHECKSUM.pack(zlib.crc32(chunk[4:]))


def png_has_gray_and_alpha(content: bytes) -> bool:
    """Return whether an inspected PNG file is gray with alpha.

    Pillow converts such files to RGBA if they have 16 bits.
    """
    return content[25] == _GRAY_AND_ALPHA


def png_is_animated(content: bytes) -> bool:
    """Return whether a PNG file announces an animation before its pixels."""
    return b"acTL" in content[: content.find(b"IDAT")]


def png_is_whole(content: bytes, n_images: int = 1) -> bool:
    """Return whether an inspected PNG file contains all pixels of its first images.

    The first one, which may be the first frame, is followed by the other frames of an animation.
    Pillow fills missing pixels with black.
    """
    _, width, height, depth, color, _, _, interlaced = _HEADER.unpack_from(content, 8)
    bits = _CHANNELS[color] * depth
    images: list[tuple[int, int, list[bytes]]] = [(width, height, [])]
    position = 8
    while position < len(content):
        length, kind = _CHUNK.unpack_from(content, position)
        data = content[position + 8 : position + 8 + length]
        if kind == b"IDAT":
            images[0][2].append(data)
        elif kind == b"fdAT":
            images[-1][2].append(data[4:])
        elif kind == b"fcTL" and images[0][2]:  # an earlier one is of the first image
            if len(images) == n_images:
                break
            if length < _REGION.size:
                return False
            columns, rows = _REGION.unpack_from(data)
            if columns > width or rows > height:  # it could have gigabytes of pixels
                return False
            images.append((columns, rows, []))
        position += 12 + length
    return all(_has_all_rows(*image, bits, interlaced) for image in images)


def _has_all_rows(width: int, height: int, parts: list[bytes], bits: int, interlaced: int) -> bool:
    """Return whether compressed parts contain an image of a size and a number of bits per pixel."""
    n_bytes = 0
    for left, top, right, down in _PASSES if interlaced else [(0, 0, 1, 1)]:
        columns, lines = -((left - width) // right), -((top - height) // down)
        n_bytes += lines * (1 + (columns * bits + 7) // 8) if columns > 0 else 0
    decoder, found = zlib.decompressobj(), 0
    try:
        for part in parts:
            if found > n_bytes or decoder.eof:
                break
            # One more byte, so that the end of the compressed data is reached.
            found += len(decoder.decompress(part, n_bytes + 1 - found))
    except zlib.error:
        return False
    return found > n_bytes or (found == n_bytes and decoder.eof)
