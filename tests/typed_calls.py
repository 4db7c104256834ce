"""Valid and invalid calls for pyright, which also reports unnecessary ignore comments.

The calls are never executed.
"""

from pathlib import Path
from typing import Any, assert_type

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

import skcaptcha
from skcaptcha import Reading, Recipe, Segments, evaluate, load, load_recipe, read_captchas, save
from skcaptcha.model_selection import SharedGridSearchCV


def right(model: Pipeline, segments: Segments) -> None:
    assert_type(skcaptcha.load("model.joblib"), Pipeline)
    assert_type(load(Path("model.joblib"), trust=True), Pipeline)
    assert_type(read_captchas(model, ["a.png", b"GIF89a"]), list[Reading])
    assert_type(evaluate(model, ["a.png"], ["AB"]), dict[str, Any])
    assert_type(load_recipe("grid"), Recipe)
    assert_type(load_recipe("grid").search(n_jobs=2), SharedGridSearchCV)
    assert_type(skcaptcha.Segments([[0, 0, 1, 1]], [0, 1])[0], Segments)
    assert_type(skcaptcha.metrics.string_accuracy(["AB"], ["AB"]), float)
    assert_type(skcaptcha.__version__, str)
    save(model, "model.joblib")
    save(GridSearchCV(model, {}), "model.skops", format="skops")
    captchas = skcaptcha.datasets.load_captchas("folder", subset="1..9")
    assert_type(captchas.data, list[str])
    images, labels = skcaptcha.datasets.make_line_captchas(9, random_state=0)
    model.fit(images, labels)
    try:
        skcaptcha.inspection.trace(model, images[0]).reading.text.lower()
    except skcaptcha.SkcaptchaError as error:
        str(error)
    skcaptcha.exceptions.ImageError("a.png", "it is no image")
    skcaptcha.denoise.Grayscale()
    skcaptcha.features.HOG()
    skcaptcha.segment.EqualSplit(n_characters=4)


def wrong(model: Pipeline) -> None:
    skcaptcha.lode("model.joblib")  # pyright: ignore[reportAttributeAccessIssue]
    _ = skcaptcha.dataset  # pyright: ignore[reportAttributeAccessIssue]
    skcaptcha.datasets.load_captcha("folder")  # pyright: ignore[reportAttributeAccessIssue]
    skcaptcha.load()  # pyright: ignore[reportCallIssue]
    skcaptcha.load("model.joblib", trusted=True)  # pyright: ignore[reportCallIssue]
    skcaptcha.load(1)  # pyright: ignore[reportArgumentType]
    skcaptcha.save(model)  # pyright: ignore[reportCallIssue]
    skcaptcha.save("model.joblib", model)  # pyright: ignore[reportArgumentType]
    skcaptcha.evaluate(1)  # pyright: ignore[reportCallIssue]
    skcaptcha.evaluate(1, ["a.png"], ["AB"])  # pyright: ignore[reportArgumentType]
    skcaptcha.read_captchas("model.joblib", ["a.png"])  # pyright: ignore[reportArgumentType]
    _ = skcaptcha.read_captchas(model, ["a.png"])[0].txt  # pyright: ignore[reportAttributeAccessIssue]
    skcaptcha.load_recipe("grid").sarch()  # pyright: ignore[reportAttributeAccessIssue]
    SharedGridSearchCV(model, {}, folds=3)  # pyright: ignore[reportCallIssue]
    skcaptcha.denoise.Binarizer(methode="otsu")  # pyright: ignore[reportCallIssue]
    skcaptcha.images.ImageDecoder(max_pixels="many")  # pyright: ignore[reportArgumentType]
