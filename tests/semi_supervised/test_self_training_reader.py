"""SelfTrainingReader on generated captchas: what teaches, what does not, and what it gains."""

import pickle
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha.datasets import make_image_captchas, make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.exceptions import DatasetError, ReadingError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader, ConvolutionalReader, Evaluate
from skcaptcha.segment import FixedBoxes
from skcaptcha.semi_supervised import SelfTrainingReader

BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]


def glyphs() -> Pipeline:
    """A pipeline for generated lines that is fitted in a moment."""
    return make_pipeline(
        ImageDecoder(),
        Grayscale(),
        Binarizer(),
        FixedBoxes(BOXES),
        RawPixels(),
        CharacterReader(KNeighborsClassifier(n_neighbors=1)),
    )


def half_labeled(n: int, n_labeled: int, charset: str = "ABCDEF"):
    """Return captchas, their labels of which most are missing, and all labels."""
    X, y = make_line_captchas(n, charset=charset, random_state=0)
    known = [label if i < n_labeled else "" for i, label in enumerate(y.tolist())]
    return list(X), known, y


@pytest.fixture(scope="module")
def fitted():
    X, known, y = half_labeled(120, 30)
    return (
        SelfTrainingReader(glyphs(), threshold=0.5, n_views=0, random_state=0).fit(X, known),
        X,
        known,
        y,
    )


def test_captchas_without_labels_teach_what_they_show(fitted):
    model, _, known, y = fitted
    taught = model.labeled_iter_ > 0
    assert taught.sum() > 45
    assert (model.transduction_[taught] == y[taught]).mean() > 0.98
    assert (model.transduction_[:30] == known[:30]).all()
    assert (model.labeled_iter_[:30] == 0).all()
    assert (model.probabilities_[:30] == 1).all()
    assert (model.probabilities_[taught] >= 0.5).all()
    others = model.labeled_iter_ < 0
    assert (model.transduction_[others] == "").all()
    assert (model.probabilities_[others] == 0).all()


def test_the_result_is_the_pipeline_fitted_to_all_that_teach(fitted):
    model, X, _, _ = fitted
    taught = np.flatnonzero(model.transduction_ != "")
    expected = glyphs().fit([X[i] for i in taught], model.transduction_[taught])
    assert isinstance(model.estimator_, Pipeline)
    assert (model.predict(X) == expected.predict(X)).all()
    assert (model.classes_ == expected[-1].classes_).all()
    assert model.score(X, expected.predict(X)) == 1


def test_the_same_seed_gives_the_same_model(fitted):
    model, X, known, _ = fitted
    again = clone(model).fit(X, known)
    assert (again.transduction_ == model.transduction_).all()
    assert (again.probabilities_ == model.probabilities_).all()


def test_it_can_be_pickled(fitted):
    model, X, _, _ = fitted
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()


@pytest.mark.parametrize("missing", [None, ""])
def test_without_unlabeled_captchas_nothing_changes(missing):
    X, y = make_line_captchas(40, charset="ABC", random_state=0)
    plain = glyphs().fit(X, y)
    model = SelfTrainingReader(glyphs(), random_state=0).fit(list(X), y.tolist())
    assert pickle.dumps(model.estimator_[-1].estimator_) == pickle.dumps(plain[-1].estimator_)
    assert model.termination_condition_ == "no_change"
    assert model.n_iter_ == 0
    # One captcha more that shows the same as another one teaches nothing either.
    model.fit([*X, X[0]], [*y.tolist(), missing])
    assert (model.labeled_iter_[:-1] == 0).all()
    assert model.labeled_iter_[-1] == -1


def test_fewer_than_20_labels_are_too_few_to_trust_a_reading():
    X, known, _ = half_labeled(60, 19)
    model = SelfTrainingReader(glyphs(), threshold=0.0, random_state=0).fit(X, known)
    assert (model.labeled_iter_ <= 0).all()
    # Duplicates add nothing.
    model.fit([*X[:2] * 10, *X[20:40]], [*known[:2] * 10, *[None] * 20])
    assert (model.labeled_iter_ <= 0).all()


