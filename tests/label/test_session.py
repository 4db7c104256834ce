"""Sessions: which image comes next, what is on disk, and the training."""

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.exceptions import DatasetError, LabelConflictError
from skcaptcha.label import LabelingSession
from skcaptcha.label._selection import shuffled
from skcaptcha.label._store import LabelStore
from skcaptcha.recipes import Recipe

# Fast, and the same on every machine.
BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
RECIPE = Recipe(
    {
        "data": {"generate": "lines", "n": 10},
        "steps": {
            "denoise": {
                "gray": {"use": "Grayscale"},
                "ink": {"use": "Binarizer", "method": "fixed", "threshold": 127},
                "smooth": {"use": "Smoother", "method": "binomial", "size": 3},
                "binarize": {
                    "use": "Binarizer", "method": "fixed", "threshold": 155, "ink": "bright",
                },
            },
            "segment": {"use": "FixedBoxes", "boxes": BOXES},
            "features": {"use": "RawPixels"},
            "read": {
                "use": "CharacterReader",
                "estimator": {"use": "KNeighborsClassifier", "n_neighbors": 1},
            },
        },
    },
    "quick.yaml",
)  # fmt: skip


def make_folder(folder, n):
    """Write captchas without labels, and return the labels."""
    images, labels = make_line_captchas(n, random_state=0)
    write_captchas(folder, images, labels)
    captchas = load_captchas(folder)
    (folder / "labels.csv").unlink()
    return dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))


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


def label_next(session, truth, tab="a"):
    task = session.next(tab)
    session.label(task.filename, truth[task.filename], tab=tab, expected=task.label)
    return task


def test_every_image_comes_once_and_is_saved_at_once(session, truth, tmp_path):
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


def test_tabs_never_get_the_same_image(session, truth):
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
    session.label(task.filename, "AAAA", tab="a", expected=task.label)  # of the same mind
    assert session.next("a").filename != task.filename


def test_skipped_images_come_again_oldest_first(session, truth):
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


def test_unreadable_images_have_no_row_and_do_not_come_again(tmp_path, truth, session):
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
    assert session.undo("b") is None  # it is not what this tab did


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


def test_listed_images_that_are_skipped_come_again_and_do_not_count_as_checked(tmp_path, truth):
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
                # At the end, tabs take images from each other.
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


PROGRAM = """
import sys
from skcaptcha.label import LabelingSession
session = LabelingSession(sys.argv[1], train=sys.argv[2] == "True")
while True:
    task = session.next("a")
    session.label(task.filename, "L" + task.filename[:5], tab="a", expected=task.label)
    print(task.filename, flush=True)
"""


def start(folder, train):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder, str(train)], stdout=subprocess.PIPE, text=True
    )


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


def runs(pid):
    """Return whether a process is running; a zombie process is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def children(pid):
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_training_ends_when_the_process_is_killed(tmp_path):
    make_folder(tmp_path, 60)
    with start(tmp_path, True) as process:
        for _ in range(25):
            process.stdout.readline()
        (child,) = children(process.pid)
        process.kill()
        process.stdout.read()
    LabelingSession(tmp_path, train=False).close()
    end = time.monotonic() + 60
    while runs(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not runs(child)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A session with 60 of 90 images labeled while it was training."""
    folder = tmp_path_factory.mktemp("learned")
    truth = make_folder(folder, 90)
    with LabelingSession(folder, train="here", recipe=RECIPE, growth=0.4) as session:
        tasks = [label_next(session, truth) for _ in range(60)]
        yield session, tasks, truth, folder


def test_guesses_start_at_twenty_labels_and_become_right(learned):
    _, tasks, truth, _ = learned
    assert [task.guess is None for task in tasks[:20]] == [True] * 20
    late = [task for task in tasks[40:] if task.guess]
    right = [task.guess.text == truth[task.filename] for task in late]
    assert sum(right) > len(tasks[40:]) / 2
    for task in late:
        assert "".join(character for character, _ in task.guess.characters) == task.guess.text
        assert 0 <= task.guess.confidence <= 1


def test_images_are_chosen_at_random_or_by_low_confidence(learned):
    _, tasks, _, _ = learned
    assert {task.chosen for task in tasks[:20]} == {"first"}
    chosen = [task.chosen for task in tasks[20:]]
    assert set(chosen) == {"random", "uncertain"}
    assert chosen.count("random") == 8


def test_estimate_uses_randomly_drawn_images(learned):
    session, tasks, _, _ = learned
    estimate = session.progress().estimate
    drawn = sum(task.chosen in ("first", "random") for task in tasks)
    assert drawn <= estimate.n <= 60
    assert estimate.low <= estimate.accuracy <= estimate.high


def test_log_contains_selection_and_guess(learned):
    _, tasks, _, folder = learned
    lines = (folder / "labeling.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["chosen"] for record in records] == [task.chosen for task in tasks]
    guesses = [task.guess.text if task.guess else None for task in tasks]
    assert [record.get("guess") for record in records] == guesses


def test_subprocess_training_produces_guesses(tmp_path):
    truth = make_folder(tmp_path, 30)
    with LabelingSession(tmp_path, recipe=RECIPE) as session:
        for _ in range(20):
            label_next(session, truth)
        end = time.monotonic() + 120
        while (task := session.next("a")).guess is None and time.monotonic() < end:
            time.sleep(0.05)
        assert len(task.guess.text) > 0
        assert session.progress().n_learned == 20
    assert session._training.trainer._process is None


def test_training_does_not_import_from_the_current_folder(tmp_path, monkeypatch):
    truth = make_folder(tmp_path, 25)
    (tmp_path / "pickle.py").write_text("open('imported', 'w').close(); raise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in {"", "."}])
    with LabelingSession(tmp_path, recipe=RECIPE) as session:
        for _ in range(20):
            label_next(session, truth)
        end = time.monotonic() + 120
        while "learning from" in session.progress().training and time.monotonic() < end:
            time.sleep(0.05)
        assert session.progress().n_learned == 20
    assert not (tmp_path / "imported").exists()


def test_undecodable_images_do_not_end_the_sample(tmp_path):
    truth = make_folder(tmp_path, 40)
    rows = "".join(f"{name},{label}\n" for name, label in truth.items())
    (tmp_path / "labels.csv").write_text("filename,label\n" + rows)
    (tmp_path / shuffled(truth, 0)[0]).write_bytes(b"no image")
    with LabelingSession(tmp_path, train="here", recipe=RECIPE) as session:
        estimate = session.progress().estimate
    assert estimate.n == 40
    assert estimate.accuracy < 1


def test_dead_training_is_reported_and_restarted(tmp_path):
    truth = make_folder(tmp_path, 30)
    with LabelingSession(tmp_path) as session:
        for _ in range(20):
            label_next(session, truth)
        session._training.trainer._process.kill()
        end = time.monotonic() + 20
        while "ended" not in session.progress().training and time.monotonic() < end:
            time.sleep(0.02)
        assert "process ended unexpectedly" in session.progress().training
        for _ in range(5):
            label_next(session, truth)
        assert session.progress().training == "learning from 25 labels"


def test_failed_training_is_reported(tmp_path):
    for k in range(25):
        (tmp_path / f"{k}.png").write_bytes(b"no image")
    with LabelingSession(tmp_path, train="here") as session:
        for k in range(20):
            session.label(f"{k}.png", "AB", tab="a")
        assert "could not be fitted to 20 labels" in session.progress().training
        assert session.next("a") is not None


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
