"""A pipeline whose reader reads images does everything that one with segments does."""

from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.utils import Bunch

from skcaptcha import evaluate, load, read_captchas, save
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.features import RawPixels
from skcaptcha.fitting import check_labels
from skcaptcha.inspection import explain_error, time_steps, trace
from skcaptcha.label_issues import find_label_issues
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.prediction import cut_captchas, read_images, write_readings
from skcaptcha.report import TerminalTraces, draw_traces, score_report
from skcaptcha.segment import EqualSplit
from template_reader import TemplateReader, template_pipeline

N_TRAIN = 50
X, Y = make_line_captchas(80, charset="ABC7", random_state=0)
X = list(X)
NEW, NEW_LABELS = X[N_TRAIN:], Y[N_TRAIN:]


@pytest.fixture(scope="module")
def model() -> Pipeline:
    return template_pipeline().fit(X[:N_TRAIN], Y[:N_TRAIN])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("new") / "captchas"
    write_captchas(path, NEW, NEW_LABELS)
    return path


@pytest.fixture(scope="module")
def file(model, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.joblib"
    save(model, path)
    return path


def test_it_reads(model):
    assert model.score(NEW, NEW_LABELS) > 0.9
    readings = read_captchas(model, NEW)
    assert [r.text for r in readings] == model.predict(NEW).tolist()
    noise = np.random.default_rng(0).integers(0, 256, NEW[0].shape, dtype=np.uint8)
    assert [r.out_of_distribution for r in read_captchas(model, [NEW[0], noise])] == [False, True]


def test_it_is_evaluated(model):
    metrics = evaluate(model, [*NEW, b"not an image"], [*NEW_LABELS, "AAAA"])
    assert metrics["n_failed"] == 1
    assert metrics["string_accuracy"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_it_reads_any_number_of_images(model, n_jobs):
    results = [result for _, result in read_images(model, [*NEW * 20, b"text"], n_jobs=n_jobs)]
    assert [r.text for r in results[:-1]] == model.predict(NEW).tolist() * 20
    assert isinstance(results[-1], SkcaptchaError)


def test_it_writes_readings(model, folder, tmp_path):
    paths = sorted(map(str, folder.glob("*.png")))
    written = write_readings(model, paths, tmp_path / "read.csv")
    assert written.n_skipped == 0
    assert len((tmp_path / "read.csv").read_text().splitlines()) == len(NEW) + 1


def test_searches_share_its_steps():
    grid = {"denoise__gray__channel": ["luma", "min"], "read__softness": [0.02, 0.05]}
    shared = SharedGridSearchCV(template_pipeline(), grid, cv=3).fit(X, Y)
    plain = GridSearchCV(template_pipeline(), grid, cv=3).fit(X, Y)
    for key in ("split0_test_score", "split2_test_score", "mean_test_score"):
        np.testing.assert_array_equal(shared.cv_results_[key], plain.cv_results_[key])
    assert shared.best_score_ > 0.9
    assert read_captchas(shared, NEW[:1])[0].text == NEW_LABELS[0]


@pytest.mark.slow
def test_it_is_cross_validated_in_two_processes():
    scores = cross_val_score(template_pipeline(), X, Y, cv=3, n_jobs=2)
    assert scores.tolist() == cross_val_score(template_pipeline(), X, Y, cv=3).tolist()


def test_joblib_keeps_it(model, file, tmp_path):
    joblib.dump(model, tmp_path / "plain.joblib")
    for loaded in (joblib.load(tmp_path / "plain.joblib"), load(file)):
        assert loaded.predict(NEW).tolist() == model.predict(NEW).tolist()


def test_its_trace_shows_the_characters(model):
    steps = trace(model, NEW[0])
    assert [name for name, _ in steps.stages] == ["images", "gray", "polarity"]
    np.testing.assert_array_equal(steps.stages[-1][1], model[:-1].transform(NEW[:1])[0])
    np.testing.assert_array_equal(steps.boxes, steps.reading.boxes)
    for box, crop in zip(steps.boxes, steps.crops, strict=True):
        x, y, w, h = box
        np.testing.assert_array_equal(crop, steps.stages[-1][1][y : y + h, x : x + w])
    assert len(draw_traces([steps]).axes) == 3 + 3
    assert TerminalTraces([steps]).traces == [steps]


def test_the_time_of_each_of_its_steps(model):
    assert [name for name, _ in time_steps(model, NEW)] == ["images", "gray", "polarity", "read"]


def test_its_errors_are_explained(model):
    (reading,) = read_captchas(model, NEW[:1])
    right = str(NEW_LABELS[0])
    wrong = ("B" if right[0] != "B" else "C") + right[1:]
    cause = explain_error(model, NEW[0], wrong, reading)
    assert (cause.kind, cause.explanation) == (
        "classification",
        f"{wrong[0]} read as {right[0]}",
    )
    cause = explain_error(model, NEW[0], right + "A", reading)
    assert (cause.kind, cause.explanation) == ("segmentation", "4 boxes for 5 characters")
    cause = explain_error(model, NEW[0], "9" + right[1:], reading)
    assert cause.explanation == "the training labels do not contain 9"


def test_it_checks_labels(model):
    wrong = Y.astype("U5")
    wrong[7], wrong[30] = "CAB7"[::-1] if Y[7] != "7BAC" else "AAAA", "ABC"
    issues = find_label_issues(X, wrong, model=model)
    assert {7, 30} <= {issue.index for issue in issues.suspects}
    checked = check_labels(Bunch(data=X, target=wrong.tolist()), template_pipeline())
    assert {7, 30} <= {issue.index for issue in checked.issues.suspects}


def test_it_cuts_at_the_characters(model, folder, tmp_path):
    captchas = load_captchas(folder)
    captchas.target[0] = "ABC"
    cut = cut_captchas(captchas, tmp_path / "characters", model)
    assert cut.n_characters == 4 * (len(NEW) - 1)
    assert [failure["reason"] for failure in cut.failed] == [
        "it has 4 boxes, but its label is 'ABC'"
    ]
    assert sorted(path.name for path in (tmp_path / "characters").iterdir()) == ["7", "A", "B", "C"]


def test_its_report(model, tmp_path):
    labels = [f"{label}C" if i < 3 else label for i, label in enumerate(NEW_LABELS)]
    labels[5] = "A777" if labels[5] != "A777" else "AAAA"
    score_report(model, NEW, labels).save(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "4 boxes for 5 characters" in page
    assert "read as" in page
    assert "polarity" in page


def test_a_segmenter_before_it_is_refused():
    model = Pipeline([*template_pipeline().steps[:2], ("segment", EqualSplit(4))])
    with pytest.raises(TypeError, match="Remove the segment and features steps"):
        Pipeline([*model.steps, ("features", RawPixels()), ("read", TemplateReader())]).fit(X, Y)
