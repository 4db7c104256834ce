"""The complete pipeline, from images to strings."""

import subprocess
import sys

import cv2
import joblib
import numpy as np
import pytest
from PIL import Image
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import SVC

from skcaptcha import read_captchas
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale, SmallComponentRemover, Smoother
from skcaptcha.exceptions import ImageError, SegmentationError
from skcaptcha.features import HOG, RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.metrics import string_accuracy
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.read import CharacterReader
from skcaptcha.segment import ConnectedComponents, FixedBoxes


@pytest.fixture(scope="module")
def captchas():
    images, labels = make_line_captchas(120, random_state=0)
    return list(images), labels


def lines(estimator=None) -> Pipeline:
    denoise = Pipeline(
        [
            ("gray", Grayscale()),
            ("ink", Binarizer("fixed", threshold=127)),
            ("smooth", Smoother()),
            ("binarize", Binarizer("fixed", threshold=185, ink="bright")),
        ]
    )
    boxes = [[8 + 30 * k, 4, 20, 21] for k in range(4)]
    return Pipeline(
        [
            ("images", ImageDecoder()),
            ("denoise", denoise),
            ("segment", FixedBoxes(boxes)),
            ("features", RawPixels()),
            ("read", CharacterReader(estimator)),
        ]
    )


def test_a_pipeline_reads_captchas(captchas):
    images, labels = captchas
    model = lines().fit(images[:100], labels[:100])
    assert model.score(images[100:], labels[100:]) >= 0.9
    assert model.score(images, labels) == string_accuracy(labels, model.predict(images))
    readings = read_captchas(model, images[:5])
    assert [reading.text for reading in readings] == model.predict(images[:5]).tolist()
    assert [reading.boxes.tolist() for reading in readings] == [model["segment"].boxes] * 5
    assert read_captchas(model, []) == []


def test_separate_glyphs_of_varying_number():
    rng = np.random.default_rng(0)
    images, labels = [], []
    for _ in range(40):
        text = "".join(rng.choice(list("AHX27"), rng.integers(2, 6)))
        image = np.full((40, 140, 3), rng.integers(200, 256), dtype=np.uint8)
        for k, character in enumerate(text):
            place = (8 + 26 * k + int(rng.integers(-2, 3)), 28 + int(rng.integers(-3, 4)))
            cv2.putText(image, character, place, cv2.FONT_HERSHEY_SIMPLEX, 0.9, (9, 9, 99), 2)
        images.append(image)
        labels.append(text)
    model = make_pipeline(
        ImageDecoder(), Grayscale(), Binarizer(), SmallComponentRemover(4),
        ConnectedComponents(), HOG(shape=(20, 16)), CharacterReader(SVC()),
    )  # fmt: skip
    assert model.fit(images[:30], labels[:30]).score(images[30:], labels[30:]) == 1


def test_arrays_paths_bytes_and_pil_images_give_the_same_result(captchas, tmp_path):
    images, labels = captchas
    model = lines().fit(images[:60], labels[:60])
    fresh = images[60:75]
    expected = model.predict(fresh).tolist()
    paths = []
    for i, image in enumerate(fresh):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
        paths.append(tmp_path / f"{i}.png")
    assert model.predict(np.stack(fresh)).tolist() == expected
    assert model.predict(paths).tolist() == expected
    assert model.predict([str(path) for path in paths]).tolist() == expected
    assert model.predict([path.read_bytes() for path in paths]).tolist() == expected
    assert model.predict([Image.open(path) for path in paths]).tolist() == expected
    mixed = [paths[0], fresh[1], paths[2].read_bytes()]
    assert model.predict(mixed).tolist() == expected[:3]
    from_arrays, from_paths = (lines().fit(X, labels[60:75]) for X in (fresh, paths))
    assert from_paths.predict(images).tolist() == from_arrays.predict(images).tolist()


def test_a_single_captcha_is_read_as_in_a_batch(captchas):
    images, labels = captchas
    model = lines().fit(images[:60], labels[:60])
    together = model.predict(images)
    assert [model.predict([image])[0] for image in images[:20]] == together[:20].tolist()
    assert model.predict(images[::-1]).tolist() == together[::-1].tolist()


