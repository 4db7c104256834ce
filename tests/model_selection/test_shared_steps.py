"""Sharing of steps that work in place, fail, or belong to local classes or subclasses."""

import copy
import warnings

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import BaseDenoiser, Binarizer, Grayscale, ImageRouter
from skcaptcha.exceptions import CheckpointError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.read import CharacterReader
from skcaptcha.segment import FixedBoxes

X, Y = load_wine(return_X_y=True)
FOLDS = KFold(2, shuffle=True, random_state=0)
BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]


def scores_of(search):
    """Return all results that do not depend on time."""
    return {
        key: values.astype(float)
        for key, values in search.cv_results_.items()
        if "score" in key and "time" not in key
    }


def both(pipeline, grid, X=X, y=Y, **options):
    """Fit both searches to copies of the samples, and check that the scores are equal."""
    searches = []
    for kind in (GridSearchCV, SharedGridSearchCV):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            search = kind(pipeline, grid, **{"cv": FOLDS, **options})
            searches.append(search.fit(copy.deepcopy(X), copy.deepcopy(y)))
    theirs, ours = map(scores_of, searches)
    assert ours.keys() == theirs.keys()
    for key, values in theirs.items():
        np.testing.assert_array_equal(ours[key], values, err_msg=key)
    return searches


def pipe(*steps):
    return Pipeline([(chr(ord("a") + k), step) for k, step in enumerate(steps)])


def center_in_place(values):
    values -= values.mean(axis=0)
    return values


def paint_in_place(values):
    values[:, ::2] = 0
    return values


class WritesWhatItPredicts(KNeighborsClassifier):
    """Changes the samples in ``fit`` and in ``predict``."""

    def fit(self, X, y):
        super().fit(X.copy(), y)
        X[:] = 0
        return self

    def predict(self, X):
        labels = super().predict(X)
        X += 1000
        return labels


class WritesLabels(TransformerMixin, BaseEstimator):
    """Changes the labels in ``fit``."""

    def fit(self, X, y):
        y[:20] = 0
        return self

    def transform(self, X):
        return X


IN_PLACE = {
    "scaler": (
        pipe(StandardScaler(copy=False), KNeighborsClassifier()),
        {"a__with_mean": [True, False], "b__n_neighbors": [1, 5]},
    ),
    "classes": (
        pipe(StandardScaler(), KNeighborsClassifier()),
        {
            "a": [
                StandardScaler(copy=False),
                "passthrough",
                MinMaxScaler(copy=False),
                FunctionTransformer(),
            ],
            "b__n_neighbors": [1, 9],
        },
    ),
    "ridge": (pipe("passthrough", Ridge(copy_X=False)), {"b__alpha": [0.1, 1, 10, 100]}),
    "ridge alone": (pipe(Ridge(copy_X=False)), {"a__alpha": [1, 100, 10000]}),
    "functions": (
        pipe(FunctionTransformer(), KNeighborsClassifier()),
        {"a__func": [center_in_place, paint_in_place, None], "b__n_neighbors": [1, 5]},
    ),
    "one way only": (
        pipe(StandardScaler(copy=False), PCA(2), KNeighborsClassifier()),
        {"c__n_neighbors": [1, 3, 5]},
    ),
    "last step": (
        pipe(StandardScaler(), WritesWhatItPredicts()),
        {"b__n_neighbors": [1, 3, 5], "a": [StandardScaler(), "passthrough"]},
    ),
    "labels": (
        pipe(WritesLabels(), KNeighborsClassifier()),
        {"a": [WritesLabels(), "passthrough"], "b__n_neighbors": [1, 3]},
    ),
}


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("name", IN_PLACE)
def test_steps_that_work_in_place_do_not_affect_others(name, train):
    pipeline, grid = IN_PLACE[name]
    both(pipeline, grid, return_train_score=train)