@pytest.mark.parametrize("n_labeled", [20, 40])
def test_foreign_images_do_not_teach(n_labeled):
    X, known, _ = half_labeled(n_labeled + 40, n_labeled)
    rng = np.random.default_rng(0)
    foreign = [rng.integers(0, 256, (30, 120, 3), dtype=np.uint8) for _ in range(20)]
    model = SelfTrainingReader(glyphs(), threshold=0.0, max_iter=1, random_state=0)
    model.fit([*X, *foreign], [*known, *[""] * 20])
    assert (model.labeled_iter_[n_labeled + 40 :] == -1).all()
    assert (model.labeled_iter_[n_labeled : n_labeled + 40] == 1).all()
    assert model.n_unlike_ == 20
    # Images of another size cannot even be read.
    larger = [image.repeat(2, axis=0) for image in X[n_labeled:]]
    for others in (foreign, larger):
        model.fit(others + X[:n_labeled], [""] * len(others) + known[:n_labeled])
        assert (model.termination_condition_, model.n_iter_) == ("no_change", 0)
        assert model.n_unlike_ == len(others)


def noisy(n: int, charset: str, seed: int):
    """Return lines with a quarter of the pixels black, so that 40 labels are hardly enough."""
    X, y = make_line_captchas(n, charset=charset, random_state=seed)
    X[np.random.default_rng(seed).random(X.shape[:3]) < 0.25] = 0
    return list(X), y.tolist()


@pytest.mark.parametrize("case", ["half of another scheme", "a tenth of the labels is wrong"])
def test_teaching_does_no_harm(case):
    X, y = noisy(250, "ABCDEFGHIJKLMNOP", 3)
    labels, others, true = y[:40], X[40:140], y[40:140]
    if case == "half of another scheme":
        # Other letters of the same size in the same noise, so that images alone do not tell.
        others, true = others[:50] + noisy(50, "STUVWXYZ", 9)[0], true[:50] + [None] * 50
    else:
        labels = [label if i % 10 else y[i + 200] for i, label in enumerate(labels)]
    plain = glyphs().fit(X[:40], labels)
    model = SelfTrainingReader(glyphs(), n_views=0, random_state=0)
    model.fit(X[:40] + others, [*labels, *[None] * 100])
    taught = np.flatnonzero(model.labeled_iter_[40:] > 0)
    assert len(taught) > 10 or case != "half of another scheme"
    assert [model.transduction_[40 + i] for i in taught] == [true[i] for i in taught]
    assert model.score(X[140:], y[140:]) >= plain.score(X[140:], y[140:]) - 0.02


def test_arithmetic_is_scored_by_its_answers():
    X, y = make_line_captchas(60, charset="123", random_state=0)
    # The second character of each captcha is replaced with the same sign.
    X[:, :, 36:62] = X[0, :, 36:62]
    X = X[:, :, :92]
    sums = [f"{label[0]}+{label[2]}" for label in y.tolist()]
    pipeline = glyphs()
    pipeline.set_params(
        fixedboxes__boxes=BOXES[:3],
        characterreader=Evaluate(CharacterReader(KNeighborsClassifier(n_neighbors=1))),
    )
    known = [label if i < 40 else None for i, label in enumerate(sums)]
    model = SelfTrainingReader(pipeline.set_params(), threshold=0.5, n_views=0, random_state=0)
    model.fit(list(X), known)
    assert min(model.held_out_scores_) > 0.5
    assert (model.labeled_iter_[40:] > 0).any()
    assert model.score(list(X), known) > 0.9


def test_frames_of_animations_are_merged_before_they_are_read():
    X, known, y = half_labeled(50, 40)

    def animation(image):
        left, right = image.copy(), image.copy()
        left[:, 64:], right[:, :64] = 255, 255
        frames = [Image.fromarray(frame).convert("L") for frame in (left, right)]
        file = BytesIO()
        frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
        return file.getvalue()

    pipeline = glyphs().set_params(imagedecoder__frames=2)
    model = SelfTrainingReader(pipeline, threshold=0.5, n_views=0, random_state=0)
    model.fit([animation(image) for image in X], known)
    taught = model.labeled_iter_ > 0
    assert taught.sum() > 5
    assert (model.transduction_[taught] == y[taught]).all()


