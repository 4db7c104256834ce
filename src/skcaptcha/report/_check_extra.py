"""Check that the packages are installed that reports need."""

from importlib.util import find_spec

from skcaptcha.exceptions import MissingExtraError

_PACKAGES = ("jinja2", "markupsafe", "matplotlib")


def check_extra() -> None:
    """Raise MissingExtraError if a package of the extra ``report`` is not installed."""
    if not all(map(find_spec, _PACKAGES)):
        raise MissingExtraError(
            "to make reports and pictures, install the extra report: "
            "pip install 'skcaptcha[report]'"
        )
