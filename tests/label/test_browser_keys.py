"""Labeling by keyboard in a real browser."""

import json

import pytest

from labeling_clients import Tab, labels_on_disk
from skcaptcha.label import LabelingPage, LabelingSession

pytestmark = pytest.mark.browser


def test_enter_accepts_the_guess(tab, folder, truth):
    tab.until(right=True)
    name = tab.name
    assert tab.text == tab.selected == truth[name]
    tab.go("Enter")
    assert labels_on_disk(folder)[name] == truth[name]
    tab.says(f"Saved {truth[name]}")
    entry = json.loads((folder / "labeling.jsonl").read_text().splitlines()[-1])
    assert 1 in entry.values()  # keystrokes


def test_typing_replaces_the_guess(tab, folder):
    name = tab.name
    tab.go(*"ABC", "Enter")
    assert labels_on_disk(folder) == {name: "ABC"}


def test_right_arrow_selects_the_lowest_confidence(tab, folder, truth):
    tab.until(right=False)
    name = tab.name
    tab.press("ArrowRight")
    assert tab.selected == "?"
    tab.press("ArrowRight")
    assert tab.selected == tab.text[1]
    tab.press("Home")
    tab.press("ArrowRight")  # moves the cursor within the text as usual
    assert tab.selected == ""
    tab.press("Control+a", "ArrowRight", truth[name][2])
    assert tab.text == truth[name]
    tab.go("Enter")
    assert labels_on_disk(folder)[name] == truth[name]


def test_keys_choose_other_readings(tab, folder, truth):
    tab.until(right=False)
    name, guess = tab.name, tab.text
    tab.press("Shift+ArrowDown")
    assert tab.text == "ZZZZ"
    tab.press("Shift+ArrowDown", "Shift+ArrowDown")
    assert tab.text == truth[name]
    tab.press("Control+z")
    assert tab.text == guess
    tab.press("Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowUp")
    assert tab.text == "ZZZZ"
    tab.page.get_by_role("button", name=truth[name]).click()
    assert tab.text == truth[name]
    tab.go("Enter")
    assert labels_on_disk(folder)[name] == truth[name]


def test_escape_skips_until_the_end(tab, truth):
    skipped = tab.name
    tab.go("Escape")
    seen = []
    while tab.name != skipped:
        seen.append(tab.name)
        tab.go(*"ABCD", "Enter")
    assert len(set(seen)) == len(truth) - 1
    tab.go(*"ABCD", "Enter")
    assert tab.page.locator("#done").is_visible()
    tab.says("All done")
    tab.go("Control+z")
    assert tab.name == skipped
    assert tab.text == "ABCD"


def test_f2_marks_unreadable_and_can_be_undone(tab, folder):
    first = tab.name
    tab.go("F2")
    tab.says("1 unreadable")
    assert tab.name != first
    tab.go("Control+z")
    assert tab.name == first
    tab.says("0 of 12 labeled$")


def test_undo_restores_the_typed_text(tab, folder):
    first = tab.name
    tab.go(*"WRNG", "Enter")
    tab.go("Control+z")
    assert (tab.name, tab.text) == (first, "WRNG")
    tab.go(*"RIGH", "Enter")
    assert labels_on_disk(folder) == {first: "RIGH"}


def test_up_and_down_keep_the_typed_text(tab, folder):
    first = tab.name
    tab.go(*"ABCD", "Enter")
    second = tab.name
    tab.press(*"XY")
    tab.go("ArrowUp")
    assert (tab.name, tab.text, tab.selected) == (first, "ABCD", "ABCD")
    tab.says("labeled ABCD")
    tab.go("ArrowDown")
    assert (tab.name, tab.text) == (second, "XY")
    tab.go("PageUp")
    tab.go(*"EFGH", "Enter")
    assert tab.name == second
    assert labels_on_disk(folder) == {first: "EFGH"}


def test_held_key_accepts_one_image(tab, folder):
    tab.press(*"ABCD")
    for _ in range(20):
        tab.page.keyboard.down("Enter")
    tab.page.keyboard.up("Enter")
    tab.says("1 of 12 labeled")
    tab.go(*"EFGH", "Enter")
    assert len(labels_on_disk(folder)) == 2


