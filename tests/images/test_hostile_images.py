"""Damaged and malicious files give correct pixels or one clear error."""

import faulthandler
import os
import re
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from image_samples import (
    COLOR,
    GRAY,
    Sample,
    encode,
    headers_that_declare,
    png,
    png_header,
    png_rows,
    png_suite,
    small_files,
)
from skcaptcha._files.regular_file import UnreadableError, read_regular_file
from skcaptcha.denoise import HeightScaler
from skcaptcha.exceptions import ImageError, SegmentationError
from skcaptcha.images import decode
from skcaptcha.segment import SlidingWindow

FILES = small_files()
END_OF_JPEG = b"\xff\xd9"


@pytest.fixture(autouse=True)
def timeout() -> Iterator[None]:
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def pixels_or_error(content: bytes) -> np.ndarray | str:
    try:
        return decode(content)
    except ImageError as error:
        return error.reason


def assert_rejected(content: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        decode(content)
    assert "\n" not in str(caught.value)


class TestWhole:
    @pytest.mark.parametrize("sample", list(png_suite()), ids=lambda sample: sample.name)
    def test_png(self, sample: Sample) -> None:
        image = decode(sample.content)
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, sample.pixels)

    @pytest.mark.parametrize("name", FILES)
    def test_all_formats_agree_with_pillow(self, name: str) -> None:
        shown = Image.open(BytesIO(FILES[name]))
        mode = "L" if shown.mode in ("1", "L", "I;16") else "RGBA"
        if shown.mode == "I;16":
            expected = np.asarray(shown) // 257
        else:
            expected = np.asarray(shown.convert(mode)).astype(float)
        if mode == "RGBA":
            color, alpha = expected[..., :3], expected[..., 3:] / 255
            expected = np.rint(color * alpha + 255 * (1 - alpha))
        np.testing.assert_array_equal(decode(FILES[name]), expected)

    def test_metadata_is_not_decompressed(self) -> None:
        """A 5 MB file with 50 texts of 100 MB each, and one with a color profile of that size."""
        text = zlib.compress(bytes(10**8))
        bombs = [(b"zTXt", b"Comment\0\0" + text)] * 50 + [(b"iCCP", b"ICC\0\0" + text)]
        for depth, values in ((8, GRAY), (16, GRAY.astype(np.uint16) * 257)):
            rows = zlib.compress(png_rows(values[..., None], depth))
            header = png_header(30, 20, depth, 0)
            content = png(header, *bombs, (b"IDAT", rows), (b"IEND", b""))
            np.testing.assert_array_equal(decode(content), GRAY)

    def test_damaged_metadata_of_png(self) -> None:
        """Such files are accepted, unless damage turns a critical chunk into metadata."""
        palette = FILES["PNG palette"]
        for kind in (b"tEXt", b"gAMA"):
            content = FILES["PNG RGB"]
            content = content[:33] + png((kind, b"12345"))[8:-1] + b"?" + content[33:]
            np.testing.assert_array_equal(decode(content), COLOR)
        assert_rejected(palette.replace(b"PLTE", b"pLTE"), "a checksum is wrong")
        keyed = png(*list(chunks_of(palette))[:2], (b"tRNS", b"\0"), *list(chunks_of(palette))[2:])
        assert_rejected(keyed.replace(b"tRNS", b"tRNs"), "a checksum is wrong")

    def test_a_long_comment(self) -> None:
        gif = FILES["GIF"]
        start = 13 + 3 * 2 ** ((gif[10] & 7) + 1)
        comment = b"!\xfe" + (b"\xff" + b"c" * 255) * 50_000 + b"\0"
        found = decode(gif[:start] + comment + gif[start:])
        np.testing.assert_array_equal(found, decode(gif))


