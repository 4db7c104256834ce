"""Decoding: every format and kind of pixel, the limits, and what bad input says."""

import io
import os
import pickle
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from skcaptcha.denoise import Grey
from skcaptcha.errors import ImageError
from skcaptcha.images import ImageDecoder, Source, decode

# A smooth picture that JPEG hardly changes, with few enough colours for a GIF's palette.
ROWS, COLUMNS = np.mgrid[:20, :30]
GREY = (ROWS * 8 + COLUMNS * 2).astype(np.uint8)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2 + 50], axis=-1)
FORMATS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "JPEG": {"quality": 95, "subsampling": 0},
    "GIF": {},
    "BMP": {},
    "WEBP": {"lossless": True},
}


def encode(image: np.ndarray | Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **(FORMATS[kind] | options))
    return file.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG file that claims a size and then ends."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    end = b"IDAT"
    chunks = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, end)
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def over_white(pixels: np.ndarray) -> np.ndarray:
    """Composite in floats, channel by channel: the oracle for transparency."""
    colour, alpha = pixels[..., :-1].astype(float), pixels[..., -1:] / 255
    return np.rint(colour * alpha + 255 * (1 - alpha)).astype(np.uint8).squeeze()


def assert_image(image: np.ndarray, expected: np.ndarray) -> None:
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, expected)


