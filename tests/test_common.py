"""The contract of all estimators: scikit-learn's own checks, and the project's."""

import inspect
import pickle
import re
import warnings
from contextlib import suppress
from importlib import import_module

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils._param_validation import generate_invalid_param_val, make_constraint
from sklearn.utils.estimator_checks import estimator_checks_generator

from skcaptcha.denoise import Binarizer, Smoother
from skcaptcha.exceptions import ImageError
from skcaptcha.features import RawPixels
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.read import CharacterReader, SequenceReader
from skcaptcha.read._base import reads_images
from skcaptcha.segment import SlidingWindow
from skcaptcha.segments import Segments

SUBPACKAGES = ("images", "denoise", "segment", "features", "read")


def public_estimators() -> list[type[BaseEstimator]]:
    found = []
    for subpackage in SUBPACKAGES:
        module = import_module(f"skcaptcha.{subpackage}")
        things = [getattr(module, name) for name in module.__all__]
        found += [t for t in things if inspect.isclass(t) and issubclass(t, BaseEstimator)]
    # Classifiers are not steps: they accept tables, and pass scikit-learn's checks unchanged.
    return [k for k in found if not (inspect.isabstract(k) or issubclass(k, ClassifierMixin))]


NEEDED = {  # required parameters, and those without which a fit takes long
    "ConvolutionalReader": {
        "max_iter": 2,
        "channels": (2, 2, 2, 2, 2),
        "n_hidden": 4,
        "init": make_pipeline(
            SlidingWindow(), RawPixels(shape=(8, 8)), SequenceReader(random_state=0)
        ),
        "random_state": 0,
    },
    "ImageRouter": {
        "branches": [("ink", Binarizer()), ("soft", Smoother())],
        "measure": "mean",
        "thresholds": [128],
    },
    "FixedBoxes": {"boxes": [[0, 0, 12, 8], [12, 0, 12, 8]]},
    "EqualSplit": {"n_characters": 2},
    "Evaluate": {"reader": CharacterReader()},
}
KINDS = {kind.__name__: kind for kind in public_estimators()}


def subpackage_of(kind: type) -> str:
    return kind.__module__.split(".")[1]


def input_of(kind: type) -> str:
    """The subpackage whose estimators take the same samples."""
    return "segment" if reads_images(kind) else subpackage_of(kind)


def make(name: str) -> BaseEstimator:
    return KINDS[name](**NEEDED.get(name, {}))


def test_all_subpackages_are_found():
    assert {subpackage_of(kind) for kind in KINDS.values()} == set(SUBPACKAGES)
    assert {"ImageDecoder", "Binarizer", "ImageRouter", "HOG", "CharacterReader"} <= set(KINDS)


# --- scikit-learn's checks, which make tables: each row becomes a captcha ------------------------


class Captchas(list):
    """Images made of the rows of a table."""


def image_of(row: np.ndarray) -> np.ndarray:
    """An image of 8 x 24 pixels that repeats the numbers of a row as gray values."""
    shades = 255 / (1 + np.exp(-np.asarray(row, dtype=float).clip(-50, 50)))
    return np.resize(shades.astype(np.uint8), (8, 24))


def images_of(rows: np.ndarray) -> Captchas:
    return Captchas(image_of(row) for row in rows)


def halves_of(rows: np.ndarray) -> Segments:
    """The left and the right half of each row's image."""
    boxes = np.tile([[0, 0, 12, 8], [12, 0, 12, 8]], (len(rows), 1))
    offsets = 2 * np.arange(len(rows) + 1)
    return Segments(boxes, offsets, images=images_of(rows))


def features_of(rows: np.ndarray) -> Segments:
    """One segment with the row as its features."""
    boxes = np.ones((len(rows), 4), dtype=int)
    return Segments(boxes, np.arange(len(rows) + 1), values=rows)


def texts_of(y):
    # Digits are arithmetic as well.
    return None if y is None else [str(int(v) % 10) for v in np.asarray(y).ravel()]


