"""Wrong labels are suspects; correct labels are not."""

import sys

import numpy as np
import pytest
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha import load_recipe
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Grayscale, HeightScaler, PolarityNormalizer
from skcaptcha.exceptions import DatasetError, MissingExtraError
from skcaptcha.features import OrientedGradients
from skcaptcha.images import ImageDecoder
from skcaptcha.label_issues import LabelIssues, find_label_issues
from skcaptcha.label_issues import _find_label_issues as module
from skcaptcha.read import ConvolutionalReader, SequenceReader
from skcaptcha.segment import SlidingWindow

CHARSET = "ABCDEH7"


def boxes() -> Pipeline:
    """Return a pipeline that segments with fixed boxes."""
    return load_recipe("grid").pipeline()


def windows() -> Pipeline:
    """Return a pipeline with sliding windows."""
    return Pipeline(
        [
            ("images", ImageDecoder()),
            ("gray", Grayscale()),
            ("polarity", PolarityNormalizer()),
            ("rescale", HeightScaler(pitch=12)),
            ("segment", SlidingWindow()),
            ("features", OrientedGradients()),
            ("read", SequenceReader(n_realignments=0, random_state=0)),
        ]
    )


@pytest.fixture(scope="module")
def captchas() -> tuple[list[np.ndarray], list[str], dict[int, str]]:
    """Images, labels with some errors, and the correct labels for the errors."""
    images, target = make_line_captchas(150, charset=CHARSET, random_state=3)
    labels = [str(label) for label in target]
    wrong = {
        4: "7777" if labels[4] != "7777" else "AAAA",
        31: labels[31][:3],
        62: labels[62] + "A",
        90: labels[90][::-1] if labels[90][::-1] != labels[90] else "ABCD",
        133: labels[133].lower(),
    }
    right = {i: labels[i] for i in wrong}
    return list(images), [wrong.get(i, label) for i, label in enumerate(labels)], right


@pytest.fixture(scope="module", params=[boxes, windows])
def issues(request, captchas) -> LabelIssues:
    images, labels, _ = captchas
    return find_label_issues(images, labels, model=request.param(), n_folds=3)


def test_wrong_labels_rank_first(issues, captchas):
    right = captchas[2]
    assert {issue.index for issue in issues.ranked[: len(right)]} == right.keys()
    assert len(right) - 1 <= len(issues.suspects) <= len(right) + 2


def test_all_labels_are_ranked_suspects_first(issues, captchas):
    images, labels, _ = captchas
    assert sorted(issue.index for issue in issues.ranked) == list(range(len(images)))
    assert all(issue.label == labels[issue.index] for issue in issues.ranked)
    keys = [(not issue.suspect, issue.score) for issue in issues.ranked]
    assert keys == sorted(keys)
    assert all(0 <= issue.score <= 1 and 0 <= issue.confidence <= 1 for issue in issues.ranked)
    assert all(bool(issue.reason) == issue.suspect for issue in issues.ranked)


def test_texts_are_the_correct_labels(issues, captchas):
    texts = {issue.index: issue.text for issue in issues.ranked}
    right = captchas[2]
    assert sum(texts[i] == label for i, label in right.items()) >= len(right) - 1


def test_reasons_name_the_position_or_the_length(issues, captchas):
    reasons = {issue.index: issue.reason for issue in issues.ranked}
    assert reasons[31] == "label has 3 characters; image appears to have 4"
    assert reasons[62] == "label has 5 characters; image appears to have 4"
    assert "'7'" in reasons[4]


def test_correct_labels_are_not_suspects():
    images, labels = make_line_captchas(120, charset=CHARSET, random_state=5)
    issues = find_label_issues(list(images), labels, model=boxes())
    assert len(issues.suspects) <= 1
    assert np.mean([issue.score > 0.5 for issue in issues.ranked]) > 0.98


def test_duplicates_with_different_labels_are_suspects():
    images, target = make_line_captchas(60, charset=CHARSET, random_state=6)
    labels = [str(label) for label in target]
    same = [*images, images[10], images[20]]
    names = [f"{i}.png" for i in range(len(same))]
    issues = find_label_issues(
        same, [*labels, "ABAB", labels[20]], model=boxes(), names=names, n_folds=3
    )
    reasons = {issue.index: issue.reason for issue in issues.suspects}
    assert reasons[10] == "the same image as 60.png, which is labeled ABAB"
    assert reasons[60] == f"the same image as 10.png, which is labeled {labels[10]}"
    assert not {20, 61} & reasons.keys()
    # The duplicate with the wrong label was not in the training set.
    assert next(issue for issue in issues.ranked if issue.index == 60).text == labels[10]


@pytest.mark.slow
def test_result_is_deterministic(captchas):
    images, labels, _ = captchas
    once = find_label_issues(images[:60], labels[:60], model=boxes(), n_folds=2)
    again = find_label_issues(images[:60], labels[:60], model=boxes(), n_folds=2, n_jobs=2)
    assert once == again


def test_the_model_is_not_modified(captchas):
    images, labels, _ = captchas
    model = boxes()
    before = repr(model.get_params())
    find_label_issues(images[:40], labels[:40], model=model, n_folds=2)
    assert repr(model.get_params()) == before
    assert not hasattr(model[-1], "estimator_")


def test_networks_train_no_longer_than_was_said(captchas, monkeypatch, capsys):
    monkeypatch.setattr(module, "_SECONDS_OF_NETWORKS", 0.5)
    images, labels, _ = captchas
    reader = ConvolutionalReader(channels=(2, 2, 2, 2, 2), n_hidden=4, max_iter=10**6)
    model = make_pipeline(ImageDecoder(), Grayscale(), PolarityNormalizer(), reader)
    issues = find_label_issues(images[:24], labels[:24], model=model, n_folds=2, verbose=1)
    assert len(issues.ranked) == 24
    assert "checking labels, up to 1 min" in capsys.readouterr().err
    assert reader.budget is None


@pytest.mark.slow
def test_default_model_is_chosen():
    images, labels = make_line_captchas(120, charset="ABC7", random_state=7)
    labels[5] = "AAAB" if labels[5] != "AAAB" else "BAAA"
    issues = find_label_issues(list(images), labels, budget=1)
    assert issues.ranked[0].index == 5


def test_character_of_a_single_label():
    images, target = make_line_captchas(60, charset=CHARSET, random_state=8)
    labels = [str(label) for label in target]
    labels[3] = "x" + labels[3][1:]
    issues = find_label_issues(list(images), labels, model=boxes(), n_folds=3)
    assert issues.ranked[0].index == 3


def test_too_few_captchas_and_empty_labels_raise():
    images, labels = make_line_captchas(19, random_state=0)
    with pytest.raises(
        DatasetError, match="found 19 labeled captchas; checking labels needs at least 20"
    ):
        find_label_issues(list(images), labels, model=boxes())
    images, labels = make_line_captchas(20, random_state=0)
    labels[7] = ""
    with pytest.raises(DatasetError, match="captcha 7 has no label"):
        find_label_issues(list(images), labels, model=boxes())


def test_too_few_different_images_raise():
    images, labels = make_line_captchas(25, charset="AB", random_state=0)
    with pytest.raises(DatasetError, match="found 1 different captchas; checking"):
        find_label_issues([images[0]] * 25, labels, model=boxes())


def test_missing_cleanlab_raises_with_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    images, labels = make_line_captchas(30, random_state=0)
    with pytest.raises(MissingExtraError, match=r"pip install 'skcaptcha\[labels\]'"):
        find_label_issues(list(images), labels, model=boxes())
