"""Errors that are kept let go of the images that caused them."""

import gc
import os
import tracemalloc
import weakref

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch

from skcaptcha._each import process_each
from skcaptcha.cli._training import drop_unusable_images
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Grey
from skcaptcha.errors import ImageError, SegmentationError, SkcaptchaError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader, read_captchas
from skcaptcha.segment import EqualSplit

N = 40


def model():
    images, labels = make_line_captchas(8, charset="AB", random_state=0)
    steps = (ImageDecoder(), Grey(), EqualSplit(n_characters=4), RawPixels(), CharacterReader())
    return make_pipeline(*steps).fit(list(images), labels)


def test_of_files_that_are_no_images(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(N)]
    for path in paths:
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(200_000))
    fitted = model()
    process_each(fitted, paths[:1], read_captchas)  # what is loaded late is loaded
    gc.collect()
    tracemalloc.start()
    try:
        results = process_each(fitted, paths, read_captchas)
        # All is let go of without the help of the garbage collector, as far as errors hold it.
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(isinstance(result, ImageError) for result in results)
    assert held < 500_000, f"{held} bytes are held; the files have {N * 200_000}"


def test_of_images_that_cannot_be_cut():
    gone = []

    def read(model, images):
        gone.extend(weakref.ref(image) for image in images)
        return read_captchas(model, images)

    results = process_each(model(), [np.zeros((20, 2 + i % 2), np.uint8) for i in range(N)], read)
    gc.collect()
    assert all(isinstance(result, SegmentationError) for result in results)
    assert [reference for reference in gone if reference() is not None] == []
    for result in results:
        assert (result.__traceback__, result.__cause__, result.__context__) == (None, None, None)


def test_of_training_images(monkeypatch, capsys):
    kept = []
    monkeypatch.setattr(
        "skcaptcha.cli._training.drop", lambda captchas, bad: kept.extend(bad.values()) or []
    )
    data = [b"nothing", np.zeros((9, 9), np.uint8)]
    drop_unusable_images(Bunch(data=data, target=["AB", "AB"]), ImageDecoder())
    (error,) = kept
    assert isinstance(error, SkcaptchaError)
    assert (error.__traceback__, error.__context__) == (None, None)
