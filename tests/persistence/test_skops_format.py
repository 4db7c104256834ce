"""Supported models predict the same after a round trip; other skops files are refused."""

import inspect
import os
import sys
import warnings
import zipfile
from collections import defaultdict
from importlib import import_module
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import FeatureAgglomeration
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, OneHotEncoder
from sklearn.utils import all_estimators

from skcaptcha import denoise, features, load, load_recipe, read, save, segment
from skcaptcha.datasets import make_line_captchas
from skcaptcha.exceptions import ModelError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.persistence import TRUSTED_TYPES, check_before_fit
from skcaptcha.persistence._skops_format import public_estimators
from skcaptcha.persistence._unsafe_values import unsafe_value
from skcaptcha.read import CharacterReader, ConvolutionalReader, SequenceReader
from skcaptcha.recipes._allowed_classes import allowed_classes
from skcaptcha.segment import FixedBoxes

CONFIGS = Path(__file__).parents[2] / "configs"
BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
IMAGES, LABELS = make_line_captchas(40, charset="AB1", random_state=0)
IMAGES = list(IMAGES)
LABELS = LABELS.tolist()
CLASSIFIERS = {
    name: kind for name, kind in allowed_classes("").items() if issubclass(kind, ClassifierMixin)
}
REFUSED = {
    "ConvolutionalClassifier",
    "ExtraTreesClassifier",
    "HistGradientBoostingClassifier",
    "RandomForestClassifier",
}
CHANGED = {
    "CalibratedClassifierCV": {"cv": 2},
    "MLPClassifier": {"hidden_layer_sizes": [5], "max_iter": 3},
}


def public(*modules) -> dict[str, type]:
    """Return the public estimators of modules by name."""
    found = {name: getattr(module, name) for module in modules for name in module.__all__}
    return {
        name: kind
        for name, kind in found.items()
        if inspect.isclass(kind)
        and issubclass(kind, BaseEstimator)
        and not inspect.isabstract(kind)
    }


def assert_reads_the_same(model, tmp_path):
    """Save and load the model, and compare its readings bit by bit."""
    save(model, tmp_path / "m.skops", format="skops")
    loaded = load(tmp_path / "m.skops")

    def said(model):
        return [
            (r.text, r.confidence, r.probabilities.tobytes(), r.boxes.tobytes(), r.runners_up)
            for r in model[-1].read(model[:-1].transform(IMAGES))
        ]

    assert said(loaded) == said(model)
    assert loaded.predict(IMAGES).tolist() == model.predict(IMAGES).tolist()
    assert repr(loaded) == repr(model)


