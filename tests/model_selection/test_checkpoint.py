"""An interrupted search that is resumed gives the same result."""

import json
import resource
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skcaptcha.exceptions import CheckpointError, SegmentationError
from skcaptcha.model_selection import SharedGridSearchCV, _journal
from skcaptcha.segment import EqualSplit

X, Y = load_iris(return_X_y=True)
GRID = {
    "pca__n_components": [1, 2, 99],  # the last one fails
    "last": [KNeighborsClassifier(3), LogisticRegression(C=0.3), LogisticRegression(C=3)],
}
N_FITS = 27


def search(path, **options):
    pipeline = Pipeline(
        [
            ("scale", StandardScaler()),
            ("pca", PCA(random_state=0)),
            ("last", KNeighborsClassifier()),
        ]
    )
    return SharedGridSearchCV(
        pipeline, GRID, checkpoint=path, **{"cv": 3, "return_train_score": True} | options
    )


def fitted(path, **options):
    """Return the fitted search and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        done = search(path, **options).fit(X, Y)
    return done, [str(warning.message) for warning in caught]


def assert_same(one, other, *, times=False):
    assert set(one.cv_results_) == set(other.cv_results_)
    for key, expected in other.cv_results_.items():
        if key.startswith("param"):
            assert [str(v) for v in one.cv_results_[key]] == [str(v) for v in expected]
        elif times or "time" not in key:
            # Exact comparison: the file must not round numbers.
            np.testing.assert_array_equal(one.cv_results_[key], expected, err_msg=key)
    if hasattr(other, "best_index_"):
        assert one.best_index_ == other.best_index_
        np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the checkpoint of a finished search, the search, and its warnings."""
    path = tmp_path_factory.mktemp("search") / "a.search"
    return path, *fitted(path)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_checkpoint_does_not_change_the_result(whole, tmp_path, n_jobs):
    path, kept, warned = whole
    assert path.read_bytes().count(b"\n") == 1 + N_FITS
    plain, warned_of = fitted(None, n_jobs=n_jobs)
    assert_same(kept, plain)
    assert warned == warned_of
    assert kept.n_resumed_ == plain.n_resumed_ == 0


# The header comes first; incomplete lines are ignored.
@pytest.mark.parametrize("cut_off", [0, 9])
@pytest.mark.parametrize("n_lines", [0, 1, 2, 11, 20, 1 + N_FITS])
def test_resume_from_any_line(whole, tmp_path, n_lines, cut_off):
    path, kept, warned = whole
    lines = path.read_bytes().splitlines(keepends=True)
    rest = b"".join(lines[n_lines:])[:cut_off]
    (tmp_path / "b.search").write_bytes(b"".join(lines[:n_lines]) + rest)
    resumed, warned_of = fitted(tmp_path / "b.search")
    assert resumed.n_resumed_ == max(0, n_lines - 1)
    assert_same(resumed, kept, times=n_lines == 1 + N_FITS)
    assert warned_of == warned
    assert len((tmp_path / "b.search").read_bytes().splitlines()) == 1 + N_FITS


def test_resume_with_any_missing_results(whole, tmp_path):
    path, kept, _ = whole
    head, *outcomes = path.read_text().splitlines(keepends=True)
    chosen = [line for i, line in enumerate(outcomes) if i % 5 in (0, 3)]
    (tmp_path / "b.search").write_text(head + "".join(reversed(chosen)))
    resumed, _ = fitted(tmp_path / "b.search", n_jobs=2)
    assert resumed.n_resumed_ == len(chosen)
    assert_same(resumed, kept)
    for line in chosen:
        record = json.loads(line)
        column = resumed.cv_results_[f"split{record['split']}_test_score"]
        np.testing.assert_equal(column[record["candidate"]], record["outcome"]["test_scores"])


