"""Files and memory agree after any sequence of actions."""

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from skcaptcha.exceptions import DatasetError, LabelConflictError
from skcaptcha.label._store import LabelStore, State

NAMES = ["1.png", "2.png", "3.png"]
names, texts, tabs = (
    st.sampled_from(NAMES),
    st.sampled_from(["A", "b,C", "Ü"]),
    st.sampled_from("ab"),
)


def accept(store, readings, corrections=(), tab="a", page="page"):
    corrections = dict(corrections)
    images = {name: {"guess": text, "confidence": 1.0} for name, text in readings.items()}
    store.accept(readings, tab=tab, page=page, corrections=corrections, images=images)


class AnySequence(RuleBasedStateMachine):
    """A store and a simple model of it, which saves the whole state before each action."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        for name in NAMES:
            (self.folder / name).touch()
        self.store = LabelStore(self.folder)
        self.states = dict.fromkeys(NAMES, State())
        self.before = []

    def teardown(self):
        self.store.close()
        shutil.rmtree(self.folder)

    def become(self, name, state):
        self.become_together({name: state})

    def become_together(self, states):
        self.before.append({name: self.states[name] for name in states})
        self.states |= states

    @rule(name=names, text=texts, tab=tabs)
    def label(self, name, text, tab):
        self.store.label(name, text, tab=tab, expected=self.states[name].label)
        self.become(name, State(text))

    @rule(name=names, tab=tabs)
    def mark_unreadable(self, name, tab):
        self.store.mark_unreadable(name, tab=tab, expected=self.states[name].label)
        if self.states[name].mark != "unreadable":
            self.become(name, State(None, "unreadable"))

    @rule(name=names, tab=tabs)
    def skip(self, name, tab):
        n = len(self.store.actions)
        self.store.skip(name, tab=tab)
        if len(self.store.actions) > n:  # a repeated action is recorded once
            decided = self.states[name].decided
            self.become(name, self.states[name] if decided else State(None, "skipped"))

    @rule()
    def undo(self):
        if self.store.actions:
            self.store.undo(self.store.actions[-1])
            self.states |= self.before.pop()

    @rule(text=texts, corrected=st.sampled_from(["A", "", None]), tab=tabs)
    def accept(self, text, corrected, tab):
        opened = {name for name in NAMES if not self.states[name].decided}
        wrong = {min(opened, default="1.png"): corrected}
        readings = dict.fromkeys(NAMES, text)
        page = str(len(self.before))
        if opened != set(NAMES):
            with pytest.raises(LabelConflictError):
                accept(self.store, readings, wrong, tab=tab, page=page)
            return
        accept(self.store, readings, wrong, tab=tab, page=page)
        accept(self.store, readings, wrong, tab=tab, page=page)  # repeated: changes nothing
        states = dict.fromkeys(NAMES, State(text, accepted=True))
        typed = State(corrected) if corrected else State(None, "skipped")
        self.become_together(states | dict.fromkeys(wrong, typed))

    @rule(name=names, text=texts, tab=tabs)
    def label_with_a_wrong_expectation(self, name, text, tab):
        if self.states[name].label not in (None, text):
            with pytest.raises(LabelConflictError) as caught:
                self.store.label(name, text, tab=tab, expected=None)
            assert caught.value.theirs == self.states[name].label

    @rule()
    def reopen(self):
        self.store.close()
        self.store = LabelStore(self.folder)

    @invariant()
    def all_agree(self):
        assert {name: self.store.state(name) for name in NAMES} == self.states
        assert len(self.store.actions) == len(self.before)


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


@pytest.fixture
def store(tmp_path):
    for name in NAMES:
        (tmp_path / name).touch()
    store = LabelStore(tmp_path)
    yield store
    store.close()


def test_repeated_label_is_not_a_conflict(store):
    for _ in range(2):
        store.label("1.png", "AB", tab="a", expected=None)
    assert len(store.actions) == 1


def test_confirmed_label_can_be_undone(store):
    store.label("1.png", "AB", tab="a")
    store.label("1.png", "AB", tab="a", expected="AB")
    store.undo(store.actions[-1])
    assert store.state("1.png") == State("AB")
    assert len(store.actions) == 1


def test_external_edit_is_not_overwritten_or_undone(store):
    store.label("1.png", "AB", tab="a")
    path = store._table.path
    path.write_text(path.read_text().replace("AB", "CD"))
    with pytest.raises(LabelConflictError, match=r"1\.png: was labeled CD elsewhere"):
        store.label("1.png", "EF", tab="a", expected="AB")
    with pytest.raises(LabelConflictError):
        store.mark_unreadable("1.png", tab="a", expected="AB")
    with pytest.raises(LabelConflictError):
        store.undo(store.actions[-1])
    assert "1.png,CD" in path.read_text()
    assert store.actions == []


def test_label_in_the_file_overrides_a_mark(store):
    store.mark_unreadable("1.png", tab="a")
    (store._table.path).write_text("filename,label\n1.png,AB\n")
    store.refresh()
    assert store.state("1.png") == State("AB")


def test_undo_of_unreadable_restores_other_columns(store):
    path = store._table.path
    path.write_text("filename,label,who\n1.png,AB,me\n")
    store.mark_unreadable("1.png", tab="a", expected="AB")
    assert path.read_text() == "filename,label,who\n"
    store.undo(store.actions[-1])
    assert path.read_text() == "filename,label,who\n1.png,AB,me\n"


def test_a_page_is_undone_at_once(store):
    path = store._table.path
    path.write_text("filename,label,who\n1.png,AB,me\n")
    accept(store, {"2.png": "CD", "3.png": "EF"}, {"3.png": "GH"})
    assert path.read_text().splitlines() == [
        "filename,label,who,source",
        "1.png,AB,me,typed",
        "2.png,CD,,accepted",
        "3.png,GH,,typed",
    ]
    assert store.guesses == {"2.png": "CD", "3.png": "EF"}
    (action,) = store.actions
    assert action.filenames == ["2.png", "3.png"]
    store.undo(action)
    assert store.labels == {"1.png": "AB"}
    assert store.actions == []


def test_undo_of_a_page_keeps_labels_that_were_typed_since(store):
    accept(store, {"1.png": "AB", "2.png": "CD"})
    (page,) = store.actions
    store.label("1.png", "AX", tab="b", expected="AB")
    store.undo(page)
    assert store.labels == {"1.png": "AX"}
    assert not store.state("1.png").accepted


def test_undo_of_a_page_keeps_marks_that_were_made_since(store, tmp_path):
    accept(store, {"1.png": "AB", "2.png": "CD"})
    (page,) = store.actions
    store.mark_unreadable("1.png", tab="b", expected="AB")
    store.undo(page)
    assert store.state("1.png") == State(None, "unreadable")
    assert store.state("2.png") == State()
    store.close()
    reopened = LabelStore(tmp_path)
    assert reopened.state("1.png") == State(None, "unreadable")
    reopened.undo(reopened.actions[-1])
    assert reopened.state("1.png") == State("AB", accepted=True)
    reopened.close()


def test_a_page_that_a_killed_process_did_not_log_is_logged_when_it_is_sent_again(store, tmp_path):
    page = {"1.png": "AB", "2.png": "CD", "3.png": "EF"}
    corrections = {"2.png": "GH", "3.png": None}
    accept(store, page, corrections)
    store.close()
    (tmp_path / "labeling.jsonl").unlink()
    reopened = LabelStore(tmp_path)
    with pytest.raises(LabelConflictError):
        accept(reopened, page, {"3.png": None})  # another page
    accept(reopened, page, corrections)
    assert reopened.labels == {"1.png": "AB", "2.png": "GH"}
    assert reopened.state("3.png").mark == "skipped"
    accept(reopened, page, corrections)
    (action,) = reopened.actions
    reopened.undo(action)
    assert reopened.labels == {}
    reopened.close()


def test_a_typed_label_is_no_longer_an_accepted_reading(store):
    accept(store, {"1.png": "AB"})
    assert store.state("1.png").accepted
    store.label("1.png", "AB", tab="a", expected="AB")
    assert not store.state("1.png").accepted
    store.undo(store.actions[-1])
    assert store.state("1.png").accepted
    store.mark_unreadable("1.png", tab="a", expected="AB")
    store.undo(store.actions[-1])
    assert store.state("1.png") == State("AB", accepted=True)


def test_a_page_with_one_problem_changes_nothing(store):
    store.mark_unreadable("2.png", tab="b")
    with pytest.raises(LabelConflictError, match=r"2\.png"):
        accept(store, {"1.png": "AB", "2.png": "CD"})
    with pytest.raises(ValueError, match="invisible"):
        accept(store, {"1.png": "AB", "3.png": "C\x00D"})
    path = store._table.path
    path.write_text("filename,label,source\n3.png,AB,camera 2\n")
    with pytest.raises(DatasetError, match="the column source has other values"):
        accept(store, {"1.png": "AB"})
    store.label("1.png", "AB", tab="a")
    assert path.read_text() == "filename,label,source\n3.png,AB,camera 2\n1.png,AB,\n"
    assert [action.did for action in store.actions] == ["unreadable", "label"]


PROGRAM = """
import sys
from pathlib import Path
from skcaptcha.label._store import LabelStore
names = [f"{k}.png" for k in range(20)]
store = LabelStore(Path(sys.argv[1]))
for page in range(10**6):
    store.accept(
        dict.fromkeys(names, "AB"), tab="a", page=str(page), corrections={"3.png": None},
        images=dict.fromkeys(names, {}),
    )
    print(page, flush=True)
    store.undo(store.actions[-1])