def row_of(captcha: np.ndarray | Segments) -> np.ndarray:
    """One row of numbers, of fixed length, that distinguishes captchas."""
    if isinstance(captcha, np.ndarray):
        return np.concatenate([captcha.shape, np.resize(captcha, 192)])
    content = captcha.crops((8, 12)) if captcha.values is None else captcha.values
    return np.concatenate(
        [[len(captcha.boxes)], np.resize(captcha.boxes, 8), np.resize(content, 500)]
    )


def table_of(answer):
    if isinstance(answer, list | Segments):
        return np.array([row_of(answer[i]) for i in range(len(answer))])
    is_text = isinstance(answer, np.ndarray) and answer.dtype.kind == "U"
    return np.array([ord(text) for text in answer]) if is_text else answer


def tabular(kind: type[BaseEstimator]) -> type[BaseEstimator]:
    """The estimator with rows instead of captchas as input and output; the rest is inherited."""
    enter = {"features": halves_of, "read": features_of}.get(input_of(kind), images_of)

    def of_x(method):
        def adapted(self, X):
            if isinstance(X, Captchas | Segments):  # called from another method
                return method(self, X)
            return table_of(method(self, enter(np.asarray(X))))

        return adapted

    def of_x_and_y(method):
        def adapted(self, X, y=None):
            if isinstance(X, Captchas | Segments):
                return method(self, X, y)
            return table_of(method(self, enter(np.asarray(X)), texts_of(y)))

        return adapted

    def tags_of_tables(self):
        tags = kind.__sklearn_tags__(self)
        tags.input_tags.two_d_array = True
        return tags

    adapters = {"fit": of_x_and_y, "fit_transform": of_x_and_y, "score": of_x_and_y}
    adapters |= {"transform": of_x, "predict": of_x}
    body = {
        name: adapt(getattr(kind, name)) for name, adapt in adapters.items() if hasattr(kind, name)
    }
    name = f"Tabular{kind.__name__}"
    body |= {"__sklearn_tags__": tags_of_tables, "__module__": __name__, "__qualname__": name}
    return type(name, (kind,), body)


TABULAR = {name: tabular(kind) for name, kind in KINDS.items()}
globals().update({kind.__name__: kind for kind in TABULAR.values()})  # where pickle looks

IMAGES = {"images", "denoise", "segment"}
NO_TABLE = {
    "check_n_features_in": ("captchas have pixels, not columns", set(SUBPACKAGES)),
    "check_n_features_in_after_fitting": ("captchas may differ in size", set(SUBPACKAGES)),
    "check_fit1d": ("the adapter makes an image from a number", IMAGES | {"features"}),
    "check_fit2d_predict1d": ("the adapter makes an image from a number", IMAGES | {"features"}),
    "check_complex_data": ("the adapter drops the imaginary part", IMAGES | {"features"}),
    "check_estimators_nan_inf": ("pixels are 8-bit integers", IMAGES | {"features"}),
    "check_estimators_empty_data_messages": (
        "denoisers accept empty batches, and the message is about columns",
        IMAGES | {"features"},
    ),
    "check_transformer_preserve_dtypes": ("images are uint8", IMAGES),
    "check_estimator_sparse_tag": ("no adapter for sparse tables", set(SUBPACKAGES)),
    "check_estimator_sparse_array": ("no adapter for sparse tables", set(SUBPACKAGES)),
    "check_estimator_sparse_matrix": ("no adapter for sparse tables", set(SUBPACKAGES)),
}
# Its last lines expect an error if rows are shorter; check_transformer_data_not_an_array runs the
# other lines on all estimators.
NO_TABLE_IF_FITTED = {"check_transformer_general": "captchas may differ in size"}


def checks_of(estimator: BaseEstimator, failing: dict[str, str]):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checks = list(estimator_checks_generator(estimator))
    assert len(checks) > 40
    for _, check in checks:
        inner = getattr(check.func, "func", check.func)
        if inner.__name__ == "check_array_api_input":
            continue  # skipped unless SCIPY_ARRAY_API is set before scipy is imported
        name = type(estimator).__name__
        reason = failing.get(inner.__name__)
        yield pytest.param(estimator, check, reason, id=f"{name}-{inner.__name__}")