class TestTruncated:
    """Incomplete images are rejected."""

    @pytest.mark.parametrize("name", FILES)
    def test_at_every_byte(self, name: str) -> None:
        content, whole = FILES[name], decode(FILES[name])
        needed = 0
        for length in range(len(content)):
            found = pixels_or_error(content[:length])
            if isinstance(found, str):
                needed = length + 1
            else:
                np.testing.assert_array_equal(found, whole)
        # Only later frames, the end marker and padding may be missing.
        later = {"PNG animated": 258, "GIF animated": 1515}
        assert needed >= len(content) - later.get(name, 12)

    @pytest.mark.parametrize("name", [name for name in FILES if name.startswith("JPEG")])
    def test_jpeg_with_an_end_marker(self, name: str) -> None:
        content, whole = FILES[name], decode(FILES[name])
        wrong = []
        for length in range(2, len(content) - 2):
            found = pixels_or_error(content[:length] + END_OF_JPEG)
            if not isinstance(found, str) and not np.array_equal(found, whole):
                wrong.append(length)
                # In a file with one scan, missing codes of the last block are not detected.
                differ = (found != whole).reshape(*whole.shape[:2], -1).any(axis=2)
                side = 16 if name == "JPEG of coarse color" else 8
                rows, columns = np.nonzero(differ)
                # If colors have a lower resolution, blocks are mixed at their edges.
                assert (rows.min() + 1) // side == 19 // side
                assert (columns.min() + 1) // side == 29 // side
        assert len(wrong) <= 40

    def test_jpeg_with_all_restart_markers(self) -> None:
        """Codes between the markers are missing, but the file is otherwise well-formed."""
        gray = np.random.default_rng(0).integers(0, 256, (40, 60), dtype=np.uint8)
        content = encode(gray, "JPEG", restart_marker_blocks=4)
        start = content.index(b"\xff\xda") + 10
        head, *parts = content[:start], *re.split(rb"(\xff[\xd0-\xd7])", content[start:-2])
        codes = parts[::2]
        assert len(codes) == 10
        for change in (
            lambda i, part: b"" if 0 < i < 9 else part,
            lambda i, part: b"" if i > 4 else part,
            lambda i, part: b"" if i == 3 else part,
            lambda i, part: b"\xff" if i == 3 else part,
            lambda i, part: part[: len(part) // 2].rstrip(b"\xff") if i == 3 else part,
            lambda i, part: part[: len(part) // 2].rstrip(b"\xff") + b"\xff" if i == 3 else part,
            lambda i, part: part[: len(part) // 2].rstrip(b"\xff") if i == 9 else part,
        ):
            parts[::2] = [change(i, part) for i, part in enumerate(codes)]
            assert_rejected(b"".join([head, *parts, END_OF_JPEG]), "is missing|incomplete")
        for kept in ([*codes[:9], b""], [*codes, codes[0]], [*codes[:5], *codes[6:]]):
            marks = [bytes([0xFF, 0xD0 + i % 8]) for i in range(len(kept))]
            joined = b"".join(part for pair in zip(kept, marks, strict=True) for part in pair)
            assert_rejected(head + joined[:-2] + END_OF_JPEG, "two restart markers is missing")
        swapped = content.replace(b"\xff\xd1", b"\xff\xd2", 1)
        assert_rejected(swapped, "two restart markers is missing")

    @pytest.mark.parametrize("end", [b"\xff", b"\xff\xff", b"\xff\xd0"])
    def test_half_a_jpeg_before_a_padded_end_marker(self, end: bytes) -> None:
        gray = np.random.default_rng(0).integers(0, 256, (40, 60), dtype=np.uint8)
        content = encode(gray, "JPEG")
        half = content[: 2 * len(content) // 3].rstrip(b"\xff")
        assert_rejected(half + end + END_OF_JPEG, "is missing|incomplete")

    def test_half_a_jpeg_with_a_gray_background(self) -> None:
        """Its last pixels look like missing codes, so the file is decoded again."""
        gray = np.full((40, 60), 128, np.uint8)
        gray[10:20, 10:50] = np.random.default_rng(0).integers(0, 256, (10, 40))
        for image in (gray, np.dstack([gray] * 3)):
            for subsampling in (0, 2):
                content = encode(image, "JPEG", subsampling=subsampling)
                assert decode(content).shape == image.shape
                assert decode(content, gray=True).shape == gray.shape
                half = content[: 2 * len(content) // 3] + END_OF_JPEG
                for to_gray in (False, True):
                    with pytest.raises(ImageError, match="incomplete"):
                        decode(half, gray=to_gray)

    @pytest.mark.parametrize(
        "name", ["PNG gray", "PNG RGB", "PNG palette", "PNG 16-bit", "PNG interlaced"]
    )
    def test_png_with_too_few_pixels(self, name: str) -> None:
        """All chunks of the file are complete."""
        chunks = list(chunks_of(FILES[name]))
        for length in range(len(dict(chunks)[b"IDAT"])):
            shorter = [(kind, data[:length] if kind == b"IDAT" else data) for kind, data in chunks]
            assert_rejected(png(*shorter), "its pixel data is incomplete")

    def test_compressed_data_without_an_end_marker(self) -> None:
        """Found by fuzzing: all pixels are present, but Pillow considers the file truncated."""
        pixels = (b"IDAT", b"x\x9cc\xb8\xd0\xf4\xe9")
        content = png(png_header(1, 1, 16, 2, 1), pixels, (b"IEND", b""))
        assert_rejected(content, "its pixel data is incomplete")

    def test_an_unknown_critical_chunk(self) -> None:
        chunks = list(chunks_of(FILES["PNG RGB"]))
        for kind, unknown in ((b"reMA", False), (b"REMA", True)):
            content = png(chunks[0], (kind, b""), *chunks[1:])
            if unknown:
                assert_rejected(content, "its critical chunk b'REMA' is unknown")
            else:
                np.testing.assert_array_equal(decode(content), COLOR)

    @pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\1x"])
    def test_a_damaged_frame_after_the_first(self, data: bytes) -> None:
        """Found by fuzzing: only the first frame is decoded, and it is complete."""
        *chunks, end = chunks_of(FILES["PNG RGB"])
        np.testing.assert_array_equal(decode(png(*chunks, (b"fdAT", data), end)), COLOR)

    def test_gif_with_too_few_pixels(self) -> None:
        """The last block of codes is shorter but ends properly."""
        gif, whole = FILES["GIF"], decode(FILES["GIF"])
        start = gif.index(b",\0\0\0\0\x1e\0\x14\0") + 11
        length = gif[start]
        assert gif[start + 1 + length :] == b"\0;"
        for kept in range(length):
            block = bytes([kept]) * (kept > 0) + gif[start + 1 : start + 1 + kept]
            found = pixels_or_error(gif[:start] + block + b"\0;")
            if not isinstance(found, str):
                assert kept >= length - 2
                np.testing.assert_array_equal(found, whole)

    @pytest.mark.parametrize("name", [name for name in FILES if name.startswith("WebP")])
    def test_truncated_webp_with_corrected_sizes(self, name: str) -> None:
        content, whole = FILES[name], decode(FILES[name])
        last = content.rindex(b"VP8")
        for length in range(last + 8, len(content), 2):
            part = bytearray(content[:length])
            part[4:8] = struct.pack("<I", length - 8)
            part[last + 4 : last + 8] = struct.pack("<I", length - last - 8)
            found = pixels_or_error(bytes(part))
            if not isinstance(found, str):
                np.testing.assert_array_equal(found, whole)


def assert_little_memory(path: Path, reason: str) -> None:
    """Assert that the file is rejected using at most 60 MB more memory than a small image."""
    script = (
        "import resource, sys\nfrom skcaptcha.images import decode\ntry:\n    decode(b'BM')\n"
        "except ValueError:\n    pass\n"
        "def peak():\n    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "try:\n    decode(sys.argv[1])\nexcept ValueError as error:\n    print(error)\n"
        "print((peak() - before) // 1024)"
    )
    command = [sys.executable, "-c", script, str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    sentence, megabytes = said.stdout.splitlines()
    assert reason in sentence
    assert int(megabytes) < 60


def chunks_of(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        yield kind, content[place + 8 : place + 8 + length]
        place += 12 + length


class TestRejected:
    @pytest.mark.parametrize(
        "size", [(2_000_000, 10), (10, 2_000_000), (60_000, 60_000), (16_000, 16_000)], ids=str
    )
    def test_headers_that_declare_a_large_size(self, size: tuple[int, int]) -> None:
        claimed = headers_that_declare(*size)
        assert len(claimed) >= 3
        for content in claimed.values():
            assert len(content) < 2000
            assert_rejected(content, r"\d+ x \d+ pixels, more than the limit max_pixels=1048576; ")

    def test_a_decompression_bomb(self) -> None:
        rows = zlib.compress(bytes(16_001 * 16_000), 9)
        content = png(png_header(16_000, 16_000, 8, 0), (b"IDAT", rows), (b"IEND", b""))
        assert len(content) < 300_000
        assert_rejected(content, "it has 16000 x 16000 pixels, more than the limit")

    def test_a_long_side(self) -> None:
        assert decode(np.zeros((1, 2**14), np.uint8)).shape == (1, 2**14)
        for shape in ((1, 2**14 + 1), (2**14 + 1, 1)):
            with pytest.raises(ImageError, match="the maximum side length is 16384"):
                decode(np.zeros(shape, np.uint8))

    @pytest.mark.parametrize("size", [(0, 20), (30, 0), (0, 0)], ids=str)
    def test_no_pixels(self, size: tuple[int, int]) -> None:
        for content in headers_that_declare(*size).values():
            assert_rejected(content, "it has no pixels|damaged or truncated")

    @pytest.mark.parametrize("name", FILES)
    def test_an_invalid_start(self, name: str) -> None:
        content = FILES[name]
        assert_rejected(b"\0" + content, "it is not a PNG")
        assert_rejected(content[:1] + b"\0" + content[2:], "it is not a PNG")

    @pytest.mark.parametrize("kind", FILES)
    @pytest.mark.parametrize("filling", [b"\0", b"\xff", b"IDAT", b"\xff\xda"])
    def test_garbage_after_a_valid_start(self, kind: str, filling: bytes) -> None:
        for length in (12, 30, len(FILES[kind]) // 2):
            found = pixels_or_error(FILES[kind][:length] + filling * 3000)
            # In these formats, any bytes are valid pixels or follow the first frame.
            if not kind.startswith(("BMP", "WebP")) and kind != "GIF animated":
                assert isinstance(found, str), kind

    def test_too_many_scans(self) -> None:
        content = FILES["JPEG progressive"]
        place = content.rindex(b"\xff\xda")
        many = content[:place] + content[place:-2] * 50_000 + END_OF_JPEG
        assert_rejected(many, "more than 100 scans")

    @pytest.mark.parametrize("name", ["JPEG baseline", "JPEG progressive"])
    def test_jpeg_with_too_much_padding_or_too_many_segments(self, name: str) -> None:
        content, whole = FILES[name], decode(FILES[name])
        few = content[:2] + b"\xff" * 10 + content[2:-2] + b"\xff" * 10 + content[-2:]
        np.testing.assert_array_equal(decode(few), whole)
        padding, segments = b"\xff" * 2**23, b"\xff\xfe\0\2" * 2**21
        for place, filling, reason in (
            (2, padding, "it has hundreds of padding bytes"),
            (len(content) - 2, padding, "it has hundreds of padding bytes"),
            (2, segments, "it has more than 1000 segments"),
        ):
            began = time.process_time()
            assert_rejected(content[:place] + filling + content[place:], reason)
            assert time.process_time() - began < 2

    @pytest.mark.slow
    def test_too_many_restart_markers(self, tmp_path: Path) -> None:
        """Run in a separate process, where earlier tests do not affect peak memory."""
        content = FILES["JPEG with restarts"]
        place = content.index(b"\xff\xd0")
        path = tmp_path / "a.jpg"
        path.write_bytes(content[:place] + b"\xff\xd0" * (2**23 - 2000) + content[place:])
        assert_little_memory(path, "two restart markers is missing")

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", [b"IDAT", b"PLTE", b"tEXt"])
    def test_too_many_chunks(self, kind: bytes, tmp_path: Path) -> None:
        header, *rest = chunks_of(FILES["PNG RGB"])
        empty = png((kind, b""))[8:]
        path = tmp_path / "a.png"
        path.write_bytes(png(header) + empty * (2**24 // 12 - 2000) + png(*rest)[8:])
        assert_little_memory(path, "it has more than 10000 chunks")

    def test_a_missing_palette(self) -> None:
        chunks = [chunk for chunk in chunks_of(FILES["PNG palette"]) if chunk[0] != b"PLTE"]
        assert_rejected(png(*chunks), "its palette is missing")

    def test_compressed_bmp_with_endless_jumps(self) -> None:
        size = struct.pack("<IiiHHIIiiII", 40, 20, 20, 1, 8, 1, 0, 0, 0, 256, 0)
        start = b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + 40 + 1024) + size + bytes(1024)
        row = b"\x14\x07\0\0"
        np.testing.assert_array_equal(decode(start + row * 20 + b"\0\1"), np.zeros((20, 20, 3)))
        assert_rejected(start + b"\0\2\0\0" * 2**20 + row * 20, "more compressed data than pixels")

    def test_a_missing_scan(self) -> None:
        content = FILES["JPEG progressive"]
        place = content.rindex(b"\xff\xda")
        assert_rejected(content[:place] + END_OF_JPEG, "scans are missing")

    def test_a_missing_restart_marker(self) -> None:
        content = FILES["JPEG with restarts"]
        place = content.rindex(b"\xff\xd1")
        assert_rejected(content[:place] + END_OF_JPEG, "two restart markers is missing")

    @pytest.mark.parametrize(
        ("depth", "color", "interlaced", "key"),
        [
            (0, 0, 0, b"\0\0"), (3, 0, 0, b"\0\0"), (1, 2, 0, b""), (8, 1, 0, b""), (8, 7, 0, b""),
            (8, 0, 2, b""), (1, 0, 0, b"\0"), (1, 0, 0, b"\0" * 4), (16, 2, 0, b"\0" * 5),
        ],
    )  # fmt: skip
    def test_png_of_invalid_kind(self, depth: int, color: int, interlaced: int, key: bytes) -> None:
        header = png_header(1, 1, depth, color, interlaced)
        pixels = (b"IDAT", zlib.compress(bytes(9)))
        assert_rejected(png(header, (b"tRNS", key), pixels, (b"IEND", b"")), "damaged or truncated")

    @pytest.mark.parametrize("depth", [1, 2, 4, 16])
    def test_a_transparent_gray_with_too_many_bits(self, depth: int) -> None:
        """Only the lowest bits of the value are used."""
        pixels = (b"IDAT", zlib.compress(b"\0\xff\xff"))
        key = (b"tRNS", b"\xff\xff")
        content = png(png_header(1, 1, depth, 0), key, pixels, (b"IEND", b""))
        np.testing.assert_array_equal(decode(content), [[255]])

    @pytest.mark.parametrize(("place", "value"), [(14, 20), (28, 2), (30, 4)])
    def test_rare_kinds_of_bmp(self, place: int, value: int) -> None:
        """Other headers, 2 bits per pixel, or JPEG data: valid files of these kinds exist."""
        content = bytearray(FILES["BMP"])
        content[place] = value
        assert_rejected(bytes(content), "BMP image of an unsupported kind .*; save it as")

    @pytest.mark.parametrize("marker", [0xC3, 0xC9, 0xCB])
    def test_rare_kinds_of_jpeg(self, marker: int) -> None:
        content = FILES["JPEG baseline"].replace(b"\xff\xc0", bytes([0xFF, marker]))
        assert_rejected(content, "it is neither baseline nor progressive; save it as one of these")


class TestArrays:
    def test_views_that_are_larger_than_their_memory(self) -> None:
        one = np.zeros((1, 1, 3), np.uint8)
        with pytest.raises(ImageError, match="1000000 x 1000000 pixels, more than the limit"):
            decode(np.broadcast_to(one, (10**6, 10**6, 3)))
        image = decode(np.broadcast_to(one, (9, 5, 3)))
        assert (image.shape, image.flags.c_contiguous) == ((9, 5, 3), True)

    def test_read_only_and_subclasses(self, tmp_path: Path) -> None:
        locked = COLOR.copy()
        locked.flags.writeable = False
        (tmp_path / "pixels").write_bytes(COLOR.tobytes())
        memory = np.memmap(tmp_path / "pixels", np.uint8, "r", shape=COLOR.shape)
        masked = np.ma.masked_array(COLOR, mask=COLOR > 100)
        for source in (locked, memory, masked, COLOR.astype(np.float64) / 255, COLOR[:, ::-1]):
            expected = COLOR[:, ::-1] if source.strides[1] < 0 else COLOR
            np.testing.assert_array_equal(np.asarray(decode(source)), expected)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.5])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
    def test_not_finite(self, value: float, dtype: type) -> None:
        image = np.zeros((3, 4, 3), dtype)
        image[2, 3, 1] = value
        with pytest.raises(ImageError, match="expected floats in"):
            decode(image)

    @pytest.mark.parametrize(
        "dtype", [object, np.int8, np.uint64, np.complex64, "M8[s]", "V4", "S2", [("a", "u1")]]
    )
    def test_wrong_dtypes(self, dtype: Any) -> None:
        with pytest.raises(ImageError, match="expected an array of bool, uint8, uint16 or floats"):
            decode(np.zeros((3, 4), dtype))


class TestWide:
    """Wide images must not need memory proportional to the square of their width."""

    def test_windows(self) -> None:
        window = SlidingWindow(width=20)
        assert len(window.fit_transform([np.zeros((2, 4096), np.uint8)]).boxes) > 2000
        with pytest.raises(SegmentationError, match="4097 columns; windows slide"):
            window.transform([np.zeros((2, 4097), np.uint8)])

    def test_scaling(self) -> None:
        rescale = HeightScaler(height=40).fit([np.zeros((10, 10), np.uint8)])
        with pytest.raises(ImageError, match="4000 x 1 pixels would be resized to 160000 x"):
            rescale.transform([np.zeros((1, 4000), np.uint8)])


class TestPlaces:
    """Paths that point to images, and paths that point to something else."""

    @pytest.mark.parametrize(
        "name", ["ünï☃.png", "two\nlines.png", "tab\t.png", "-n.png", "a;b&c.png", b"\xff\xfe.png"]
    )
    def test_names(self, name: str | bytes, tmp_path: Path) -> None:
        path = tmp_path / os.fsdecode(name)
        path.write_bytes(FILES["PNG RGB"])
        np.testing.assert_array_equal(decode(path), COLOR)
        np.testing.assert_array_equal(decode(str(path)), COLOR)

    def test_paths_that_are_not_regular_files(self, tmp_path: Path) -> None:
        (tmp_path / "loop.png").symlink_to("loop.png")
        (tmp_path / "nowhere.png").symlink_to("missing")
        os.mkfifo(tmp_path / "pipe.png")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "socket.png"))
            (tmp_path / "folder.png").mkdir()
            (tmp_path / "device.png").symlink_to("/dev/zero")
            reasons = {
                "loop.png": "symbolic links",
                "nowhere.png": "no such file",
                "pipe.png": "it is not a regular file",
                "socket.png": "it cannot be read",
                "folder.png": "it is a folder",
                "device.png": "it is not a regular file",
            }
            for name, reason in reasons.items():
                with pytest.raises(ImageError, match=reason):
                    decode(tmp_path / name)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
    def test_files_without_read_permission(self, tmp_path: Path) -> None:
        """Root can read every file, so a process of another user reads it."""
        path = Path("/tmp") / f"skcaptcha-unreadable-{os.getpid()}.png"
        path.write_bytes(FILES["PNG RGB"])
        path.chmod(0)
        script = (
            "import os, sys\nfrom skcaptcha.images import decode\nos.setuid(65534)\n"
            "try:\n    decode(sys.argv[1])\nexcept ValueError as error:\n    print(error)"
        )
        try:
            command = [sys.executable, "-c", script, str(path)]
            said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        finally:
            path.unlink()
        assert said.stdout == f"{path}: it cannot be read (permission denied)\n"

    @pytest.mark.parametrize("change", ["shrinks", "grows", "is rewritten"])
    def test_a_file_that_changes_while_it_is_read(self, change: str, tmp_path: Path) -> None:
        path = tmp_path / "a.bmp"
        path.write_bytes(FILES["BMP"])
        os.utime(path, (0, 0))

        def change_it(n_bytes: int) -> None:
            assert n_bytes == len(FILES["BMP"])
            if change == "shrinks":
                os.truncate(path, n_bytes // 2)
            elif change == "grows":
                with path.open("ab") as file:
                    file.write(b"more")
            else:
                path.write_bytes(bytes(n_bytes))

        with pytest.raises(UnreadableError, match="it changed while it was read; try again"):
            read_regular_file(path, change_it)