@pytest.mark.parametrize("name", ["classes", "functions", "last step"])
def test_steps_that_work_in_place_with_several_scores(name):
    pipeline, grid = IN_PLACE[name]
    both(pipeline, grid, scoring=["accuracy", "balanced_accuracy", "neg_log_loss"], refit=False)


def test_candidates_that_work_in_place_score_as_if_searched_alone():
    pipeline = pipe(StandardScaler(copy=False), KNeighborsClassifier())
    steps = [StandardScaler(copy=False), "passthrough"]
    grid = {"a": steps, "b__weights": ["uniform", "distance"]}
    _, ours = both(pipeline, grid)
    alone = [
        GridSearchCV(pipeline, {k: [v] for k, v in params.items()}, cv=FOLDS, refit=False).fit(X, Y)
        for params in ours.cv_results_["params"]
    ]
    found = ours.cv_results_["mean_test_score"].tolist()
    assert found == [search.cv_results_["mean_test_score"][0] for search in alone]
    assert found[0] > found[2]


class Paints(BaseDenoiser):
    """Sets the columns from ``left`` on to 0, in place."""

    def __init__(self, left=60):
        self.left = left

    def _denoise(self, images):
        images[:, :, self.left :] = 0
        return images


class PaintsAll(Paints):
    """Overrides ``transform``, so that the input itself is changed."""

    def transform(self, X):
        for image in X:
            image[:, self.left :] = 0
        return X


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    "step", [Paints(), PaintsAll(), ImageRouter([("a", Paints())], thresholds=[])]
)
def test_image_steps_may_change_their_input(step, listed):
    images, labels = make_line_captchas(24, charset="ABC", random_state=0)
    images = [ImageDecoder(gray=True).transform([image])[0] for image in images]
    pipeline = Pipeline(
        [
            ("images", ImageDecoder()),
            ("gray", Grayscale()),
            ("step", step),
            ("ink", Binarizer(method="otsu", ink="dark")),
            ("segment", FixedBoxes(BOXES)),
            ("pixels", RawPixels()),
            ("read", CharacterReader(KNeighborsClassifier(1))),
        ]
    )
    name = "step__a__left" if isinstance(step, ImageRouter) else "step__left"
    grid = {name: [0, 30, 60, 90, 130], "read__estimator__n_neighbors": [1, 2]}
    given = [image.copy() for image in images]
    search = SharedGridSearchCV(pipeline, grid, cv=3, refit=False)
    search.fit(given if listed else np.stack(given), labels)
    assert all(map(np.array_equal, given, images))
    expected = []
    for params in search.cv_results_["params"]:
        alone = clone_and_set(pipeline, params)
        scores = []
        for train, test in KFold(3).split(images):
            model = alone.fit([images[i].copy() for i in train], [labels[i] for i in train])
            scores.append(model.score([images[i].copy() for i in test], [labels[i] for i in test]))
        expected.append(np.mean(scores))
    assert search.cv_results_["mean_test_score"].tolist() == expected


def clone_and_set(pipeline, params):
    return sklearn.clone(pipeline).set_params(**params)


class CountedCopies(np.ndarray):
    """Counts its copies."""

    n_copies = 0

    def copy(self, order="C"):
        type(self).n_copies += 1
        return super().copy(order)


def test_samples_are_copied_only_if_other_candidates_need_them():
    grid = {"c__n_neighbors": [3]}
    pipeline = pipe(StandardScaler(), PCA(2), KNeighborsClassifier())
    samples = X.view(CountedCopies)
    SharedGridSearchCV(pipeline, grid, cv=3, refit=False).fit(samples, Y)
    assert CountedCopies.n_copies == 0
    SharedGridSearchCV(pipeline, {"a": [StandardScaler(), MinMaxScaler()]}, cv=3).fit(samples, Y)
    # In each of three folds, the first of two steps gets copies of training and test samples.
    assert CountedCopies.n_copies == 6


class OwnScore(Pipeline):
    """Has its own ``score`` and ``predict``."""

    def score(self, X, y=None, **params):
        return 0.25

    def predict(self, X, **params):
        return np.zeros(len(X), dtype=int)


