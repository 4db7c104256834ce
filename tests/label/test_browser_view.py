"""Appearance of the page in a real browser, on small screens and for screen readers."""

import re
import shutil
from pathlib import Path

import pytest

from labeling_clients import Tab, labels_on_disk
from skcaptcha.datasets import load_captchas
from skcaptcha.images import decode
from skcaptcha.label import LabelingPage, LabelingSession

pytestmark = pytest.mark.browser


def test_confidence_levels_are_visible_without_colors(tab, truth):
    tab.until(right=False)
    cells = tab.page.locator("#characters li").all_inner_texts()
    assert [re.sub(r"\s+", " ", cell).strip() for cell in cells] == [
        "✓ 99 %",
        "~ 70 %",
        "? 40 %",
        "✓ 95 %",
    ]
    tab.says(r"confidence of 30 %; the lowest is that of \? \(40 %\)")
    tab.press("ArrowRight", "Q")
    assert "yours" in tab.page.locator("#characters li").nth(2).inner_text()


def test_next_image_is_preloaded(tab):
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


def test_broken_image_is_reported(folder, truth, context):
    for file in folder.glob("*.png"):
        file.write_bytes(b"<svg onload='alert(1)'/>")
    with LabelingSession(folder, train=False) as session, LabelingPage(session) as served:
        tab = Tab(context, served.url)
        tab.says("cannot be shown: it is not a PNG")
        tab.press(*"ABCD", "Enter")
        tab.says("cannot be labeled")
        tab.go("F2")
        tab.says("1 unreadable")
        assert (
            not (folder / "labels.csv").exists()
            or "ABCD" not in (folder / "labels.csv").read_text()
        )


def test_suspected_labels_are_shown_with_the_readings(folder, truth, context):
    lines = [f"{name},{label}" for name, label in truth.items()]
    lines[2] = "00003.png,WXYZ"
    (folder / "labels.csv").write_text("\n".join(["filename,label", *lines]) + "\n")
    suspects = [("00003.png", "Read differently nine times of ten.", truth["00003.png"]),
                ("00005.png", "Looks odd.")]  # fmt: skip
    session = LabelingSession(folder, only=suspects, train=False)
    with session, LabelingPage(session) as served:
        tab = Tab(context, served.url)
        tab.says("Read differently nine times of ten")
        tab.says("0 of 2 checked")
        assert tab.page.get_by_text("Estimated accuracy").is_hidden()
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
def test_page_fits_the_screen(guessing, browser, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 640}, color_scheme=scheme)
    tab = Tab(context, guessing.url)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert tab.page.evaluate(fits)
    tab.press(*"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert tab.page.evaluate(fits)
    tab.press("F1")
    assert tab.page.evaluate(fits)
    context.close()


def test_long_names_labels_and_numbers_fit_a_small_screen(folder, truth, browser):
    name, label = "x" * 90 + ".png", "W" * 40
    (folder / "00001.png").rename(folder / name)
    (folder / "labels.csv").write_text(f"filename,label\n{name},{label}\n")
    only = [(name, f"the same image as {name}", "V" * 60)]
    context = browser.new_context(viewport={"width": 360, "height": 640})
    with LabelingSession(folder, only=only) as session, LabelingPage(session) as served:
        tab = Tab(context, served.url)
        fits = "document.documentElement.scrollWidth <= innerWidth"
        assert tab.page.evaluate(fits)
        tab.page.locator("#count").evaluate(
            "p => { p.textContent = '1234 of 5678 labeled, 123 unreadable, 123 skipped' }"
        )
        assert tab.page.evaluate(fits)
    context.close()


def test_all_elements_have_accessible_names(tab, truth):
    tab.until(right=True)
    page = tab.page
    number = int(Path(tab.name).stem)
    picture = page.get_by_role("img", name=f"Image {number} of 12: {tab.name}")
    assert picture.is_visible()
    assert page.get_by_role("textbox", name="Text of the image").is_visible()
    assert page.get_by_role("progressbar", name=re.compile("of 12 labeled")).is_visible()
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
    assert "Type the text of the image" in page.get_by_role("alert").inner_text()
    assert page.evaluate("document.documentElement.lang") == "en"


def test_names_and_labels_are_shown_as_text(folder, context):
    name = "<img src=x onerror=document.title='EVIL'>.png"
    (folder / "00001.png").rename(folder / name)
    label = "<b>&amp;</b>"
    (folder / "labels.csv").write_text(f'filename,label\n"{name}",{label}\n')
    session = LabelingSession(folder, only=[(name, "<i>odd</i>", "<u>A</u>")], train=False)
    with session, LabelingPage(session) as served:
        tab = Tab(context, served.url)
        tab.says("<i>odd</i>")
        assert tab.name == name
        assert tab.text == label
        assert tab.page.locator("#label-now").inner_text() == label
        assert tab.page.locator("main img").count() == 1
        assert tab.page.locator("b b, i, u").count() == 0
        assert "EVIL" not in tab.page.title()
        assert tab.problems == []


@pytest.mark.real
@pytest.mark.parametrize("scheme", ["lines", "captcha_v2", "rainbow_digits"])
def test_real_captchas_are_shown_unchanged(real_data, context, tmp_path, scheme):
    captchas = load_captchas(real_data / scheme / "train", subset="1..8")
    folder = tmp_path / scheme
    folder.mkdir()
    truth = {}
    for k, (path, label) in enumerate(zip(captchas.data, captchas.target, strict=True)):
        name = f"{k}{Path(path).suffix}"
        shutil.copy(path, folder / name)
        truth[name] = str(label)
    with LabelingSession(folder, train=False) as session, LabelingPage(session) as served:
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
