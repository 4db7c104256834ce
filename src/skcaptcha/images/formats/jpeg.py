"""The segments of JPEG files."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from skcaptcha.images.formats.inspected import DamagedFileError, Inspected

_SEGMENT = struct.Struct(">BBH")
_FRAME = struct.Struct(">BHHB")
_END = b"\xff\xd9"
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_TABLES_OF_CODES, _SCAN, _INTERVAL = 0xC4, 0xDA, 0xDD
_OTHER_FRAMES = {*range(0xC3, 0xD0)} - {_TABLES_OF_CODES, 0xC8, 0xCC}
# Other segments that may stand before a scan: tables, applications' data and comments.
_KNOWN = {_TABLES_OF_CODES, 0xCC, 0xDB, 0xFE, *range(0xE0, 0xF0)}
# In a scan, what follows bytes 0xFF makes a marker of them, but for nothing and the number of a
# restart.
_MARKER = re.compile(rb"(?<!\xff)\xff++[^\x00\xd0-\xd7]", re.DOTALL)
# Begins with a byte of its own, and is therefore searched at nearly the speed of memory.
_RESTART_OR_MARKER = re.compile(rb"\xff[^\x00]", re.DOTALL)
_RESTART = re.compile(rb"(?<!\xff)\xff++[\xd0-\xd7]")
# May stand before any marker, and no encoder writes more than a few; decoders skip them one by one.
_TOO_MUCH_PADDING = b"\xff" * 256
# A file of the largest size has 256 full ones.
_MAX_SEGMENTS = 1000
# Each scan goes over the whole image, however few bytes it has; encoders write up to a dozen.
_MAX_SCANS = 100
# What a decoder reads where codes are missing, if it stands there, and never where they are not.
_JUNK = bytes(np.random.default_rng(0).integers(1, 255, 64, dtype=np.uint8))
_SHORT_JUNK = _JUNK[:16]  # for the ends of parts between restarts, of which there may be many


class _Scan(NamedTuple):
    begin: int
    """Where its codes begin."""
    end: int
    """Where the next marker stands."""
    components: tuple[int, ...]
    first: int
    """The first of the coefficients, in their zigzag order, and the last."""
    last: int
    low: int
    """Number of bits that are left for later scans."""
    interval: int
    """Number of units from one restart to the next, or 0."""


@dataclass
class _Jpeg:
    marker: int = 0
    width: int = 0
    height: int = 0
    depth: int = 0
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    """How many samples each component has across and down, relative to the others."""
    scans: list[_Scan] = field(default_factory=list)


def inspect_jpeg(content: bytes) -> Inspected:
    """Look at the segments of a JPEG file.

    Parameters
    ----------
    content : bytes
        Of a file that begins like one.

    Returns
    -------
    inspected : Inspected

    Raises
    ------
    DamagedFileError
        If a segment or a scan is missing. A scan that lost a part between two restarts is found by
        `jpeg_has_all_restarts`, one that lost other codes by `jpeg_is_whole`.
    """
    if size := _plain_size(content):
        return Inspected(size, content, plain=True)
    jpeg = _parse(content)
    if not jpeg.scans:
        raise DamagedFileError("it ends before its pixels")
    if not _has_all_scans(jpeg):
        raise DamagedFileError("scans are missing")
    return Inspected((jpeg.width, jpeg.height), content, plain=False)


def jpeg_has_all_restarts(content: bytes) -> bool:
    """Tell whether each scan of a JPEG file has as many restarts as its size demands.

    Parameters
    ----------
    content : bytes
        Of a file whose size is within the limits.

    Returns
    -------
    all : bool
        Whether, moreover, they are in order and there is something between them.
    """
    jpeg = _parse(content)
    return all(_has_all_restarts(jpeg, scan, content) for scan in jpeg.scans)


def jpeg_is_whole(content: bytes, pixels: np.ndarray, *, gray: bool) -> bool:
    """Tell whether no scan of a JPEG file, and no part between two restarts, ends too early.

    Decoders take zeros for what is missing. So the file is decoded once more, with something else
    after each scan and before each restart: if that changes the image, codes are missing.

    Parameters
    ----------
    content : bytes
    pixels : ndarray
        As it was decoded.
    gray : bool
        Whether it was decoded to gray.

    Returns
    -------
    whole : bool
    """
    source, place, filled = memoryview(content), 0, BytesIO()
    for scan in _parse(content).scans:
        for restart in _RESTART.finditer(content, scan.begin, scan.end):
            filled.write(source[place : restart.start()])
            filled.write(_SHORT_JUNK)
            place = restart.start()
        filled.write(source[place : scan.end])
        filled.write(_JUNK)
        place = scan.end
    filled.write(source[place:])
    filled.seek(0)
    image = JpegImageFile(filled)
    if gray:
        image.draft("L", image.size)
    return np.array_equal(np.asarray(image), pixels)


def _plain_size(content: bytes) -> tuple[int, int] | None:
    """Size of what nearly all files are, read at once: one scan of all components, no restarts."""
    place, size, components = 2, None, 0
    try:
        for _ in range(_MAX_SEGMENTS):
            start, marker, length = _SEGMENT.unpack_from(content, place)
            if start != 0xFF:
                return None
            if marker in _KNOWN:
                pass
            elif marker == _SCAN:
                break
            elif marker in (_BASELINE, _EXTENDED) and size is None:
                depth, height, width, components = _FRAME.unpack_from(content, place + 4)
                if depth != 8 or components not in (1, 3):
                    return None
                size = width, height
            else:
                return None
            place += length + 2
        else:
            return None
        if content[place + 4] != components:
            return None
    except (struct.error, IndexError):
        return None
    # Nothing but the end may follow the scan: a marker of another kind begins another scan, or an
    # image that was written into this one.
    end = _RESTART_OR_MARKER.search(content, place + 2 + length)
    return size if end is not None and content[end.start() :] == _END else None


def _parse(content: bytes) -> _Jpeg:
    jpeg, place, interval, n_segments = _Jpeg(), 2, 0, 0
    try:
        while content[place : place + 2] != _END:
            if content.startswith(b"\xff\xff", place):
                if content.startswith(_TOO_MUCH_PADDING, place):
                    raise DamagedFileError("it is padded with hundreds of bytes")
                place += 1
                continue
            start, marker, length = _SEGMENT.unpack_from(content, place)
            if start != 0xFF:
                raise DamagedFileError("something other than a segment stands between segments")
            n_segments += 1
            if n_segments > _MAX_SEGMENTS:
                raise DamagedFileError(f"it has more than {_MAX_SEGMENTS} segments")
            if marker == _SCAN:
                place = _add_scan(jpeg, content, place, length, interval)
                continue
            if marker in (_BASELINE, _EXTENDED, _PROGRESSIVE):
                _read_frame(jpeg, marker, content, place + 4)
            elif marker == _INTERVAL:
                (interval,) = struct.unpack_from(">H", content, place + 4)
            elif marker in _OTHER_FRAMES:
                raise DamagedFileError(
                    "it is neither baseline nor progressive; save it as one of these"
                )
            elif marker not in _KNOWN:
                raise DamagedFileError(f"a marker 0x{marker:02x} stands between segments")
            place += length + 2
    except (struct.error, IndexError):
        raise DamagedFileError("it ends before its end mark") from None
    return jpeg


def _read_frame(jpeg: _Jpeg, marker: int, content: bytes, place: int) -> None:
    if jpeg.marker:
        raise DamagedFileError("it holds two images")
    jpeg.marker = marker
    jpeg.depth, jpeg.height, jpeg.width, n = _FRAME.unpack_from(content, place)
    for _ in range(n):
        name, sampling = content[place + 6], content[place + 7]
        jpeg.sampling[name] = sampling >> 4, sampling & 15
        place += 3
    if len(jpeg.sampling) != n or not all(map(all, jpeg.sampling.values())):
        raise DamagedFileError("its components are not told apart")


def _add_scan(jpeg: _Jpeg, content: bytes, place: int, length: int, interval: int) -> int:
    if len(jpeg.scans) == _MAX_SCANS:
        raise DamagedFileError(f"it has more than {_MAX_SCANS} scans")
    n = content[place + 4]
    components = tuple(content[place + 5 + 2 * i] for i in range(n))
    first, last, low = (
        content[place + 5 + 2 * n],
        content[place + 6 + 2 * n],
        content[place + 7 + 2 * n],
    )
    if not jpeg.sampling.keys() >= set(components):
        raise DamagedFileError("a scan is of no component")
    begin = place + 2 + length
    end = _MARKER.search(content, begin)
    if end is None:
        raise DamagedFileError("it ends before its end mark")
    if content.find(_TOO_MUCH_PADDING, begin, end.start()) >= 0:
        raise DamagedFileError("it is padded with hundreds of bytes")
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
    found, place = 0, scan.begin
    for restart in _RESTART.finditer(content, scan.begin, scan.end):
        in_order = content[restart.end() - 1] == 0xD0 + found % 8
        if found == n or not in_order or restart.start() == place:
            return False
        found, place = found + 1, restart.end()
    return found == n and place < scan.end


def _n_units(jpeg: _Jpeg, scan: _Scan) -> int:
    """Number of the smallest parts that a scan consists of: blocks, or groups of them."""
    across = max(h for h, _ in jpeg.sampling.values())
    down = max(v for _, v in jpeg.sampling.values())
    width, height = jpeg.width, jpeg.height
    if len(scan.components) == 1:
        h, v = jpeg.sampling[scan.components[0]]
        width, height = -(-width * h // across), -(-height * v // down)
        across = down = 1
    return -(-width // (8 * across)) * -(-height // (8 * down))
