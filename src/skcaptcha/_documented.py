"""Where the documentation of each estimator stands."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

_PAGE = "reference/generated/{estimator_module}.{estimator_name}.html"


class Documented:
    """Mixin that has the diagram of a pipeline link to the estimator's page in our documentation.

    It stands before scikit-learn's bases, which would link to scikit-learn's documentation.

    Examples
    --------
    >>> from skcaptcha.denoise import Grey
    >>> Grey()._get_doc_link().rpartition("/")[2]
    'skcaptcha.denoise.Grey.html'
    """

    _doc_link_module = "skcaptcha"

    @property
    def _doc_link_template(self) -> str:
        # An empty address is no link.
        return f"{address}{_PAGE}" if (address := _address()) else ""


@cache
def _address() -> str:
    """Give the documentation's address, as the package's metadata name it."""
    try:
        urls = metadata("skcaptcha").get_all("Project-URL", [])
    except PackageNotFoundError:  # run from its sources
        return ""
    named = dict(url.split(", ", 1) for url in urls)
    return named.get("Documentation", "")