class OwnFit(Pipeline):
    """Fits to half of the samples, like pipelines that resample."""

    def fit(self, X, y=None, **params):
        return super().fit(X[::2], y[::2], **params)


@pytest.mark.parametrize("kind", [OwnScore, OwnFit])
@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_subclasses_of_pipeline_use_their_own_methods(kind, scoring):
    pipeline = kind(pipe(StandardScaler(), KNeighborsClassifier()).steps)
    both(pipeline, {"b__n_neighbors": [1, 30]}, scoring=scoring)
    nested = pipe("passthrough", pipeline)
    both(nested, {"b__b__n_neighbors": [1, 30]}, scoring=scoring)
    both(pipe("passthrough", GaussianNB()), {"b": [pipeline, GaussianNB()]}, scoring=scoring)


def test_pipelines_of_imbalanced_learn():
    imblearn = pytest.importorskip("imblearn")
    pipeline = imblearn.pipeline.Pipeline(
        [
            ("scale", StandardScaler()),
            ("sample", imblearn.under_sampling.RandomUnderSampler(random_state=0)),
            ("knn", KNeighborsClassifier()),
        ]
    )
    both(pipeline, {"knn__n_neighbors": [1, 5]}, return_train_score=True)


class FitsWithoutEach(TransformerMixin, BaseEstimator):
    """Encodes the target; ``fit_transform`` differs from ``transform``, as in TargetEncoder."""

    def fit(self, X, y):
        self.means_ = np.array([y[X[:, 0] == k].mean() if k in X else 0.0 for k in range(9)])
        return self

    def transform(self, X):
        return self.means_[X]

    def fit_transform(self, X, y):
        return -self.fit(X, y).transform(X)


def test_train_scores_use_transform_instead_of_fit_transform():
    rng = np.random.default_rng(0)
    kinds, target = rng.integers(0, 9, (200, 1)), rng.integers(0, 2, 200)
    pipeline = pipe(FitsWithoutEach(), LogisticRegression())
    grid = {"b__C": [10.0, 100.0]}
    _, ours = both(pipeline, grid, kinds, target, return_train_score=True)
    assert (ours.cv_results_["mean_train_score"] < 0.5).all()


def test_lambdas_and_local_classes_are_supported():
    class Local(TransformerMixin, BaseEstimator):
        def __init__(self, by=1, how=None):
            self.by = by
            self.how = how

        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return self.how(X)[:, : self.by]

        def __sklearn_is_fitted__(self):
            return True

    grid = {
        "a__by": [1, 3],
        "a__how": [lambda X: X, lambda X: X[:, ::-1]],
        "b__func": [lambda X: X**2, lambda X: -X, np.abs],
        "c__n_neighbors": [1, 5],
    }
    pipeline = pipe(Local(), FunctionTransformer(), KNeighborsClassifier())
    both(pipeline, grid)
    both(pipe(Local(3, lambda X: X), KNeighborsClassifier()), {"a": [Local(1, np.abs)]})


@pytest.mark.slow
def test_lambdas_are_sent_to_other_processes():
    grid = {"a__func": [lambda X: X, lambda X: X[:, :1]]}
    pipeline = pipe(FunctionTransformer(), GaussianNB())
    one, two = (
        SharedGridSearchCV(pipeline, grid, cv=2, refit=False, n_jobs=n).fit(X, Y) for n in (1, 2)
    )
    assert scores_of(one)["mean_test_score"].tolist() == scores_of(two)["mean_test_score"].tolist()


def test_lambdas_also_share_steps():
    calls = []
    grid = {"a__func": [lambda X: calls.append(1) or X], "b__n_neighbors": [1, 3, 5, 7]}
    pipeline = pipe(FunctionTransformer(), KNeighborsClassifier())
    SharedGridSearchCV(pipeline, grid, cv=3, refit=False).fit(X, Y)
    assert len(calls) == 3 * 2


