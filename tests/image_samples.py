"""Image files for tests: all formats and kinds of pixels, valid and damaged."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

# A smooth image that JPEG changes little, with few enough colors for a GIF palette.
ROWS, COLUMNS = np.mgrid[:20, :30]
GRAY = (ROWS * 8 + COLUMNS * 2).astype(np.uint8)
COLOR = np.stack([GRAY, 255 - GRAY, GRAY // 2 + 50], axis=-1)
FORMATS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "GIF": {},
    "BMP": {},
    "WEBP": {"lossless": True},
}
_PASSES = [
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
]  # fmt: skip


def encode(image: np.ndarray | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **(FORMATS[kind] | options))
    return file.getvalue()


def over_background(pixels: np.ndarray) -> np.ndarray:
    """Composite in floats, channel by channel: the oracle for transparency."""
    color, alpha = pixels[..., :-1].astype(float), pixels[..., -1:] / 255
    over_white = np.rint(color * alpha + 255 * (1 - alpha))
    weights = [0.299, 0.587, 0.114] if color.shape[-1] == 3 else [1]
    if 0 < alpha.mean() < 0.5:
        luma_of_ink = 255 - ((255 - over_white) @ weights).mean() / alpha.mean()
        if luma_of_ink >= 192:
            over_white = np.rint(color * alpha)
    return over_white.astype(np.uint8).squeeze()


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a PNG file with the given chunks."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def png_header(width: int, height: int, depth: int = 8, color: int = 2, interlaced: int = 0) -> Any:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)


def png_rows(values: np.ndarray, depth: int, *, interlaced: bool = False) -> bytes:
    """Return the uncompressed rows of a PNG file from values of shape (h, w, channels)."""
    rows = b""
    for left, top, right, down in _PASSES if interlaced else [(0, 0, 1, 1)]:
        part = values[top::down, left::right]
        if part.size == 0:
            continue
        bits = np.unpackbits(part.astype(">u2").view(np.uint8).reshape(*part.shape, 2), axis=-1)
        packed = np.packbits(bits[..., 16 - depth :].reshape(len(part), -1), axis=1)
        rows += b"".join(b"\0" + row.tobytes() for row in packed)
    return rows


class Sample(NamedTuple):
    name: str
    content: bytes
    pixels: np.ndarray


def png_suite() -> Iterator[Sample]:
    """PNG files of all color types and depths, with and without interlacing and transparency."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    rng = np.random.default_rng(0)
    for color, n in channels.items():
        for depth in depths[color]:
            for interlaced in (False, True):
                for size in ((9, 11), (1, 1), (3, 2)):
                    for keyed in (False, True) if color in (0, 2, 3) else (False,):
                        # Few values are used, so that some pixels have the transparent color.
                        values = rng.integers(0, 2**depth, (*size, n))
                        values[::2] = values[0, 0]
                        yield _png_sample(values, color, depth, interlaced, keyed)


def _png_sample(
    values: np.ndarray, color: int, depth: int, interlaced: bool, keyed: bool
) -> Sample:
    height, width, n = values.shape
    chunks = [png_header(width, height, depth, color, int(interlaced))]
    # Only the high bytes of 16-bit colors are decoded; other values are scaled to 0-255.
    high_bytes = depth == 16 and n > 1
    shades = values >> 8 if high_bytes else np.rint(values * (255 / (2**depth - 1)))
    key = values[0, 0]
    if color == 3:
        palette = np.random.default_rng(1).integers(0, 256, (2**depth, 4)).astype(np.uint8)
        if not keyed:
            palette[:, 3] = 255
        chunks.append((b"PLTE", palette[:, :3].tobytes()))
        if keyed:
            chunks.append((b"tRNS", palette[:, 3].tobytes()))
        shades = palette[values[..., 0]]
        n = 4
    elif keyed:
        chunks.append((b"tRNS", key.astype(">u2").tobytes()))
    rows = zlib.compress(png_rows(values, depth, interlaced=interlaced))
    # The pixels may be divided into any number of chunks.
    chunks += [(b"IDAT", rows[:7]), (b"IDAT", rows[7:]), (b"IEND", b"")]
    shades = shades.astype(np.uint8)
    if keyed and color != 3:
        shown = ~(values == key).all(axis=2)
        shades, n = np.dstack([shades, shown * np.uint8(255)]), n + 1
    expected = over_background(shades) if n in (2, 4) else shades
    expected = expected.reshape(height, width, 3) if n > 2 else expected.reshape(height, width)
    name = f"type {color}, {depth} bit, {width} x {height}"
    name += ", interlaced" * interlaced + ", transparent" * keyed
    return Sample(name, png(*chunks), expected)


