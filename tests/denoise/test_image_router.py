import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from skcaptcha.denoise import Binarizer, ImageRouter, Smoother
from skcaptcha.features import RawPixels
from skcaptcha.read import CharacterReader
from skcaptcha.segment import FixedBoxes

SIZES = st.tuples(st.integers(1, 8), st.integers(1, 8))
BATCHES = st.lists(arrays(np.uint8, SIZES), min_size=1, max_size=6)

MEASURES = {
    "pixels_below": lambda image, level: np.count_nonzero(image < level),
    "pixels_above": lambda image, level: np.count_nonzero(image > level),
    "components_below": lambda image, level: label(image < level, connectivity=2).max(),
    "components_above": lambda image, level: label(image > level, connectivity=2).max(),
    "mean": lambda image, level: image.mean(),
    "deviation": lambda image, level: image.std(),
    "height": lambda image, level: len(image),
    "width": lambda image, level: len(image[0]),
}


class Mark(TransformerMixin, BaseEstimator):
    """A branch that returns images filled with its number and records its training images."""

    def __init__(self, number=0):
        self.number = number

    def fit(self, X, y=None):
        self.n_seen_ = len(X)
        self.y_ = None if y is None else list(y)
        return self

    def transform(self, X):
        return [np.full_like(image, self.number) for image in X]


def marks(n):
    return [(f"b{k}", Mark(k)) for k in range(n)]


def chosen(router, images):
    return [int(image[0, 0]) for image in router.fit(images).transform(images)]


@pytest.mark.parametrize("measure", MEASURES)
@given(images=BATCHES, level=st.integers(0, 256), cut=st.integers(0, 5), data=st.data())
def test_each_image_is_routed_by_its_measure(measure, images, level, cut, data):
    values = [MEASURES[measure](image, level) for image in images]
    # Measures often equal a threshold; they belong to the lower branch.
    first = data.draw(st.sampled_from([*values, cut]))
    thresholds = [float(first), float(first) + 3]
    router = ImageRouter(marks(3), measure=measure, level=level, thresholds=thresholds)
    assert chosen(router, images) == [sum(value > t for t in thresholds) for value in values]


@given(images=BATCHES)
def test_each_image_is_denoised_by_its_branch(images):
    branches = [
        ("soft", Smoother("median")),
        ("as it is", "passthrough"),
        ("ink", Pipeline([("smooth", Smoother()), ("ink", Binarizer("fixed"))])),
    ]
    router = ImageRouter(branches, measure="mean", thresholds=[100, 140])
    together = router.fit(images).transform(images)
    for image, found in zip(images, together, strict=True):
        branch = branches[sum(image.mean() > t for t in (100, 140))][1]
        expected = image if branch == "passthrough" else branch.fit_transform([image])[0]
        np.testing.assert_array_equal(found, expected)


def test_one_branch_needs_no_threshold():
    image = np.zeros((3, 3), dtype=np.uint8)
    assert chosen(ImageRouter([("only", Mark(7))], thresholds=()), [image]) == [7]


def wide(n):
    return np.zeros((2, n), dtype=np.uint8)


def test_branches_learn_from_their_own_images_and_labels():
    router = ImageRouter(marks(3), measure="width", thresholds=[5, 50])
    images = [wide(n) for n in (3, 9, 4, 8, 9)]
    router.fit(images, np.array(list("abcde")))
    fitted = dict(router.branches_)
    assert [fitted[name].y_ for name in ("b0", "b1")] == [["a", "c"], ["b", "d", "e"]]
    assert fitted["b2"].n_seen_ == 5  # no image is this wide, so it learns from all
    assert not hasattr(router.branches[0][1], "n_seen_")


def test_labels_of_a_series_are_selected_by_position():
    pd = pytest.importorskip("pandas")
    labels = pd.Series(["a", "b", "c"], index=[7, 1, 0])
    router = ImageRouter(marks(2), measure="width", thresholds=[5])
    router.fit([wide(3), wide(9), wide(2)], labels)
    assert [branch.y_ for _, branch in router.branches_] == [["a", "c"], ["b"]]


@pytest.mark.parametrize("thresholds", [[], [1, 2], [[1]], ["a"], [float("nan")]])
def test_invalid_thresholds(thresholds):
    router = ImageRouter(marks(2), thresholds=thresholds)
    with pytest.raises(
        ValueError, match=r"thresholds must be ascending numbers, .* the 2 branches"
    ):
        router._validate_params()
    with pytest.raises(ValueError, match="thresholds must be"):
        router.fit([wide(3)])


def test_not_fitted():
    with pytest.raises(NotFittedError):
        ImageRouter(marks(2)).transform([wide(3)])


def nested():
    dots = Pipeline([("smooth", Smoother()), ("ink", Binarizer("fixed"))])
    return ImageRouter([("dots", dots), ("dashes", Binarizer())], measure="mean", thresholds=[9])


def test_parameters_of_branches_are_parameters():
    router = nested()
    assert router.get_params()["dots__ink__threshold"] == 127
    assert "dots__ink__threshold" not in router.get_params(deep=False)
    router.set_params(dots__ink__threshold=99, dashes=Mark(3), thresholds=[4])
    assert router.branches[0][1]["ink"].threshold == 99
    assert router.get_params()["dashes__number"] == 3
    assert router.thresholds == [4]
    router.set_params(dashes="passthrough")
    assert router.branches[1] == ("dashes", "passthrough")
    router.set_params(branches=marks(2), b1__number=8)
    assert [(name, mark.number) for name, mark in router.branches] == [("b0", 0), ("b1", 8)]
    with pytest.raises(ValueError, match="n_legs"):
        router.set_params(b1__n_legs=3)


def test_a_grid_search_sets_parameters_of_branches():
    rng = np.random.default_rng(0)
    images, labels = [], []
    for i in range(24):
        image = np.full((8, 16), 250, dtype=np.uint8)
        bits = rng.integers(0, 2, 2)
        for k, bit in enumerate(bits):  # dark ink in light images, gray ink in dim ones
            image[1 + bit : 7 - bit, 1 + 8 * k : 7 + 8 * k] = 100 if i % 2 else 190
        images.append(image)
        labels.append("".join("AB"[bit] for bit in bits))
    branches = [("pale", Binarizer("fixed")), ("dark", Binarizer("fixed"))]
    router = ImageRouter(branches, measure="pixels_below", level=101, thresholds=[0])
    cut = FixedBoxes([[0, 0, 8, 8], [8, 0, 8, 8]])
    steps = [("route", router), ("cut", cut), ("raw", RawPixels()), ("read", CharacterReader())]
    pipeline = Pipeline(steps)
    grid = {"route__pale__threshold": [50, 220], "route__dark__threshold": [20, 150]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(images, labels)
    assert search.best_params_ == {"route__pale__threshold": 220, "route__dark__threshold": 150}
    assert search.best_score_ == 1
    assert search.cv_results_["mean_test_score"].min() < 1