def test_a_checkpoint_refuses_lambdas(tmp_path):
    pipeline = pipe(FunctionTransformer(lambda X: X), KNeighborsClassifier())
    search = SharedGridSearchCV(pipeline, {}, cv=3, checkpoint=tmp_path / "a.search")
    with pytest.raises(CheckpointError, match=r"lambda.*named function.*checkpoint=None"):
        search.fit(X, Y)
    assert not list(tmp_path.iterdir())


def test_feature_names_are_kept():
    pandas = pytest.importorskip("pandas")
    names = load_wine().feature_names
    frame = pandas.DataFrame(X, columns=names)
    pipeline = pipe(StandardScaler(), KNeighborsClassifier())
    theirs, ours = both(pipeline, {"b__n_neighbors": [1, 5]}, frame)
    assert ours.feature_names_in_.tolist() == theirs.feature_names_in_.tolist() == names
    _, ours = both(pipeline, {"b__n_neighbors": [1, 5]})
    assert not hasattr(ours, "feature_names_in_")


def test_grid_search_handles_precomputed_kernels_in_the_grid():
    standard = StandardScaler().fit_transform(X)
    kernel = standard @ standard.T
    _, ours = both(pipe(SVC()), {"a__kernel": ["precomputed"], "a__C": [0.1, 1.0]}, kernel)
    assert np.isfinite(ours.cv_results_["mean_test_score"]).all()
    both(
        pipe("passthrough"),
        {"a": [SVC(kernel="precomputed"), GaussianNB()]},
        kernel,
        scoring="accuracy",
    )


class FailsToTransform(TransformerMixin, BaseEstimator):
    """Raises an error for samples other than its training samples."""

    def __init__(self, refuse=True):
        self.refuse = refuse

    def fit(self, X, y=None):
        self.sum_ = X.sum()
        return self

    def transform(self, X):
        if self.refuse and X.sum() != self.sum_:
            raise RuntimeError("never seen")
        return X


@pytest.mark.parametrize("options", [{}, {"scoring": ["accuracy", "neg_log_loss"], "refit": False}])
def test_scoring_fails_if_transforming_the_test_samples_fails(options):
    pipeline = pipe(FailsToTransform(), StandardScaler(), GaussianNB())
    grid = {"a__refuse": [True, False], "c__var_smoothing": [1e-9, 1e-3]}
    options = {"return_train_score": True, **options}
    _, ours = both(pipeline, grid, **options)
    column = next(key for key in ours.cv_results_ if key.startswith("mean_train_"))
    assert np.isfinite(ours.cv_results_[column]).all()
    search = SharedGridSearchCV(pipeline, grid, cv=FOLDS, **options)
    with pytest.warns(UserWarning, match=r"Scoring failed after 4 of 8 fits.*never seen"):
        search.fit(X, Y)
    every = SharedGridSearchCV(pipeline, {}, cv=FOLDS, **options)
    with pytest.warns(UserWarning, match="Scoring failed after 2 of 2"):
        every.fit(X, Y)
    strict = SharedGridSearchCV(pipeline, grid, cv=FOLDS, error_score="raise", **options)
    with pytest.raises(RuntimeError, match="never seen"):
        strict.fit(X, Y)


class ReturnsNone(GaussianNB):
    """A classifier whose ``fit`` returns None."""

    def fit(self, X, y):
        super().fit(X, y)


def test_the_fit_of_the_last_step_may_return_none():
    _, ours = both(pipe(StandardScaler(), ReturnsNone()), {"b__var_smoothing": [1e-9, 1e-1]})
    assert np.isfinite(ours.cv_results_["mean_test_score"]).all()


VERBOSE = [
    {},
    {"return_train_score": True},
    {"scoring": ["accuracy", "f1_macro"], "refit": False},
    {"scoring": ["accuracy", "f1_macro"], "refit": False, "return_train_score": True},
]