def test_resume_with_several_scores_and_an_error_score(tmp_path):
    options = {"scoring": ["accuracy", "neg_log_loss"], "refit": "accuracy", "error_score": -1}
    first, _ = fitted(tmp_path / "a.search", **options)
    again, _ = fitted(tmp_path / "a.search", **options)
    assert again.n_resumed_ == N_FITS
    assert_same(again, first, times=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cv": 4}, "different folds"),
        ({"error_score": 0}, "different scoring"),
        ({"param_grid": {"last": [KNeighborsClassifier()]}}, "different candidates"),
        (
            {"estimator": Pipeline([("pca", PCA()), ("last", KNeighborsClassifier())])},
            "different steps",
        ),
        ({"X": X + 1}, "different captchas"),
        ({"y": 2 - Y}, "different labels"),
    ],
)
def test_the_file_of_a_different_search_is_refused_and_kept(whole, tmp_path, change, said):
    path = tmp_path / "b.search"
    path.write_bytes(whole[0].read_bytes())
    data = {"X": X, "y": Y} | {name: change[name] for name in ("X", "y") if name in change}
    changes = {name: value for name, value in change.items() if name not in data}
    with pytest.raises(
        CheckpointError, match=rf"b\.search: .*{said}.*; delete the file to start over"
    ):
        search(path).set_params(**changes).fit(**data)
    assert path.read_bytes() == whole[0].read_bytes()


def test_the_file_of_different_versions_is_refused(whole, tmp_path, monkeypatch):
    (tmp_path / "b.search").write_bytes(whole[0].read_bytes())
    monkeypatch.setitem(_journal.RESULTS_DEPEND_ON, "scikit-learn", "99.1")
    with pytest.raises(
        CheckpointError, match=r"scikit-learn \d.* instead of 99.1; delete the file"
    ):
        search(tmp_path / "b.search").fit(X, Y)


@pytest.mark.parametrize("content", ["no journal\n", '{"a": 1}\n', "[1]\n"])
def test_a_file_that_is_not_a_journal_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "b.search"
    path.write_text(content)
    with pytest.raises(CheckpointError, match=r"b\.search: .* delete (it|the file) to start over"):
        search(path).fit(X, Y)
    assert path.read_text() == content


def test_the_error_has_the_number_of_a_damaged_line(whole, tmp_path):
    lines = whole[0].read_bytes().splitlines(keepends=True)
    (tmp_path / "b.search").write_bytes(b"".join([*lines[:3], b"{half a li\n", *lines[4:]]))
    with pytest.raises(CheckpointError, match=r"b\.search: line 4 is not a record"):
        search(tmp_path / "b.search").fit(X, Y)


@pytest.fixture
def at_most_2000_bytes() -> Iterator[None]:
    """Limit the file size to simulate a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("at_most_2000_bytes")
def test_a_full_disk_is_an_error_and_the_search_can_be_resumed(whole, tmp_path):
    path = tmp_path / "a.search"
    with pytest.raises(
        CheckpointError, match=r"a\.search: cannot be written \(.*; free some space and resume"
    ):
        search(path).fit(X, Y)
    assert path.stat().st_size == 2000
    n_kept = path.read_bytes().count(b"\n") - 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    resumed, _ = fitted(path)
    assert resumed.n_resumed_ == n_kept > 0
    assert_same(resumed, whole[1])


def test_a_device_is_refused():
    with pytest.raises(CheckpointError, match="/dev/full: not a regular file"):
        search("/dev/full").fit(X, Y)


def test_errors_of_skcaptcha_keep_their_class(tmp_path):
    pipeline = Pipeline([("segment", EqualSplit(n_characters=4)), ("last", KNeighborsClassifier())])
    narrow = [np.full((5, 3), 255, np.uint8)] * 6
    for _ in range(2):
        again = SharedGridSearchCV(pipeline, {}, cv=2, checkpoint=tmp_path / "a.search")
        with pytest.raises(SegmentationError, match="3 columns") as raised:
            again.fit(narrow, ["ABCD"] * 6)
        assert raised.value.index is not None
    assert (tmp_path / "a.search").read_bytes().count(b"\n") == 3


def test_checkpoint_is_an_ordinary_parameter(tmp_path):
    path = str(tmp_path / "a.search")
    assert clone(search(path)).get_params()["checkpoint"] == path
    with pytest.raises(ValueError, match="'checkpoint' parameter"):
        search(3).fit(X, Y)
    with pytest.raises(ValueError, match="checkpoint needs candidates that can share steps"):
        SharedGridSearchCV(KNeighborsClassifier(), {}, checkpoint=path).fit(X, Y)
    assert not Path(path).exists()
