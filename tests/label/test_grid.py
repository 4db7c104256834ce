"""Readings that are accepted a page at a time."""

import csv
import shutil

import pytest

from labeling_sessions import RECIPE, label_first, label_next
from skcaptcha.datasets import load_captchas
from skcaptcha.exceptions import DatasetError, LabelConflictError
from skcaptcha.label import LabelingSession
from skcaptcha.label.training import Learner, _scheduler


@pytest.fixture
def folder(labeled, tmp_path):
    return shutil.copytree(labeled[0], tmp_path / "captchas")


@pytest.fixture
def truth(labeled):
    return labeled[2]


@pytest.fixture
def session(folder):
    with LabelingSession(folder, train="here", recipe=RECIPE, growth=10.0) as session:
        yield session


def sources(folder):
    with (folder / "labels.csv").open(newline="") as file:
        return {row["filename"]: row["source"] for row in csv.DictReader(file)}


def sources_added(path, source):
    """Add the column to labels.csv, and return the names of the images."""
    rows = path.read_text().splitlines()
    path.write_text("\n".join([f"{rows[0]},source", *(f"{row},{source}" for row in rows[1:]), ""]))
    return [row.split(",")[0] for row in rows[1:]]


def accept(session, grid, tab="a", **corrections):
    readings = {task.filename: task.guess.text for task in grid.tasks}
    session.accept(readings, tab=tab, page=grid.page, **corrections)
    return readings


def test_sure_images_come_from_the_end_of_the_order(session, labeled, truth):
    last = labeled[1]
    grid = session.grid("a")
    found = [task.filename for task in grid.tasks]
    assert len(found) == 20
    assert found == sorted(found, key=last.index, reverse=True)
    assert last.index(found[-1]) > 20
    assert {task.chosen for task in grid.tasks} == {"sure"}
    assert grid.acceptance == session.progress().acceptance
    assert grid.acceptance.accuracy >= 0.995
    assert grid.acceptance.n >= 99
    assert min(task.guess.confidence for task in grid.tasks) >= grid.acceptance.threshold
    assert session.next("a").filename == last[0]  # those to type come from its start


def test_a_page_is_accepted_and_undone_at_once(session, folder, truth):
    before = session.progress()
    grid = session.grid("a")
    first, second, *others = [task.filename for task in grid.tasks]
    readings = accept(session, grid, corrections={first: "WXYZ", second: None})
    accept(session, grid)  # the response was lost
    after = session.progress()
    assert after.n_labeled == before.n_labeled + 19
    assert (after.n_accepted, after.n_skipped) == (18, 1)
    assert after.estimate == before.estimate
    assert after.acceptance == before.acceptance
    captchas = load_captchas(folder)
    found = dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))
    assert {name: found[name] for name in others} == {name: readings[name] for name in others}
    assert found[first] == "WXYZ"
    assert second not in found
    assert sources(folder) == dict.fromkeys(found, "typed") | dict.fromkeys(others, "accepted")
    again = session.undo("a")
    assert [task.filename for task in again.tasks] == [first, second, *others]
    assert [task.typed for task in again.tasks] == ["WXYZ", None, *map(readings.get, others)]
    assert session.progress().n_labeled == before.n_labeled
    assert set(sources(folder).values()) == {"typed"}
    assert session.next("a").chosen == "random"
    # It was undone, so that its name is free.
    accept(session, again)
    assert session.progress().n_accepted == 20


def test_all_sure_images_can_be_accepted_and_the_others_are_typed(session, truth):
    n = session.progress().n_acceptable
    estimate = session.progress().estimate
    pages = []
    while grid := session.grid("a"):
        pages.append(accept(session, grid))
    assert [len(page) for page in pages] == [20, 20, n - 40]
    wrong = [name for page in pages for name, text in page.items() if text != truth[name]]
    assert len(wrong) <= 1
    assert session.progress().n_acceptable == 0
    assert session.progress().n_left == 60 - n
    while session.next("a"):
        label_next(session, truth)
    done = session.progress()
    assert (done.n_left, done.n_labeled, done.n_accepted) == (0, 190, n)
    # Those typed at the end are not a random sample.
    assert done.estimate.n < 130 + 60 - n or n == 60
    assert done.estimate.n >= estimate.n


def test_accepted_readings_do_not_teach(folder, truth):
    options = {"train": "here", "recipe": RECIPE, "growth": 0.0}
    with LabelingSession(folder, **options) as session:
        accept(session, session.grid("a"))
        assert session.progress().n_learned == 130
        for _ in range(5):
            label_next(session, truth)
        assert session.progress().n_learned == 135
        session.label(session.grid("a").tasks[0].filename, "ABCD", tab="b")
    with LabelingSession(folder, **options) as session:
        assert session.progress().n_learned == 136
        assert session.progress().n_accepted == 20
        assert session.undo("a") is not None