@pytest.mark.parametrize("options", VERBOSE)
@pytest.mark.parametrize("verbose", [2, 3, 10])
def test_verbose_prints_the_same_lines_as_grid_search(verbose, options, capfd):
    printed = []
    pipeline, grid = pipe(StandardScaler(), GaussianNB()), {"b__var_smoothing": [1e-9, 0.1]}
    for kind in (GridSearchCV, SharedGridSearchCV):
        kind(pipeline, grid, cv=2, verbose=verbose, **options).fit(X, Y)
        out, err = capfd.readouterr()
        assert err == ""
        lines = [line.rpartition("total time=")[0] or line for line in out.splitlines()]
        printed.append(sorted(line for line in lines if "START" not in line))
    assert printed[0] == printed[1]
    assert len(printed[0]) == 5


class CountsCalls:
    """A callback of scikit-learn 1.9."""

    def __init__(self):
        self.begun = 0

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, *args, **kwargs):
        self.begun += 1

    def on_fit_task_end(self, *args, **kwargs):
        pass

    def teardown(self, estimator, context):
        pass


@pytest.mark.skipif(not hasattr(GridSearchCV, "set_callbacks"), reason="since scikit-learn 1.9")
@pytest.mark.parametrize("place", ["search", "step", "grid"])
def test_callbacks_are_called(place):
    counts = []
    for kind in (GridSearchCV, SharedGridSearchCV):
        callback = CountsCalls()
        last = LogisticRegression(max_iter=5, tol=1e3)
        inner = LogisticRegression(max_iter=5, tol=1e3)
        search = kind(pipe(StandardScaler(), last), {"b": [inner, last]}, cv=2)
        {"search": search, "step": last, "grid": inner}[place].set_callbacks(callback)
        search.fit(X, Y)
        counts.append(callback.begun)
    assert counts[0] == counts[1] > 0


def random_search(seed):
    """Return a pipeline with steps that may work in place, a grid, and options."""
    rng = np.random.default_rng(seed)

    def some(choices, n=1):
        return [choices[k] for k in rng.permutation(len(choices))[:n]]

    scalers = [
        StandardScaler(),
        StandardScaler(copy=False),
        MinMaxScaler(copy=False),
        "passthrough",
        None,
        FunctionTransformer(),
        FunctionTransformer(np.negative),
        FunctionTransformer(center_in_place),
    ]
    wide = [PCA(0.9), PCA(1, whiten=True), PolynomialFeatures(1), *scalers]
    last = [
        KNeighborsClassifier(1),
        KNeighborsClassifier(7),
        GaussianNB(),
        DecisionTreeClassifier(max_depth=2, random_state=0),
        WritesWhatItPredicts(),
        Pipeline([("s", StandardScaler(copy=False)), ("k", KNeighborsClassifier(3))]),
    ]
    nested = Pipeline([("x", some(scalers)[0]), ("y", some(wide)[0])])
    pipeline = pipe(some(scalers)[0], nested, *some(wide), *some(last))
    grid = {
        "a": some(scalers, rng.integers(1, 4)),
        "b__y": some(wide, rng.integers(1, 3)),
        "d": some(last, rng.integers(1, 4)),
    }
    if rng.random() < 0.3:
        del grid["b__y"]
        grid["b"] = some([nested, "passthrough", PCA(1)], 2)
    dropped = some(sorted(grid), rng.integers(0, 2))
    options = [
        {},
        {"return_train_score": True},
        {"scoring": ["accuracy", "balanced_accuracy"], "refit": "accuracy"},
        {"scoring": "f1_macro", "n_jobs": 1},
    ]
    return pipeline, {k: v for k, v in grid.items() if k not in dropped}, some(options)[0]


@pytest.mark.parametrize(
    "seeds", [range(4), pytest.param(range(4, 60), marks=pytest.mark.slow)], ids=str
)
def test_random_searches_have_equal_scores(seeds):
    for seed in seeds:
        pipeline, grid, options = random_search(seed)
        folds = KFold(2, shuffle=True, random_state=seed)
        both(pipeline, grid, X[::3], Y[::3], cv=folds, **options)
