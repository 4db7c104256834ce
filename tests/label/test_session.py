"""Sessions: the order of images, and the state on disk."""

import signal
import threading
import time

import pytest

from labeling_sessions import RECIPE, label_next, make_folder, start
from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.exceptions import DatasetError, LabelConflictError
from skcaptcha.label import LabelingSession
from skcaptcha.label._store import LabelStore


def labels_on_disk(folder):
    captchas = load_captchas(folder)
    return dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))


@pytest.fixture
def truth(tmp_path):
    return make_folder(tmp_path, 8)


@pytest.fixture
def session(tmp_path, truth):
    with LabelingSession(tmp_path, train=False) as session:
        yield session


def test_every_image_comes_once_and_is_saved_immediately(session, truth, tmp_path):
    seen = []
    while session.next("a") is not None:
        seen.append(label_next(session, truth).filename)
        assert labels_on_disk(tmp_path) == {name: truth[name] for name in seen}
    assert sorted(seen) == sorted(truth)
    assert seen != sorted(truth)  # drawn at random
    assert session.progress().n_left == 0


def test_next_repeats_until_done_and_peeked_image_follows(session, truth):
    first = session.next("a")
    ahead = session.peek("a")
    assert session.next("a") == first
    label_next(session, truth)
    assert session.next("a").filename == ahead


def test_tabs_get_different_images(session, truth):
    tasks = {tab: session.next(tab).filename for tab in "abc"}
    ahead = {session.peek(tab) for tab in "abc"}
    assert len(set(tasks.values()) | ahead) == 6


def test_images_of_a_closed_tab_come_back_at_the_end(session, truth):
    gone = {session.next("gone").filename, session.peek("gone")}
    labeled = [label_next(session, truth).filename for _ in truth]
    assert set(labeled[-2:]) == gone
    assert session.next("a") is None


def test_images_of_a_closed_tab_come_back_after_the_lease(tmp_path, truth):
    with LabelingSession(tmp_path, train=False, lease=0.05) as session:
        first = session.next("gone").filename
        time.sleep(0.1)
        assert session.next("a").filename == first


def test_labeling_what_another_tab_labeled_is_a_conflict(session, truth):
    task = session.next("a")
    session.label(task.filename, "AAAA", tab="b", expected=None)
    with pytest.raises(LabelConflictError, match="was labeled AAAA elsewhere"):
        session.label(task.filename, "BBBB", tab="a", expected=task.label)
    session.label(task.filename, "AAAA", tab="a", expected=task.label)  # same label
    assert session.next("a").filename != task.filename


def test_skipped_images_are_shown_again_oldest_first(session, truth):
    skipped = []
    for _ in range(2):
        skipped.append(session.next("a").filename)
        session.skip(skipped[-1], tab="a")
    for _ in range(6):
        assert label_next(session, truth).filename not in skipped
    for name in [*skipped, *skipped]:
        task = session.next("a")
        assert (task.filename, task.chosen) == (name, "skipped")
        session.skip(name, tab="a")
    assert session.progress().n_skipped == session.progress().n_left == 2


def test_unreadable_images_have_no_row_and_are_not_shown_again(tmp_path, truth, session):
    name = session.next("a").filename
    session.mark_unreadable(name, tab="a")
    seen = [label_next(session, truth).filename for _ in range(7)]
    assert name not in seen
    assert session.next("a") is None
    assert name not in labels_on_disk(tmp_path)
    assert session.task(name, "a").unreadable
    session.close()
    with LabelingSession(tmp_path, train=False) as later:
        assert later.next("a") is None


def test_undo_brings_the_image_back_with_its_text(session, truth, tmp_path):
    name = label_next(session, truth).filename
    then = session.next("a").filename
    task = session.undo("a")
    assert (task.filename, task.label, task.typed) == (name, None, truth[name])
    assert session.next("a").filename == name
    assert session.undo("a") is None
    label_next(session, truth)
    assert session.next("a").filename == then
    assert session.undo("b") is None  # the action belongs to another tab


