"""Pages of readings in a real browser, by keyboard and by mouse."""

import json
import shutil

import pytest

from labeling_clients import Tab, labels_on_disk
from labeling_sessions import RECIPE, label_first
from skcaptcha.label import LabelingPage, LabelingSession

pytestmark = pytest.mark.browser


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


@pytest.fixture
def tab(session, page, context):
    tab = GridTab(context, page.url)
    yield tab
    assert tab.problems == []


class GridTab(Tab):
    """A tab that shows pages of readings."""

    def open(self):
        self.press("F4")
        self.wait("!document.getElementById('grid').hidden")

    def wait(self, condition):
        self.page.wait_for_function(f"() => {condition}")

    def accept(self):
        """Look at the page for a second, and accept it."""
        first = self.names[0]
        self.page.wait_for_timeout(1100)
        self.press("F4")
        self.wait(f"!document.querySelector('#cells img[alt=\"{first}\"]')")

    @property
    def names(self):
        return self.page.locator("#cells img").evaluate_all("all => all.map((one) => one.alt)")

    @property
    def texts(self):
        inputs = self.page.locator("#cells input")
        return dict(
            zip(self.names, inputs.evaluate_all("all => all.map((one) => one.value)"), strict=True)
        )

    @property
    def selected_in_cell(self):
        return self.page.evaluate(
            "() => { const f = document.activeElement;"
            " return f.value.slice(f.selectionStart, f.selectionEnd) }"
        )

    @property
    def current(self):
        return self.page.evaluate("document.activeElement.closest('li')?.querySelector('img').alt")


def test_a_page_is_accepted_with_one_key(tab, folder, truth):
    before = labels_on_disk(folder)
    tab.says("50 images can be accepted now")
    tab.open()
    tab.says(r"read all 10\d labeled images .* so about 99.5 % of these readings are right")
    names, texts = tab.names, tab.texts
    assert len(names) == 20
    tab.press("F4")  # nobody has looked at it yet
    tab.says("Look at the page first")
    assert labels_on_disk(folder) == before
    tab.accept()
    assert labels_on_disk(folder) == before | texts
    assert texts == {name: truth[name] for name in names}
    tab.says(r"150 of 190 labeled \(20 accepted\)")
    assert not set(tab.names) & set(names)
    tab.press("Control+z")
    tab.says("This page was undone")
    assert tab.names == names
    assert labels_on_disk(folder) == before
    tab.press("Escape")
    tab.wait("!document.getElementById('work').hidden")
    assert tab.name not in names
    assert tab.page.evaluate("document.activeElement.id") == "text"


def test_wrong_readings_are_typed(tab, folder, session):
    tab.open()
    first, second, third, fourth = tab.names[:4]
    assert tab.current == first
    tab.press("ArrowRight", *"WXYZ", "Enter")  # typing replaces the reading
    assert tab.current == third
    tab.press("ArrowLeft", "Enter")
    assert tab.selected_in_cell == "WXYZ"
    tab.press("End", "Backspace", "8", "Enter")
    tab.press("Enter", *"MNOP", "Escape")  # not changed after all
    tab.press("ArrowRight", "Delete")
    assert list(tab.texts.values())[1:4] == ["WXY8", session.task(third, "other").guess.text, ""]
    notes = tab.page.locator("#cells small").all_inner_texts()
    assert notes[1] == "✎ yours"
    assert notes[3] == "shown later"
    tab.accept()
    labels = labels_on_disk(folder)
    assert labels[second] == "WXY8"
    assert fourth not in labels
    progress = session.progress()
    assert (progress.n_accepted, progress.n_skipped) == (18, 1)
    record = json.loads((folder / "labeling.jsonl").read_text().splitlines()[-1])
    assert record["did"] == "accept"
    assert record["keystrokes"] > 10
    assert record["seconds"] >= 1


@pytest.mark.slow
def test_corrections_are_kept_when_the_page_is_left(tab, folder):
    tab.open()
    first = tab.names[0]
    tab.press(*"WXYZ", "Enter", "Escape")
    tab.wait("document.getElementById('grid').hidden")
    tab.open()
    assert tab.texts[first] == "WXYZ"
    assert first not in labels_on_disk(folder)


def test_unusual_corrections_have_to_be_confirmed(tab, folder):
    tab.open()
    first, second = tab.names[:2]
    tab.press(*"W?", "Enter", "Enter")
    tab.page.keyboard.insert_text('Ü,"<b>&')
    tab.press("Enter")
    tab.page.wait_for_timeout(1100)
    tab.press("F4")
    tab.says(f"{first}: .* {second}: .* Press F4 again to keep what you typed")
    assert first not in labels_on_disk(folder)
    tab.accept()
    labels = labels_on_disk(folder)
    assert (labels[first], labels[second]) == ("W?", 'Ü,"<b>&')
    tab.problems = [problem for problem in tab.problems if "422" not in problem]


