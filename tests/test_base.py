"""The diagram of a pipeline links each of our estimators to its page."""

from html.parser import HTMLParser
from importlib import import_module
from importlib.metadata import metadata
from urllib.parse import urlsplit

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_html_repr

from skcaptcha.denoise import Binarizer, Grayscale, ImageRouter
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.novelty import NoveltyDetector
from skcaptcha.read import CharacterReader
from skcaptcha.read.sequence._linear_discriminants import LinearDiscriminants
from skcaptcha.recipes._allowed_classes import allowed_classes
from skcaptcha.segment import EqualSplit

NOT_PUBLIC = {LinearDiscriminants}  # what a SequenceReader takes if it is given nothing
NAMED_IN_RECIPES = {
    kind for kind in allowed_classes("").values() if kind.__module__.startswith("skcaptcha")
}
OURS = sorted(
    {*NAMED_IN_RECIPES, NoveltyDetector, SharedGridSearchCV} - NOT_PUBLIC, key=lambda k: k.__name__
)
URLS = dict(url.split(", ", 1) for url in metadata("skcaptcha").get_all("Project-URL", []))
needs_url = pytest.mark.skipif(
    "Documentation" not in URLS, reason="installed before it had documentation; install it again"
)


def bare(kind: type[BaseEstimator]) -> BaseEstimator:
    """An estimator whose parameters nobody looks at."""
    return kind.__new__(kind)


@needs_url
@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_estimator_has_a_page_named_after_where_it_is_imported_from(kind):
    base, _, page = bare(kind)._get_doc_link().partition("reference/generated/")
    assert base == URLS["Documentation"]
    module, _, name = page.removesuffix(".html").rpartition(".")
    assert getattr(import_module(module), name) is kind


def test_what_others_derive_has_no_page_of_ours():
    class Mine(Grayscale):
        pass

    assert Mine()._get_doc_link() == ""
    assert LinearDiscriminants()._get_doc_link() == ""


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs)["href"] or "")


@needs_url
def test_the_diagram_links_to_every_step():
    router = ImageRouter([("a", Binarizer()), ("b", "passthrough")], thresholds=[9])
    reader = CharacterReader(LogisticRegression())
    model = make_pipeline(ImageDecoder(), Grayscale(), router, EqualSplit(4), RawPixels(), reader)
    links = Links()
    links.feed(estimator_html_repr(model))
    pages = {
        urlsplit(link).path.rpartition("/")[2]
        for link in links.found
        if link.startswith(URLS["Documentation"])
    }
    assert pages >= {
        "skcaptcha.images.ImageDecoder.html",
        "skcaptcha.denoise.Grayscale.html",
        "skcaptcha.denoise.ImageRouter.html",
        "skcaptcha.segment.EqualSplit.html",
        "skcaptcha.features.RawPixels.html",
        "skcaptcha.read.CharacterReader.html",
    }
    assert any("LogisticRegression" in link for link in links.found)
