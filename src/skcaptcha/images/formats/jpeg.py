"""The segments of JPEG files."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from skcaptcha.images.formats import DamagedFileError, Inspection

_SEGMENT = struct.Struct(">BBH")
_FRAME = struct.Struct(">BHHB")
_COEFFICIENTS = struct.Struct("3B")
_END = b"\xff\xd9"
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_CODE_TABLES, _SCAN, _INTERVAL = 0xC4, 0xDA, 0xDD
_OTHER_FRAMES = {*range(0xC3, 0xD0)} - {_CODE_TABLES, 0xC8, 0xCC}
# Other segments that may precede a scan: tables, application data and comments.
_KNOWN = {_CODE_TABLES, 0xCC, 0xDB, 0xFE, *range(0xE0, 0xF0)}
# In a scan, bytes 0xFF begin a marker unless 0 or the number of a restart follows them.
_MARKER = re.compile(rb"(?<!\xff)\xff++[^\x00\xd0-\xd7]", re.DOTALL)
# Begins with a literal byte, so that the search is nearly as fast as reading memory.
_RESTART_OR_MARKER = re.compile(rb"\xff[^\x00]", re.DOTALL)
_RESTART = re.compile(rb"(?<!\xff)\xff++[\xd0-\xd7]")
# Padding may precede any marker. Encoders write a few bytes; decoders skip them one by one.
_TOO_MUCH_PADDING = b"\xff" * 256
# A file of the maximum size has 256 segments of full length.
_MAX_SEGMENTS = 1000
# Each scan covers the whole image, however few bytes it has. Encoders write up to a dozen.
_MAX_SCANS = 100
# Inserted after codes, so that a decoder reads it only if some of these are missing.
_JUNK = bytes(np.random.default_rng(0).integers(1, 255, 64, dtype=np.uint8))
_SHORT_JUNK = _JUNK[:16]  # for the parts between restart markers, which may be many


class _Scan(NamedTuple):
    begin: int
    """Position of its first code."""
    end: int
    """Position of the next marker."""
    components: tuple[int, ...]
    first: int
    """First and last coefficient, in zigzag order."""
    last: int
    low: int
    """Number of lowest bits left to later scans."""
    interval: int
    """Number of units between restart markers; 0 if there are none."""


@dataclass
class _Jpeg:
    marker: int = 0
    width: int = 0
    height: int = 0
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Horizontal and vertical sampling factor of each component."""
    scans: list[_Scan] = field(default_factory=list)


def inspect_jpeg(content: bytes) -> Inspection:
    """Check the segments of a JPEG file.

    Raise DamagedFileError if a segment or a scan is missing. `jpeg_has_all_restarts` finds scans
    with a missing part between two restart markers, and `jpeg_is_whole` finds other missing codes.
    """
    if size := _plain_size(content):
        return Inspection(size, content, plain=True)
    jpeg = _parse(content)
    if not jpeg.scans:
        raise DamagedFileError("it has no pixel data")
    if not _has_all_scans(jpeg):
        raise DamagedFileError("scans are missing")
    return Inspection((jpeg.width, jpeg.height), content, plain=False)


def jpeg_has_all_restarts(content: bytes) -> bool:
    """Return whether each scan has all restart markers, in order and with data between them."""
    jpeg = _parse(content)
    return all(_has_all_restarts(jpeg, scan, content) for scan in jpeg.scans)


def jpeg_is_whole(content: bytes, pixels: np.ndarray, *, gray: bool) -> bool:
    """Return whether no scan, and no part between two restart markers, is truncated.

    Decoders replace missing codes with zeros. Therefore the file is decoded again with random codes
    after each scan and before each restart marker: if that changes the pixels, codes are missing.
    `gray` is whether the given pixels were decoded to gray.
    """
    source, position, filled = memoryview(content), 0, BytesIO()
    for scan in _parse(content).scans:
        for restart in _RESTART.finditer(content, scan.begin, scan.end):
            filled.write(source[position : restart.start()])
            filled.write(_SHORT_JUNK)
            position = restart.start()
        filled.write(source[position : scan.end])
        filled.write(_JUNK)
        position = scan.end
    filled.write(source[position:])
    filled.seek(0)
    image = JpegImageFile(filled)
    if gray:
        image.draft("L", image.size)
    return np.array_equal(np.asarray(image), pixels)


def _plain_size(content: bytes) -> tuple[int, int] | None:
    """Return the size of a file of the common kind: one scan of all components, no restarts."""
    position, size, components = 2, None, 0
    try:
        for _ in range(_MAX_SEGMENTS):
            start, marker, length = _SEGMENT.unpack_from(content, position)
            if start != 0xFF:
                return None
            if marker in _KNOWN:
                pass
            elif marker == _SCAN:
                break
            elif marker in (_BASELINE, _EXTENDED) and size is None:
                depth, height, width, components = _FRAME.unpack_from(content, position + 4)
                if depth != 8 or components not in (1, 3):
                    return None
                size = width, height
            else:
                return None
            position += length + 2
        else:
            return None
        if content[position + 4] != components:
            return None
    except (struct.error, IndexError):
        return None
    # Only the end may follow the scan: another marker begins another scan, or an image that was
    # written into this file.
    end = _RESTART_OR_MARKER.search(content, position + 2 + length)
    return size if end is not None and content[end.start() :] == _END else None