@pytest.mark.slow
def test_images_that_cannot_be_shown_are_not_accepted(tab, folder, session):
    gone = session.grid("other").tasks[1].filename
    session.next("other")
    (folder / gone).unlink()
    tab.open()
    cell = tab.page.locator("#cells li").nth(1)
    cell.click()
    tab.press(*"WXYZ", "Enter")
    assert "cannot be shown" in cell.inner_text()
    assert cell.get_by_role("textbox").input_value() == ""
    assert tab.page.get_by_role("button", name="Accept 19").is_visible()
    tab.accept()
    tab.says("Accepted 19 images")
    assert session.task(gone, "other").label is None
    assert session.progress().n_accepted == 19
    tab.problems = [problem for problem in tab.problems if "422" not in problem]


@pytest.mark.slow
def test_rejected_readings_stay_rejected_when_the_page_is_left(tab):
    tab.open()
    first = tab.names[0]
    tab.press("Delete", "Escape")
    tab.wait("document.getElementById('grid').hidden")
    tab.open()
    assert tab.texts[first] == ""


@pytest.mark.slow
def test_characters_of_a_third_level_replace_a_reading(tab):
    tab.open()
    tab.page.evaluate(
        "() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: '@',"
        " ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true }))"
    )
    tab.page.keyboard.insert_text("@")
    assert tab.texts[tab.names[0]] == "@"
    note = tab.page.evaluate("document.activeElement.getAttribute('aria-describedby')")
    assert tab.page.locator(f"#{note}").inner_text() == "✎ yours"


@pytest.mark.slow
def test_two_tabs_do_not_accept_the_same_images(tab, page, context, folder, session):
    other = GridTab(context, page.url)
    tab.open()
    other.open()
    assert not set(tab.names) & set(other.names)
    taken, kept = tab.names[3], tab.names[5]
    session.label(taken, "WXYZ", tab="third")
    n = len(labels_on_disk(folder))
    tab.page.locator(f"#cells li:has(img[alt='{kept}']) input").click()
    tab.press(*"MNOP", "Enter")
    tab.page.wait_for_timeout(1100)
    tab.press("F4")
    tab.says(f"{taken}: was labeled WXYZ elsewhere .* The page was not accepted")
    assert len(labels_on_disk(folder)) == n
    assert taken not in tab.names
    assert tab.texts[kept] == "MNOP"
    tab.accept()
    other.accept()
    assert session.progress().n_accepted == 39
    tab.problems = [problem for problem in tab.problems if "409" not in problem]
    assert other.problems == []


@pytest.mark.slow
def test_all_pages_then_one_at_a_time(tab, session):
    tab.open()
    tab.accept()
    tab.accept()
    assert session.progress().n_acceptable == 10
    assert len(tab.names) == 9  # the other one is shown by itself
    tab.page.wait_for_timeout(1100)
    tab.page.get_by_role("button", name="Accept 9").click()
    tab.wait("!document.getElementById('work').hidden")
    assert session.progress().n_accepted == 49
    tab.press("F4")
    tab.says("No other image can be accepted now")
    tab.go("ArrowUp")
    tab.says(r"seen earlier · accepted \w{4}")
    tab.go("ArrowDown")
    while session.progress().n_acceptable:
        tab.go("Enter")
    tab.says("no image that is left is read surely enough")
    assert tab.page.get_by_role("button", name="Accept a page").is_hidden()


@pytest.mark.slow
def test_what_is_missing_is_said(folder, truth, context):
    label_first(folder, truth, 60)
    with (
        LabelingSession(folder, train="here", recipe=RECIPE) as session,
        LabelingPage(session) as page,
    ):
        tab = GridTab(context, page.url)
        tab.says(r"\d+ of \d+ labels that the model has to read")
        tab.press("F4")
        tab.says("No page can be accepted yet")
        assert tab.problems == []


@pytest.mark.slow
@pytest.mark.parametrize(("width", "columns"), [(360, 2), (800, 4), (1100, 5)])
def test_it_fits_every_window(page, browser, width, columns):
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab = GridTab(context, page.url)
    tab.open()
    assert tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    names = tab.names
    tab.press("ArrowDown")
    assert tab.current == names[columns]
    tab.press("ArrowRight", "ArrowUp")
    assert tab.current == names[1]
    image = tab.page.get_by_role("textbox", name=f"Reading of {names[1]}")
    assert image.is_visible()
    context.close()


@pytest.mark.slow
def test_a_killed_server_loses_no_page(start, context, labeled, folder, truth):
    """The page that was open is accepted by the server that is started again."""
    with LabelingSession(folder, train="here", recipe=RECIPE) as session:
        grid = session.grid("a")
        readings = {task.filename: task.guess.text for task in grid.tasks}
        session.accept(readings, tab="a", page=grid.page)
    server = start(folder)
    tab = GridTab(context, server.url)
    tab.page.wait_for_function(
        "() => !document.getElementById('open-grid').hidden", timeout=120_000
    )
    tab.open()
    names = tab.names
    tab.press(*"WXYZ", "Enter", "Enter")  # the second image is being corrected
    server.kill()
    server.wait()
    tab.page.wait_for_timeout(1100)
    tab.press("F4")
    tab.says("The server does not respond")
    tab.press(*"MNOP")  # this would not be sent
    assert tab.texts[names[1]] != "MNOP"
    assert names[0] not in labels_on_disk(folder)
    start(folder)
    tab.wait("document.getElementById('alert').hidden")
    labels = labels_on_disk(folder)
    assert labels[names[0]] == "WXYZ"
    assert set(names) | set(readings) <= set(labels)
