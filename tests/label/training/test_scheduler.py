"""When a model is fitted, and how a session uses its readings."""

import json

import pytest

from labeling_sessions import RECIPE, label_next, make_folder
from skcaptcha.label import LabelingSession


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """A session in which 60 of 90 images were labeled during training."""
    folder = tmp_path_factory.mktemp("learned")
    truth = make_folder(folder, 90)
    with LabelingSession(folder, train="here", recipe=RECIPE, growth=0.4) as session:
        tasks = [label_next(session, truth) for _ in range(60)]
        yield session, tasks, truth, folder


def test_guesses_start_at_twenty_labels_and_become_correct(learned):
    _, tasks, truth, _ = learned
    assert [task.guess is None for task in tasks[:20]] == [True] * 20
    late = [task for task in tasks[40:] if task.guess]
    right = [task.guess.text == truth[task.filename] for task in late]
    assert sum(right) > len(tasks[40:]) / 2
    for task in late:
        assert "".join(character for character, _ in task.guess.characters) == task.guess.text
        assert 0 <= task.guess.confidence <= 1


def test_images_are_chosen_at_random_or_by_low_confidence(learned):
    session, tasks, _, _ = learned
    assert {task.chosen for task in tasks[:20]} == {"first"}
    chosen = [task.chosen for task in tasks[20:]]
    assert chosen[:5].count("random") == 1
    assert chosen[:5].count("uncertain") == 4
    # The model reads 95 % of the random sample then.
    assert session.progress().estimate.accuracy >= 0.95
    assert set(chosen[-10:]) == {"random"}


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
