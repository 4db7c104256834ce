"""Published rates at which programs read text captchas."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

BROKEN_FROM = 0.01
"""Proportion from which `BURSZTEIN` calls a scheme broken."""
BURSZTEIN = "Bursztein, Martin, Mitchell (2011)"

ACCEPTABLE = 0.0001
"""Maximum proportion that programs may read according to `CHELLAPILLA`."""
CHELLAPILLA = "Chellapilla, Larson, Simard, Czerwinski (2005)"


class Paper(NamedTuple):
    """A paper, and the proportion of each scheme's captchas that it reports as read correctly.

    Its string is the full reference.
    """

    authors: str
    year: int
    title: str
    venue: str
    rates: Mapping[str, float]

    @property
    def short(self) -> str:
        """Authors and year."""
        return f"{self.authors} {self.year}"

    @property
    def first_author_and_year(self) -> str:
        """Short enough for the label of a bar."""
        return f"{self.authors.partition(',')[0]} {self.year}"

    def __str__(self) -> str:
        return f'{self.authors}, "{self.title}", {self.venue}, {self.year}'


@cache
def published_rates() -> tuple[Paper, ...]:
    """Return the papers of published_rates.yaml, in chronological order."""
    text = files("skcaptcha.report.audit").joinpath("published_rates.yaml").read_text("utf-8")
    return tuple(Paper(**paper) for paper in yaml.safe_load(text))


def as_published(rate: float) -> str:
    """Return a rate in percent, with the digits of its paper."""
    return f"{100 * rate:.4g} %"
