"""An ImageBatch decodes each image once and gives every estimator the same pixels."""

import pickle
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Grayscale
from skcaptcha.exceptions import ImageError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageBatch, ImageDecoder, decode, find_duplicates
from skcaptcha.images import _batch as module
from skcaptcha.images._batch import as_batch
from skcaptcha.model_selection import CaptchaKFold, SharedGridSearchCV
from skcaptcha.read import CharacterReader
from skcaptcha.segment import EqualSplit

RNG = np.random.default_rng(0)


def encoded(pixels, kind="PNG"):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def paths(tmp_path):
    """Color and gray PNG and JPEG files with saturated colors, so that luma and gray differ."""
    paths = []
    for i in range(12):
        shape = (20 + i, 50) if i % 2 else (20, 50 + i, 3)
        pixels = RNG.choice(np.array([0, 128, 255], np.uint8), shape)
        path = tmp_path / f"{i}.{'jpg' if i % 3 else 'png'}"
        path.write_bytes(encoded(pixels, "JPEG" if i % 3 else "PNG"))
        paths.append(str(path))
    return paths


def equal(images, others):
    return [(a.dtype, a.shape, a.tobytes()) for a in images] == [
        (b.dtype, b.shape, b.tobytes()) for b in others
    ]


@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize("kept", [0, 5000, 2**30])
def test_decoders_give_the_same_pixels_for_batches_as_for_files(paths, gray, kept, monkeypatch):
    decoder = ImageDecoder(gray=gray)
    expected = decoder.transform(paths)
    monkeypatch.setattr(module, "_MAX_PIXEL_BYTES", kept)
    batch = ImageBatch(paths)
    for path in paths:
        Path(path).unlink()
    assert equal(decoder.transform(batch), expected)
    assert equal([decode(image, gray=gray) for image in batch], expected)
    assert equal(decoder.transform(pickle.loads(pickle.dumps(batch))), expected)
    assert equal(decoder.transform(batch), expected), "after its pixels were packed"
    assert equal(decoder.transform(batch[3:9]), expected[3:9])
    assert equal(decoder.transform(batch.take([7, 2])), [expected[7], expected[2]])


def test_pixels_are_shared_and_not_copied(paths):
    batch = ImageBatch(paths)
    for decoded, image in zip(ImageDecoder().transform(batch), batch, strict=True):
        assert decoded is image.pixels
    array = RNG.integers(0, 255, (9, 9), dtype=np.uint8)
    assert ImageBatch([array])[0].pixels is array


def test_size_digest_and_error(tmp_path, paths):
    bad, missing = tmp_path / "bad.png", tmp_path / "missing.png"
    bad.write_bytes(b"<html>")
    batch = ImageBatch([paths[1], bad, b"", missing, paths[1]])
    assert [image.size for image in batch] == [(50, 21), (0, 0), (0, 0), (0, 0), (50, 21)]
    assert sorted(batch.errors) == [1, 2, 3]
    assert str(batch.errors[1]).startswith(f"{bad}: ")
    assert str(batch.errors[2]).startswith("image 2: ")
    assert find_duplicates(batch).tolist() == [0, 1, 2, 3, 0]
    assert (
        find_duplicates(batch).tolist()
        == find_duplicates([paths[1], bad, b"", missing, paths[1]]).tolist()
    )
    for i, source in enumerate([bad, b"", missing], start=1):
        with pytest.raises(ImageError) as direct:
            ImageDecoder().transform([source])
        with pytest.raises(ImageError) as later:
            ImageDecoder().transform(batch[i : i + 1])
        assert str(direct.value) == str(later.value)
    with pytest.raises(ImageError, match=r"bad\.png: "):
        as_batch(batch)
    assert not batch.take([0, 4]).errors


def test_digests_depend_only_on_pixels(paths):
    batch = ImageBatch(paths)
    assert batch.digest == ImageBatch([decode(path) for path in paths]).digest
    assert batch.digest == pickle.loads(pickle.dumps(batch)).digest
    assert batch.digest != batch.take([*range(1, 12), 0]).digest


def test_limits_of_a_decoder_apply_to_decoded_images(paths):
    batch = ImageBatch(paths[:3])
    for limit in ({"max_pixels": 900}, {"max_bytes": 100}):
        with pytest.raises(ImageError) as direct:
            ImageDecoder(**limit).transform(paths[:3])
        with pytest.raises(ImageError) as later:
            ImageDecoder(**limit).transform(batch)
        assert str(direct.value) == str(later.value)
        assert len(ImageBatch(paths[:3], **limit).errors) == 3


def test_files_and_their_batch_give_the_same_fit(tmp_path):
    images, _ = make_line_captchas(30, random_state=0)
    batch = ImageBatch(images)
    assert joblib.hash(ImageDecoder().fit(images)) == joblib.hash(ImageDecoder().fit(batch))
    with pytest.warns(UserWarning, match="single color"):
        ImageDecoder().fit(ImageBatch(np.zeros((30, 20, 50))))


@pytest.mark.slow
def test_searches_give_the_same_models_for_files_and_for_their_batch(tmp_path):
    images, labels = make_line_captchas(24, charset="AB", random_state=0)
    paths = []
    for i, image in enumerate(images):
        (tmp_path / f"{i}.jpg").write_bytes(encoded(image, "JPEG"))
        paths.append(str(tmp_path / f"{i}.jpg"))
    model = make_pipeline(
        ImageDecoder(), Grayscale(), EqualSplit(n_characters=4), RawPixels(), CharacterReader()
    )
    grid = {"imagedecoder__gray": [False, True], "grayscale__channel": ["luma", "min"]}
    batch, found = ImageBatch(paths), []
    for X, n_jobs in ((paths, None), (batch, None), (batch, 2)):
        search = SharedGridSearchCV(model, grid, cv=CaptchaKFold(2), n_jobs=n_jobs)
        fitted = search.fit(X, labels)
        scores = fitted.cv_results_["mean_test_score"].tolist()
        found.append((scores, joblib.hash(fitted.best_estimator_)))
        plain = GridSearchCV(model, grid, cv=2).fit(X, labels)
        found.append((scores, joblib.hash(plain.best_estimator_)))
    assert len(set(map(str, found[::2]))) == 1
    assert len(set(map(str, found[1::2]))) == 1


def _means(batch, i):
    root = batch[0].pixels
    while isinstance(root.base, np.ndarray):
        root = root.base
    return [image.pixels.mean() for image in batch], type(root).__name__, i


@pytest.mark.slow
def test_processes_share_the_pixels_of_a_batch():
    batch = ImageBatch(RNG.integers(0, 255, (300, 60, 100), dtype=np.uint8))
    expected = [image.pixels.mean() for image in batch]
    with joblib.parallel_config("loky", n_jobs=2):
        found = joblib.Parallel()(joblib.delayed(_means)(batch, i) for i in range(4))
    assert [means for means, *_ in found] == [expected] * 4
    assert {base for _, base, _ in found} == {"memmap"}


def test_a_single_image_is_refused():
    with pytest.raises(ImageError, match="wrap it in a list"):
        ImageBatch(np.zeros((20, 50)))
    with pytest.raises(ImageError, match="wrap it in a list"):
        ImageBatch("a.png")
