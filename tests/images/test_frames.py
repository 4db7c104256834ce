"""Merging the frames of animations."""

import pickle
import struct
import tracemalloc
import warnings
import zlib
from contextlib import suppress
from io import BytesIO

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageSequence
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from image_samples import COLOR, GRAY, animated_captchas, small_files
from skcaptcha.datasets import Captchas
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.exceptions import FitWarning, ImageError
from skcaptcha.features import RawPixels
from skcaptcha.fitting import check_labels, exclude_unusable_images
from skcaptcha.images import ImageBatch, ImageDecoder, decode, find_duplicates
from skcaptcha.images._frames import merge_frames
from skcaptcha.persistence import describe_training
from skcaptcha.persistence._manifest import count_training_images
from skcaptcha.read import CharacterReader
from skcaptcha.segment import EqualSplit

STATEMENTS = {
    "minimum": lambda frames: frames.min(axis=0),
    "maximum": lambda frames: frames.max(axis=0),
    "mean": lambda frames: frames.mean(axis=0),
}
FILES = small_files()
KINDS = ["PNG", "GIF", "WEBP"]


def animation(kind, frames, **options):
    """Encode frames as an animation; GIF and WebP as well as they can."""
    images = [Image.fromarray(frame) for frame in frames]
    if kind == "WEBP":
        options |= {"lossless": True, "exact": True}
    file = BytesIO()
    images[0].save(file, kind, save_all=True, append_images=images[1:], **options)
    return file.getvalue()


def frames_of(content):
    """Decode all frames by Pillow alone, as RGB."""
    with Image.open(BytesIO(content)) as image:
        return np.stack([np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(image)])


def merged(content, n, merge="minimum", **options):
    return ImageDecoder(frames=n, merge=merge, **options).fit_transform([content])[0]


def dots(n=6, shape=(12, 30)):
    """Black on white; frame k shows a block at place k."""
    frames = np.full((n, *shape, 3), 255, dtype=np.uint8)
    for k in range(n):
        frames[k, 3:9, 1 + 5 * k : 4 + 5 * k] = 0
    return frames


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("merge", STATEMENTS)
def test_the_first_frames_are_merged(kind, merge):
    rng = np.random.default_rng(0)
    content = animation(kind, rng.choice(np.uint8([0, 80, 255]), size=(5, 9, 14, 3)))
    frames = frames_of(content)
    for n in (2, 3, 5, 200):
        found = merged(content, n, merge)
        assert found.dtype == np.uint8
        assert np.abs(found - STATEMENTS[merge](frames[:n].astype(float))).max() <= 0.5
    np.testing.assert_array_equal(merged(content, 1, merge), decode(content))


@pytest.mark.parametrize("kind", KINDS)
def test_the_sharpest_frame(kind):
    text = np.asarray(Image.fromarray(dots()[:, :, :, 0].min(axis=0)))
    frames = [cv2.GaussianBlur(text, (0, 0), sigma) for sigma in (4, 2, 0.3, 3)]
    content = animation(kind, [np.dstack([frame] * 3) for frame in frames])
    np.testing.assert_array_equal(merged(content, 4, "sharpest"), frames_of(content)[2])


@given(
    frames=arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6))),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_frames_does_not_matter(frames, order):
    shuffled = list(frames)
    order.shuffle(shuffled)
    for merge in STATEMENTS:
        np.testing.assert_array_equal(merge_frames(shuffled, merge), merge_frames(frames, merge))


def test_gray_frames_become_rgb_if_others_have_colors():
    gray, color = np.full((2, 3), 90, np.uint8), np.full((2, 3, 3), (10, 100, 200), np.uint8)
    assert merge_frames([gray, color], "minimum")[0, 0].tolist() == [10, 90, 90]


def test_gray_animations_stay_gray():
    frames = dots()[..., 0]
    found = merged(animation("PNG", frames), 6)
    np.testing.assert_array_equal(found, frames.min(axis=0))


