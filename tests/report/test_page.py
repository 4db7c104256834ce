from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure

from skcaptcha.report import (
    Card,
    Page,
    Section,
    chart,
    chart_style,
    figures,
    gallery,
    picture,
    table,
    text,
)

HOSTILE = '<script>alert(1)</script> & "quotes" \''
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Checker(HTMLParser):
    """Collects tags, attributes and whether what is opened is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.seen, self.attributes = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def a_chart():
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], label=HOSTILE)
    axes.legend()
    axes.set_title("a $ b $ c")
    return chart(figure, HOSTILE, HOSTILE)


def a_page():
    image = np.arange(30 * 60, dtype=np.uint8).reshape(30, 60)
    shown = picture(image, HOSTILE, boxes=[[1, 2, 3, 4], [5, 6, 7, 8]])
    with chart_style():
        parts = [HOSTILE, figures({HOSTILE: HOSTILE}), a_chart(), a_chart()]
    parts += [table(["n", HOSTILE], [[1, HOSTILE], ["2.5 %", text(HOSTILE)]], caption=HOSTILE)]
    parts += [gallery([Card(shown, [(HOSTILE, HOSTILE)])])]
    return Page(HOSTILE, HOSTILE, [Section(HOSTILE, parts), Section("second", [])])


def test_whatever_is_shown_stays_text():
    checker = Checker(a_page().to_html())
    assert checker.open == []
    assert "script" not in checker.seen


def test_letters_that_matplotlib_has_no_font_for_are_left_to_the_browser():
    with chart_style():
        figure = Figure(figsize=(3, 2))
        figure.add_subplot().set_xlabel("\u65e5\u672c")
        assert "\u65e5\u672c" in chart(figure, "two characters")


def test_it_asks_for_nothing_from_elsewhere():
    checker = Checker(a_page().to_html())
    links = [value for name, value in checker.attributes if name in ("src", "href", "xlink:href")]
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_the_same_report_is_the_same_file():
    assert a_page().to_html() == a_page().to_html()


def test_colors_of_letters_are_left_to_the_screen():
    html = a_page().to_html()
    assert "#010203" not in html
    assert "currentColor" in html


def test_a_picture_holds_its_pixels_and_boxes():
    import base64
    import re

    import cv2

    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 50, 3), dtype=np.uint8)
    html = picture(image, "noise", boxes=[[1, 2, 3, 4]])
    data = re.search(r"base64,([^\"]+)", html)[1]
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[..., ::-1], image)
    assert '<rect x="1" y="2" width="3" height="4"' in html


def test_columns_of_numbers_stand_at_the_right():
    html = table(["name", "share"], [["a", "50 %"], ["b", ""]])
    assert '<th scope="col">name</th><th scope="col" class="number">share</th>' in html


@pytest.mark.parametrize("name", ["caf\u00e9", "a\udce9.png"])
def test_any_name_can_be_written(tmp_path, name):
    Page(name).save(tmp_path / "page.html")
    assert "<h1>" in (tmp_path / "page.html").read_text("utf-8")


def test_in_a_notebook_it_stands_in_a_frame():
    html = a_page()._repr_html_()
    checker = Checker(html)
    assert checker.seen == ["iframe"]
    assert dict(checker.attributes)["srcdoc"] == a_page().to_html()


def test_charts_do_not_depend_on_a_matplotlibrc():
    # One in the current folder is read, whoever it is of.
    def drawn():
        with chart_style():
            return a_chart()

    expected = drawn()
    with rc_context({"text.usetex": True, "lines.linewidth": 30, "axes.grid": True}):
        assert drawn() == expected
