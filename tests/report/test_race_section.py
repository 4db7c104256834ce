import re

from skcaptcha.auto import Choice, Trial, measure
from skcaptcha.datasets import make_line_captchas
from skcaptcha.report import Page
from skcaptcha.report._race_section import race_section


def make_trial(family: int, name: str, screened: float | None, accuracy: float | None) -> Trial:
    settings = {"denoise": {"gray": {"use": "Grayscale"}, "ink": {"use": "Binarizer"}}, "margin": 2}
    return Trial(family, name, settings, "worse", screened, 50, accuracy, 200, 2.0)


def test_each_family_has_a_bar_for_its_best_recipe():
    trials = (
        make_trial(1, "best", 0.9, 0.985),
        make_trial(0, "screened", 0.62, None),
        make_trial(1, "second", 0.8, 0.97),
        make_trial(2, "not tried", None, None),
    )
    images, labels = make_line_captchas(5, random_state=0)
    choice = Choice(
        measure(images, labels.tolist()),
        trials,
        recipe={},
        accuracy=0.985,
        accuracy_ignoring_case=0.985,
        folds=5,
        n_validated=200,
        model=None,
        budget=60.0,
        seconds=30.0,
    )
    page = Page("race", sections=[race_section(choice)])
    html = page.to_html().replace("\N{NO-BREAK SPACE}", " ")
    bars = re.findall(r'<tr><th scope="row">(.*?)</th>.*?<div(.*?)></div></td><td>(.*?)</td>', html)
    assert [(name, text) for name, _, text in bars] == [
        ("best", "98.5 %, 4 s"),
        ("screened", "62 %, 2 s"),
    ]
    assert ["pale" in attributes for _, attributes, _ in bars] == [False, True]
    row = r"| not tried | denoise=Grayscale + Binarizer margin=2 | - | - | 2.0 | worse |"
    assert row in page.to_markdown()