class TestFormats:
    @pytest.mark.parametrize("kind", FORMATS)
    def test_colour_file(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "captcha.of_no_known_suffix"
        path.write_bytes(encode(COLOUR, kind))
        image = decode(path)
        assert (image.shape, image.dtype) == (COLOUR.shape, np.uint8)
        error = np.abs(image.astype(int) - COLOUR)
        assert error.max() <= (4 if kind == "JPEG" else 0)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP"])
    def test_grey_file(self, kind: str) -> None:
        # A GIF has a palette, and Pillow takes it for grey where entry i is the grey i.
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16) if kind == "GIF" else GREY
        image = decode(encode(ramp, kind))
        assert image.shape == ramp.shape
        assert np.abs(image.astype(int) - ramp).max() <= (2 if kind == "JPEG" else 0)

    @pytest.mark.parametrize("suffix", [".png", ".bmp"])
    def test_agrees_with_opencv(self, suffix: str) -> None:
        """A file written by another library."""
        content = cv2.imencode(suffix, COLOUR[..., ::-1])[1].tobytes()
        assert_image(decode(content), COLOUR)

    def test_wrong_suffix(self, tmp_path: Path) -> None:
        path = tmp_path / "captcha.jpg"
        path.write_bytes(encode(GREY, "PNG"))
        assert_image(decode(path), GREY)

    def test_every_kind_of_source(self, tmp_path: Path) -> None:
        content = encode(COLOUR)
        path = tmp_path / "ünïcode ☃.png"
        path.write_bytes(content)
        sources: list[Source] = [path, str(path), content, bytearray(content), memoryview(content)]
        with Image.open(path) as lazy:
            for source in [*sources, lazy, Image.fromarray(COLOUR), COLOUR]:
                assert_image(decode(source), COLOUR)

    def test_first_frame(self) -> None:
        black, white = Image.new("L", (30, 20), 0), Image.new("L", (30, 20), 255)
        for kind in ("GIF", "WEBP"):
            content = encode(black, kind, save_all=True, append_images=[white])
            assert decode(content).max() == 0

    def test_exif_orientation_is_not_applied(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        assert decode(encode(COLOUR, "JPEG", exif=exif)).shape == COLOUR.shape

    def test_cmyk(self) -> None:
        content = encode(Image.new("CMYK", (30, 20), (0, 255, 255, 0)), "JPEG")
        red = np.broadcast_to(np.array([255, 0, 0], np.uint8), (20, 30, 3))
        np.testing.assert_allclose(decode(content), red, atol=3)


class TestDepth:
    def test_1_bit(self) -> None:
        ink = GREY > 100
        expected = np.where(ink, 255, 0)
        for source in (ink, Image.fromarray(ink), encode(ink), encode(ink, "BMP")):
            assert_image(decode(source), expected)

    def test_16_bit(self) -> None:
        values = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
        expected = np.rint(values / 257)
        big_endian = values.astype(">u2")
        for source in (values, big_endian, encode(values), Image.fromarray(values.astype("i4"))):
            assert_image(decode(source), expected)

    def test_16_bit_colour_array(self) -> None:
        assert_image(decode(COLOUR.astype(np.uint16) * 257), COLOUR)

    def test_16_bit_colour_file(self) -> None:
        values = COLOUR.astype(np.uint16) * 257
        assert_image(decode(cv2.imencode(".png", values[..., ::-1])[1].tobytes()), COLOUR)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_floats(self, dtype: type) -> None:
        assert_image(decode((COLOUR / 255).astype(dtype)), COLOUR)
        assert_image(decode(Image.fromarray((GREY / 255).astype(np.float32))), GREY)

    @pytest.mark.parametrize("value", [-1e-6, 1 + 1e-6, 255, np.nan, np.inf])
    def test_floats_out_of_range(self, value: float) -> None:
        image = np.full((2, 3), 0.5)
        image[1, 1] = value
        with pytest.raises(ImageError, match=r"floats were expected in \[0, 1\]"):
            decode(image)

    @pytest.mark.parametrize("value", [-1, 65536])
    def test_integers_out_of_range(self, value: int) -> None:
        with pytest.raises(ImageError, match=r"integers were expected in \[0, 65535\]"):
            decode(Image.new("I", (3, 2), value))


class TestTransparency:
    @given(
        npst.arrays(
            np.uint8,
            st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([2, 4])),
        )
    )
    def test_alpha_over_white(self, pixels: np.ndarray) -> None:
        expected = over_white(pixels).reshape(decode(pixels).shape)
        assert_image(decode(pixels), expected)
        picture = Image.fromarray(pixels)  # LA or RGBA
        assert_image(decode(picture), expected)
        assert_image(decode(encode(picture)), expected)

    def test_webp(self) -> None:
        pixels = np.dstack([COLOUR, GREY])
        assert_image(decode(encode(pixels, "WEBP", exact=True)), over_white(pixels))

    def palette(self) -> tuple[Image.Image, np.ndarray, np.ndarray]:
        """A palette image, the index of every pixel, and the palette's colours."""
        indices = (ROWS + COLUMNS).astype(np.uint8) % 4
        colours = np.array([[255, 0, 0], [0, 200, 0], [0, 0, 100], [7, 7, 7]], np.uint8)
        picture = Image.fromarray(indices)
        picture.putpalette(colours.tobytes())
        return picture, indices, colours

    def test_palette_is_colour(self) -> None:
        picture, indices, colours = self.palette()
        for source in (picture, encode(picture), encode(picture, "GIF"), encode(picture, "BMP")):
            assert_image(decode(source), colours[indices])

    @pytest.mark.parametrize("kind", ["PNG", "GIF"])
    def test_palette_with_one_transparent_colour(self, kind: str) -> None:
        picture, indices, colours = self.palette()
        colours[2] = 255
        assert_image(decode(encode(picture, kind, transparency=2)), colours[indices])

    def test_palette_with_alpha(self) -> None:
        picture, indices, colours = self.palette()
        alpha = np.array([0, 128, 255, 33], np.uint8)
        expected = over_white(np.column_stack([colours, alpha])[indices])
        content = encode(picture, transparency=alpha.tobytes())
        assert_image(decode(content), expected)
        with Image.open(io.BytesIO(content)) as in_memory:
            assert_image(decode(in_memory), expected)
            assert_image(decode(in_memory.convert("PA")), expected)

    def test_one_transparent_grey(self) -> None:
        key = GREY[3, 4]
        content = encode(GREY, transparency=int(key))
        assert_image(decode(content), np.where(key == GREY, 255, GREY))

    def test_one_transparent_16_bit_grey(self) -> None:
        key = GREY[3, 4]
        content = encode(GREY.astype(np.uint16) * 257, transparency=int(key) * 257)
        assert_image(decode(content), np.where(key == GREY, 255, GREY))

    def test_one_transparent_colour(self) -> None:
        key = COLOUR[3, 4]
        content = encode(COLOUR, transparency=tuple(int(value) for value in key))
        is_key = (key == COLOUR).all(axis=2, keepdims=True)
        assert_image(decode(content), np.where(is_key, 255, COLOUR))