def test_undo_works_after_a_restart_in_a_new_tab(session, truth, tmp_path):
    names = [label_next(session, truth).filename for _ in range(2)]
    session.skip(session.next("a").filename, tab="a")
    session.close()
    with LabelingSession(tmp_path, train=False) as later:
        later.undo("new")
        assert later.undo("new").filename == names[1]
        assert later.previous(names[1], "new").filename == names[0]
        assert labels_on_disk(tmp_path) == {names[0]: truth[names[0]]}


def test_previous_and_following_go_through_seen_images(session, truth):
    names = [label_next(session, truth).filename for _ in range(2)]
    present = session.next("a").filename
    task = session.previous(present, "a")
    assert (task.filename, task.label, task.chosen) == (names[1], truth[names[1]], "revisited")
    session.label(task.filename, "CORRECTED", tab="a", expected=task.label)
    assert session.previous(names[0], "a") is None
    assert session.following(names[0], "a").label == "CORRECTED"
    assert session.following(present, "a") is None
    assert session.next("a").filename == present


def test_unknown_images_raise(session, tmp_path):
    (tmp_path.parent / "secret.png").write_bytes(b"")
    for name in ("../secret.png", "labels.csv", "", str(tmp_path / "00001.png")):
        for call in (session.path, lambda n: session.task(n, "a"),
                     lambda n: session.label(n, "A", tab="a"),
                     lambda n: session.skip(n, tab="a"),
                     lambda n: session.mark_unreadable(n, tab="a")):  # fmt: skip
            with pytest.raises(KeyError):
                call(name)


def test_existing_labels_are_not_asked_again(tmp_path, truth):
    (tmp_path / "labels.txt").write_text("AB\n\n\nCD\n".replace("\n\n\n", "\nX\nY\n"))
    with LabelingSession(tmp_path, train=False) as session:
        assert session.progress().n_left == 4
        seen = [label_next(session, truth).filename for _ in range(4)]
    assert not {"00001.png", "00004.png"} & set(seen)
    assert len(labels_on_disk(tmp_path)) == 8


def test_listed_images_come_in_their_order_with_their_labels(tmp_path, truth):
    (tmp_path / "labels.csv").write_text(
        "filename,label\n" + "".join(f"{name},{label}\n" for name, label in truth.items())
    )
    only = [("00005.png", "is doubtful", "ZZZZ"), ("00002.png", "so is this")]
    with LabelingSession(tmp_path, only=only) as session:
        task = session.next("a")
        assert (task.filename, task.label) == ("00005.png", truth["00005.png"])
        assert (task.reason, task.suggestion, task.chosen) == ("is doubtful", "ZZZZ", "listed")
        session.label(task.filename, "ZZZZ", tab="a", expected=task.label)
        task = session.next("a")
        assert (task.filename, task.suggestion) == ("00002.png", None)
        session.label(task.filename, task.label, tab="a", expected=task.label)  # confirmed
        assert session.next("a") is None
        assert session.progress().n_left == 0
        assert session.undo("a").filename == "00002.png"
        assert session.next("a").filename == "00002.png"
    assert labels_on_disk(tmp_path) == truth | {"00005.png": "ZZZZ"}
    with pytest.raises(DatasetError, match=r"no image 9\.png"):
        LabelingSession(tmp_path, only=[("9.png", "")])


def test_skipped_listed_images_are_shown_again_and_not_counted_as_checked(tmp_path, truth):
    rows = "".join(f"{name},{label}\n" for name, label in truth.items())
    (tmp_path / "labels.csv").write_text("filename,label\n" + rows)
    names = ["00005.png", "00002.png", "00007.png"]
    with LabelingSession(tmp_path, only=[(name, "is doubtful") for name in names]) as session:
        for _ in range(2):
            session.skip(session.next("a").filename, tab="a")
        progress = session.progress()
        assert (progress.n_labeled, progress.n_skipped, progress.n_left) == (0, 2, 3)
        seen = []
        while (task := session.next("a")) is not None:
            assert (task.chosen, task.reason) == ("listed", "is doubtful")
            seen.append(task.filename)
            session.label(task.filename, task.label, tab="a", expected=task.label)
        assert seen == ["00007.png", "00005.png", "00002.png"]
        assert session.progress().n_skipped == session.progress().n_left == 0