def fit(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few captchas, so fits may not converge
        return model.fit(IMAGES, LABELS)


def reader_of(classifier) -> Pipeline:
    steps = (denoise.Grayscale(), FixedBoxes(BOXES), RawPixels(), CharacterReader(classifier))
    return make_pipeline(*steps)


@pytest.mark.parametrize("name", sorted(CLASSIFIERS.keys() - REFUSED))
def test_every_classifier(name, tmp_path):
    model = reader_of(CLASSIFIERS[name](**CHANGED.get(name, {})))
    check_before_fit([model])
    assert_reads_the_same(fit(model), tmp_path)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_unsupported_classifiers_are_refused_before_fitting(name, tmp_path):
    model = reader_of(CLASSIFIERS[name]())
    with pytest.raises(ModelError, match=f"^{name} cannot be saved"):
        check_before_fit([{"read__estimator": [CLASSIFIERS["SVC"](), model[-1].estimator]}])
    if name != "ConvolutionalClassifier":  # it needs PyTorch
        with pytest.raises(ModelError, match=r"TRUSTED_TYPES"):
            save(fit(model), tmp_path / "m.skops", format="skops")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", public(denoise))
def test_every_denoiser(name, tmp_path):
    branches = {"branches": [("a", denoise.Smoother()), ("b", "passthrough")]}
    denoiser = public(denoise)[name](**branches if name == "ImageRouter" else {})
    steps = (ImageDecoder(), denoise.Grayscale(), denoiser, segment.EqualSplit(n_characters=4))
    assert_reads_the_same(fit(make_pipeline(*steps, RawPixels(), CharacterReader())), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", public(segment))
def test_every_segmenter_and_feature(name, tmp_path):
    kind = public(segment)[name]
    given = {"boxes": BOXES, "n_characters": 4}
    takes = inspect.signature(kind).parameters
    segmenter = kind(**{key: value for key, value in given.items() if key in takes})
    few = denoise.SmallComponentRemover(min_area=30)  # pieces for Oversegmentation to join
    cut = [denoise.Grayscale(), denoise.Binarizer(ink="auto"), few, segmenter]
    for feature in public(features).values():
        windows = name in ("SlidingWindow", "Oversegmentation")
        reader = SequenceReader(n_realignments=0, random_state=0) if windows else CharacterReader()
        assert_reads_the_same(fit(make_pipeline(*map(clone, cut), feature(), reader)), tmp_path)


def test_a_reader_of_images(tmp_path):
    reader = ConvolutionalReader(
        n_estimators=2, channels=(4, 4, 8, 8, 8), n_hidden=16, max_iter=4, random_state=0
    )
    steps = denoise.Grayscale(), denoise.PolarityNormalizer(), denoise.HeightScaler(24, margin=0)
    model = make_pipeline(*steps, reader)
    check_before_fit([model])
    assert_reads_the_same(fit(model), tmp_path)


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("grid", []),
        ("components", []),
        ("dots", ["steps.segment.n_characters=4"]),
        ("raw-knn", []),
        pytest.param(
            "sequence",
            ["final.read__n_windows=1000", "final.read__n_estimators=2"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "convolutional",
            ["final.read__max_iter=2", "final.read__n_estimators=2"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_every_ready_recipe(name, overrides, tmp_path):
    recipe = load_recipe(CONFIGS / f"{name}.yaml", overrides)
    check_before_fit([recipe.final_pipeline(), recipe.grid])
    assert_reads_the_same(fit(recipe.final_pipeline()), tmp_path)


def test_every_recipe_in_auto_yaml():
    recipe = load_recipe(CONFIGS / "auto.yaml")
    check_before_fit([recipe.final_pipeline(), recipe.grid])


def test_all_ready_recipes_are_tested():
    recipes = {path.stem for path in CONFIGS.glob("*.yaml")}
    tested = {"grid", "components", "dots", "raw-knn", "sequence", "convolutional", "auto"}
    assert recipes == tested | {"cnn"}


def test_the_list_of_trusted_types():
    ours = public(import_module("skcaptcha.images"), denoise, segment, features, read)
    del ours["ConvolutionalClassifier"]
    assert {f"{kind.__module__}.{name}" for name, kind in ours.items()} <= TRUSTED_TYPES
    for name in TRUSTED_TYPES:
        module, _, kind = name.rpartition(".")
        assert inspect.isclass(getattr(import_module(module), kind))


def test_only_a_public_estimator_is_trusted(monkeypatch):
    class New(denoise.Smoother):
        pass

    class Arbitrary:
        pass

    for kind in (New, Arbitrary):
        monkeypatch.setattr(denoise, kind.__name__, kind, raising=False)
    name = f"{New.__module__}.{New.__qualname__}"
    before = public_estimators()
    monkeypatch.setattr(denoise, "__all__", [*denoise.__all__, "New", "Arbitrary"])
    assert public_estimators() - before == {name}
    assert before <= TRUSTED_TYPES
    assert name not in TRUSTED_TYPES


def test_public_estimators_run_nothing_when_they_are_loaded():
    """They are created without calling a constructor, and attributes are set one by one."""
    for name in public_estimators():
        module, _, kind = name.rpartition(".")
        for base in getattr(import_module(module), kind).__mro__:
            if base.__module__.startswith("skcaptcha."):
                assert not vars(base).keys() & {"__new__", "__setstate__", "__setattr__"}


class Stranger(KNeighborsClassifier):
    """A classifier that is not part of any library."""


class Runs:
    """Creates a folder when it is loaded from a file."""

    def __init__(self, path):
        self.path = path

    def __setstate__(self, state):
        os.mkdir(state["path"])


def test_custom_estimators_are_refused_by_name(tmp_path):
    path = tmp_path / "m.skops"
    save(fit(reader_of(KNeighborsClassifier())), path, format="skops")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ModelError, match=r"contains .*Stranger, .*TRUSTED_TYPES"):
        save(fit(reader_of(Stranger())), path, format="skops")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_file_with_other_types_is_refused_by_name_and_runs_nothing(tmp_path):
    model = fit(reader_of(KNeighborsClassifier()))
    model[-1].surprise_ = Runs(str(tmp_path / "made"))
    skops.io.dump(model, tmp_path / "m.skops")
    # Otherwise, the test would pass without checking anything.
    unknown = skops.io.get_untrusted_types(file=tmp_path / "m.skops")
    skops.io.load(tmp_path / "m.skops", trusted=unknown)
    os.rmdir(tmp_path / "made")
    for trust in (False, True):
        with pytest.raises(
            ModelError, match=r"m\.skops: contains .*Runs, .*TRUSTED_TYPES"
        ) as caught:
            load(tmp_path / "m.skops", trust=trust)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "made").exists()


@pytest.fixture
def trap(tmp_path):
    """Return the folder that pickles in a model's cache folder create when they are loaded."""
    model = reader_of(KNeighborsClassifier())
    model.set_params(memory=str(tmp_path / "memory"))
    skops.io.dump(fit(model), tmp_path / "m.skops")
    results = list((tmp_path / "memory").rglob("output.pkl"))
    assert results
    for result in results:
        joblib.dump(Runs(str(tmp_path / "made")), result)
    return tmp_path / "made"


def test_the_memory_of_a_pipeline_runs_code(trap, tmp_path):
    # Otherwise, the tests with the trap would pass without checking anything.
    loaded = skops.io.load(tmp_path / "m.skops", trusted=sorted(TRUSTED_TYPES))
    with pytest.raises(TypeError):  # the loaded object is not a step
        clone(loaded).fit(IMAGES, LABELS)
    assert trap.is_dir()


def test_a_model_with_a_memory_is_refused(trap, tmp_path):
    with pytest.raises(ModelError, match=r"m\.skops: contains memory=.*, a folder"):
        load(tmp_path / "m.skops", trust=True)
    assert not trap.exists()


def nested(value):
    """Return a reader with a scikit-learn step in its classifier."""
    return reader_of(make_pipeline(value, KNeighborsClassifier()))


def changed(**attributes):
    model = reader_of(KNeighborsClassifier())
    for name, value in attributes.items():
        setattr(model[-1], name, value)
    return model


UNSAFE = {
    "a memory deep inside": (
        lambda: reader_of(make_pipeline(Normalizer(), KNeighborsClassifier(), memory="cache")),
        r"steps\[3\]\[1\]\.estimator\.memory='cache', a folder",
    ),
    "another estimator's memory": (
        lambda: nested(FeatureAgglomeration(2, memory="cache", pooling_func=None)),
        "memory='cache', a folder",
    ),
    "a function": (lambda: nested(FunctionTransformer(np.negative)), "func, which is callable"),
    "a function in a table": (
        lambda: reader_of(KNeighborsClassifier(metric_params={"w": [np.add]})),
        r"metric_params\['w'\]\[0\], which is callable",
    ),
    "a metric": (lambda: reader_of(KNeighborsClassifier(metric=np.add)), "metric, which is"),
    "a method": (lambda: changed(surprise_=np.array([np.add], object)), r"surprise_\[0\], which"),
    "a class": (lambda: changed(surprise_=KNeighborsClassifier), "surprise_, which is callable"),
    "a factory": (lambda: changed(surprise_=defaultdict(list)), "default_factory, which is"),
    "files": (
        lambda: changed(surprise_=CountVectorizer(input="filename")),
        r"surprise_\.input='filename', which opens",
    ),
    "a sum": (
        lambda: changed(surprise_=GridSearchCV(KNeighborsClassifier(), {}, pre_dispatch="9**9")),
        r"pre_dispatch='9\*\*9', which would be evaluated",
    ),
    "many processes": (
        lambda: reader_of(KNeighborsClassifier(n_jobs=100_000)),
        "n_jobs=100000; the maximum is 256",
    ),
}


@pytest.mark.parametrize(("make", "found"), UNSAFE.values(), ids=UNSAFE)
def test_unsafe_values_in_trusted_types_are_refused(make, found, tmp_path):
    # They are refused in untrusted files and when saving.
    model = make()
    model[-1].classes_ = np.array(["A"])  # an unfitted model would be refused first
    path = tmp_path / "m.skops"
    skops.io.dump(model, path)
    if set(skops.io.get_untrusted_types(file=path)) - TRUSTED_TYPES:
        found = "TRUSTED_TYPES"  # already refused by name
    with pytest.raises(ModelError, match=f"m.skops: contains .*{found}"):
        load(path, trust=True)
    path.unlink()
    with pytest.raises(ModelError, match=found):
        save(model, path, format="skops")
    assert os.listdir(tmp_path) == []


def test_types_of_data_are_safe():
    assert unsafe_value(OneHotEncoder(dtype=np.float32)) == ""
    assert unsafe_value({"a": [float, {1, 2}, (None, b"")], "b": np.array([1, "a"], object)}) == ""


def test_a_model_that_contains_itself():
    model = reader_of(KNeighborsClassifier())
    model[-1].surprise_ = model
    assert unsafe_value(model) == ""
    model[-1].another_ = Path("a")
    assert unsafe_value(model) == f"steps[3][1].another_={Path('a')!r}, a path"


def test_scikit_learn_has_no_other_parameters_with_active_strings():
    # For each new parameter, check how scikit-learn uses the string.
    found = {
        name
        for _, kind in all_estimators()
        for name, allowed in getattr(kind, "_parameter_constraints", {}).items()
        if allowed != "no_validation" and str in allowed
    }
    judged_by_name = {"memory", "pre_dispatch"}
    only_names_something = {
        "constant",
        "encoding",
        "importance_getter",  # attributes to read
        "metric",
        "outlier_label",
        "pos_label",
        "refit",
        "resource",  # of successive halving, once it is imported
        "scoring",
        "separator",
        "threshold",
        "token_pattern",
        "verbose_feature_names_out",
    }
    assert found <= judged_by_name | only_names_something


def test_a_plain_skops_file_is_loaded_if_it_is_safe(tmp_path):
    model = fit(reader_of(KNeighborsClassifier()))
    skops.io.dump(model, tmp_path / "m.skops")
    assert load(tmp_path / "m.skops").predict(IMAGES).tolist() == model.predict(IMAGES).tolist()


def test_a_file_that_could_be_both_is_loaded_as_skops(tmp_path):
    # A pickle before an archive: joblib would load the first, skops the second.
    model, pickle, archive = fit(reader_of(KNeighborsClassifier())), BytesIO(), BytesIO()
    joblib.dump(Runs(str(tmp_path / "made")), pickle)
    skops.io.dump(model, archive)
    both = BytesIO(pickle.getvalue())
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(both, "a") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    (tmp_path / "m.joblib").write_bytes(both.getvalue())
    found = load(tmp_path / "m.joblib", trust=True).predict(IMAGES)
    np.testing.assert_array_equal(found, model.predict(IMAGES))
    assert not (tmp_path / "made").exists()


def test_without_skops_the_error_names_the_extra_to_install(tmp_path, monkeypatch):
    model = fit(reader_of(KNeighborsClassifier()))
    save(model, tmp_path / "m.skops", format="skops")
    monkeypatch.setitem(sys.modules, "skops", None)  # simulates a missing installation
    for attempt in (
        lambda: save(model, tmp_path / "n.skops", format="skops"),
        lambda: load(tmp_path / "m.skops"),
        lambda: check_before_fit([model]),
    ):
        with pytest.raises(ModelError, match=r"pip install 'skcaptcha\[skops\]'"):
            attempt()
    assert not (tmp_path / "n.skops").exists()
