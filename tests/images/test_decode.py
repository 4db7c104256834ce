"""decode: all formats and kinds of pixels, limits, and the errors of bad input."""

import io
import os
import struct
import zlib
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

from image_samples import (
    COLOR,
    COLUMNS,
    FORMATS,
    GRAY,
    ROWS,
    encode,
    over_background,
    png,
    png_header,
)
from skcaptcha.denoise import Grayscale
from skcaptcha.exceptions import ImageError
from skcaptcha.images import ImageDecoder, Source, decode


def assert_image(image: np.ndarray, expected: np.ndarray) -> None:
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, expected)


class TestFormats:
    @pytest.mark.parametrize("kind", FORMATS)
    def test_color_file(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "captcha.of_no_known_suffix"
        path.write_bytes(encode(COLOR, kind))
        image = decode(path)
        assert (image.shape, image.dtype) == (COLOR.shape, np.uint8)
        error = np.abs(image.astype(int) - COLOR)
        assert error.max() <= (4 if kind == "JPEG" else 0)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP"])
    def test_gray_file(self, kind: str) -> None:
        # A GIF has a palette, which Pillow considers gray if entry i is the gray level i.
        ramp = np.arange(256, dtype=np.uint8).reshape(16, 16) if kind == "GIF" else GRAY
        image = decode(encode(ramp, kind))
        assert image.shape == ramp.shape
        assert np.abs(image.astype(int) - ramp).max() <= (2 if kind == "JPEG" else 0)

    @pytest.mark.parametrize("suffix", [".png", ".bmp"])
    def test_agrees_with_opencv(self, suffix: str) -> None:
        """The file is written by another library."""
        content = cv2.imencode(suffix, COLOR[..., ::-1])[1].tobytes()
        assert_image(decode(content), COLOR)

    def test_wrong_suffix(self, tmp_path: Path) -> None:
        path = tmp_path / "captcha.jpg"
        path.write_bytes(encode(GRAY, "PNG"))
        assert_image(decode(path), GRAY)

    def test_every_kind_of_source(self, tmp_path: Path) -> None:
        content = encode(COLOR)
        path = tmp_path / "ünïcode ☃.png"
        path.write_bytes(content)
        sources: list[Source] = [path, str(path), content, bytearray(content), memoryview(content)]
        with Image.open(path) as lazy:
            for source in [*sources, lazy, Image.fromarray(COLOR), COLOR]:
                assert_image(decode(source), COLOR)

    def test_first_frame(self) -> None:
        black, white = Image.new("L", (30, 20), 0), Image.new("L", (30, 20), 255)
        for kind in ("GIF", "WEBP"):
            content = encode(black, kind, save_all=True, append_images=[white])
            assert decode(content).max() == 0

    def test_exif_orientation_is_ignored(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        assert decode(encode(COLOR, "JPEG", exif=exif)).shape == COLOR.shape

    def test_cmyk(self) -> None:
        content = encode(Image.new("CMYK", (30, 20), (0, 255, 255, 0)), "JPEG")
        red = np.broadcast_to(np.array([255, 0, 0], np.uint8), (20, 30, 3))
        np.testing.assert_allclose(decode(content), red, atol=3)


class TestDepth:
    def test_1_bit(self) -> None:
        ink = GRAY > 100
        expected = np.where(ink, 255, 0)
        for source in (ink, Image.fromarray(ink), encode(ink), encode(ink, "BMP")):
            assert_image(decode(source), expected)

    def test_16_bit(self) -> None:
        values = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
        expected = np.rint(values / 257)
        big_endian = values.astype(">u2")
        for source in (values, big_endian, encode(values), Image.fromarray(values.astype("i4"))):
            assert_image(decode(source), expected)

    def test_16_bit_color_array(self) -> None:
        assert_image(decode(COLOR.astype(np.uint16) * 257), COLOR)

    def test_16_bit_color_file(self) -> None:
        values = COLOR.astype(np.uint16) * 257
        assert_image(decode(cv2.imencode(".png", values[..., ::-1])[1].tobytes()), COLOR)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_floats(self, dtype: type) -> None:
        assert_image(decode((COLOR / 255).astype(dtype)), COLOR)
        assert_image(decode(Image.fromarray((GRAY / 255).astype(np.float32))), GRAY)

    @pytest.mark.parametrize("value", [-1e-6, 1 + 1e-6, 255, np.nan, np.inf])
    def test_floats_out_of_range(self, value: float) -> None:
        image = np.full((2, 3), 0.5)
        image[1, 1] = value
        with pytest.raises(ImageError, match=r"expected floats in \[0, 1\]"):
            decode(image)

    @pytest.mark.parametrize("pixels", [GRAY, COLOR, GRAY // 255 + 1])
    def test_8_bit_values_of_16_bit_types(self, pixels: np.ndarray) -> None:
        """The image would be black; the error explains how to convert it."""
        wide = pixels.astype(np.uint16)
        sources: list[Any] = [wide, wide.astype(">u2")]
        if pixels.ndim == 2:
            picture = Image.fromarray(wide)
            sources += [picture, picture.convert("I"), Image.fromarray(wide.astype(np.int32))]
        for image in sources:
            with pytest.raises(ImageError, match=r"16-bit values .* which is black; if 255 is"):
                decode(image)
            assert_image(decode(np.asarray(image).astype("uint8")), pixels)

    def test_black_of_16_bits(self) -> None:
        black = np.zeros((3, 4), np.uint16)
        for source in (black, Image.fromarray(black), encode(black)):
            assert_image(decode(source), black)

    @pytest.mark.parametrize("value", [-1, 65536])
    def test_integers_out_of_range(self, value: int) -> None:
        with pytest.raises(ImageError, match=r"expected integers in \[0, 65535\]"):
            decode(Image.new("I", (3, 2), value))


class TestTransparency:
    @given(
        npst.arrays(
            np.uint8,
            st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([2, 4])),
        )
    )
    def test_alpha(self, pixels: np.ndarray) -> None:
        expected = over_background(pixels).reshape(decode(pixels).shape)
        assert_image(decode(pixels), expected)
        picture = Image.fromarray(pixels)  # LA or RGBA
        assert_image(decode(picture), expected)
        assert_image(decode(encode(picture)), expected)

    def test_every_value_at_every_opacity(self) -> None:
        values, alpha = np.mgrid[:256, :256]
        image = decode(np.dstack([values, alpha]).astype(np.uint8))
        assert_image(image, (values * alpha + 255 * (255 - alpha) + 127) // 255)

    @pytest.mark.parametrize("ink", [(255, 255, 255), (255, 255, 0), (200, 200, 200)])
    def test_light_ink_is_composited_over_black(self, ink: tuple[int, int, int]) -> None:
        """Light ink would be almost or completely invisible on white."""
        pixels = np.zeros((20, 60, 4), np.uint8)
        pixels[5:15, 10:30] = pixels[7:9, 40:50] = [*ink, 255]
        expected = pixels[..., :3]
        palette = Image.fromarray(pixels[..., 3] // 255)
        palette.putpalette([0, 0, 0, *ink])
        files = [encode(palette, kind, transparency=0) for kind in ("PNG", "GIF")]
        for source in (pixels, encode(pixels), *files, encode(pixels, "WEBP", exact=True)):
            assert_image(decode(source), expected)
        assert_image(decode(pixels[..., [0, 3]]), expected[..., 0])

    @pytest.mark.parametrize("ink", [(0, 0, 0), (200, 0, 0), (0, 255, 255), (150, 150, 150)])
    def test_darker_ink_is_composited_over_white(self, ink: tuple[int, int, int]) -> None:
        pixels = np.zeros((20, 60, 4), np.uint8)
        pixels[5:15, 10:30] = pixels[7:9, 40:50] = [*ink, 255]
        assert_image(decode(pixels), np.where(pixels[..., 3:] == 255, ink, 255))

    def test_a_light_background_with_transparent_corners_stays_white(self) -> None:
        pixels = np.full((20, 60, 4), 255, np.uint8)
        pixels[5:15, 10:30, :3] = 0
        pixels[:2, :2] = pixels[-2:, -2:] = 0
        assert_image(decode(pixels), np.where(pixels[..., 3:] == 255, pixels[..., :3], 255))

    def test_webp(self) -> None:
        pixels = np.dstack([COLOR, GRAY])
        assert_image(decode(encode(pixels, "WEBP", exact=True)), over_background(pixels))

    def palette(self) -> tuple[Image.Image, np.ndarray, np.ndarray]:
        """A palette image, the palette index of every pixel, and the palette's colors."""
        indices = (ROWS + COLUMNS).astype(np.uint8) % 4
        colors = np.array([[255, 0, 0], [0, 200, 0], [0, 0, 100], [7, 7, 7]], np.uint8)
        picture = Image.fromarray(indices)
        picture.putpalette(colors.tobytes())
        return picture, indices, colors

    def test_palette_is_color(self) -> None:
        picture, indices, colors = self.palette()
        for source in (picture, encode(picture), encode(picture, "GIF"), encode(picture, "BMP")):
            assert_image(decode(source), colors[indices])

    @pytest.mark.parametrize("kind", ["PNG", "GIF"])
    def test_palette_with_one_transparent_color(self, kind: str) -> None:
        picture, indices, colors = self.palette()
        colors[2] = 255
        assert_image(decode(encode(picture, kind, transparency=2)), colors[indices])

    def test_palette_with_alpha(self) -> None:
        picture, indices, colors = self.palette()
        alpha = np.array([0, 128, 255, 33], np.uint8)
        expected = over_background(np.column_stack([colors, alpha])[indices])
        content = encode(picture, transparency=alpha.tobytes())
        assert_image(decode(content), expected)
        with Image.open(io.BytesIO(content)) as in_memory:
            assert_image(decode(in_memory), expected)
            assert_image(decode(in_memory.convert("PA")), expected)

    def test_one_transparent_gray(self) -> None:
        key = GRAY[3, 4]
        content = encode(GRAY, transparency=int(key))
        assert_image(decode(content), np.where(key == GRAY, 255, GRAY))

    def test_one_transparent_16_bit_gray(self) -> None:
        key = GRAY[3, 4]
        content = encode(GRAY.astype(np.uint16) * 257, transparency=int(key) * 257)
        assert_image(decode(content), np.where(key == GRAY, 255, GRAY))

    def test_one_transparent_color(self) -> None:
        key = COLOR[3, 4]
        content = encode(COLOR, transparency=tuple(int(value) for value in key))
        is_key = (key == COLOR).all(axis=2, keepdims=True)
        assert_image(decode(content), np.where(is_key, 255, COLOR))


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

    def test_one_channel_is_gray(self) -> None:
        image = decode(GRAY[..., None])
        assert_image(image, GRAY)
        assert np.shares_memory(image, GRAY)

    def test_strided_becomes_contiguous(self) -> None:
        assert_image(decode(COLOR[::-2, :, ::-1]), COLOR[::-2, :, ::-1])

    @pytest.mark.parametrize("channels", [(), (1,), (2,), (3,), (4,)])
    @pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.float32])
    def test_input_is_not_changed(self, channels: tuple[int, ...], dtype: type) -> None:
        image: np.ndarray = np.random.default_rng(0).integers(0, 2, (4, 5, *channels)).astype(dtype)
        if dtype == np.uint16:
            image *= 65535
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
            (b"", "the file is empty"),
            (b"<!DOCTYPE html>", "not a PNG, JPEG, GIF, BMP or WebP image: it begins with b'<!DOC"),
            (b"II*\x00\x08\x00\x00\x00", "it is not a PNG"),
            (encode(GRAY)[:60], "damaged or truncated PNG"),
            (encode(GRAY, "JPEG")[:-50], "damaged or truncated JPEG"),
            (b"\xff\xd8\xff", "damaged or truncated JPEG"),
            (
                png(png_header(20_000, 20_000), (b"IDAT", b"")),
                "20000 x 20000 pixels, more than the limit max_pixels",
            ),
            (
                png(png_header(2**31 - 1, 1), (b"IDAT", b"")),
                "2147483647 x 1 pixels, more than the limit max_pixels",
            ),
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
        """The header declares 16384 x 16384 pixels, which Pillow itself rejects."""
        content = bytearray(encode(COLOR, "WEBP"))
        content[21:25] = struct.pack("<I", 2**28 - 1)
        with pytest.raises(ImageError, match=r"too many pixels|more than the limit"):
            decode(content)

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match=r"a\.png: no such file"):
            decode(tmp_path / "a.png")

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="it is a folder"):
            decode(tmp_path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_a_pipe_does_not_block(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(ImageError, match="not a regular file"):
            decode(tmp_path / "pipe.png")

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="every file is readable here"
    )
    def test_unreadable(self, tmp_path: Path) -> None:
        path = tmp_path / "secret.png"
        path.write_bytes(encode(GRAY))
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
        content = encode(COLOR)
        within = {"max_bytes": len(content), "max_pixels": 600}
        assert_image(decode(content, **within), COLOR)
        for name, limit in within.items():
            with pytest.raises(ImageError, match=f"more than the limit {name}={limit - 1}"):
                decode(content, **(within | {name: limit - 1}))

    def test_pixel_limit_applies_to_images_in_memory(self) -> None:
        for source in (COLOR, Image.fromarray(COLOR)):
            with pytest.raises(ImageError, match="30 x 20 pixels"):
                decode(source, max_pixels=599)

    @pytest.mark.parametrize("kind", FORMATS)
    @given(data=st.data())
    def test_damaged_anywhere(self, kind: str, data: st.DataObject) -> None:
        content = bytearray(encode(COLOR, kind))
        place = st.integers(0, len(content) - 1)
        for _ in range(data.draw(st.integers(1, 4))):
            begin, end = sorted((data.draw(place), data.draw(place)))
            match data.draw(st.sampled_from(["change", "lose", "repeat", "begin again"])):
                case "change":
                    content[begin : begin + 1] = bytes([data.draw(st.integers(0, 255))])
                case "lose":
                    del content[begin:end]
                case "repeat":
                    content[begin:begin] = content[begin:end]
                case "begin again":
                    content = content[:begin] + content
            content = content or bytearray(1)
        try:
            image = decode(content, max_pixels=10_000)
        except ImageError:
            return
        assert image.dtype == np.uint8
        assert image.ndim == 2 or image.shape[2:] == (3,)
        # Both decoders accept the same files and return the same pixels.
        np.testing.assert_array_equal(image, decode(Image.open(io.BytesIO(content))))

    def test_a_file_with_a_second_start_marker(self) -> None:
        for kind in ("PNG", "JPEG"):
            content = encode(COLOR, kind)
            with pytest.raises(ImageError, match="damaged or truncated"):
                decode(content[: len(content) // 2] + content)

    def test_missing_rows_in_a_complete_file(self) -> None:
        rows = zlib.compress(b"".join(b"\0" + bytes(30) for _ in range(10)))
        with pytest.raises(ImageError, match="its pixel data is incomplete"):
            decode(png(png_header(30, 20, 8, 0), (b"IDAT", rows), (b"IEND", b"")))

    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    def test_libraries_print_nothing_about_a_truncated_file(self, kind: str, capfd: Any) -> None:
        content = encode(COLOR, kind)
        broken = bytearray(content)
        broken[len(content) // 2] ^= 0x55
        for damaged in (content[: len(content) // 2], content[:-3], bytes(broken)):
            with suppress(ImageError):
                decode(damaged)
        assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", FORMATS)
def test_to_gray(kind: str) -> None:
    luma = COLOR @ [0.299, 0.587, 0.114]
    gray = decode(encode(COLOR, kind), gray=True)
    assert gray.shape == luma.shape
    assert np.abs(gray - luma).max() <= (4 if kind == "JPEG" else 1)
    np.testing.assert_array_equal(ImageDecoder(gray=True).transform([COLOR])[0], gray_of(COLOR))
    np.testing.assert_array_equal(decode(GRAY, gray=True), GRAY)


def gray_of(image: np.ndarray) -> np.ndarray:
    return Grayscale().fit_transform([image])[0]


class TestPillowState:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP"])
    def test_the_global_limit_of_pillow_is_ignored(
        self, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        assert decode(encode(COLOR, kind)).shape == COLOR.shape

    def test_damaged_metadata_causes_no_warning(self) -> None:
        """The EXIF block declares five entries but ends within the first."""
        exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01\x03\0\x01\0"
        marker = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
        content = encode(COLOR, "JPEG")
        content = content[:2] + marker + content[20:]
        with pytest.warns(UserWarning, match="Corrupt EXIF"):
            JpegImageFile(io.BytesIO(content))
        assert decode(content).shape == COLOR.shape


@pytest.mark.real
def test_real_images(real_data: Path) -> None:
    """Wrong suffixes, palettes and transparency from real sites."""
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
