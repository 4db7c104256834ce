"""The common kinds of images are decoded by OpenCV; Pillow is the oracle."""

import io
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngInfo

from image_samples import COLOR, GRAY, encode, png, png_header
from skcaptcha.images import decode

MODES = {"1": (2, ()), "L": (256, ()), "LA": (256, (2,)), "RGB": (256, (3,)), "RGBA": (256, (4,))}


class TestPlainKinds:
    """The common kinds are decoded by OpenCV; Pillow is the oracle."""

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
    def test_jpeg_to_gray(self, mode: str, data: st.DataObject) -> None:
        """Both libraries can decode luma without colors."""
        image = draw_image(data, "RGB").convert(mode)
        subsampling = data.draw(st.sampled_from([0, 1, 2]))
        content = encode(image, "JPEG", subsampling=subsampling)
        luma = JpegImageFile(io.BytesIO(content))
        luma.draft("L", luma.size)
        assert luma.mode == "L"
        np.testing.assert_array_equal(decode(content, gray=True), np.asarray(luma))

    @settings(max_examples=20)
    @given(data=st.data())
    def test_gray_and_the_luma_of_the_colors(self, data: st.DataObject) -> None:
        """They differ only where RGB cannot represent a color and a channel is clipped."""
        options = {
            "quality": data.draw(st.integers(1, 100)),
            "subsampling": data.draw(st.sampled_from([0, 1, 2])),
        }
        content = encode(draw_image(data, "RGB"), "JPEG", **options)
        colors = decode(content)
        difference = np.abs(decode(content, gray=True) - colors @ [0.299, 0.587, 0.114])
        clipped = ((colors == 0) | (colors == 255)).any(axis=2)
        assert (difference[~clipped] <= 1).all()

    def test_gray_of_saturated_pixels(self) -> None:
        """As documented, luma and gray differ by tens of levels."""
        checks = np.indices((48, 48)).sum(axis=0) % 2
        image = (checks[..., None] * np.array([0, 0, 255])).astype(np.uint8)
        content = encode(image, "JPEG", subsampling=2)
        difference = decode(content, gray=True) - decode(content) @ [0.299, 0.587, 0.114]
        assert np.abs(difference).max() > 10

    @pytest.mark.parametrize("bits", [1, 2, 4])
    def test_gray_levels_of_few_bits(self, bits: int) -> None:
        """All rows are equal and contain each gray level in turn."""
        shades = np.tile(np.arange(2**bits, dtype=np.uint8), 8)[: 8 * 2**bits // 2]
        packed = np.packbits(np.unpackbits(shades[:, None], axis=1)[:, -bits:]).tobytes()
        rows = zlib.compress((b"\0" + packed) * 3)
        image = decode(png(png_header(len(shades), 3, bits, 0), (b"IDAT", rows), (b"IEND", b"")))
        np.testing.assert_array_equal(image, np.tile(shades * (255 // (2**bits - 1)), (3, 1)))

    @pytest.mark.parametrize("bits", [1, 2, 4, 8])
    def test_small_palettes(self, bits: int) -> None:
        image = Image.fromarray(GRAY).quantize(2**bits)
        self.check(image, "PNG", bits=bits)
        self.check(image, "PNG", bits=bits, transparency=0)

    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_transparent_color_behind_a_text(self, mode: str) -> None:
        image = Image.fromarray(COLOR).convert(mode)
        info = PngInfo()
        info.add_text("Comment", "IDAT")
        pixel = image.getpixel((3, 3))
        content = self.check(image, "PNG", pnginfo=info, transparency=pixel)
        assert (decode(content)[3, 3] == 255).all()

    def test_animation(self) -> None:
        frames = [Image.fromarray(COLOR + np.uint8(k)) for k in range(2)]
        self.check(frames[0], "PNG", save_all=True, append_images=frames[1:])

    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_orientation(self, kind: str, orientation: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        self.check(Image.fromarray(COLOR), kind, exif=exif)

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
