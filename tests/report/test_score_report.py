"""The report on a score is correct, and its page is self-contained."""

import re

import pytest

import skcaptcha
from report_pages import HOSTILE, CheckedPage, X, Y, headline_of, html_of, make_model
from skcaptcha.exceptions import ImageError, SkcaptchaError
from skcaptcha.report import score_report


def test_page_is_self_contained_and_escapes_names_and_labels(scored):
    checked = CheckedPage(scored)
    assert "script" not in checked.tags
    assert f"7{HOSTILE}" in checked.text
    assert f"<{Y[67][1:]}" in checked.text
    assert "it is <empty>" in checked.text
    assert len({link for link in checked.links if link.startswith("data:")}) > 40


def test_order_of_sections(scored):
    headings = [section.heading for section in scored.sections]
    assert headings[:3] == ["Result", "Errors", "What each step does"]
    html = html_of(scored)
    assert html.index(headline_of(scored)) < html.index("<h3>")
    assert html.count('<div class="strip">') == 10


def test_data_date_version_and_next_steps_are_shown(model):
    page = score_report(
        model, list(X[60:80]), Y[60:80].tolist(), data="my captchas", model_file="m.joblib"
    )
    text = CheckedPage(page).text
    assert "20 captchas from my captchas. Model: m.joblib." in text
    assert re.search(rf"Written on \d{{4}}-\d\d-\d\d by skcaptcha {skcaptcha.__version__}\.", text)
    assert "skcaptcha predict FOLDER --model m.joblib --csv results.csv" in text
    assert "Evaluate on 100 captchas or more: with only 20, the interval is wide." in text


def test_usual_cause_is_shown_only_for_low_accuracy(model):
    low = score_report(model, list(X[60:120]), [f"{label[1:]}?" for label in Y[60:120]])
    assert "reads none of these captchas" in headline_of(low)
    assert "Check that each label belongs to its image" in low.to_html()
    high = score_report(make_model().fit(list(X), Y), list(X[:60]), Y[:60].tolist())
    assert "reads these captchas well" in headline_of(high)
    assert "Check that each label" not in high.to_html()


def test_errors_are_counted(model, scored):
    texts = model.predict(list(X[60:119]))
    n_wrong = int((texts != Y[60:119]).sum()) + 1
    # The fixture changes one label.
    n_wrong += int(texts[7] == Y[67])
    assert n_wrong > 5
    text = CheckedPage(scored).text
    assert f"{n_wrong} of 60" in text
    # Sixty captchas are too few for decimals.
    assert f"{round(100 * (60 - n_wrong) / 60)} %" in headline_of(scored)
    assert f"{60 - n_wrong} of 60 captchas were read correctly" in headline_of(scored)
    shown = min(n_wrong, 40)
    assert scored.to_html().count('<figure class="card">') == shown
    assert text.count("probably") == shown - (n_wrong <= 40)


def test_page_is_reproducible(model):
    def page() -> str:
        made = score_report(model, list(X[60:80]), Y[60:80].tolist())
        # Times always differ.
        made.sections = [section for section in made.sections if section.heading != "Time"]
        return made.to_html()

    assert page() == page()


def test_no_captchas_are_rejected(model):
    with pytest.raises(SkcaptchaError, match="no captcha"):
        score_report(model, [], [])


def test_no_captcha_could_be_read(model):
    results = [ImageError("image 0", "it is empty")] * 2
    page = score_report(model, ["a.png", "b.png"], ["AB", ""], results=results)
    text = CheckedPage(page).text
    assert "2, counted as wrong" in text
    assert text.count("it is empty") == 2
    assert "No captcha could be read." in text


def test_single_captcha_is_enough(model):
    text = CheckedPage(score_report(model, [X[0]], [""])).text
    assert "4 boxes for 0 characters" in text


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
def test_browser_shows_the_page_without_errors(browser, scored, tmp_path, scheme, width):
    scored.save(tmp_path / "report.html")
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    events: list[str] = []
    page.on("console", lambda message: events.append(message.text))
    page.on("pageerror", lambda error: events.append(str(error)))
    page.on("request", lambda request: events.append(request.url))
    page.goto((tmp_path / "report.html").as_uri())
    assert [event for event in events if not event.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    background, text = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    light = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in (background, text)]
    assert (light[0] > light[1]) == (scheme == "light")
    assert page.evaluate("[...document.querySelectorAll('svg')].every(s => s.clientWidth > 20)")
    # No content is clipped, and every text column is wide enough for a word.
    cut = "e => e.getBoundingClientRect().right > innerWidth + 1"
    parts = "'.strip figure, .facts td, .rows td, .bars td, .card, .headline p, code'"
    assert page.evaluate(f"[...document.querySelectorAll({parts})].length") > 50
    assert page.evaluate(f"[...document.querySelectorAll({parts})].filter({cut}).length") == 0
    cells = "[...document.querySelectorAll('.facts td')]"
    assert page.evaluate(f"Math.min(...{cells}.map(e => e.clientWidth))") >= 100
    page.close()