def small_files() -> dict[str, bytes]:
    """Return a small file for each format and kind."""
    color = Image.fromarray(COLOR)
    alpha = Image.fromarray(np.dstack([COLOR, GRAY]))
    palette = color.quantize(16)
    frames = [Image.fromarray(COLOR + np.uint8(40 * k)) for k in range(3)]
    animated: dict[str, Any] = {"save_all": True, "append_images": frames[1:]}
    cmyk = encode(color.convert("CMYK"), "JPEG")
    return {
        "PNG gray": encode(GRAY),
        "PNG RGB": encode(color),
        "PNG RGBA": encode(alpha),
        "PNG palette": encode(palette),
        "PNG 16-bit": encode(GRAY.astype(np.uint16) * 257),
        "PNG interlaced": png(
            png_header(30, 20, interlaced=1),
            (b"IDAT", zlib.compress(png_rows(COLOR, 8, interlaced=True))),
            (b"IEND", b""),
        ),
        "PNG animated": encode(frames[0], **animated),
        "JPEG baseline": encode(color, "JPEG"),
        "JPEG of coarse color": encode(color, "JPEG", subsampling=2),
        "JPEG with restarts": encode(color, "JPEG", restart_marker_blocks=2),
        "JPEG progressive": encode(color, "JPEG", progressive=True),
        "JPEG gray": encode(GRAY, "JPEG"),
        "JPEG CMYK": cmyk,
        # The last byte of Adobe's marker is the color transform.
        "JPEG YCCK": cmyk.replace(b"Adobe\0\x64\0\0\0\0\0", b"Adobe\0\x64\0\0\0\0\2"),
        "GIF": encode(palette, "GIF"),
        "GIF interlaced": encode(palette, "GIF", interlace=1),
        "GIF animated": encode(frames[0].quantize(16), "GIF", **animated),
        "GIF with a comment": encode(palette, "GIF", comment="made by a test " * 40),
        "BMP": encode(color, "BMP"),
        "BMP gray": encode(GRAY, "BMP"),
        "BMP palette": encode(palette, "BMP"),
        "BMP 1-bit": encode(Image.fromarray(GRAY > 100), "BMP"),
        "BMP RGBA": encode(alpha, "BMP"),
        "BMP run-length": bmp_of_runs(),
        "WebP lossy": encode(color, "WEBP", lossless=False),
        "WebP lossless": encode(color, "WEBP"),
        "WebP with alpha": encode(alpha, "WEBP", exact=True),
        "WebP animated": encode(frames[0], "WEBP", **animated),
    }


def bmp_of_runs() -> bytes:
    """Return a BMP file whose rows are run-length encoded."""
    palette = b"".join(bytes([i, 255 - i, i // 2, 0]) for i in range(256))
    runs = b"".join(bytes([15, 3 * row, 15, 100 + 3 * row, 0, 0]) for row in range(20)) + b"\0\1"
    start = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, 30, 20, 1, 8, 1, len(runs), 0, 0, 256, 0)
    file = struct.pack("<2sIHHI", b"BM", start + len(runs), 0, 0, start)
    return file + header + palette + runs


def headers_that_declare(width: int, height: int) -> dict[str, bytes]:
    """Return small files whose headers declare a size, for each format that supports it."""
    jpeg = bytearray(encode(COLOR, "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    bmp = bytearray(encode(COLOR, "BMP"))
    bmp[18:26] = struct.pack("<ii", width, height)
    files = {
        "PNG": png(
            png_header(width, height), (b"IDAT", zlib.compress(bytes(10**5))), (b"IEND", b"")
        ),
        "BMP": bytes(bmp),
    }
    if max(width, height) < 2**16:
        jpeg[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
        gif = bytearray(encode(COLOR, "GIF"))
        place = gif.index(b",\0\0\0\0\x1e\0\x14\0")
        gif[place + 5 : place + 9] = gif[6:10] = struct.pack("<HH", width, height)
        files |= {"JPEG": bytes(jpeg), "GIF": bytes(gif)}
    if max(width, height) <= 2**14:
        webp = bytearray(encode(COLOR, "WEBP"))
        webp[21:25] = struct.pack("<I", max(width - 1, 0) | max(height - 1, 0) << 14)
        lossy = bytearray(encode(COLOR, "WEBP", lossless=False))
        lossy[26:30] = struct.pack("<HH", min(width, 2**14 - 1), min(height, 2**14 - 1))
        files |= {"WebP lossless": bytes(webp), "WebP lossy": bytes(lossy)}
    if min(width, height) == 0:  # their headers contain the size minus 1
        files.pop("WebP lossless", None)
        return files
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    still = encode(COLOR, "WEBP")
    extended = b"WEBPVP8X\x0a\0\0\0\0\0\0\0" + size + still[12:]
    files["WebP extended"] = b"RIFF" + struct.pack("<I", len(extended)) + extended
    return files


def animated_captchas(n=24):
    """GIF files with two frames, each of which shows one of two characters, and their labels."""
    labels = ["ABCD"[k % 4] + "ABCD"[k // 4 % 4] for k in range(n)]
    contents = []
    for k, label in enumerate(labels):
        frames = np.full((2, 12, 16), 255, dtype=np.uint8)
        for i, character in enumerate(label):
            shape = frames[i, 2:10, 8 * i + 2 : 8 * i + 6]
            shape[:, :2] = k  # a stem with up to two arms
            shape[:3, 2:] = k if character in "AB" else 255
            shape[5:, 2:] = k if character in "AC" else 255
        first, second = map(Image.fromarray, frames)
        file = io.BytesIO()
        first.save(file, "GIF", save_all=True, append_images=[second])
        contents.append(file.getvalue())
    return contents, labels
