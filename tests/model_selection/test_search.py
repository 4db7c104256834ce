"""SharedGridSearchCV compared with scikit-learn's GridSearchCV."""

import re
import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from skcaptcha import Segments
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import BaseDenoiser, Binarizer, Grayscale
from skcaptcha.exceptions import ImageError
from skcaptcha.features import RawPixels
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.read import CharacterReader
from skcaptcha.segment import EqualSplit, FixedBoxes

X, Y = load_iris(return_X_y=True)


class Counted(TransformerMixin, BaseEstimator):
    """Creates a file in ``folder`` in every fit, and multiplies the values by ``scale``."""

    def __init__(self, folder=None, scale=1.0, name="step"):
        self.folder = folder
        self.scale = scale
        self.name = name

    def fit(self, X, y=None):
        marks = Path(self.folder)
        (marks / f"{self.name}-{self.scale}-{len(list(marks.iterdir()))}").touch()
        self.mean_ = np.mean(X, axis=0)
        return self

    def transform(self, X):
        return X * self.scale


class OnlyFitAndTransform(BaseEstimator):
    """A transformer without ``fit_transform``, which scikit-learn allows."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X**2

    def __sklearn_is_fitted__(self):
        return hasattr(self, "fitted_")


class Picky(LinearDiscriminantAnalysis):
    """Raises an error in ``fit`` or in ``predict_proba``, depending on ``fail``."""

    def __init__(self, fail="no", error=None):
        super().__init__()
        self.fail = fail
        self.error = error

    def fit(self, X, y):
        if self.fail == "fit":
            raise self.error or RuntimeError("no fit today")
        return super().fit(X, y)

    def predict_proba(self, X):
        if self.fail == "score":
            raise RuntimeError("no probabilities today")
        return super().predict_proba(X)


def nested() -> Pipeline:
    clean = Pipeline([("scale", StandardScaler()), ("pca", PCA(random_state=0))])
    last = Pipeline([("scale", MinMaxScaler()), ("knn", KNeighborsClassifier())])
    return Pipeline([("clean", clean), ("last", last)])


def flat(last=None) -> Pipeline:
    return Pipeline([("scale", StandardScaler()), ("last", last or KNeighborsClassifier())])


def both(pipeline, grid, **options):
    """Fit both searches and suppress their warnings."""
    searches = []
    for kind in (GridSearchCV, SharedGridSearchCV):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            searches.append(kind(pipeline, grid, **{"cv": 3, **options}).fit(X, Y))
    return searches


def assert_same(theirs, ours):
    assert list(ours.cv_results_["params"]) == list(theirs.cv_results_["params"])
    assert set(ours.cv_results_) == set(theirs.cv_results_)
    for key, expected in theirs.cv_results_.items():
        if "time" in key or key == "params":
            continue
        if key.startswith("param_"):
            assert [str(v) for v in ours.cv_results_[key]] == [str(v) for v in expected], key
        else:
            np.testing.assert_array_equal(ours.cv_results_[key], expected, err_msg=key)
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_", "multimetric_"):
        assert hasattr(ours, name) == hasattr(theirs, name), name
        if hasattr(theirs, name) and name != "best_params_":
            np.testing.assert_equal(getattr(ours, name), getattr(theirs, name))
    if hasattr(theirs, "best_estimator_"):
        assert str(ours.best_estimator_) == str(theirs.best_estimator_)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        assert ours.score(X, Y) == theirs.score(X, Y)


GRIDS = {
    "one step": (flat, {"last__n_neighbors": [1, 30, 5]}),
    "no parameter": (flat, {}),
    "nested": (
        nested,
        {
            "clean__pca__n_components": [3, 1],
            "last__knn__n_neighbors": [40, 3],
            "last__knn__p": [1],
        },
    ),
    "passthrough and classes": (
        nested,
        {
            "clean__pca": ["passthrough", None, PCA(1), PCA(2)],
            "last__scale": [StandardScaler(), "passthrough"],
            "last__knn": [KNeighborsClassifier(1), LinearDiscriminantAnalysis()],
        },
    ),
    "whole nested pipelines": (
        nested,
        {"clean": ["passthrough", StandardScaler(), Pipeline([("pca", PCA(1))])]},
    ),
    "list of grids": (
        flat,
        [{"last__n_neighbors": [1, 2]}, {"scale": ["passthrough"], "last": [Picky()]}],
    ),
    "estimator and its parameter": (
        flat,
        {
            "scale": [StandardScaler(), StandardScaler(with_mean=False)],
            "scale__with_std": [True, False],
        },
    ),
    "its own parameters": (flat, {"verbose": [False], "last__n_neighbors": [1, 3]}),
}


@pytest.mark.parametrize("name", GRIDS)
def test_scores_and_choice_equal_grid_search(name):
    make, grid = GRIDS[name]
    assert_same(*both(make(), grid, return_train_score=True))


OPTIONS = {
    "multimetric": {"scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"},
    "multimetric without refit": {"scoring": ("accuracy", "f1_macro"), "refit": False},
    "dict of scorers": {"scoring": {"a": make_scorer(accuracy_score)}, "refit": "a"},
    "scorer": {"scoring": make_scorer(accuracy_score, normalize=False)},
    "function that sees the pipeline": {
        "scoring": lambda model, X, y: float(len(model.steps) + X[0, 0] + model.score(X, y))
    },
    "dict with a function": {
        "scoring": {"n": lambda model, X, y: float(len(model.steps))},
        "refit": "n",
    },
    "function that gives a dict": {
        "scoring": lambda model, X, y: {"right": model.score(X, y), "n": len(X)},
        "refit": "right",
    },
    "refit False": {"refit": False},
    "refit callable": {"refit": lambda results: int(np.argmin(results["mean_test_score"]))},
    "shuffled folds": {"cv": [(np.arange(0, 150, 2), np.arange(1, 150, 2))]},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_work_as_in_grid_search(name):
    grid = {"scale": [StandardScaler(), "passthrough"], "last__n_neighbors": [1, 9, 60]}
    assert_same(*both(flat(), grid, return_train_score=True, **OPTIONS[name]))


@pytest.mark.parametrize(
    "options",
    [
        {"error_score": np.nan},
        {"error_score": -1.0, "return_train_score": True},
        {"scoring": ["accuracy", "neg_log_loss"], "refit": "accuracy", "return_train_score": True},
        {"scoring": "neg_log_loss"},
    ],
)
@pytest.mark.parametrize("fail", ["fit", "score"])
def test_failing_candidates_get_the_error_score(fail, options):
    grid = {"last__fail": ["no", fail], "scale": ["passthrough", StandardScaler()]}
    assert_same(*both(flat(Picky()), grid, **options))


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_failing_step_fails_only_its_own_candidates():
    grid = {"clean__pca__n_components": [2, 99], "last__knn__n_neighbors": [1, 3]}
    theirs, ours = both(nested(), grid)
    assert_same(theirs, ours)
    assert np.isnan(ours.cv_results_["mean_test_score"]).tolist() == [False, False, True, True]
    with pytest.warns(FitFailedWarning, match=r"6 of 12 fits failed, .*n_components=99"):
        SharedGridSearchCV(nested(), grid, cv=3).fit(X, Y)


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_error_score_raise_raises_the_error_itself(n_jobs):
    grid = {"last__fail": ["no", "fit"]}
    search = SharedGridSearchCV(flat(Picky()), grid, cv=2, error_score="raise", n_jobs=n_jobs)
    with pytest.raises(RuntimeError, match="no fit today"):
        search.fit(X, Y)


@pytest.mark.parametrize(
    ("error", "expected"), [(None, ValueError), (ImageError("image 3", "it is sad"), ImageError)]
)
def test_the_first_error_is_raised_if_all_fits_fail(error, expected):
    search = SharedGridSearchCV(flat(Picky(error=error)), {"last__fail": ["fit"]}, cv=2)
    with pytest.raises(expected, match=r"no fit today|image 3: it is sad"):
        search.fit(X, Y)


def test_a_pipeline_that_ends_in_passthrough_cannot_be_scored():
    pipeline = Pipeline([("lda", LinearDiscriminantAnalysis()), ("knn", KNeighborsClassifier())])
    grid = {"knn": ["passthrough", KNeighborsClassifier()]}
    assert_same(*both(pipeline, grid, scoring="accuracy"))


def test_nested_pipelines_with_the_same_first_step_differ():
    lda, knn = ("lda", LinearDiscriminantAnalysis()), ("knn", KNeighborsClassifier(40))
    grid = {"last": [Pipeline([lda]), Pipeline([lda, knn])]}
    assert_same(*both(flat(), grid))


def test_steps_need_no_fit_transform():
    pipeline = Pipeline([("square", OnlyFitAndTransform()), ("knn", KNeighborsClassifier())])
    assert_same(*both(pipeline, {"knn__n_neighbors": [1, 3]}))


@pytest.mark.slow
def test_two_jobs_equal_one():
    grid = {"clean__pca__n_components": [1, 2, 3], "last__knn__n_neighbors": [1, 3, 30]}
    one, two = (SharedGridSearchCV(nested(), grid, cv=3, n_jobs=n).fit(X, Y) for n in (1, 2))
    assert_same(one, two)


def test_shared_steps_are_fitted_once_for_all_candidates_of_a_chunk(tmp_path):
    inner = Pipeline([("b", Counted(tmp_path, name="b"))])
    pipeline = Pipeline(
        [("a", Counted(tmp_path, name="a")), ("inner", inner), ("knn", KNeighborsClassifier())]
    )
    grid = {"knn__n_neighbors": [1, 2, 3], "inner__b__scale": [1.0, 2.0], "a__scale": [1.0]}
    # With one worker, each chunk contains a dozen splits.
    search = SharedGridSearchCV(pipeline, grid, cv=12, refit=False).fit(X, Y)
    assert len(search.cv_results_["params"]) == 6
    fits = [path.name.rpartition("-")[0] for path in tmp_path.iterdir()]
    assert {name: fits.count(name) for name in fits} == {"a-1.0": 12, "b-1.0": 12, "b-2.0": 12}


def test_fit_times_count_the_shared_steps():
    grid = {"last__n_neighbors": [1, 3]}
    results = SharedGridSearchCV(flat(), grid, cv=3).fit(X, Y).cv_results_
    assert (results["mean_fit_time"] > 0).all()
    assert (results["mean_score_time"] > 0).all()


def test_grid_search_handles_fit_params_and_other_estimators():
    weights = np.where(Y == 2, 0.0, 1.0)
    lda = Pipeline([("scale", StandardScaler()), ("last", Weighted())])
    search = SharedGridSearchCV(lda, {"scale": ["passthrough"]}, cv=3)
    assert search.fit(X, Y, last__weights=weights).best_estimator_[-1].total_ == weights.sum()
    plain = SharedGridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=3).fit(X, Y)
    theirs = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=3).fit(X, Y)
    assert_same(theirs, plain)


class Weighted(LinearDiscriminantAnalysis):
    """A classifier whose ``fit`` has another parameter besides X and y."""

    def fit(self, X, y, weights=None):
        self.total_ = None if weights is None else weights.sum()
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("name", "value"),
    [("cv", "many"), ("n_jobs", 1.5), ("error_score", "quiet"), ("verbose", -1), ("refit", 2.5)],
)
def test_errors_contain_the_name_of_an_invalid_parameter(name, value):
    search = SharedGridSearchCV(flat(), {"last__n_neighbors": [1]}, **{name: value})
    with pytest.raises(ValueError, match=f"'{name}' parameter of SharedGridSearchCV"):
        search.fit(X, Y)


def test_errors_contain_the_name_of_an_unknown_parameter():
    with pytest.raises(ValueError, match="Invalid parameter 'n_legs'"):
        SharedGridSearchCV(flat(), {"last__n_legs": [2]}).fit(X, Y)


def test_arguments_are_not_changed():
    pipeline, best = flat(), PCA(2)
    grid = {"scale": [best, "passthrough"], "last__n_neighbors": [1]}
    SharedGridSearchCV(pipeline, grid, cv=2).fit(X, Y)
    assert not hasattr(best, "components_")
    assert not hasattr(pipeline["last"], "classes_")


@pytest.mark.parametrize(("verbose", "shown"), [(0, False), (1, True)])
def test_verbose_shows_progress_on_the_standard_error(verbose, shown, capfd):
    SharedGridSearchCV(flat(), {"last__n_neighbors": [1, 2]}, cv=2, verbose=verbose).fit(X, Y)
    out, err = capfd.readouterr()
    assert out == ""
    assert bool(re.search(r"4 of 4", err)) == shown


class Constant(CharacterReader):
    """Predicts the same text for all captchas."""

    def predict(self, X):
        return np.array(["ZZ"] * len(X))


def test_only_readers_of_one_class_share_a_fit():
    values = np.random.default_rng(0).normal(size=(60, 20)).astype(np.float32)
    boxes = np.tile([[0, 0, 1, 1], [1, 0, 1, 1]], (30, 1))
    segments = Segments(boxes, np.arange(31) * 2, values=values)
    labels = ["AB", "BA", "AA"] * 10
    readers = [
        kind(KNeighborsClassifier(k)) for k in range(1, 6) for kind in (Constant, CharacterReader)
    ]
    pipeline = Pipeline([("keep", "passthrough"), ("read", CharacterReader())])
    ours = SharedGridSearchCV(pipeline, {"read": readers}, cv=3, refit=False).fit(segments, labels)
    theirs = GridSearchCV(pipeline, {"read": readers}, cv=3, refit=False).fit(segments, labels)
    expected = theirs.cv_results_["mean_test_score"]
    assert ours.cv_results_["mean_test_score"].tolist() == expected.tolist()
    assert (ours.cv_results_["mean_fit_time"] > 0).all()


class Recorded(BaseDenoiser):
    """Records its images, darkens them by ``by``, and refuses images with a 7 in the corner."""

    seen: ClassVar[list[bytes]] = []

    def __init__(self, by=0):
        self.by = by

    def _denoise(self, images):
        for image in images:
            self.seen.append(image.tobytes())
            if image[0, 0] == 7:
                raise ImageError("image", "a seven")
        return np.maximum(images, self.by) - np.uint8(self.by)


class Centered(Recorded):
    """Subtracts the mean of the training images."""

    def fit(self, X, y=None):
        self.by = int(np.mean([image.mean() for image in X]))
        return super().fit(X, y)


BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]


def reading(step, segmenter) -> Pipeline:
    return Pipeline(
        [
            ("gray", Grayscale()),
            ("step", step),
            ("ink", Binarizer(method="otsu", ink="dark")),
            ("segment", segmenter),
            ("pixels", RawPixels()),
            ("read", CharacterReader(KNeighborsClassifier())),
        ]
    )


@pytest.fixture
def captchas():
    Recorded.seen.clear()
    return make_line_captchas(24, charset="ABC", random_state=0)


SPLITS = [
    (np.arange(6, 24), np.arange(6)),
    (np.arange(18), np.arange(18, 24)),
    (np.r_[:6, 12:24], np.arange(6, 12)),
]


def searches_of(pipeline, captchas, cv=SPLITS, **grid):
    grid = {"read__estimator__n_neighbors": [1, 2, 5], **grid}
    searches = []
    for kind in (GridSearchCV, SharedGridSearchCV):
        Recorded.seen.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            searches.append(kind(pipeline, grid, cv=cv, refit=False).fit(*captchas))
    expected, found = (
        [search.cv_results_[f"split{k}_test_score"] for k in range(len(cv))] for search in searches
    )
    np.testing.assert_array_equal(found, expected)
    return found


@pytest.mark.parametrize("segmenter", [FixedBoxes(BOXES), EqualSplit(4)])
def test_steps_that_learn_nothing_run_once_for_all_splits(segmenter, captchas):
    searches_of(reading(Recorded(), segmenter), captchas, step__by=[0, 40])
    assert len(Recorded.seen) == 2 * 24


@pytest.mark.parametrize("options", [{"return_train_score": True}, {"scoring": ["accuracy"]}])
def test_steps_that_learn_nothing_also_run_once_with_train_scores_or_metrics(options, captchas):
    grid = {"read__estimator__n_neighbors": [1, 2, 5]}
    pipeline = reading(Recorded(), FixedBoxes(BOXES))
    SharedGridSearchCV(pipeline, grid, cv=SPLITS, refit=False, **options).fit(*captchas)
    assert len(Recorded.seen) == 24


def test_steps_that_learn_are_fitted_to_each_split(captchas):
    searches_of(reading(Centered(), FixedBoxes(BOXES)), captchas)
    assert len(Recorded.seen) == 3 * 24


def test_fixed_boxes_are_fitted_to_each_split_if_image_sizes_differ(captchas):
    images, labels = captchas
    # The last images are too wide if the fit uses the first 18, but not if it uses all.
    more = np.repeat([0, 6, 18], [9, 6, 9])
    images = [
        np.pad(image, ((0, 0), (0, m), (0, 0))) for image, m in zip(images, more, strict=True)
    ]
    scores = searches_of(reading(Recorded(), FixedBoxes(BOXES)), (images, labels))
    assert np.isnan(scores[1]).all()
    assert np.isfinite(scores[0]).all()


def test_a_failing_image_outside_all_splits_has_no_effect(captchas):
    images, labels = captchas
    images[23] = np.full_like(images[23], 7)
    splits = [(np.arange(6, 20), np.arange(6)), (np.arange(12), np.arange(12, 23))]
    searches_of(reading(Recorded(), FixedBoxes(BOXES)), (images, labels), splits)


def test_a_failing_image_affects_only_the_splits_that_use_it(captchas):
    images, labels = captchas
    images[0] = np.full_like(images[0], 7)
    splits = [(np.arange(6, 24), np.arange(6)), (np.arange(6, 18), np.arange(18, 24))]
    searches_of(reading(Recorded(), FixedBoxes(BOXES)), (images, labels), splits)


def test_splits_that_use_few_samples_do_not_transform_all(captchas):
    splits = [(np.arange(8), np.arange(8, 10))]
    searches_of(reading(Recorded(), FixedBoxes(BOXES)), captchas, splits)
    assert len(Recorded.seen) == 10


class Shifted(Recorded):
    """Shifts the training images in ``fit_transform`` only."""

    def fit_transform(self, X, y=None):
        return [np.roll(image, 12, axis=1) for image in self.fit(X).transform(X)]


class Together(Recorded):
    """A denoiser whose result for an image depends on the other images in the batch."""

    def transform(self, X):
        mean = np.mean(X, axis=0).astype(np.uint8)
        return [np.maximum(image, mean) for image in super().transform(X)]


class Fewer(Recorded):
    """Returns fewer images for large batches."""

    def transform(self, X):
        return super().transform(X)[: 20 if len(X) > 20 else None]


class OwnBoxes(FixedBoxes):
    """Learns the positions of the boxes from the brightness of the training images."""

    def _learn(self, X, y):
        super()._learn(X, y)
        self.boxes_[:, 0] -= int(100 * np.mean(X[:2])) % 7


class OwnPixels(RawPixels):
    """Learns a scale from the training segments."""

    def fit(self, X, y=None):
        self.scale_ = np.float32(X.boxes[:, 0].mean() * len(X))
        return super().fit(X, y)

    def _describe_crops(self, crops):
        return super()._describe_crops(crops) * self.scale_


@pytest.mark.parametrize(
    "step",
    [
        {"step": Shifted()},
        {"step": Together()},
        {"step": Fewer()},
        {"segment": OwnBoxes(BOXES)},
        {"pixels": OwnPixels()},
    ],
    ids=repr,
)
def test_subclasses_may_override_how_a_step_learns_and_transforms(step, captchas):
    pipeline = reading(Recorded(), FixedBoxes(BOXES)).set_params(**step)
    searches_of(pipeline, captchas)


class FirstColumn(FunctionTransformer):
    """Overrides ``transform``."""

    def transform(self, X):
        return X[:, :1]


@pytest.mark.parametrize("step", [FirstColumn(), FunctionTransformer(validate=True)])
def test_function_transformers_that_are_not_the_identity_are_applied(step):
    pipeline = Pipeline([("step", step), ("last", KNeighborsClassifier())])
    assert_same(*both(pipeline, {"last__n_neighbors": [1, 3]}))


def test_classifiers_that_work_in_place_do_not_affect_others(captchas):
    in_place = [
        Pipeline([("scale", StandardScaler(copy=False)), ("knn", KNeighborsClassifier(k))])
        for k in (1, 3)
    ]
    pipeline = reading(Recorded(), FixedBoxes(BOXES))
    grid = {"read__estimator": [*in_place, KNeighborsClassifier(1)]}
    ours = SharedGridSearchCV(pipeline, grid, cv=SPLITS, refit=False).fit(*captchas)
    theirs = GridSearchCV(pipeline, grid, cv=SPLITS, refit=False).fit(*captchas)
    expected = theirs.cv_results_["mean_test_score"]
    assert ours.cv_results_["mean_test_score"].tolist() == expected.tolist()


def test_no_splits_are_refused():
    with pytest.raises(ValueError, match="No fits were performed"):
        SharedGridSearchCV(flat(), {"last__n_neighbors": [1]}, cv=[]).fit(X, Y)


def test_grid_search_handles_precomputed_kernels():
    kernel = X @ X.T
    pipeline = Pipeline([("last", SVC(kernel="precomputed"))])
    grid = {"last__C": [0.1, 1.0]}
    ours = SharedGridSearchCV(pipeline, grid, cv=3).fit(kernel, Y)
    theirs = GridSearchCV(pipeline, grid, cv=3).fit(kernel, Y)
    expected = theirs.cv_results_["mean_test_score"]
    assert ours.cv_results_["mean_test_score"].tolist() == expected.tolist()
