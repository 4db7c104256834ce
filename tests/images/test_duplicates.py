"""Duplicates are never in both training and validation sets, so memorizing does not help."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_score
from sklearn.utils import Bunch

from skcaptcha.auto import choose_recipe, load_families
from skcaptcha.datasets import split_captchas, write_captchas
from skcaptcha.exceptions import DatasetError
from skcaptcha.images._duplicates import find_duplicates, group_folds
from skcaptcha.inspection._budgeted_refits import BudgetedRefits
from skcaptcha.label.training import Learner
from skcaptcha.recipes import Recipe

NEAREST = {"use": "KNeighborsClassifier", "n_neighbors": 1}  # memorizes its training set
RECIPE = {
    "data": {"folder": "."},
    "steps": {
        "denoise": {"gray": {"use": "Grayscale"}, "binarize": {"use": "Binarizer"}},
        "segment": {"use": "EqualSplit", "n_characters": 3},
        "features": {"use": "RawPixels"},
        "read": {"use": "CharacterReader", "estimator": NEAREST},
    },
    "search": {"cv": 4},
}


@pytest.fixture(scope="module")
def noise():
    """Thirty noise images with random labels; each image appears twice."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 12, 36)).astype(np.uint8)
    labels = np.array(["".join(text) for text in rng.choice(list("ABCDEFGH"), (30, 3))])
    return [*images, *images.copy()], np.concatenate([labels, labels])


def test_the_same_pixels_in_any_format_are_duplicates(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (9, 12, 3)).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(image).save(tmp_path / "b.bmp")
    Image.fromarray(image[::-1]).save(tmp_path / "c.png")
    (tmp_path / "d.png").write_bytes(b"no image")
    (tmp_path / "e.png").write_bytes(b"no image")
    groups = find_duplicates(
        [tmp_path / name for name in ("a.png", "c.png", "b.bmp", "d.png", "e.png")]
    )
    assert groups.tolist() == [0, 1, 0, 3, 4]


@given(st.lists(st.integers(0, 12), min_size=4, max_size=40), st.integers(2, 4), st.integers(0, 3))
def test_folds_do_not_split_duplicates(groups, n_splits, seed):
    groups = np.array(groups)
    if len(set(groups.tolist())) < n_splits:
        with pytest.raises(DatasetError, match=r"folds need at least \d different captchas"):
            group_folds(groups, n_splits, random_state=seed)
        return
    splits = group_folds(groups, n_splits, random_state=seed)
    assert sorted(np.concatenate([test for _, test in splits])) == list(range(len(groups)))
    for train, test in splits:
        assert len(test)
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(groups)))


def test_memorizing_does_not_help_in_cross_validation(noise):
    X, y = noise
    folds = KFold(4, shuffle=True, random_state=0)
    assert cross_val_score(Recipe(RECIPE).pipeline(), X, y, cv=folds).mean() > 0.5
    assert Recipe(RECIPE).search().fit(X, y).best_score_ < 0.1


def test_memorizing_does_not_help_in_choosing(noise):
    X, y = noise
    families = load_families()
    families = {**families, "grid": families["grid"][:1], "final": {}}
    choice = choose_recipe(X, y.tolist(), families=families, budget=20)
    assert choice.accuracy < 0.1
    with pytest.raises(DatasetError, match="all 3 captchas show the same image"):
        choose_recipe([X[0]] * 3, ["A", "B", "C"])


def test_memorizing_does_not_help_in_reports(noise):
    X, y = noise
    model = Recipe(RECIPE).pipeline().fit(X, y)
    refits = BudgetedRefits(
        model, X, y.tolist(), names=[str(i) for i in range(60)], folds=4, seconds=60, once=0
    )
    predictions = refits.out_of_fold_predictions()
    assert len(predictions) == 60
    assert sum(prediction.is_correct for prediction in predictions) < 6
    assert all(point.n_correct < 2 for point in refits.learning_curve([]))


def test_memorizing_does_not_help_in_labeling(noise, tmp_path):
    X, y = noise
    write_captchas(tmp_path / "d", X, y.tolist())
    names = [f"{i:05}.png" for i in range(1, 61)]
    learner = Learner(tmp_path / "d", Recipe(RECIPE))
    labels = dict(zip(names, y.tolist(), strict=True))
    assert len(list(learner.learn(labels))) == 1
    read = learner.read_held_out(names)
    assert len(read) == 60
    assert sum(read[name].text == labels[name] for name in names) < 6


@pytest.mark.parametrize(
    "reader",
    [
        {"use": "CharacterReader", "estimator": NEAREST, "calibration_cv": 4},
        {"use": "SequenceReader", "calibration_cv": 4, "n_estimators": 1, "n_realignments": 0},
    ],
    ids=["characters", "sequences"],
)
def test_memorizing_does_not_raise_confidences(noise, reader):
    X, y = noise
    sequence = reader["use"] == "SequenceReader"
    segment = {"use": "SlidingWindow", "width": 12} if sequence else RECIPE["steps"]["segment"]
    model = Recipe(
        {**RECIPE, "steps": {**RECIPE["steps"], "segment": segment, "read": reader}}
    ).pipeline()
    segments = clone(model).fit(X, y)[:-1].transform(X)
    sure = [reading.confidence for reading in clone(model[-1]).fit(segments, y).read(segments[:30])]
    assert np.mean(sure) < 0.3


@given(
    st.lists(st.integers(0, 8), min_size=6, max_size=30),
    st.floats(0.2, 0.8),
    st.sampled_from([None, 0.2, 1]),
    st.integers(0, 3),
)
@example(numbers=[0] * 19 + [1], train=0.7999999999999999, test=None, seed=0)
def test_splits_do_not_split_duplicates(numbers, train, test, seed):
    images = [np.full((2, 3), number, dtype=np.uint8) for number in numbers]
    bunch = Bunch(data=images, target=np.array(numbers).astype(str))
    try:
        learned, read = split_captchas(bunch, train, test, random_state=seed)
    except DatasetError as error:
        assert "none of the" in str(error) or "are left" in str(error)  # noqa: PT017
        return
    # A product such as 0.7999999999999999 * 20 counts as whole.
    assert train * len(numbers) - 1 < len(learned.data) <= train * len(numbers) + 1e-9
    assert not set(learned.target) & set(read.target)
    if test is None and len(set(numbers)) == len(numbers):
        assert len(learned.data) + len(read.data) == len(numbers)


def test_splits_drop_few_duplicates(noise):
    X, y = noise
    learned, read = split_captchas(Bunch(data=X, target=y), 30)
    assert (len(learned.data), len(read.data)) == (30, 30)
    learned, read = split_captchas(Bunch(data=X, target=y), 29)
    assert (len(learned.data), len(read.data)) == (29, 30)
    rest, kept_out = reversed(split_captchas(Bunch(data=X, target=y), "1..10"))
    assert (len(rest.data), len(kept_out.data)) == (40, 10)