def test_metadata_routing_changes_nothing(fitted):
    model, X, known, _ = fitted
    with config_context(enable_metadata_routing=True):
        again = clone(model).fit(X, known)
    assert (again.transduction_ == model.transduction_).all()


def test_score_counts_captchas_with_a_label_only(fitted):
    model, X, known, _ = fitted
    assert model.score(X, known) == model.score(X[:30], known[:30]) > 0.9
    with pytest.raises(DatasetError, match="none of the 2 captchas has a label"):
        model.score(X[:2], [None, ""])


@pytest.mark.parametrize(("n_misread", "is_worse"), [(3, False), (4, True)])
def test_wrong_pseudo_labels_are_forgotten_if_the_committee_reads_worse(
    monkeypatch, n_misread, is_worse
):
    """Each of two members has four held-out captchas, a tenth of 40."""
    X, known, _ = half_labeled(80, 40)
    scores = iter([1.0, 1 - n_misread / 8, 1.0])
    monkeypatch.setattr(
        "skcaptcha.semi_supervised._self_training_reader._held_out_score", lambda *_: next(scores)
    )
    model = SelfTrainingReader(glyphs(), threshold=0.0, random_state=0).fit(X, known)
    assert (model.termination_condition_ == "worse") == is_worse
    assert (model.labeled_iter_ <= 0).all() == is_worse
    assert model.n_iter_ == 2 or not is_worse


def test_a_search_over_the_threshold():
    X, known, _ = half_labeled(80, 40)
    search = GridSearchCV(
        SelfTrainingReader(glyphs(), max_iter=1, random_state=0),
        {"threshold": [0.5, 0.9], "estimator__binarizer__threshold": [140]},
        cv=[(np.arange(60), np.arange(20))],
    ).fit(X, known)
    assert search.best_score_ > 0.5
    assert search.best_estimator_.estimator_[2].threshold == 140


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([""] * 40, "none of the 40 captchas has a label"),
        (["ABCD"] * 39, r"number of labels \(39\) differs from number of captchas \(40\)"),
    ],
)
def test_errors(labels, message):
    X, _, _ = half_labeled(40, 0)
    with pytest.raises(DatasetError, match=message):
        SelfTrainingReader(glyphs()).fit(X, labels)


@pytest.mark.parametrize("label", [float("nan"), 1234])
def test_labels_are_strings(label):
    X, known, _ = half_labeled(40, 30)
    with pytest.raises(ReadingError, match="labels must hold strings"):
        SelfTrainingReader(glyphs()).fit(X, [*known[:30], *[label] * 10])


def test_the_last_step_must_be_a_reader():
    X, known, _ = half_labeled(40, 30)
    with pytest.raises(TypeError, match="must be a Pipeline that ends in a reader"):
        SelfTrainingReader(glyphs()[:-1]).fit(X, known)


@pytest.mark.slow
def test_overlapping_captchas_are_read_better_than_without():
    X, y = make_image_captchas(340, charset="ABCDEFGH", n_characters=4, random_state=0)
    others, texts = make_image_captchas(200, charset="ABCDEFGH", n_characters=4, random_state=1)
    network = make_pipeline(
        ImageDecoder(),
        Grayscale(),
        PolarityNormalizer(),
        HeightScaler(height=40, margin=0),
        ConvolutionalReader(
            max_iter=150, channels=(12, 12, 32, 32, 32), n_hidden=64, random_state=0
        ),
    )
    plain = clone(network).fit(X[:40], y[:40]).score(others, texts)
    model = SelfTrainingReader(network, random_state=0)
    model.fit(list(X), [label if i < 40 else None for i, label in enumerate(y.tolist())])
    assert model.score(others, texts) > plain + 0.05
