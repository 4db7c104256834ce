"""Base classes, tags and checks: links to the documentation, models, unsupported methods."""

from html.parser import HTMLParser
from importlib import import_module
from importlib.metadata import metadata
from urllib.parse import urlsplit

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from skcaptcha import evaluate, load, read_captchas, save
from skcaptcha.base import check_images, stacks_of_one_shape
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale, ImageRouter
from skcaptcha.exceptions import ImageError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.inspection import explain_error, predict_labeled, time_steps, trace
from skcaptcha.label_issues import find_label_issues
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.novelty import NoveltyDetector
from skcaptcha.read import CharacterReader
from skcaptcha.read.sequence._linear_discriminants import LinearDiscriminants
from skcaptcha.recipes._allowed_classes import allowed_classes
from skcaptcha.report import fit_report, score_report
from skcaptcha.segment import EqualSplit

NOT_PUBLIC = {LinearDiscriminants}  # the default of SequenceReader
NAMED_IN_RECIPES = {
    kind for kind in allowed_classes("").values() if kind.__module__.startswith("skcaptcha")
}
OURS = sorted(
    {*NAMED_IN_RECIPES, NoveltyDetector, SharedGridSearchCV} - NOT_PUBLIC, key=lambda k: k.__name__
)
URLS = dict(url.split(", ", 1) for url in metadata("skcaptcha").get_all("Project-URL", []))
needs_url = pytest.mark.skipif(
    "Documentation" not in URLS, reason="installed before it had documentation; install it again"
)


def bare(kind: type[BaseEstimator]) -> BaseEstimator:
    """An estimator without parameters."""
    return kind.__new__(kind)


@needs_url
@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_estimator_has_a_page_named_after_its_import_path(kind):
    base, _, page = bare(kind)._get_doc_link().partition("reference/generated/")
    assert base == URLS["Documentation"]
    module, _, name = page.removesuffix(".html").rpartition(".")
    assert getattr(import_module(module), name) is kind


def test_a_subclass_outside_the_package_has_no_page():
    class Mine(Grayscale):
        pass

    assert Mine()._get_doc_link() == ""
    assert LinearDiscriminants()._get_doc_link() == ""


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs)["href"] or "")


@needs_url
def test_the_diagram_links_to_every_step():
    router = ImageRouter([("a", Binarizer()), ("b", "passthrough")], thresholds=[9])
    reader = CharacterReader(LogisticRegression())
    model = make_pipeline(ImageDecoder(), Grayscale(), router, EqualSplit(4), RawPixels(), reader)
    links = Links()
    links.feed(estimator_html_repr(model))
    pages = {
        urlsplit(link).path.rpartition("/")[2]
        for link in links.found
        if link.startswith(URLS["Documentation"])
    }
    assert pages >= {
        "skcaptcha.images.ImageDecoder.html",
        "skcaptcha.denoise.Grayscale.html",
        "skcaptcha.denoise.ImageRouter.html",
        "skcaptcha.segment.EqualSplit.html",
        "skcaptcha.features.RawPixels.html",
        "skcaptcha.read.CharacterReader.html",
    }
    assert any("LogisticRegression" in link for link in links.found)


# --- a fitted search instead of a pipeline -------------------------------------------------------

X, Y = make_line_captchas(60, charset="ABC", random_state=0)
GRID = {"characterreader__estimator__n_neighbors": [1, 3]}


def pipeline():
    reader = CharacterReader(KNeighborsClassifier())
    return make_pipeline(
        ImageDecoder(), Grayscale(), Binarizer(), EqualSplit(4), RawPixels(), reader
    )


@pytest.fixture(
    scope="module",
    params=[
        GridSearchCV(pipeline(), GRID, cv=2),
        SharedGridSearchCV(pipeline(), GRID, cv=2),
        RandomizedSearchCV(pipeline(), GRID, n_iter=1, cv=2),
        GridSearchCV(GridSearchCV(pipeline(), GRID, cv=2), {"refit": [True]}, cv=2),
    ],
    ids=lambda search: type(search).__name__,
)
def search(request):
    return request.param.fit(X[:40], Y[:40])


def best(search):
    found = search.best_estimator_
    return best(found) if hasattr(found, "best_estimator_") else found


def test_a_fitted_search_does_what_its_best_estimator_does(search, tmp_path):
    model = best(search)
    readings = read_captchas(model, X[40:])
    texts = [reading.text for reading in readings]
    assert [reading.text for reading in read_captchas(search, X[40:])] == texts
    assert evaluate(search, X[40:], Y[40:]) == evaluate(model, X[40:], Y[40:])
    assert [prediction.text for prediction in predict_labeled(search, X[40:], Y[40:])] == texts
    assert trace(search, X[40]).reading.text == texts[0]
    cause = explain_error(search, X[40], "ZZZZ", readings[0])
    assert cause == explain_error(model, X[40], "ZZZZ", readings[0])
    assert [time.name for time in time_steps(search, X[40:])] == [
        time.name for time in time_steps(model, X[40:])
    ]
    save(search, tmp_path / "a.joblib")
    assert load(tmp_path / "a.joblib").predict(X[40:]).tolist() == texts


def test_reports_of_a_fitted_search(search):
    html = score_report(search, X[40:], Y[40:]).to_html()
    assert "KNeighborsClassifier" in html
    page = fit_report(search, X[:40], Y[:40], budget=0)
    headings = [section.heading for section in page.sections]
    assert "The grid" in headings


