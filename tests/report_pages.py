"""Models for tests of reports, and a checker of HTML pages."""

import re
from html.parser import HTMLParser

from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.read import CharacterReader
from skcaptcha.report import Page
from skcaptcha.segment import FixedBoxes

BOXES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
X, Y = make_line_captchas(140, random_state=0)
HOSTILE = "<script>alert(1)</script>&\"'.png"
VOID_TAGS = {"meta", "br", "wbr"}


def make_model() -> Pipeline:
    steps = ImageDecoder(), Grayscale(), Binarizer("fixed", threshold=127), FixedBoxes(BOXES)
    return make_pipeline(*steps, RawPixels(), CharacterReader(KNeighborsClassifier(1)))


def html_of(page: Page) -> str:
    return page.to_html().replace("\N{NO-BREAK SPACE}", " ")


def headline_of(page: Page) -> str:
    return re.search(r'<div class="headline.*?</div>', html_of(page), re.DOTALL)[0]


class CheckedPage(HTMLParser):
    """The tags, links and text of a page.

    Asserts that each tag is closed, and that no link leads to another site.
    """

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html_of(page))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        links = [value for name, value in attrs if name in ("href", "src", "xlink:href")]
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)
        self.links += links

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