class TestArrays:
    @given(
        npst.arrays(
            np.uint8,
            st.tuples(st.integers(1, 6), st.integers(1, 6))
            | st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3)),
        )
    )
    def test_uint8_is_not_copied(self, image: np.ndarray) -> None:
        assert decode(image) is image

    def test_one_channel_is_grey(self) -> None:
        image = decode(GREY[..., None])
        assert_image(image, GREY)
        assert np.shares_memory(image, GREY)

    def test_strided_becomes_contiguous(self) -> None:
        assert_image(decode(COLOUR[::-2, :, ::-1]), COLOUR[::-2, :, ::-1])

    @pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
    @pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.float32])
    def test_input_is_not_changed(self, channels: tuple[int, ...], dtype: type) -> None:
        image: np.ndarray = np.random.default_rng(0).integers(0, 2, (4, 5, *channels)).astype(dtype)
        before = image.copy()
        decode(image)
        np.testing.assert_array_equal(image, before)

    @pytest.mark.parametrize("shape", [(), (4,), (4, 5, 0), (4, 5, 5), (2, 4, 5, 3)])
    def test_wrong_shape(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ImageError, match="expected an array of shape"):
            decode(np.zeros(shape, np.uint8))

    @pytest.mark.parametrize("shape", [(0, 5), (5, 0), (0, 5, 3)])
    @pytest.mark.parametrize("dtype", [np.uint8, float])
    def test_no_pixels(self, shape: tuple[int, ...], dtype: type) -> None:
        with pytest.raises(ImageError, match="no pixels"):
            decode(np.zeros(shape, dtype))

    @pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint32, complex, object, "U3"])
    def test_wrong_dtype(self, dtype: Any) -> None:
        with pytest.raises(ImageError, match="expected an array of bool, uint8, uint16 or floats"):
            decode(np.zeros((4, 5), dtype))