"""


@pytest.mark.parametrize("n", [3, 40])
def test_a_killed_process_leaves_no_half_page(tmp_path, n):
    for k in range(20):
        (tmp_path / f"{k}.png").touch()
    command = [sys.executable, "-c", PROGRAM, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(n):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
    store = LabelStore(tmp_path)
    assert len(store.labels) in {0, 19}
    assert len(store._table.accepted) == len(store.labels)
    store.close()


def test_guesses_predate_the_first_label(store):
    store.label("1.png", "AB", tab="a", guess="AA")
    store.undo(store.actions[-1])
    store.label("1.png", "AB", tab="a", guess="AB")
    store.label("2.png", "AB", tab="a")
    assert store.guesses == {"1.png": "AA", "2.png": None}


def test_inconsistent_log_raises_and_is_unlocked(tmp_path):
    (tmp_path / "labeling.jsonl").write_text('{"did": "undo", "undid": 7}\n')
    for _ in range(2):
        with pytest.raises(DatasetError, match="line 1 is not a labeling record"):
            LabelStore(tmp_path)


def test_labels_are_stored_in_the_case_of_the_others(tmp_path):
    write = (tmp_path / "labels.csv").write_text
    write("filename,label\n1.png,XUD2\n2.png,jl\n")
    for k in range(1, 6):
        (tmp_path / f"{k}.png").touch()
    store = LabelStore(tmp_path, fold_case=True)
    try:
        assert store.checked("3.png", " hots ") == "HOTS"
        assert store.label("3.png", "hots", tab="a") == "HOTS"
        assert store.labels == {"1.png": "XUD2", "2.png": "jl", "3.png": "HOTS"}
        assert store.folded_labels() == {"1.png": "XUD2", "2.png": "JL", "3.png": "HOTS"}
        # Its own label does not count.
        assert store.label("1.png", "xud2", tab="a", expected="XUD2") == "XUD2"
        with pytest.raises(ValueError, match="empty"):
            store.label("4.png", " ", tab="a")
    finally:
        store.close()


def test_the_first_label_decides_the_case(tmp_path):
    for k in range(1, 3):
        (tmp_path / f"{k}.png").touch()
    store = LabelStore(tmp_path, fold_case=True)
    try:
        assert store.label("1.png", "aBcd", tab="a") == "abcd"
        assert store.label("2.png", "EFGHIJ", tab="a") == "efghij"
    finally:
        store.close()