def test_clone_and_set_params(captchas):
    images, labels = captchas
    model = lines().fit(images[:30], labels[:30])
    twin = clone(model)
    with pytest.raises(NotFittedError):
        twin.predict(images)
    twin.set_params(denoise__ink__threshold=99, segment__margin=1, read__estimator=SVC())
    twin.set_params(read__estimator__C=7, denoise__smooth="passthrough")
    assert twin["denoise"]["ink"].threshold == 99
    assert twin.get_params()["read__estimator__C"] == 7
    assert model["denoise"]["ink"].threshold == 127
    twin.fit(images[:30], labels[:30])
    assert twin["features"].transform(twin[:3].transform(images[:1])).values.shape == (4, 23 * 22)


GRID = {
    "denoise__ink__threshold": [60, 127],
    "denoise__smooth": [Smoother(), "passthrough"],
    "read__estimator": [KNeighborsClassifier(1), KNeighborsClassifier(5)],
}


@pytest.mark.slow
def test_a_grid_search_with_two_jobs_equals_one_and_the_shared_one(captchas):
    images, labels = captchas
    images, labels = images[:60], labels[:60]
    searches = [
        kind(lines(), GRID, cv=3, n_jobs=n_jobs).fit(images, labels)
        for kind, n_jobs in [(GridSearchCV, 1), (GridSearchCV, 2), (SharedGridSearchCV, 2)]
    ]
    first = searches[0]
    assert np.ptp(first.cv_results_["mean_test_score"]) > 0.05
    for search in searches[1:]:
        for key in ("split0_test_score", "split2_test_score", "rank_test_score"):
            np.testing.assert_array_equal(search.cv_results_[key], first.cv_results_[key])
        assert str(search.best_params_) == str(first.best_params_)
        assert search.predict(images).tolist() == first.predict(images).tolist()


def test_cross_val_score(captchas):
    images, labels = captchas
    scores = cross_val_score(lines(), images, labels, cv=3)
    assert scores.shape == (3,)
    assert scores.min() > 0.7


@pytest.mark.parametrize(
    "classifier", [SVC(), ExtraTreesClassifier(5, random_state=0)], ids=["svc", "trees"]
)
def test_the_same_seed_gives_the_same_model_bit_for_bit(classifier, captchas):
    images, labels = captchas
    estimator = make_pipeline(PCA(10, svd_solver="randomized", random_state=0), classifier)
    first, second = (lines(estimator).fit(images[:40], labels[:40]) for _ in range(2))
    assert joblib.hash(first["read"].estimator_[0]) == joblib.hash(second["read"].estimator_[0])
    for a, b in zip(read_captchas(first, images), read_captchas(second, images), strict=True):
        assert (a.text, a.confidence, a.runners_up) == (b.text, b.confidence, b.runners_up)
        np.testing.assert_array_equal(a.probabilities, b.probabilities)


SCRIPT = """
import joblib, numpy as np
texts = joblib.load("model.joblib").predict(list(np.load("images.npy")))
print(*texts, sep="\\n")
"""


def test_a_script_loads_and_predicts(captchas, tmp_path):
    images, labels = captchas
    model = lines().fit(images[:40], labels[:40])
    joblib.dump(model, tmp_path / "model.joblib")
    np.save(tmp_path / "images.npy", np.stack(images))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        cwd=tmp_path, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == model.predict(images).tolist()
    assert done.stderr == ""


def test_errors_name_the_captcha(captchas, tmp_path):
    images, labels = captchas
    model = lines().fit(images[:40], labels[:40])
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"a\.png: it is not a PNG"):
        model.predict([images[0], tmp_path / "a.png"])
    with pytest.raises(ImageError, match=r"^image 1: "):
        model.predict([images[0], b"no image"])
    with pytest.raises(SegmentationError, match=r"^image 2: .*the image is 60 x 30"):
        model.predict([images[0], images[1], images[2][:, :60]])


def test_the_diagram_shows_every_step():
    with config_context(display="diagram"):
        html = lines(SVC())._repr_html_()
    for name in ("ImageDecoder", "Grayscale", "Binarizer", "FixedBoxes", "RawPixels", "SVC"):
        assert name in html
