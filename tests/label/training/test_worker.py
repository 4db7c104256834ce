"""Training in a subprocess."""

import sys
import time
from pathlib import Path

import pytest

from labeling_sessions import RECIPE, label_next, make_folder, start
from skcaptcha.label import LabelingSession


def runs(pid):
    """Return whether a process is running; zombies are not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def children(pid):
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.slow
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
