import base64
import re
from html.parser import HTMLParser
from itertools import pairwise

import cv2
import numpy as np
import pytest

from skcaptcha.report import Page, Section
from skcaptcha.report._blocks import (
    Bars,
    Bullets,
    Card,
    Details,
    Facts,
    Gallery,
    Heading,
    Headline,
    Item,
    Picture,
    Table,
    verbatim,
)
from skcaptcha.report._charts import chart

HOSTILE = '<script>alert(1)</script> & "quotes" \' | `code` *'
VOID_TAGS = {"meta", "link", "br", "img", "hr", "input", "wbr"}


class Parsed(HTMLParser):
    """Tags and attributes of a page. Asserts that each tag is closed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def make_chart():
    def plot(axes):
        axes.plot([0, 1], [0, 1], label=HOSTILE)
        axes.legend()
        axes.set_title("a $ b $ c")

    return chart(plot, HOSTILE, HOSTILE, size=(3, 2))


def make_page():
    image = np.arange(30 * 60, dtype=np.uint8).reshape(30, 60)
    picture = Picture(image, HOSTILE, [[1, 2, 3, 4], [5, 6, 7, 8]])
    blocks = [
        HOSTILE,
        Headline("50 %", HOSTILE, HOSTILE, "good"),
        Heading(HOSTILE),
        Facts([(HOSTILE, HOSTILE)]),
        Details(HOSTILE, HOSTILE),
        Bullets([Item(HOSTILE, HOSTILE, HOSTILE, HOSTILE), Item(HOSTILE, url="#a", source="b")]),
        make_chart(),
        make_chart(),
        Table(["n", HOSTILE], [[1, HOSTILE], ["2.5 %", verbatim(HOSTILE)]], HOSTILE),
        Table([HOSTILE], [["a"], ["b"]], summary=HOSTILE, bold=frozenset([1])),
        Gallery([Card([picture], [(HOSTILE, HOSTILE)])]),
        Bars([(HOSTILE, 0.5, HOSTILE, True)], HOSTILE, HOSTILE),
    ]
    return Page(HOSTILE, HOSTILE, [Section(HOSTILE, blocks), Section("second", [])])


def html_of(*blocks):
    return Page("", sections=[Section("", blocks)]).to_html()


def test_text_is_escaped():
    assert "script" not in Parsed(make_page().to_html()).tags


def test_no_resources_are_requested():
    parsed = Parsed(make_page().to_html())
    links = [value for name, value in parsed.attributes if name in ("src", "href", "xlink:href")]
    assert links
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_page_is_reproducible():
    assert make_page().to_html() == make_page().to_html()


def test_text_color_is_left_to_the_screen():
    html = make_page().to_html()
    assert "#010203" not in html
    assert "currentColor" in html


def test_picture_contains_its_pixels_and_boxes():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 50, 3), dtype=np.uint8)
    html = html_of(Gallery([Card([Picture(image, "noise", np.array([[1, 2, 3, 4]]))], [])]))
    data = re.search(r"base64,([^\"]+)", html)[1]
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[..., ::-1], image)
    assert '<rect x="1" y="2" width="3" height="4"' in html


def test_columns_of_numbers_are_aligned_right():
    html = html_of(Table(["name", "accuracy"], [["a", "50 %"], ["b", ""]]))
    assert '<th scope="col">name</th><th scope="col" class="number">accuracy</th>' in html


def test_number_and_percent_sign_are_not_separated():
    html = html_of("12 % of 50 %", Facts([("a", "3 %")]))
    assert html.count("\N{NO-BREAK SPACE}%") == 3


@pytest.mark.parametrize("name", ["caf\u00e9", "a\udce9.png"])
def test_any_name_can_be_written(tmp_path, name):
    Page(name).save(tmp_path / "page.html")
    assert "<h1>" in (tmp_path / "page.html").read_text("utf-8")
    Page(name).save(tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text("utf-8").startswith("# ")


def test_notebook_shows_the_page_in_a_frame():
    parsed = Parsed(make_page()._repr_html_())
    assert parsed.tags == ["iframe"]
    assert dict(parsed.attributes)["srcdoc"] == make_page().to_html()


def test_markdown_is_escaped_and_leaves_out_charts_and_pictures():
    markdown = make_page().to_markdown()
    assert "<" not in markdown.replace(r"\<", "").replace(f"`{HOSTILE}`", "")
    assert "svg" not in markdown
    assert "second" not in markdown
    assert "**b**" in markdown


def test_rows_of_markdown_tables_have_the_same_number_of_cells():
    rows = [line for line in make_page().to_markdown().splitlines() if line.startswith("|")]
    assert rows
    for line, following in pairwise(rows):
        if following.startswith("| ---"):
            assert following.count(" | ") == line.count(" | ")
