"""Published rates at which programs read text captchas; add a row only with the paper at hand."""

from __future__ import annotations

from typing import NamedTuple


class Paper(NamedTuple):
    """A paper; its string is the full reference."""

    authors: str
    year: int
    title: str
    venue: str

    @property
    def short(self) -> str:
        """Authors and year."""
        return f"{self.authors} {self.year}"

    def __str__(self) -> str:
        return f'{self.authors}, "{self.title}", {self.venue}, {self.year}'


class PublishedRate(NamedTuple):
    """The proportion of a scheme's captchas that a paper reports as read correctly."""

    scheme: str
    rate: float
    paper: Paper

    @property
    def percent(self) -> str:
        """The rate with the digits of the paper."""
        return f"{100 * self.rate:.4g} %"


MORI_2003 = Paper(
    "Mori, Malik",
    2003,
    "Recognizing objects in adversarial clutter: breaking a visual CAPTCHA",
    "CVPR",
)
MOY_2004 = Paper(
    "Moy, Jones, Harkless, Potter",
    2004,
    "Distortion estimation techniques in solving visual CAPTCHAs",
    "CVPR",
)
CHELLAPILLA_2005 = Paper(
    "Chellapilla, Larson, Simard, Czerwinski",
    2005,
    "Building segmentation based human-friendly human interaction proofs (HIPs)",
    "Human Interactive Proofs, LNCS 3517",
)
BURSZTEIN_2011 = Paper(
    "Bursztein, Martin, Mitchell",
    2011,
    "Text-based CAPTCHA strengths and weaknesses",
    "ACM CCS",
)
BURSZTEIN_2014 = Paper(
    "Bursztein, Aigrain, Moscicki, Mitchell",
    2014,
    "The end is nigh: generic solving of text-based CAPTCHAs",
    "USENIX WOOT",
)
GOODFELLOW_2014 = Paper(
    "Goodfellow, Bulatov, Ibarz, Arnoud, Shet",
    2014,
    "Multi-digit number recognition from Street View imagery using deep convolutional neural "
    "networks",
    "ICLR",
)
GAO_2016 = Paper("Gao and others", 2016, "A simple generic attack on text Captchas", "NDSS")
GEORGE_2017 = Paper(
    "George and others",
    2017,
    "A generative vision model that trains with high data efficiency and breaks text-based "
    "CAPTCHAs",
    "Science 358",
)

BROKEN_FROM = 0.01
"""A scheme that is read at this rate is broken, according to Bursztein and others (2011)."""

ACCEPTABLE = 0.0001
"""Programs should not exceed this rate, according to Chellapilla and others (2005)."""

PUBLISHED_RATES = (
    PublishedRate("EZ-Gimpy (Yahoo)", 0.92, MORI_2003),
    PublishedRate("Gimpy", 0.33, MORI_2003),
    PublishedRate("EZ-Gimpy (Yahoo)", 0.99, MOY_2004),
    PublishedRate("Gimpy-r", 0.78, MOY_2004),
    PublishedRate("Authorize", 0.66, BURSZTEIN_2011),
    PublishedRate("Baidu", 0.05, BURSZTEIN_2011),
    PublishedRate("Blizzard", 0.70, BURSZTEIN_2011),
    PublishedRate("Captcha.net", 0.73, BURSZTEIN_2011),
    PublishedRate("CNN", 0.16, BURSZTEIN_2011),
    PublishedRate("Digg", 0.20, BURSZTEIN_2011),
    PublishedRate("eBay", 0.43, BURSZTEIN_2011),
    PublishedRate("Google", 0.0, BURSZTEIN_2011),
    PublishedRate("Megaupload", 0.93, BURSZTEIN_2011),
    PublishedRate("NIH", 0.72, BURSZTEIN_2011),
    PublishedRate("reCAPTCHA", 0.0, BURSZTEIN_2011),
    PublishedRate("Reddit", 0.42, BURSZTEIN_2011),
    PublishedRate("Skyrock", 0.02, BURSZTEIN_2011),
    PublishedRate("Slashdot", 0.35, BURSZTEIN_2011),
    PublishedRate("Wikipedia", 0.25, BURSZTEIN_2011),
    PublishedRate("Baidu (2011)", 0.3868, BURSZTEIN_2014),
    PublishedRate("Baidu (2013)", 0.5522, BURSZTEIN_2014),
    PublishedRate("CNN", 0.5109, BURSZTEIN_2014),
    PublishedRate("eBay", 0.5139, BURSZTEIN_2014),
    PublishedRate("reCAPTCHA (2011)", 0.2267, BURSZTEIN_2014),
    PublishedRate("reCAPTCHA (2013)", 0.2234, BURSZTEIN_2014),
    PublishedRate("Wikipedia", 0.2829, BURSZTEIN_2014),
    PublishedRate("Yahoo", 0.0533, BURSZTEIN_2014),
    PublishedRate("reCAPTCHA, hardest category", 0.998, GOODFELLOW_2014),
    PublishedRate("the easiest of its schemes", 0.77, GAO_2016),
    PublishedRate("the hardest of its schemes", 0.05, GAO_2016),
    PublishedRate("reCAPTCHA", 0.666, GEORGE_2017),
    PublishedRate("BotDetect", 0.644, GEORGE_2017),
    PublishedRate("Yahoo", 0.574, GEORGE_2017),
    PublishedRate("PayPal", 0.571, GEORGE_2017),
)