def test_labels_are_checked_by_the_best_estimator(search):
    pytest.importorskip("cleanlab")
    wrong = [*Y[:40]]
    wrong[7] = "AB"
    assert find_label_issues(X[:40], wrong, model=search, n_folds=2).suspects[0].index == 7


def test_a_search_saved_with_joblib_is_loaded(tmp_path):
    search = GridSearchCV(pipeline(), GRID, cv=2).fit(X[:40], Y[:40])
    joblib.dump(search, tmp_path / "a.joblib")
    model = load(tmp_path / "a.joblib", trust=True)
    np.testing.assert_array_equal(model.predict(X[40:]), search.predict(X[40:]))


NOT_A_MODEL = [
    (GridSearchCV(pipeline(), GRID), NotFittedError, r"this GridSearchCV is not fitted; call"),
    (
        SharedGridSearchCV(pipeline(), GRID, cv=2, refit=False).fit(X[:20], Y[:20]),
        NotFittedError,
        "fitted with refit=False",
    ),
    (LogisticRegression(), TypeError, "must be a Pipeline.*found LogisticRegression"),
    (1, TypeError, "must be a Pipeline.*found int"),
]


@pytest.mark.parametrize(("model", "error", "message"), NOT_A_MODEL)
def test_an_invalid_model_is_named(model, error, message, tmp_path):
    calls = [
        lambda: read_captchas(model, X),
        lambda: evaluate(model, X, Y),
        lambda: trace(model, X[0]),
        lambda: save(model, tmp_path / "a.joblib"),
        lambda: score_report(model, X, Y),
        lambda: fit_report(model, X, Y),
        lambda: predict_labeled(model, X, Y),
        lambda: time_steps(model, X),
    ]
    for call in calls:
        with pytest.raises(error, match=message):
            call()
    assert not list(tmp_path.iterdir())


def test_a_pipeline_that_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError, match="the pipeline is not fitted; call its fit"):
        save(pipeline(), tmp_path / "a.joblib")
    assert not list(tmp_path.iterdir())


# --- what scikit-learn's transformers support and images do not ----------------------------------

STEPS = [
    ImageDecoder(),
    Grayscale(),
    ImageRouter([("a", Binarizer())], thresholds=[]),
    EqualSplit(4),
    RawPixels(),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_images_and_segments_have_no_columns_to_name_or_to_set(step):
    with pytest.raises(AttributeError, match="set_output"):
        step.set_output(transform="pandas")
    assert not hasattr(step, "get_feature_names_out")


def test_a_pipeline_names_the_step_without_set_output_or_feature_names():
    model = pipeline().fit(X[:20], Y[:20])
    with pytest.raises(ValueError, match=r"ImageDecoder\(\) because `set_output` is not available"):
        model.set_output(transform="pandas")
    with pytest.raises(AttributeError, match="imagedecoder does not provide get_feature_names_out"):
        model[:-1].get_feature_names_out()


def test_global_output_settings_have_no_effect():
    expected = pipeline().fit(X[:20], Y[:20]).predict(X[20:])
    with config_context(transform_output="pandas"):
        assert pipeline().fit(X[:20], Y[:20]).predict(X[20:]).tolist() == expected.tolist()


def test_no_step_takes_sample_weights():
    weights = np.ones(20)
    with pytest.raises(TypeError, match="sample_weight"):
        pipeline().fit(X[:20], Y[:20], characterreader__sample_weight=weights)
    with (
        config_context(enable_metadata_routing=True),
        pytest.raises(TypeError, match="sample_weight"),
    ):
        pipeline().fit(X[:20], Y[:20], sample_weight=weights)


def test_a_search_passes_groups_to_its_splitter():
    groups = np.repeat(np.arange(4), 5)
    search = SharedGridSearchCV(pipeline(), GRID, cv=GroupKFold(4), refit=False)
    search.fit(X[:20], Y[:20], groups=groups)
    assert search.n_splits_ == 4
    with pytest.raises(ValueError, match="groups"):
        search.fit(X[:20], Y[:20])


# --- checks of images ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("a.png", r"found str; decode with ImageDecoder"),
        (np.zeros((3, 4)), r"found float64 of shape \(3, 4\); decode with ImageDecoder"),
        (np.zeros((3, 4, 2), np.uint8), r"found uint8 of shape \(3, 4, 2\); decode"),
        (np.zeros((3, 0), np.uint8), r"it has no pixels: its shape is \(3, 0\)"),
        (np.zeros((3, 0, 3), np.uint8), r"no pixels"),
    ],
)
def test_an_image_that_cannot_be_used_is_named(bad, message):
    good = np.zeros((3, 4), np.uint8)
    with pytest.raises(ImageError, match=f"^image 1: .*{message}"):
        check_images([good, bad, good])


def test_color_is_refused_if_gray_is_needed():
    color = np.zeros((3, 4, 3), np.uint8)
    check_images([color])
    with pytest.raises(
        ImageError, match=r"shape \(h, w\), found .*; put Grayscale before this step"
    ):
        check_images([color], gray=True)


def test_stacks_hold_all_images_once():
    rng = np.random.default_rng(0)
    images = [np.full((3, rng.integers(1, 4)), i, np.uint8) for i in range(40)]
    seen = []
    for indices, stack in stacks_of_one_shape(images):
        for i, image in zip(indices, stack, strict=True):
            np.testing.assert_array_equal(image, images[i])
            assert not np.shares_memory(image, images[i])
        seen += indices
    assert sorted(seen) == list(range(40))
