"""ImageDecoder, the first step of every pipeline."""

import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from image_samples import COLOR, GRAY, encode
from skcaptcha.exceptions import ImageError, ImageWarning
from skcaptcha.images import ImageDecoder, Source, decode


def assert_image(image: np.ndarray, expected: np.ndarray) -> None:
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, expected)


class TestImageDecoder:
    def test_mixed_batch(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(encode(GRAY))
        batches: tuple[Sequence[Source], ...] = (
            [path, encode(COLOR), COLOR],
            (str(path), bytearray(encode(COLOR)), Image.fromarray(COLOR)),
        )
        for batch in batches:
            images = ImageDecoder().transform(batch)
            for image, expected in zip(images, [GRAY, COLOR, COLOR], strict=True):
                assert_image(image, expected)

    @pytest.mark.parametrize("dtype", [object, str])
    def test_array_of_paths(self, dtype: type, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(encode(GRAY))
        images = ImageDecoder().fit_transform(np.array([str(path)] * 2, dtype=dtype))
        np.testing.assert_array_equal(images, [GRAY, GRAY])

    def test_ragged_object_array(self) -> None:
        batch = np.empty(2, object)
        batch[:] = [GRAY, COLOR]
        assert [image.shape for image in ImageDecoder().transform(batch)] == [(20, 30), (20, 30, 3)]

    @pytest.mark.parametrize("image", [GRAY, COLOR])
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
            encode(GRAY),
            Image.fromarray(GRAY),
            GRAY,
            COLOR,
            GRAY[..., None],
        ],
        ids=lambda single: type(single).__name__,
    )
    def test_single_image(self, single: Any) -> None:
        for method in (ImageDecoder().fit, ImageDecoder().transform):
            with pytest.raises(ImageError, match=r"X: .* a single image.*wrap it in a list"):
                method(single)

    def test_empty_batch(self) -> None:
        for batch in ([], np.zeros((0, 3, 4)), np.zeros((0, 3, 4, 3), np.uint8)):
            assert ImageDecoder().fit_transform(batch) == []

    def test_empty_path(self) -> None:
        with pytest.raises(ImageError, match=r"^an empty path: no such file$"):
            decode("")
        with pytest.raises(ImageError, match=r"^image 1: no such file$"):
            ImageDecoder().transform([GRAY, ""])

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
                ImageDecoder().transform([GRAY, path])
            assert caught.value.source == str(path)

    @pytest.mark.parametrize("bad", [b"", b"no image", np.zeros(3), None])
    def test_error_names_the_index(self, bad: Any) -> None:
        with pytest.raises(ImageError) as caught:
            ImageDecoder().transform([GRAY, GRAY, GRAY, bad])
        assert caught.value.source == "image 3"

    def test_error_survives_pickling(self) -> None:
        with pytest.raises(ImageError) as caught:
            ImageDecoder().transform([b""])
        assert str(pickle.loads(pickle.dumps(caught.value))) == "image 0: the file is empty"

    @pytest.mark.parametrize("name", ["max_bytes", "max_pixels"])
    @pytest.mark.parametrize("value", [0, -1, 1.5, "many", None])
    def test_wrong_parameter(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=f"The '{name}' parameter of ImageDecoder must be"):
            ImageDecoder(**{name: value}).fit([GRAY])

    @pytest.mark.parametrize(
        ("blank", "said"),
        [
            (np.full((4, 5), 255, np.uint8), "30 of 30 images show a single color (mostly white)"),
            (np.full((4, 5, 3), [0, 9, 9], np.uint8), "(mostly RGB (0, 9, 9))"),
            (np.zeros((4, 5, 4), np.uint8), "(mostly white)"),
            (
                encode(
                    Image.new("L", (30, 20)),
                    "GIF",
                    save_all=True,
                    append_images=[Image.fromarray(GRAY)],
                ),
                "(mostly black)",
            ),
            (np.full((4, 5), 7, np.uint8), "(mostly gray level 7)"),
        ],
        ids=["white", "color", "transparent", "animation", "gray"],
    )  # fmt: skip
    def test_blank_images_cause_a_warning(self, blank: Any, said: str) -> None:
        with pytest.warns(ImageWarning, match=re.escape(said)):
            ImageDecoder().fit([blank] * 30)
        with pytest.warns(ImageWarning, match="16 of 30 images"):
            ImageDecoder().fit([blank] * 16 + [COLOR] * 14)
        ImageDecoder().fit([blank] * 15 + [COLOR] * 15)
        ImageDecoder().transform([blank] * 30)

    def test_limits_are_used(self) -> None:
        with pytest.raises(ImageError, match="max_pixels=599"):
            ImageDecoder(max_pixels=599).transform([COLOR])
        with pytest.raises(ImageError, match="max_bytes=5"):
            ImageDecoder(max_bytes=5).transform([encode(COLOR)])

    def test_is_an_estimator(self) -> None:
        decoder = clone(ImageDecoder(max_bytes=7)).set_params(max_pixels=9)
        others = {"gray": False, "frames": 1, "merge": "minimum"}
        assert decoder.get_params() == {"max_bytes": 7, "max_pixels": 9, **others}
        check_is_fitted(decoder)
        images = make_pipeline(ImageDecoder()).fit_transform([GRAY], ["label"])
        np.testing.assert_array_equal(images, [GRAY])
