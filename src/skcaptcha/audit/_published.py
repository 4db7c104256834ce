"""What papers report of reading text captchas; add a row where you have the paper at hand."""

from __future__ import annotations

from typing import NamedTuple


class Paper(NamedTuple):
    """A paper.

    Attributes
    ----------
    authors : str
    year : int
    title, venue : str
    """

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


class Published(NamedTuple):
    """What a paper reports of one scheme.

    Attributes
    ----------
    scheme : str
    rate : float
        Share of the captchas that were read right.
    paper : Paper
    """

    scheme: str
    rate: float
    paper: Paper


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
"""Share that counts as broken by Bursztein, Martin and Mitchell (2011)."""

AIMED_AT = 0.0001
"""Share that programs should not exceed by Chellapilla and others (2005)."""

PUBLISHED = (
    Published("EZ-Gimpy (Yahoo)", 0.92, MORI_2003),
    Published("Gimpy", 0.33, MORI_2003),
    Published("EZ-Gimpy (Yahoo)", 0.99, MOY_2004),
    Published("Gimpy-r", 0.78, MOY_2004),
    Published("Authorize", 0.66, BURSZTEIN_2011),
    Published("Baidu", 0.05, BURSZTEIN_2011),
    Published("Blizzard", 0.70, BURSZTEIN_2011),
    Published("Captcha.net", 0.73, BURSZTEIN_2011),
    Published("CNN", 0.16, BURSZTEIN_2011),
    Published("Digg", 0.20, BURSZTEIN_2011),
    Published("eBay", 0.43, BURSZTEIN_2011),
    Published("Google", 0.0, BURSZTEIN_2011),
    Published("Megaupload", 0.93, BURSZTEIN_2011),
    Published("NIH", 0.72, BURSZTEIN_2011),
    Published("reCAPTCHA", 0.0, BURSZTEIN_2011),
    Published("Reddit", 0.42, BURSZTEIN_2011),
    Published("Skyrock", 0.02, BURSZTEIN_2011),
    Published("Slashdot", 0.35, BURSZTEIN_2011),
    Published("Wikipedia", 0.25, BURSZTEIN_2011),
    Published("Baidu (2011)", 0.3868, BURSZTEIN_2014),
    Published("Baidu (2013)", 0.5522, BURSZTEIN_2014),
    Published("CNN", 0.5109, BURSZTEIN_2014),
    Published("eBay", 0.5139, BURSZTEIN_2014),
    Published("reCAPTCHA (2011)", 0.2267, BURSZTEIN_2014),
    Published("reCAPTCHA (2013)", 0.2234, BURSZTEIN_2014),
    Published("Wikipedia", 0.2829, BURSZTEIN_2014),
    Published("Yahoo", 0.0533, BURSZTEIN_2014),
    Published("reCAPTCHA, hardest category", 0.998, GOODFELLOW_2014),
    Published("the easiest of its schemes", 0.77, GAO_2016),
    Published("the hardest of its schemes", 0.05, GAO_2016),
    Published("reCAPTCHA", 0.666, GEORGE_2017),
    Published("BotDetect", 0.644, GEORGE_2017),
    Published("Yahoo", 0.574, GEORGE_2017),
    Published("PayPal", 0.571, GEORGE_2017),
)
