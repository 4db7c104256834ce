"""Labelling by keyboard in a real browser: what somebody who does it sees."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skcaptcha.datasets import load_captchas
from skcaptcha.images import decode
from skcaptcha.label import Guess, LabellingPage, LabellingSession

pytestmark = pytest.mark.browser


def labels_on_disk(folder: Path) -> dict[str, str]:
    captchas = load_captchas(folder)
    return dict(zip(captchas.filenames, captchas.target.tolist(), strict=True))


def guess_of(truth: str) -> Guess:
    """Give a guess of which the third character is wrong, and the least sure."""
    wrong = truth[:2] + "?" + truth[3:]
    sure = (0.99, 0.7, 0.4, 0.95)
    return Guess(
        wrong, 0.3, tuple(zip(wrong, sure, strict=True)), (("ZZZZ", 0.2), (truth, 0.1)), False
    )


class Guessing(LabellingSession):
    """A session whose guesses are known; right ones for the images whose number is even."""

    def __init__(self, folder: Path, truth: dict[str, str], **options: Any) -> None:
        super().__init__(folder, train=False, **options)
        self._truth = truth

    def _with_guess(self, task):
        truth = self._truth.get(task.filename) if task else None
        if not truth:
            return task
        guess = guess_of(truth)
        if task.index % 2:
            guess = replace(guess, text=truth, characters=tuple((c, 0.97) for c in truth))
        return replace(task, guess=guess)

    def next(self, tab):
        return self._with_guess(super().next(tab))

    def task(self, filename, tab):
        return self._with_guess(super().task(filename, tab))

    def previous(self, filename, tab):
        return self._with_guess(super().previous(filename, tab))

    def following(self, filename, tab):
        return self._with_guess(super().following(filename, tab))

    def undo(self, tab):
        return self._with_guess(super().undo(tab))


class Tab:
    """A tab with the labelling page, worked with by keyboard alone."""

    def __init__(self, context: Any, url: str) -> None:
        self.page = context.new_page()
        self.problems: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)
        self.page.wait_for_selector("#work:not([hidden]), #done:not([hidden])")

    @property
    def name(self) -> str:
        return self.page.locator("#caption").inner_text().split(" · ")[0]

    @property
    def text(self) -> str:
        return self.page.locator("#text").input_value()

    @property
    def selected(self) -> str:
        return self.page.evaluate(
            "() => { const f = document.getElementById('text');"
            " return f.value.slice(f.selectionStart, f.selectionEnd) }"
        )

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def go(self, *keys: str) -> None:
        """Press keys of which the last has another image shown, or the end."""
        before = self.page.locator("#caption").inner_text()
        self.press(*keys)
        self.page.wait_for_function(
            "before => document.getElementById('caption').textContent !== before"
            " || !document.getElementById('done').hidden",
            arg=before,
        )
        done = self.page.locator("#done").is_visible()
        assert done or self.page.evaluate("document.activeElement.id") == "text"

    def quickest(self, text: str) -> list[str]:
        """Give keys that lead to this label, which are few."""
        if self.text == text:
            return ["Enter"]
        others = self.page.locator("#others-list b").all_inner_texts()
        if text in others:
            return ["Shift+ArrowDown"] * (others.index(text) + 1) + ["Enter"]
        return [*text, "Enter"]

    def says(self, text: str) -> None:
        self.page.get_by_text(re.compile(text)).first.wait_for(state="visible")


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def folder_and_truth(unlabelled):
    return unlabelled(12)


@pytest.fixture
def folder(folder_and_truth) -> Path:
    return folder_and_truth[0]


@pytest.fixture
def truth(folder_and_truth) -> dict[str, str]:
    return folder_and_truth[1]


@pytest.fixture
def served(folder, truth):
    with Guessing(folder, truth) as session, LabellingPage(session) as served:
        yield served


@pytest.fixture
def tab(served, context):
    tab = Tab(context, served.url)
    yield tab
    assert tab.problems == []


def until(tab: Tab, right: bool) -> None:
    """Accept right labels until an image comes whose guess is right, or wrong."""
    while ("?" not in tab.text) is not right:
        tab.page.locator("#text").fill(tab.text.replace("?", "X"))
        tab.go("Enter")


# The keys


def test_enter_accepts_the_guess_that_is_typed_already(tab, folder, truth):
    until(tab, right=True)
    name = tab.name
    assert tab.text == tab.selected == truth[name]
    tab.go("Enter")
    assert labels_on_disk(folder)[name] == truth[name]
    tab.says(f"Saved {truth[name]}")
    entry = json.loads((folder / "labelling.jsonl").read_text().splitlines()[-1])
    assert 1 in entry.values()  # keystrokes


def test_typing_replaces_the_guess(tab, folder):
    name = tab.name
    tab.go(*"ABC", "Enter")
    assert labels_on_disk(folder) == {name: "ABC"}


def test_the_right_arrow_goes_to_the_character_that_is_least_sure(tab, folder, truth):
    until(tab, right=False)
    name = tab.name
    tab.press("ArrowRight")
    assert tab.selected == "?"
    tab.press("ArrowRight")
    assert tab.selected == tab.text[1]
    tab.press("Home")
    tab.press("ArrowRight")  # which moves within the text as always
    assert tab.selected == ""
    tab.press("Control+a", "ArrowRight", truth[name][2])
    assert tab.text == truth[name]
    tab.go("Enter")
    assert labels_on_disk(folder)[name] == truth[name]


def test_other_readings_are_taken_with_a_key(tab, folder, truth):
    until(tab, right=False)
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


def test_how_sure_each_character_is_can_be_seen_without_colours(tab, truth):
    until(tab, right=False)
    cells = tab.page.locator("#characters li").all_inner_texts()
    assert [re.sub(r"\s+", " ", cell).strip() for cell in cells] == [
        "✓ 99 %",
        "~ 70 %",
        "? 40 %",
        "✓ 95 %",
    ]
    tab.says(r"30 % sure of .*least sure of \? \(40 %\)")
    tab.press("ArrowRight", "Q")
    assert "yours" in tab.page.locator("#characters li").nth(2).inner_text()


def test_escape_skips_and_the_image_comes_again_at_the_end(tab, truth):
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


def test_f2_marks_unreadable_and_undo_takes_it_back(tab, folder):
    first = tab.name
    tab.go("F2")
    tab.says("1 unreadable")
    assert tab.name != first
    tab.go("Control+z")
    assert tab.name == first
    tab.says("0 of 12 labelled$")


def test_undo_gives_back_what_was_typed(tab, folder):
    first = tab.name
    tab.go(*"WRNG", "Enter")
    tab.go("Control+z")
    assert (tab.name, tab.text) == (first, "WRNG")
    tab.go(*"RIGH", "Enter")
    assert labels_on_disk(folder) == {first: "RIGH"}


def test_up_and_down_move_and_keep_what_was_typed(tab, folder):
    first = tab.name
    tab.go(*"ABCD", "Enter")
    second = tab.name
    tab.press(*"XY")
    tab.go("ArrowUp")
    assert (tab.name, tab.text, tab.selected) == (first, "ABCD", "ABCD")
    tab.says("labelled ABCD")
    tab.go("ArrowDown")
    assert (tab.name, tab.text) == (second, "XY")
    tab.go("PageUp")
    tab.go(*"EFGH", "Enter")
    assert tab.name == second
    assert labels_on_disk(folder) == {first: "EFGH"}


def test_a_key_that_is_held_down_accepts_one_image(tab, folder):
    tab.press(*"ABCD")
    for _ in range(20):
        tab.page.keyboard.down("Enter")
    tab.page.keyboard.up("Enter")
    tab.says("1 of 12 labelled")
    tab.go(*"EFGH", "Enter")
    assert len(labels_on_disk(folder)) == 2


def test_an_empty_field_is_not_accepted(tab, folder):
    tab.press("Delete", "Enter")
    tab.says("F2 if nobody can read it")
    assert not (folder / "labels.csv").exists()


def test_help_shows_the_keys_and_escape_only_closes_it(tab):
    first = tab.name
    tab.press("F1")
    assert tab.page.get_by_role("dialog", name="Keys").is_visible()
    tab.press("ArrowUp", "F2", "Escape")
    tab.page.locator("#help").wait_for(state="hidden")
    assert tab.name == first
    assert tab.page.evaluate("document.activeElement.id") == "text"
    tab.says("0 of 12 labelled$")


def test_every_button_is_reached_and_used_by_keyboard(tab, folder):
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


# What is shown


def test_the_next_image_is_there_before_it_is_wanted(tab):
    for _ in range(4):
        tab.page.wait_for_load_state("networkidle")
        fetched = [url for url in tab.asked if "/images/" in url]
        tab.page.keyboard.type("ABCD")
        tab.go("Enter")
        shown = tab.page.evaluate("document.getElementById('image').complete")
        assert shown
        assert len({*fetched}) >= 2
    images = [url for url in tab.asked if "/images/" in url]
    assert len(images) == len({*images}) == 6


def test_a_broken_image_is_said_to_be_one(folder, truth, context):
    for file in folder.glob("*.png"):
        file.write_bytes(b"<svg onload='alert(1)'/>")
    with LabellingSession(folder, train=False) as session, LabellingPage(session) as served:
        tab = Tab(context, served.url)
        tab.says("cannot be shown: it is not a PNG")
        tab.press(*"ABCD", "Enter")
        tab.says("gets no label")
        tab.go("F2")
        tab.says("1 unreadable")
        assert (
            not (folder / "labels.csv").exists()
            or "ABCD" not in (folder / "labels.csv").read_text()
        )


def test_suspected_labels_are_shown_with_what_the_model_reads(folder, truth, context):
    lines = [f"{name},{label}" for name, label in truth.items()]
    lines[2] = "00003.png,WXYZ"
    (folder / "labels.csv").write_text("\n".join(["filename,label", *lines]) + "\n")
    suspects = [("00003.png", "Read differently nine times of ten.", truth["00003.png"]),
                ("00005.png", "Looks odd.")]  # fmt: skip
    session = LabellingSession(folder, only=suspects, train=False)
    with session, LabellingPage(session) as served:
        tab = Tab(context, served.url)
        tab.says("Read differently nine times of ten")
        assert tab.page.locator("#label-now").inner_text() == "WXYZ"
        assert tab.page.locator("#model-reads").inner_text() == truth["00003.png"]
        assert tab.text == tab.selected == "WXYZ"
        tab.go("Shift+ArrowDown", "Enter")
        assert labels_on_disk(folder) == truth
        tab.says("Looks odd")
        tab.go("Enter")
        assert tab.page.locator("#done").is_visible()
        assert tab.problems == []
    assert labels_on_disk(folder) == truth


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
def test_nothing_is_wider_than_the_screen(served, browser, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 640}, color_scheme=scheme)
    tab = Tab(context, served.url)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert tab.page.evaluate(fits)
    tab.press(*"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert tab.page.evaluate(fits)
    tab.press("F1")
    assert tab.page.evaluate(fits)
    context.close()


def test_a_screen_reader_is_told_what_everything_is(tab, truth):
    until(tab, right=True)
    page = tab.page
    number = int(Path(tab.name).stem)
    picture = page.get_by_role("img", name=f"Image {number} of 12: {tab.name}")
    assert picture.is_visible()
    assert page.get_by_role("textbox", name="What does it say?").is_visible()
    assert page.get_by_role("progressbar", name=re.compile("of 12 labelled")).is_visible()
    assert page.get_by_role("main").is_visible()
    assert page.get_by_role("group", name="Other readings").is_visible()
    for name in ("Accept", "Skip", "Unreadable", "Undo", "Back", "Forward", "Help"):
        assert page.get_by_role("button", name=re.compile(name)).first.is_visible()
    described = page.evaluate(
        "document.getElementById(document.getElementById('text')"
        ".getAttribute('aria-describedby')).textContent"
    )
    assert truth[tab.name] in described
    status = page.get_by_role("status")
    assert status.get_attribute("aria-live") == "polite"
    assert f"The model reads {' '.join(truth[tab.name])}" in (status.text_content() or "")
    tab.press("Control+a", "Delete", "Enter")
    assert "Type what the image says" in page.get_by_role("alert").inner_text()
    assert page.evaluate("document.documentElement.lang") == "en"


# Two tabs, and servers that die


def test_two_tabs_have_different_images_and_say_so_when_they_meet(tab, served, context, folder):
    other = Tab(context, served.url)
    first = tab.name
    assert other.name != first
    tab.go(*"MINE", "Enter")
    tab.go("ArrowUp")
    assert tab.name == first
    # Somebody else changes it while it is looked at here.
    text = (folder / "labels.csv").read_text()
    (folder / "labels.csv").write_text(text.replace("MINE", "THEIRS"))
    tab.press(*"OURS", "Enter")
    tab.says("labelled THEIRS elsewhere")
    assert tab.text == "OURS"
    assert labels_on_disk(folder) == {first: "THEIRS"}
    tab.go("Enter")
    assert labels_on_disk(folder) == {first: "OURS"}
    tab.problems = [problem for problem in tab.problems if "409" not in problem]


def test_a_copy_of_a_tab_is_a_tab_of_its_own(tab, served):
    with tab.page.expect_popup() as opened:
        tab.page.evaluate("url => { window.open(url, '_blank') }", served.url)  # sessionStorage too
    copy = opened.value
    copy.wait_for_selector("#work:not([hidden])")
    assert copy.locator("#caption").inner_text().split(" · ")[0] != tab.name
    copy.close()
    same = tab.name
    tab.page.reload()
    tab.page.wait_for_selector("#work:not([hidden])")
    assert tab.name == same


def test_a_tab_that_is_opened_again_goes_on_where_the_closed_one_was(served, context, folder):
    tab = Tab(context, served.url)
    first = tab.name
    tab.go(*"ABCD", "Enter")
    second = tab.name
    tab.page.close()
    tab = Tab(context, served.url)
    assert tab.name == second
    tab.go("Control+z")
    assert (tab.name, tab.text) == (first, "ABCD")
    tab.press("Control+z")
    tab.says("nothing to take back")


def test_names_and_labels_are_shown_as_text(folder, context):
    name = "<img src=x onerror=document.title='EVIL'>.png"
    (folder / "00001.png").rename(folder / name)
    label = "<b>&amp;</b>"
    (folder / "labels.csv").write_text(f'filename,label\n"{name}",{label}\n')
    session = LabellingSession(folder, only=[(name, "<i>odd</i>", "<u>A</u>")], train=False)
    with session, LabellingPage(session) as served:
        tab = Tab(context, served.url)
        tab.says("<i>odd</i>")
        assert tab.name == name
        assert tab.text == label
        assert tab.page.locator("#label-now").inner_text() == label
        assert tab.page.locator("main img").count() == 1
        assert tab.page.locator("b b, i, u").count() == 0
        assert "EVIL" not in tab.page.title()
        assert tab.problems == []


def test_a_killed_server_loses_nothing(start, context, folder):
    server = start(folder)
    tab = Tab(context, server.url)
    first = tab.name
    tab.go(*"ABCD", "Enter")
    second = tab.name
    tab.press(*"EF")
    server.kill()
    server.wait()
    tab.press(*"GH", "Enter")
    tab.says("The server does not answer. EFGH is kept here")
    assert labels_on_disk(folder) == {first: "ABCD"}
    again = start(folder)
    assert again.url == server.url
    tab.says("Saved EFGH")
    assert labels_on_disk(folder) == {first: "ABCD", second: "EFGH"}
    tab.go(*"IJKL", "Enter")
    assert len(labels_on_disk(folder)) == 3
    assert tab.page.locator("#alert").is_hidden()


def test_a_server_that_was_ended_and_started_again_has_another_address(start, context, folder):
    server = start(folder)
    tab = Tab(context, server.url)
    port = server.url.split(":")[2].split("/")[0]
    server.send_signal(2)
    _, said = server.communicate(timeout=30)
    assert server.returncode == 130
    assert said.splitlines()[-1] == "0 of 12 images are labelled; nothing is changed"
    start(folder, "--port", port)
    tab.press(*"ABCD", "Enter")
    tab.says("Open the one that skcaptcha label printed")
    assert tab.text == "ABCD"


def test_twenty_labels_teach_a_model_that_types_the_rest(start, context, unlabelled):
    """From an empty folder to guesses, by keyboard; and back after the tab was closed."""
    folder, truth = unlabelled(80)
    server = start(folder)
    tab = Tab(context, server.url)
    for _ in range(20):
        assert tab.text == ""
        tab.go(*truth[tab.name], "Enter")
    typed = "() => document.getElementById('text').value !== ''"
    tab.page.wait_for_function(typed, timeout=120_000)
    assert tab.selected == tab.text
    tab.page.close()
    asked = tab.asked
    tab = Tab(context, server.url)  # nothing is lost with the tab
    tab.says("20 of 80 labelled")
    keys = 0
    for _ in range(20):
        pressed = tab.quickest(truth[tab.name])
        keys += len(pressed)
        tab.go(*pressed)
    assert labels_on_disk(folder).items() <= truth.items()
    assert len(labels_on_disk(folder)) == 40
    assert keys / 20 < 4  # without guesses: 5; and these are those that are the most doubtful
    tab.says(r"\d+ % \(\d+ to \d+ %, from \d+ random images\)")
    hosts = {url.split("/")[2] for url in asked + tab.asked if not url.startswith("blob:")}
    assert hosts == {server.url.split("/")[2]}
    assert tab.problems == []
    server.send_signal(2)
    _, said = server.communicate(timeout=30)
    assert server.returncode == 130
    assert said.splitlines()[-1] == f"40 of 80 images are labelled; skcaptcha fit {folder}"


@pytest.mark.real
@pytest.mark.parametrize("scheme", ["lines", "captcha_v2", "rainbow_digits"])
def test_real_captchas_are_shown_as_they_are(real_data, context, tmp_path, scheme):
    captchas = load_captchas(real_data / scheme / "train", subset="1..8")
    folder = tmp_path / scheme
    folder.mkdir()
    truth = {}
    for k, (path, label) in enumerate(zip(captchas.data, captchas.target, strict=True)):
        name = f"{k}{Path(path).suffix}"
        shutil.copy(path, folder / name)
        truth[name] = str(label)
    with LabellingSession(folder, train=False) as session, LabellingPage(session) as served:
        tab = Tab(context, served.url)
        for _ in truth:
            height, width = decode(folder / tab.name).shape[:2]
            shown = tab.page.evaluate(
                "() => { const i = document.getElementById('image');"
                " return [i.naturalWidth, i.naturalHeight, i.clientWidth / i.clientHeight] }"
            )
            assert shown[:2] == [width, height]
            assert shown[2] == pytest.approx(width / height, rel=0.02)
            tab.go(*truth[tab.name], "Enter")
        assert tab.page.locator("#done").is_visible()
        assert tab.problems == []
    assert labels_on_disk(folder) == truth