class TestBadInput:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "it is empty"),
            (b"<!DOCTYPE html>", "not a PNG, JPEG, GIF, BMP or WebP image: it begins with b'<!DOC"),
            (b"II*\x00\x08\x00\x00\x00", "it is not a PNG"),
            (encode(GREY)[:60], "damaged or truncated PNG"),
            (encode(GREY, "JPEG")[:-50], "damaged or truncated JPEG"),
            (b"\xff\xd8\xff", "damaged or truncated JPEG"),
            (png_header(20_000, 20_000), "20000 x 20000 pixels, more than the limit max_pixels"),
            (png_header(2**31 - 1, 1), "2147483647 x 1 pixels, more than the limit max_pixels"),
            (b"BM" + bytes(32 * 2**20), "33554434 bytes, more than the limit max_bytes=16777216"),
        ],
        ids=["empty", "page", "tiff", "png", "jpeg", "only-start", "huge", "wide", "heavy"],
    )
    def test_content(self, content: bytes, reason: str, tmp_path: Path) -> None:
        path = tmp_path / "captcha.png"
        path.write_bytes(content)
        for source, name in ((path, str(path)), (str(path), str(path)), (content, "the image")):
            with pytest.raises(ImageError) as caught:
                decode(source)
            assert caught.value.source == name
            assert reason in caught.value.reason
            assert "\n" not in str(caught.value)

    def test_huge_webp(self) -> None:
        """Its header claims 16384 x 16384 pixels, which Pillow itself refuses."""
        content = bytearray(encode(COLOUR, "WEBP"))
        content[21:25] = struct.pack("<I", 2**28 - 1)
        with pytest.raises(ImageError, match=r"too many pixels|more than the limit"):
            decode(content)

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match=r"a\.png: there is no such file"):
            decode(tmp_path / "a.png")

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="it is a folder"):
            decode(tmp_path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(ImageError, match="not a regular file"):
            decode(tmp_path / "pipe.png")

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="every file is readable here"
    )
    def test_unreadable(self, tmp_path: Path) -> None:
        path = tmp_path / "secret.png"
        path.write_bytes(encode(GREY))
        path.chmod(0)
        with pytest.raises(ImageError, match="permission denied"):
            decode(path)

    @pytest.mark.parametrize("name", ["a\0b.png", "a" * 5000])
    def test_impossible_path(self, name: str) -> None:
        with pytest.raises(ImageError, match="it cannot be read"):
            decode(name)

    @pytest.mark.parametrize("source", [None, 3, [[0, 1], [2, 3]]])
    def test_wrong_type(self, source: Any) -> None:
        with pytest.raises(ImageError, match=f"found {type(source).__name__}"):
            decode(source)

    def test_limits_are_inclusive(self) -> None:
        content = encode(COLOUR)
        within = {"max_bytes": len(content), "max_pixels": 600}
        assert_image(decode(content, **within), COLOUR)
        for name, limit in within.items():
            with pytest.raises(ImageError, match=f"more than the limit {name}={limit - 1}"):
                decode(content, **(within | {name: limit - 1}))

    def test_pixel_limit_holds_for_images_in_memory(self) -> None:
        for source in (COLOUR, Image.fromarray(COLOUR)):
            with pytest.raises(ImageError, match="30 x 20 pixels"):
                decode(source, max_pixels=599)

    @pytest.mark.parametrize("kind", FORMATS)
    def test_truncated_anywhere(self, kind: str) -> None:
        """A cut file is refused, unless nothing was lost but its last mark."""
        content = encode(COLOUR, kind)
        whole = decode(content)
        refused = 0
        for length in range(len(content)):
            try:
                image = decode(content[:length])
            except ImageError:
                refused += 1
            else:
                np.testing.assert_array_equal(image, whole)
        end_of_png = 4 + 4 + 12  # the checksums of the pixels, and the chunk IEND
        assert refused >= len(content) - end_of_png

    @pytest.mark.parametrize("kind", FORMATS)
    @given(data=st.data())
    def test_damaged_anywhere(self, kind: str, data: st.DataObject) -> None:
        content = bytearray(encode(COLOUR, kind))
        place = st.integers(0, len(content) - 1)
        for _ in range(data.draw(st.integers(1, 4))):
            begin, end = sorted((data.draw(place), data.draw(place)))
            match data.draw(st.sampled_from(["change", "lose", "repeat", "begin anew"])):
                case "change":
                    content[begin : begin + 1] = bytes([data.draw(st.integers(0, 255))])
                case "lose":
                    del content[begin:end]
                case "repeat":
                    content[begin:begin] = content[begin:end]
                case "begin anew":
                    content = content[:begin] + content
            content = content or bytearray(1)
        try:
            image = decode(content, max_pixels=10_000)
        except ImageError:
            return
        assert image.dtype == np.uint8
        assert image.ndim == 2 or image.shape[2:] == (3,)
        # No decoder takes for whole what another one refuses, and both see the same.
        np.testing.assert_array_equal(image, decode(Image.open(io.BytesIO(content))))

    def test_a_file_that_was_begun_anew(self) -> None:
        for kind in ("PNG", "JPEG"):
            content = encode(COLOUR, kind)
            with pytest.raises(ImageError, match="damaged or truncated"):
                decode(content[: len(content) // 2] + content)

    def test_rows_that_are_missing_in_a_whole_file(self) -> None:
        rows = zlib.compress(b"".join(b"\0" + bytes(30) for _ in range(10)))
        with pytest.raises(ImageError, match="its pixels are incomplete"):
            decode(png((30, 20, 8, 0, 0, 0, 0), rows))

    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    def test_a_cut_file_is_named_by_nobody_but_us(self, kind: str, capfd: Any) -> None:
        content = encode(COLOUR, kind)
        broken = bytearray(content)
        broken[len(content) // 2] ^= 0x55
        for damaged in (content[: len(content) // 2], content[:-3], bytes(broken)):
            with suppress(ImageError):
                decode(damaged)
        assert capfd.readouterr().err == ""


def png(header: tuple[int, ...], rows: bytes) -> bytes:
    """A PNG file of given chunks."""
    parts = [b"IHDR" + struct.pack(">IIBBBBB", *header), b"IDAT" + rows, b"IEND"]
    chunks = (
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part))
        for part in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


MODES = {"1": (2, ()), "L": (256, ()), "LA": (256, (2,)), "RGB": (256, (3,)), "RGBA": (256, (4,))}


@pytest.mark.parametrize("kind", FORMATS)
def test_to_grey(kind: str) -> None:
    luma = COLOUR @ [0.299, 0.587, 0.114]
    grey = decode(encode(COLOUR, kind), grey=True)
    assert grey.shape == luma.shape
    assert np.abs(grey - luma).max() <= (4 if kind == "JPEG" else 1)
    np.testing.assert_array_equal(ImageDecoder(grey=True).transform([COLOUR])[0], grey_of(COLOUR))
    np.testing.assert_array_equal(decode(GREY, grey=True), GREY)


def grey_of(image: np.ndarray) -> np.ndarray:
    return Grey().fit_transform([image])[0]


class TestPlainKinds:
    """The commonest kinds have a decoder of their own; Pillow's is the oracle."""

    @pytest.mark.parametrize("mode", MODES)
    @given(data=st.data())
    def test_png(self, mode: str, data: st.DataObject) -> None:
        image = draw_image(data, mode)
        options = {"compress_level": data.draw(st.integers(0, 9)), "optimize": True}
        options["interlace"] = data.draw(st.booleans())
        self.check(image, "PNG", **options)

    @pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
    @given(data=st.data())
    def test_jpeg(self, mode: str, data: st.DataObject) -> None:
        image = draw_image(data, "RGB").convert(mode)
        options = {
            "quality": data.draw(st.integers(1, 100)),
            "progressive": data.draw(st.booleans()),
            "subsampling": data.draw(st.sampled_from([0, 1, 2])),
            "restart_marker_blocks": data.draw(st.sampled_from([0, 1])),
            "comment": b"IDAT \xff\xd9",
        }
        self.check(image, "JPEG", **options)

    @pytest.mark.parametrize("mode", ["L", "RGB"])
    @given(data=st.data())
    def test_jpeg_to_grey(self, mode: str, data: st.DataObject) -> None:
        """Both libraries can decode luma alone."""
        image = draw_image(data, "RGB").convert(mode)
        subsampling = data.draw(st.sampled_from([0, 1, 2]))
        content = encode(image, "JPEG", subsampling=subsampling)
        luma = JpegImageFile(io.BytesIO(content))
        luma.draft("L", luma.size)
        assert luma.mode == "L"
        np.testing.assert_array_equal(decode(content, grey=True), np.asarray(luma))

    @pytest.mark.parametrize("bits", [1, 2, 4])
    def test_shades_of_few_bits(self, bits: int) -> None:
        """All rows are alike and hold each shade in turn."""
        shades = np.tile(np.arange(2**bits, dtype=np.uint8), 8)[: 8 * 2**bits // 2]
        packed = np.packbits(np.unpackbits(shades[:, None], axis=1)[:, -bits:]).tobytes()
        rows = zlib.compress((b"\0" + packed) * 3)
        image = decode(png((len(shades), 3, bits, 0, 0, 0, 0), rows))
        np.testing.assert_array_equal(image, np.tile(shades * (255 // (2**bits - 1)), (3, 1)))

    @pytest.mark.parametrize("bits", [1, 2, 4, 8])
    def test_few_colours(self, bits: int) -> None:
        image = Image.fromarray(GREY).quantize(2**bits)
        self.check(image, "PNG", bits=bits)
        self.check(image, "PNG", bits=bits, transparency=0)

    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_transparent_colour_behind_a_text(self, mode: str) -> None:
        image = Image.fromarray(COLOUR).convert(mode)
        info = PngInfo()
        info.add_text("Comment", "IDAT")
        pixel = image.getpixel((3, 3))
        content = self.check(image, "PNG", pnginfo=info, transparency=pixel)
        assert (decode(content)[3, 3] == 255).all()

    def test_animation(self) -> None:
        frames = [Image.fromarray(COLOUR + np.uint8(k)) for k in range(2)]
        self.check(frames[0], "PNG", save_all=True, append_images=frames[1:])

    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_orientation(self, kind: str, orientation: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        self.check(Image.fromarray(COLOUR), kind, exif=exif)

    def check(self, image: Image.Image, kind: str, **options: Any) -> bytes:
        file = io.BytesIO()
        image.save(file, kind, **options)
        expected = decode(Image.open(file))
        found = decode(file.getvalue())
        np.testing.assert_array_equal(found, expected)
        return file.getvalue()


def draw_image(data: st.DataObject, mode: str) -> Image.Image:
    levels, channels = MODES[mode]
    side = st.integers(1, 20)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    shape = (data.draw(side), data.draw(side), *channels)
    pixels = rng.integers(0, levels, shape, dtype=np.uint8)
    if mode == "1":
        return Image.fromarray(pixels * np.uint8(255)).convert("1")
    if mode.endswith("A") and data.draw(st.booleans()):
        pixels[..., -1] = 255
    return Image.fromarray(pixels, mode)


class TestPillowState:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP"])
    def test_process_wide_limit_is_not_ours(
        self, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        assert decode(encode(COLOUR, kind)).shape == COLOUR.shape

    def test_damaged_metadata_is_not_warned_of(self) -> None:
        """The EXIF block announces five entries, and ends in the first."""
        exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\x01\0"
        marker = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        content = encode(COLOUR, "JPEG")
        content = content[:2] + marker + content[20:]
        with pytest.warns(UserWarning, match="Corrupt EXIF"):
            JpegImageFile(io.BytesIO(content))
        assert decode(content).shape == COLOUR.shape


class TestImageDecoder:
    def test_mixed_batch(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(encode(GREY))
        batches: tuple[Sequence[Source], ...] = (
            [path, encode(COLOUR), COLOUR],
            (str(path), bytearray(encode(COLOUR)), Image.fromarray(COLOUR)),
        )
        for batch in batches:
            images = ImageDecoder().transform(batch)
            for image, expected in zip(images, [GREY, COLOUR, COLOUR], strict=True):
                assert_image(image, expected)

    @pytest.mark.parametrize("dtype", [object, str])
    def test_array_of_paths(self, dtype: type, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(encode(GREY))
        images = ImageDecoder().fit_transform(np.array([str(path)] * 2, dtype=dtype))
        np.testing.assert_array_equal(images, [GREY, GREY])

    def test_ragged_object_array(self) -> None:
        batch = np.empty(2, object)
        batch[:] = [GREY, COLOUR]
        assert [image.shape for image in ImageDecoder().transform(batch)] == [(20, 30), (20, 30, 3)]

    @pytest.mark.parametrize("image", [GREY, COLOUR])
    def test_array_batch_is_not_copied(self, image: np.ndarray) -> None:
        batch = np.stack([image, image])
        images = ImageDecoder().fit_transform(batch)
        assert isinstance(images, list)
        assert all(np.shares_memory(image, batch) for image in images)
        np.testing.assert_array_equal(images, batch)

    @pytest.mark.parametrize(
        "single",
        [
            "a.png",
            Path("a.png"),
            encode(GREY),
            Image.fromarray(GREY),
            GREY,
            COLOUR,
            GREY[..., None],
        ],
        ids=lambda single: type(single).__name__,
    )
    def test_single_image(self, single: Any) -> None:
        for method in (ImageDecoder().fit, ImageDecoder().transform):
            with pytest.raises(ImageError, match=r"X: .* a single image.*wrap it in a list"):
                method(single)

    @pytest.mark.parametrize("X", [None, 3, {"a.png"}, {"a.png": 1}, iter(["a.png"])])
    def test_not_a_sequence(self, X: Any) -> None:
        with pytest.raises(ImageError, match="X: expected a list of images or an array, found"):
            ImageDecoder().fit(X)

    @pytest.mark.parametrize("shape", [(), (7,), (1, 2, 5, 5, 3)])
    def test_wrong_array(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ImageError, match="X: expected an array of shape"):
            ImageDecoder().fit(np.zeros(shape))

    def test_error_names_the_path(self, tmp_path: Path) -> None:
        for path in (tmp_path / "missing.png", str(tmp_path / "missing.png")):
            with pytest.raises(ImageError) as caught:
                ImageDecoder().transform([GREY, path])
            assert caught.value.source == str(path)

    @pytest.mark.parametrize("bad", [b"", b"no image", np.zeros(3), None])
    def test_error_names_the_position(self, bad: Any) -> None:
        with pytest.raises(ImageError) as caught:
            ImageDecoder().transform([GREY, GREY, GREY, bad])
        assert caught.value.source == "image 3"

    def test_error_survives_pickling(self) -> None:
        with pytest.raises(ImageError) as caught:
            ImageDecoder().transform([b""])
        assert str(pickle.loads(pickle.dumps(caught.value))) == "image 0: it is empty"

    def test_one_that_was_pickled_before_it_could_give_grey(self) -> None:
        decoder = ImageDecoder()
        del decoder.__dict__["grey"]
        assert pickle.loads(pickle.dumps(decoder)).transform([COLOUR])[0].shape == COLOUR.shape
        assert clone(decoder).get_params() == ImageDecoder().get_params()

    @pytest.mark.parametrize("name", ["max_bytes", "max_pixels"])
    @pytest.mark.parametrize("value", [0, -1, 1.5, "many", None])
    def test_wrong_parameter(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=f"The '{name}' parameter of ImageDecoder must be"):
            ImageDecoder(**{name: value}).fit([GREY])

    def test_limits_are_passed_on(self) -> None:
        with pytest.raises(ImageError, match="max_pixels=599"):
            ImageDecoder(max_pixels=599).transform([COLOUR])
        with pytest.raises(ImageError, match="max_bytes=5"):
            ImageDecoder(max_bytes=5).transform([encode(COLOUR)])

    def test_is_an_estimator(self) -> None:
        decoder = clone(ImageDecoder(max_bytes=7)).set_params(max_pixels=9)
        assert decoder.get_params() == {"grey": False, "max_bytes": 7, "max_pixels": 9}
        check_is_fitted(decoder)
        images = make_pipeline(ImageDecoder()).fit_transform([GREY], ["label"])
        np.testing.assert_array_equal(images, [GREY])


@pytest.mark.real
def test_real_images(real_data: Path) -> None:
    """Wrong suffixes, palettes and transparency, as sites make them."""
    shapes = {
        "lines": {(30, 120, 3)},
        "dchest": {(80, 240, 3)},
        "zhengfang": {(27, 72, 3)},
        "really_simple": {(24, 72)},
        "shifted_digits": {(25, 80)},
    }
    for scheme, expected in shapes.items():
        files = (real_data / scheme / "dev").iterdir()
        paths = [path for path in files if path.suffix in (".png", ".jpg")]
        images = ImageDecoder().fit_transform(paths)
        assert {image.shape for image in images} == expected
        assert all(np.median(image) > 127 for image in images), "the ground is light"