def _parse(content: bytes) -> _Jpeg:
    jpeg, position, interval, n_segments = _Jpeg(), 2, 0, 0
    try:
        while content[position : position + 2] != _END:
            if content.startswith(b"\xff\xff", position):
                if content.startswith(_TOO_MUCH_PADDING, position):
                    raise DamagedFileError("it has hundreds of padding bytes")
                position += 1
                continue
            start, marker, length = _SEGMENT.unpack_from(content, position)
            if start != 0xFF:
                raise DamagedFileError("it has unknown data between segments")
            n_segments += 1
            if n_segments > _MAX_SEGMENTS:
                raise DamagedFileError(f"it has more than {_MAX_SEGMENTS} segments")
            if marker == _SCAN:
                position = _add_scan(jpeg, content, position, length, interval)
                continue
            if marker in (_BASELINE, _EXTENDED, _PROGRESSIVE):
                _read_frame(jpeg, marker, content, position + 4)
            elif marker == _INTERVAL:
                (interval,) = struct.unpack_from(">H", content, position + 4)
            elif marker in _OTHER_FRAMES:
                raise DamagedFileError(
                    "it is neither baseline nor progressive; save it as one of these"
                )
            elif marker not in _KNOWN:
                raise DamagedFileError(f"it has an unknown marker 0x{marker:02x} between segments")
            position += length + 2
    except (struct.error, IndexError):
        raise DamagedFileError("its end marker is missing") from None
    return jpeg


def _read_frame(jpeg: _Jpeg, marker: int, content: bytes, position: int) -> None:
    if jpeg.marker:
        raise DamagedFileError("it contains two images")
    jpeg.marker = marker
    _, jpeg.height, jpeg.width, n = _FRAME.unpack_from(content, position)
    for _ in range(n):
        name, sampling = content[position + 6], content[position + 7]
        jpeg.sampling[name] = sampling >> 4, sampling & 15
        position += 3
    if len(jpeg.sampling) != n or not all(map(all, jpeg.sampling.values())):
        raise DamagedFileError("its components are invalid")


def _add_scan(jpeg: _Jpeg, content: bytes, position: int, length: int, interval: int) -> int:
    if len(jpeg.scans) == _MAX_SCANS:
        raise DamagedFileError(f"it has more than {_MAX_SCANS} scans")
    n = content[position + 4]
    first, last, low = _COEFFICIENTS.unpack_from(content, position + 5 + 2 * n)
    components = tuple(content[position + 5 : position + 5 + 2 * n : 2])
    if not jpeg.sampling.keys() >= set(components):
        raise DamagedFileError("a scan refers to an unknown component")
    begin = position + 2 + length
    end = _MARKER.search(content, begin)
    if end is None:
        raise DamagedFileError("its end marker is missing")
    if content.find(_TOO_MUCH_PADDING, begin, end.start()) >= 0:
        raise DamagedFileError("it has hundreds of padding bytes")
    jpeg.scans.append(_Scan(begin, end.start(), components, first, last, low & 15, interval))
    return end.start()


def _has_all_scans(jpeg: _Jpeg) -> bool:
    if jpeg.marker != _PROGRESSIVE:
        return {name for scan in jpeg.scans for name in scan.components} == jpeg.sampling.keys()
    for name in jpeg.sampling:
        final: set[int] = set()
        for scan in jpeg.scans:
            if name in scan.components and scan.low == 0:
                final.update(range(scan.first, scan.last + 1))
        if not final >= set(range(64)):
            return False
    return True


def _has_all_restarts(jpeg: _Jpeg, scan: _Scan, content: bytes) -> bool:
    n = (_n_units(jpeg, scan) - 1) // scan.interval if scan.interval else 0
    found, position = 0, scan.begin
    for restart in _RESTART.finditer(content, scan.begin, scan.end):
        in_order = content[restart.end() - 1] == 0xD0 + found % 8
        if found == n or not in_order or restart.start() == position:
            return False
        found, position = found + 1, restart.end()
    return found == n and position < scan.end


def _n_units(jpeg: _Jpeg, scan: _Scan) -> int:
    """Return the number of units of a scan: blocks, or groups of blocks."""
    across = max(h for h, _ in jpeg.sampling.values())
    down = max(v for _, v in jpeg.sampling.values())
    width, height = jpeg.width, jpeg.height
    if len(scan.components) == 1:
        h, v = jpeg.sampling[scan.components[0]]
        width, height = -(-width * h // across), -(-height * v // down)
        across = down = 1
    return -(-width // (8 * across)) * -(-height // (8 * down))