def test_empty_field_is_not_accepted(tab, folder):
    tab.press("Delete", "Enter")
    tab.says("F2 if it is unreadable")
    assert not (folder / "labels.csv").exists()


def test_help_shows_keys_and_escape_closes_it(tab):
    first = tab.name
    tab.press("F1")
    assert tab.page.get_by_role("dialog", name="Keys").is_visible()
    tab.press("ArrowUp", "F2", "Escape")
    tab.page.locator("#help").wait_for(state="hidden")
    assert tab.name == first
    assert tab.page.evaluate("document.activeElement.id") == "text"
    tab.says("0 of 12 labeled$")


def test_every_button_works_by_keyboard(tab, folder):
    reached = []
    for _ in range(20):
        tab.press("Tab")
        reached.append(tab.page.evaluate("document.activeElement.id"))
    assert {"accept", "skip", "unreadable", "undo", "previous", "following", "open-help"} <= {
        *reached
    }
    tab.page.locator("#text").focus()
    first = tab.name
    while tab.page.evaluate("document.activeElement.id") != "skip":
        tab.press("Tab")
    tab.go("Enter")
    assert tab.name != first
    assert not (folder / "labels.csv").exists()


def test_unusual_label_needs_confirmation(unlabeled, context):
    folder, truth = unlabeled(34)
    rows = "".join(f"{name},{label}\n" for name, label in list(truth.items())[:30])
    (folder / "labels.csv").write_text(f"filename,label\n{rows}")
    with LabelingSession(folder, train=False) as session, LabelingPage(session) as page:
        tab = Tab(context, page.url)
        assert tab.page.title() == "30 of 34 labeled · Label captchas"
        first = tab.name
        tab.press(*"ABCDEFGH", "Enter")
        tab.says("ABCDEFGH is unusual: 30 labels have 4 characters. Press Enter again to keep it")
        assert first not in labels_on_disk(folder)
        tab.press("Backspace", "Enter")
        tab.says("ABCDEFG is unusual: 30 labels have 4 characters")  # not intended either
        assert (tab.name, first in labels_on_disk(folder)) == (first, False)
        tab.go("Enter")
        assert labels_on_disk(folder)[first] == "ABCDEFG"
        second = tab.name
        tab.press(*"abcd", "Enter")
        tab.says(
            "abcd is unusual: .* labels are upper case. If case does not matter, label --fold-"
        )
        tab.press("Control+a")
        tab.go(*"ABCD", "Enter")
        assert labels_on_disk(folder)[second] == "ABCD"
        assert tab.page.title() == "32 of 34 labeled · Label captchas"


def test_a_new_length_needs_confirmation(unlabeled, context):
    folder, truth = unlabeled(34)
    labels = [f"{truth[name]}{'AB' * (k % 2)}" for k, name in enumerate(list(truth)[:30])]
    rows = "".join(f"{name},{label}\n" for name, label in zip(truth, labels, strict=False))
    (folder / "labels.csv").write_text(f"filename,label\n{rows}")
    with LabelingSession(folder, train=False) as session, LabelingPage(session) as page:
        tab = Tab(context, page.url)
        first = tab.name
        tab.press(*"ABC", "Enter")
        tab.says("ABC is unusual: none of 30 labels have 3 characters. Press Enter again")
        assert first not in labels_on_disk(folder)
        tab.go("Enter")
        second = tab.name
        tab.go(*"DEF", "Enter")  # now a label has this length
        assert labels_on_disk(folder)[second] == "DEF"


def test_labels_in_another_case_are_folded_without_a_question(unlabeled, context):
    folder, truth = unlabeled(34)
    rows = "".join(f"{name},{label}\n" for name, label in list(truth.items())[:30])
    (folder / "labels.csv").write_text(f"filename,label\n{rows}")
    with (
        LabelingSession(folder, train=False, fold_case=True) as session,
        LabelingPage(session) as page,
    ):
        tab = Tab(context, page.url)
        first = tab.name
        tab.go(*"abcd", "Enter")
        tab.says("Saved ABCD")
        assert labels_on_disk(folder)[first] == "ABCD"
        tab.go("ArrowUp")
        assert (tab.name, tab.text) == (first, "ABCD")
        assert tab.problems == []