def test_correcting_a_name_label_keeps_the_others(tmp_path):
    for name in ("ABCD.png", "EFGH_2.png"):
        (tmp_path / name).touch()
    with LabelingSession(tmp_path, only=[("ABCD.png", "")]) as session:
        session.label("ABCD.png", "ABCE", tab="a", expected="ABCD")
    assert labels_on_disk(tmp_path) == {"ABCD.png": "ABCE", "EFGH_2.png": "EFGH"}


def test_second_session_raises_until_the_first_is_closed(tmp_path, truth, session):
    with pytest.raises(DatasetError, match="another process is labeling"):
        LabelingSession(tmp_path, train=False)
    session.close()
    LabelingSession(tmp_path, train=False).close()


def test_many_threads_label_every_image_once(tmp_path):
    truth = make_folder(tmp_path, 40)
    with LabelingSession(tmp_path, train=False) as session:
        problems = []

        def work(tab):
            try:
                # At the end, tabs take over images from each other.
                for _ in range(7):
                    session.progress()
                    label_next(session, truth, tab)
            except Exception as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(tab,)) for tab in "abcde"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert problems == []
    assert len(labels_on_disk(tmp_path)) == 35
    store = LabelStore(tmp_path)
    assert len(store.actions) == 35
    store.close()


@pytest.mark.parametrize("n_confirmed", [1, 9])
def test_killed_process_loses_no_confirmed_label(tmp_path, n_confirmed):
    make_folder(tmp_path, 120)
    with start(tmp_path, False) as process:
        confirmed = [process.stdout.readline().strip() for _ in range(n_confirmed)]
        process.send_signal(signal.SIGKILL)
        confirmed += process.stdout.read().split()
    on_disk = labels_on_disk(tmp_path)
    assert set(confirmed) <= set(on_disk)
    assert all(label == "L" + name[:5] for name, label in on_disk.items())
    with LabelingSession(tmp_path, train=False) as session:
        assert session.progress().n_labeled == len(on_disk)
        assert session.next("a").filename not in on_disk


def test_unicode_forms_are_normalized(tmp_path):
    decomposed, composed = "e\u0301", "\u00e9"
    write_captchas(tmp_path / "d", *make_line_captchas(2, random_state=0))
    (tmp_path / "d" / "00001.png").rename(tmp_path / "d" / f"{decomposed}.png")
    (tmp_path / "d" / "labels.csv").write_text(
        f"filename,label\n{composed}.png,{decomposed}A\n", encoding="utf-8"
    )
    with LabelingSession(tmp_path / "d", train=False) as session:
        assert session.task(f"{decomposed}.png", "tab").label == f"{composed}A"
        assert session.progress().n_labeled == 1
        session.label(f"{decomposed}.png", f"{decomposed}B", tab="tab", expected=f"{composed}A")
    captchas = load_captchas(tmp_path / "d")
    assert captchas.target.tolist() == [f"{composed}B"]
    assert (tmp_path / "d" / "labels.csv").read_text(encoding="utf-8").count(".png") == 1


def test_a_session_learns_and_stores_one_case(tmp_path):
    truth = make_folder(tmp_path, 30)
    rows = "".join(f"{name},{label.lower()}\n" for name, label in [*truth.items()][:3])
    (tmp_path / "labels.csv").write_text(f"filename,label\n{rows}")
    with LabelingSession(
        tmp_path, train="here", recipe=RECIPE, fold_case=True, explore=0
    ) as session:
        while session.progress().n_labeled < 24:
            task = session.next("a")
            text = truth[task.filename]
            assert session.doubt(task.filename, text) is None
            assert session.label(task.filename, text, tab="a") == text.lower()
        guess = session.next("a").guess
        assert guess is not None
        assert guess.text == guess.text.lower()
    assert {label.lower() for label in labels_on_disk(tmp_path).values()} == {
        *labels_on_disk(tmp_path).values()
    }