@pytest.mark.parametrize("name", FILES)
def test_single_images_are_decoded_as_usual(name):
    expected = frames_of(FILES[name]).min(axis=0) if "animated" in name else decode(FILES[name])
    np.testing.assert_array_equal(merged(FILES[name], 8), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_and_pil_images_are_decoded_as_usual(kind):
    np.testing.assert_array_equal(merged(COLOR, 4), COLOR)
    with Image.open(BytesIO(animation(kind, dots()))) as image:
        image.seek(0)
        np.testing.assert_array_equal(merged(image, 4), dots()[0])


def test_transparent_frames_are_composited_over_white():
    frames = np.dstack([np.zeros((12, 30, 3), np.uint8), np.zeros((12, 30), np.uint8)])
    frames = np.stack([frames] * 6)
    frames[..., 3] = 255 - dots()[..., 0]
    content = animation("PNG", frames, disposal=1, blend=0)
    np.testing.assert_array_equal(merged(content, 6), dots().min(axis=0))


def test_light_ink_in_one_frame_makes_the_background_of_all_black():
    frames = np.zeros((3, 12, 30, 4), np.uint8)  # the second one is empty
    frames[0, 3:9, 2:5] = frames[2, 3:9, 10:13] = 255
    content = animation("PNG", frames, disposal=1, blend=0)
    expected = np.repeat(frames.max(axis=0)[..., :1], 3, axis=2)
    np.testing.assert_array_equal(merged(content, 3, "maximum"), expected)


def test_an_image_before_the_animation_is_not_a_frame():
    frames = dots()
    content = animation("PNG", [np.zeros_like(frames[0]), *frames], default_image=True)
    assert not decode(content).any()
    np.testing.assert_array_equal(merged(content, 6), frames.min(axis=0))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gray", [False, True])
def test_a_batch_gives_the_same(kind, gray):
    contents = [animation(kind, dots()), FILES["JPEG baseline"], GRAY]
    batch = pickle.loads(pickle.dumps(ImageBatch(contents)))
    for n in (1, 4, 1):
        decoder = ImageDecoder(frames=n, gray=gray)
        expected = decoder.transform(contents)
        for found, image in zip(decoder.transform(batch), expected, strict=True):
            np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("kind", KINDS)
def test_animations_with_the_same_first_frame_are_no_duplicates(kind):
    frames = dots()
    first, other = animation(kind, frames), animation(kind, frames[[0, 2, 1, 3]])
    assert find_duplicates([first, other, first]).tolist() == [0, 1, 0]
    assert find_duplicates(ImageBatch([first, other, first])).tolist() == [0, 1, 0]


@pytest.mark.parametrize("n", [1, 6])
def test_training_animations_are_recognized(n):
    frames = dots()
    contents = [animation("GIF", frames), animation("GIF", frames[[1, 0, 2]])]
    decoder = ImageDecoder(frames=n)
    about = describe_training(contents[:1], ["A"], decoder)
    assert count_training_images(about, decoder.transform(contents)) == 1


def test_a_fit_warns_of_frames_that_are_not_used():
    captchas = Bunch(data=[animation("GIF", dots()), GRAY], target=["AB", "CD"])
    with pytest.warns(FitWarning, match=r"1 of 2 images is an animation.*frames=N"):
        exclude_unusable_images(captchas)
    with warnings.catch_warnings(action="error"):
        exclude_unusable_images(captchas, ImageDecoder(frames=2))


def test_labels_are_checked_with_the_frames_of_the_model():
    contents, labels = animated_captchas()
    model = make_pipeline(
        ImageDecoder(frames=2),
        Grayscale(),
        Binarizer(ink="dark"),
        EqualSplit(2),
        RawPixels(),
        CharacterReader(KNeighborsClassifier(1), calibration_cv=None),
    )
    with warnings.catch_warnings(action="error", category=FitWarning):
        checked = check_labels(Captchas(data=contents, target=labels), model)
    assert [issue.text for issue in checked.issues.ranked].count("") == 0
    assert not checked.issues.suspects


class TestLimits:
    @pytest.mark.parametrize("kind", KINDS)
    def test_all_frames_count(self, kind):
        content = animation(kind, dots())
        merged(content, 6, max_pixels=6 * 12 * 30)
        merged(content, 3, max_pixels=3 * 12 * 30)
        with pytest.raises(ImageError, match="its first 6 frames have 6 x 30 x 12 pixels"):
            merged(content, 6, max_pixels=6 * 12 * 30 - 1)

    def test_a_later_gif_frame_must_not_enlarge_the_image(self):
        content = bytearray(animation("GIF", dots()))
        second = content.index(b",", content.index(b"!\xf9", content.index(b",") + 1))
        content[second + 5 : second + 9] = struct.pack("<HH", 9000, 9000)
        np.testing.assert_array_equal(decode(bytes(content)), dots()[0])
        with pytest.raises(ImageError, match="a later frame is larger than the first"):
            merged(bytes(content), 2)


class TestDamaged:
    @pytest.mark.parametrize("kind", KINDS)
    def test_at_every_byte(self, kind):
        content = animation(kind, dots(3))
        expected = dots(3).min(axis=0)
        whole = 0
        for length in range(len(content)):
            try:
                found = merged(content[:length], 3)
            except ImageError:
                continue
            np.testing.assert_array_equal(found, expected)
            whole += 1
        # Only the end marker may be missing: one byte in GIF files, which is not a frame's.
        assert whole <= 1

    @staticmethod
    def with_chunks(content, change):
        """A PNG file with other data in its chunks."""
        position, changed = 8, [content[:8]]
        while position < len(content):
            (length,) = struct.unpack_from(">I", content, position)
            kind, data = content[position + 4 : position + 8], content[position + 8 :][:length]
            body = kind + change(kind, data)
            changed += struct.pack(">I", len(body) - 4), body, struct.pack(">I", zlib.crc32(body))
            position += 12 + length
        return b"".join(changed)

    def test_missing_rows_of_a_png_frame(self):
        def cut(kind, data):
            if kind != b"fdAT":
                return data
            rows = zlib.decompress(data[4:])
            return data[:4] + zlib.compress(rows[: len(rows) // 2])

        damaged = self.with_chunks(animation("PNG", dots(3)), cut)
        np.testing.assert_array_equal(decode(damaged), dots(3)[0])
        with pytest.raises(ImageError, match="the pixel data of a frame is incomplete"):
            merged(damaged, 3)

    def test_a_later_png_frame_must_not_be_larger(self):
        zeros = zlib.compress(bytes(50 * 2**20))

        def enlarge(kind, data):
            if kind == b"fcTL" and data[:4] != bytes(4):
                return data[:4] + struct.pack(">II", 2**16, 2**16) + data[12:]
            return data[:4] + zeros if kind == b"fdAT" else data

        bomb = self.with_chunks(animation("PNG", dots(2)), enlarge)
        tracemalloc.start()
        with pytest.raises(ImageError, match="the pixel data of a frame is incomplete"):
            merged(bomb, 2)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 10 * 2**20

    @settings(max_examples=60)
    @given(kind=st.sampled_from(KINDS), place=st.integers(0, 10**6), value=st.integers(0, 255))
    def test_changed_bytes_give_an_image_or_an_error(self, kind, place, value):
        content = bytearray(animation(kind, dots(3)))
        content[place % len(content)] = value
        with suppress(ImageError):
            assert merged(bytes(content), 3).dtype == np.uint8