def test_a_page_shows_readings_of_the_model_that_was_tested(folder, truth, monkeypatch):
    """The next model may have read the images, but it is not known yet how sure it is."""
    grids = []
    read_held_out = Learner.read_held_out

    def test_the_model(learner, filenames):
        grids.append(session.grid("a"))
        return read_held_out(learner, filenames)

    with LabelingSession(folder, train="here", recipe=RECIPE, growth=0.0) as session:
        monkeypatch.setattr(Learner, "read_held_out", test_the_model)
        before = session.grid("a")
        for _ in range(5):
            label_next(session, truth)
    (during,) = grids
    assert during.acceptance.threshold == before.acceptance.threshold
    shown = {task.filename: task.guess for task in before.tasks}
    assert {task.filename: task.guess for task in during.tasks} == shown


def test_two_tabs_get_different_images(session, folder):
    one, other = session.grid("one"), session.grid("other")
    names = [{task.filename for task in grid.tasks} for grid in (one, other)]
    assert not names[0] & names[1]
    assert session.next("third").filename not in names[0] | names[1]
    accept(session, one, "one")
    accept(session, other, "other")
    assert session.progress().n_accepted == 40
    # Each of them undoes its own.
    assert {task.filename for task in session.undo("one").tasks} == names[0]
    session.next("one")
    assert {task.filename for task in session.grid("other").tasks} & names[0]


def test_a_page_with_an_image_that_was_labeled_elsewhere_is_not_accepted(session, folder):
    grid = session.grid("a")
    session.label(grid.tasks[7].filename, "WXYZ", tab="b")
    with pytest.raises(LabelConflictError):
        accept(session, grid)
    assert session.progress().n_labeled == 131
    fresh = session.grid("a")
    assert grid.tasks[7].filename not in {task.filename for task in fresh.tasks}
    accept(session, fresh)
    assert session.progress().n_accepted == 20


def test_accepted_images_can_be_reached_and_typed(session, folder):
    session.next("a")
    grid = session.grid("a")
    accept(session, grid)
    task = session.next("a")
    earlier = session.previous(task.filename, "a")
    assert earlier.filename == grid.tasks[-1].filename
    assert earlier.accepted
    session.label(earlier.filename, "WXYZ", tab="a", expected=earlier.label)
    assert sources(folder)[earlier.filename] == "typed"
    assert session.progress().n_accepted == 19


def test_a_page_is_undone_after_a_restart(session, folder):
    accept(session, session.grid("a"))
    session.close()
    with LabelingSession(folder, train=False) as restarted:
        task = restarted.undo("new")
        assert task.typed is not None
        assert restarted.progress().n_labeled == 130
        assert restarted.next("new").filename == task.filename


def test_a_confirmed_reading_is_typed(folder):
    path = folder / "labels.csv"
    names = list(sources_added(path, "accepted"))[:2]
    with LabelingSession(folder, only=[(name, "is it right?") for name in names]) as session:
        assert session.grid("a") is None
        task = session.next("a")
        assert task.accepted
        session.label(task.filename, task.label, tab="a", expected=task.label)
    assert [sources(folder)[name] for name in names] == ["typed", "accepted"]


def test_a_page_is_undone_after_one_of_its_images_was_deleted(session, folder):
    readings = accept(session, session.grid("a"))
    session.close()
    first, second, *_ = readings
    (folder / first).unlink()
    with LabelingSession(folder, train=False) as restarted:
        assert restarted.undo("new").filename == second
        assert set(sources(folder).values()) == {"typed"}
        assert restarted.previous(second, "new") is None
        assert restarted.undo("new") is None


def test_too_few_labels_are_counted(labeled, tmp_path):
    truth = labeled[2]
    folder = shutil.copytree(labeled[0], tmp_path / "captchas")
    label_first(folder, truth, 60)
    with LabelingSession(folder, train="here", recipe=RECIPE) as session:
        progress = session.progress()
        assert session.grid("a") is None
    assert progress.n_acceptable == 0
    assert progress.acceptance.threshold is None
    assert progress.acceptance.n_needed in {99, 299}
    assert 0 < progress.acceptance.n <= 60


def test_bad_pages_raise(session, folder):
    with pytest.raises(ValueError, match="the page has no images"):
        session.accept({}, tab="a", page="p")
    with pytest.raises(KeyError):
        session.accept({"no.png": "A"}, tab="a", page="p")
    sources_added(folder / "labels.csv", "camera")
    with pytest.raises(DatasetError, match="column source has other values than typed"):
        session.grid("a")


def test_images_far_from_the_start_are_read_as_they_are_needed(labeled, tmp_path, monkeypatch):
    for name, value in {"_POOL": 5, "_POOL_PER_LABEL": 0, "_LAST": 10, "_SURE": 15}.items():
        monkeypatch.setattr(_scheduler, name, value)
    folder = shutil.copytree(labeled[0], tmp_path / "captchas")
    (folder / labeled[1][-3]).write_bytes(b"no image")
    n_accepted = 0
    with LabelingSession(folder, train="here", recipe=RECIPE, growth=10.0) as session:
        while grid := session.grid("a"):
            n_accepted += len(accept(session, grid))
        assert session.progress().training == "fitted to 130 labels (quick.yaml)"
        assert session.progress().n_learned == 130
    assert n_accepted > 40