def all_checks():
    for name, kind in TABULAR.items():
        subpackage = input_of(KINDS[name])
        failing = {
            check: why
            for check, (why, subpackages) in NO_TABLE.items()
            if subpackage in subpackages
        }
        estimator = kind(**NEEDED.get(name, {}))
        if get_tags(estimator).requires_fit:
            failing |= NO_TABLE_IF_FITTED
        yield from checks_of(estimator, failing)
    pipeline = Pipeline([("scale", StandardScaler()), ("last", LogisticRegression())])
    search = SharedGridSearchCV(pipeline, {"last__C": [0.1, 1]}, cv=2, error_score="raise")
    yield from checks_of(search, {})


@pytest.mark.parametrize(("estimator", "check", "why_it_fails"), list(all_checks()))
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks(estimator, check, why_it_fails):
    if why_it_fails is None:
        check(estimator)
        return
    # As xfail(strict=True), but without the time that pytest takes to format the tracebacks.
    with pytest.raises((AssertionError, TypeError, ValueError)):
        check(estimator)
    pytest.xfail(why_it_fails)


# --- the project's checks, on captchas ------------------------------------------------------------


def drawn(n: int = 5) -> list[np.ndarray]:
    """Images of slightly different sizes with two bright blocks and some noise."""
    rng = np.random.default_rng(0)
    images = []
    for i in range(n):
        image = rng.integers(0, 60, (18 + i // 2, 30 + i), dtype=np.uint8)
        image[2:14, 3 : 10 + i] = image[4:12, 16:24] = 255
        image[rng.random(image.shape) < 0.03] = 200
        images.append(image)
    return images


def batch(name: str):
    subpackage = input_of(KINDS[name])
    if subpackage in IMAGES:
        return drawn()
    boxes = np.tile([[0, 0, 12, 16], [12, 1, 14, 15]], (5, 1))
    if subpackage == "features":
        return Segments(boxes, 2 * np.arange(6), images=drawn())
    values = np.random.default_rng(0).random((10, 4), dtype=np.float32)
    return Segments(boxes, 2 * np.arange(6), values=values)


LABELS = ["12", "21", "11", "22", "12"]


def answers(estimator, X) -> list:
    """The output of a fitted estimator for each captcha, in comparable form."""
    if hasattr(estimator, "predict"):
        return [
            (str(text), reading.confidence)
            for text, reading in zip(estimator.predict(X), estimator.read(X), strict=True)
        ]
    given = estimator.transform(X)
    if isinstance(given, Segments):
        content = given.values if given.images is None else given.crops((16, 12))
        parts = np.split(content, given.offsets[1:-1])
        return [(given[i].boxes.tolist(), parts[i].tolist()) for i in range(len(given))]
    assert all(image.dtype == np.uint8 for image in given)
    return [(image.shape, image.tolist()) for image in given]


def each(name: str) -> list:
    X = batch(name)
    return [X[i] if isinstance(X, Segments) else [X[i]] for i in range(len(X))]


every = pytest.mark.parametrize("name", KINDS)


@every
def test_the_input_never_changes(name):
    X = batch(name)
    before = joblib.hash(X)
    answers(make(name).fit(X, LABELS), X)
    assert joblib.hash(X) == before


@every
def test_a_result_does_not_depend_on_the_other_captchas(name):
    fitted = make(name).fit(batch(name), LABELS)
    together = answers(fitted, batch(name))
    assert [answers(fitted, alone)[0] for alone in each(name)] == together
    backwards = batch(name)[::-1]
    assert answers(fitted, backwards) == together[::-1]


@every
def test_an_empty_batch_has_no_results(name):
    fitted = make(name).fit(batch(name), LABELS)
    empty = batch(name)[:0]
    answer = fitted.predict(empty) if hasattr(fitted, "predict") else fitted.transform(empty)
    assert len(answer) == 0


@every
def test_fitting_again_changes_nothing(name):
    estimator, X = make(name), batch(name)
    assert estimator.fit(X, LABELS) is estimator
    first = answers(estimator, X)
    assert answers(estimator.fit(X, LABELS), X) == first
    if hasattr(estimator, "fit_transform"):
        other = make(name)
        other.fit_transform(X, LABELS)
        assert answers(other, X) == first


@every
def test_clones_and_parameters(name):
    estimator = make(name).fit(batch(name), LABELS)
    twin = clone(estimator)
    assert repr(twin) == repr(estimator)
    assert not [key for key in vars(twin) if key.endswith("_")]
    own = estimator.get_params(deep=False)
    assert list(own) == sorted(inspect.signature(KINDS[name]).parameters)
    assert twin.set_params(**own) is twin
    for key, value in own.items():
        assert getattr(KINDS[name](**own), key) is value  # __init__ only stores
    with pytest.raises(ValueError, match="n_legs"):
        twin.set_params(n_legs=2)


@every
def test_pickles_give_the_same_results(name):
    estimator, X = make(name).fit(batch(name), LABELS), batch(name)
    assert answers(pickle.loads(pickle.dumps(estimator)), X) == answers(estimator, X)


@every
def test_read_only_memory_maps_are_accepted(name, tmp_path):
    def mapped(array):
        path = tmp_path / str(len(list(tmp_path.iterdir())))
        np.save(path, array)
        return np.load(f"{path}.npy", mmap_mode="r")

    X = batch(name)
    if isinstance(X, Segments):
        images = None if X.images is None else [mapped(image) for image in X.images]
        values = None if X.values is None else mapped(X.values)
        mine = Segments(X.boxes, X.offsets, images=images, values=values)
    else:
        mine = [mapped(image) for image in X]
    expected = answers(make(name).fit(X, LABELS), X)
    assert answers(make(name).fit(mine, LABELS), mine) == expected


@every
def test_parameters_are_constrained(name):
    constraints = KINDS[name]._parameter_constraints
    assert set(constraints) == set(inspect.signature(KINDS[name]).parameters)
    for parameter, allowed in constraints.items():
        bad = [type("Bad", (), {})()]
        for constraint in map(make_constraint, allowed):
            with suppress(NotImplementedError):
                bad.append(generate_invalid_param_val(constraint))
        for value in bad:
            if any(make_constraint(other).is_satisfied_by(value) for other in allowed):
                continue
            estimator = make(name).set_params(**{parameter: value})
            for method in ("fit", "fit_transform"):
                if hasattr(estimator, method):
                    match = f"'{parameter}' parameter of {name} must be .* Got .* instead"
                    with pytest.raises(ValueError, match=match):
                        getattr(estimator, method)(batch(name), LABELS)


@pytest.mark.parametrize(
    ("name", "parameters", "named"),
    [
        ("Binarizer", {"method": "sauvola", "window": 4}, "window"),
        ("Smoother", {"size": 2}, "size"),
        ("Grayscale", {"channel": [1, 2]}, "channel"),
        ("Grayscale", {"channel": ["a", "b", "c"]}, "channel"),
        ("Grayscale", {"channel": [np.nan, 0, 1]}, "channel"),
        ("Grayscale", {"color": [1, 2]}, "color"),
        ("Grayscale", {"color": [0.5, 0, 1]}, "color"),
        ("Grayscale", {"color": [256, 0, 1]}, "color"),
        ("Grayscale", {"color": [90, 100, 95]}, "color must have a hue"),
        ("FixedBoxes", {"boxes": [[1, 2, 3]]}, "boxes"),
        ("FixedBoxes", {"boxes": []}, "boxes"),
        ("FixedBoxes", {"boxes": [[9, 0, 3, 3], [1, 0, 3, 3]]}, "boxes"),
        ("FixedBoxes", {"boxes": [[0.5, 0, 3, 3]]}, "boxes"),
        ("FixedBoxes", {"offset": (1,)}, "offset"),
        ("FixedBoxes", {"offset": (0.5, 0)}, "offset"),
        ("EqualSplit", {"n_characters": 3, "halves_first": True}, "n_characters"),
        ("RawPixels", {"shape": (0, 5)}, "shape"),
        ("HOG", {"shape": (3,)}, "shape"),
        ("HOG", {"shape": (3.5, 2)}, "shape"),
        ("Oversegmentation", {"min_width": 9, "max_width": 4}, "min_width"),
        ("HOG", {"pixels_per_cell": (0, 4)}, "pixels_per_cell"),
        ("HOG", {"cells_per_block": (2, 2, 2)}, "cells_per_block"),
        ("ImageRouter", {"thresholds": []}, "thresholds"),
        ("ImageRouter", {"thresholds": [1, 2]}, "thresholds"),
        ("ImageRouter", {"thresholds": [np.nan]}, "thresholds"),
        ("ImageRouter", {"thresholds": [[1]]}, "thresholds"),
        ("ImageRouter", {"thresholds": ["many"]}, "thresholds"),
        ("ImageRouter", {"branches": []}, "branches"),
        ("ImageRouter", {"branches": [("a", Smoother()), ("a", Binarizer())]}, "(?i)names.*unique"),
        ("ImageRouter", {"branches": [("a__b", Smoother()), ("c", Binarizer())]}, "a__b"),
        ("ImageRouter", {"branches": [("level", Smoother()), ("c", Binarizer())]}, "level"),
    ],
)
def test_fit_checks_what_constraints_cannot_express(name, parameters, named):
    estimator = KINDS[name](**{**NEEDED.get(name, {}), **parameters})
    with pytest.raises(ValueError, match=named):
        estimator.fit(batch(name), LABELS)


def documented(thing, section: str) -> list[str]:
    """Names in a section of a numpydoc docstring."""
    text = inspect.getdoc(thing) or ""
    found = re.search(
        rf"^{section}\n-+\n(.*?)(?=^\S[^\n]*\n-+\n|\Z)", text, re.DOTALL | re.MULTILINE
    )
    lines = re.findall(r"^([\w*][\w*, ]*?)(?: : .*)?$", found[1] if found else "", re.MULTILINE)
    return [name.lstrip("*") for line in lines for name in line.split(", ")]


@every
def test_docstrings_match_signatures_and_fitted_attributes(name):
    kind = KINDS[name]
    assert documented(kind, "Parameters") == list(inspect.signature(kind).parameters)
    assert ">>> " in (kind.__doc__ or "")
    for method_name, method in inspect.getmembers(kind, inspect.isfunction):
        if method.__module__.startswith("skcaptcha") and not method_name.startswith("_"):
            parameters = list(inspect.signature(method).parameters)[1:]
            assert documented(method, "Parameters") == parameters, method_name
            assert documented(method, "Returns"), method_name
    fitted = make(name).fit(batch(name), LABELS)
    learned = {key for key in vars(fitted) if key.endswith("_")}
    assert learned == {key for key in documented(kind, "Attributes") if key.endswith("_")}


@every
def test_estimators_have_html_diagrams(name):
    assert repr(make(name)).startswith(name)
    assert name in make(name)._repr_html_()


BAD_IMAGES = {
    "a path": "captcha.png",
    "floats": np.zeros((20, 40)),
    "one row": np.zeros(40, dtype=np.uint8),
    "no pixels": np.zeros((0, 40), dtype=np.uint8),
    "four channels": np.zeros((20, 40, 4), dtype=np.uint8),
    "nothing": None,
}


@pytest.mark.parametrize("bad", BAD_IMAGES)
@pytest.mark.parametrize("name", [n for n in KINDS if input_of(KINDS[n]) in ("denoise", "segment")])
def test_a_bad_image_is_named(name, bad):
    fitted = make(name).fit(drawn(), LABELS)
    X = [*drawn(2), BAD_IMAGES[bad], *drawn(1)]
    with pytest.raises(ImageError, match=r"^image 2: "):
        (fitted.predict if hasattr(fitted, "predict") else fitted.transform)(X)
    with pytest.raises(ImageError, match=r"^image 2: "):
        fitted.fit(X, LABELS[:4])


@pytest.mark.parametrize("name", [n for n in KINDS if input_of(KINDS[n]) in IMAGES])
def test_a_single_image_is_refused(name):
    with pytest.raises(ImageError, match=r"^X: .*wrap"):
        make(name).fit(drawn()[0], LABELS[:1])


@pytest.mark.parametrize("name", [n for n in KINDS if input_of(KINDS[n]) not in IMAGES])
def test_input_other_than_segments_is_refused(name):
    with pytest.raises(TypeError, match=r"Segments.* found list"):
        make(name).fit(drawn(), LABELS)
    fitted = make(name).fit(batch(name), LABELS)
    with pytest.raises(TypeError, match=r"Segments.* found list"):
        (fitted.predict if hasattr(fitted, "predict") else fitted.transform)(drawn())
