"""The reports of a score and of a fit say what is true, in a page that stands alone."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline

import skcaptcha
from skcaptcha.auto import choose_recipe
from skcaptcha.datasets import make_line_captchas
from skcaptcha.denoise import Binarizer, Grayscale
from skcaptcha.exceptions import ImageError, SkcaptchaError
from skcaptcha.features import RawPixels
from skcaptcha.images import ImageDecoder
from skcaptcha.inspection._experiments import Experiments
from skcaptcha.model_selection import SharedGridSearchCV
from skcaptcha.read import CharacterReader, read_captchas
from skcaptcha.report import Page, attempts_of, fit_report, reliability, score_report
from skcaptcha.report import _fit as fit_module
from skcaptcha.report._advice import after_fit
from skcaptcha.report._landscape import axes_of, table_of_candidates
from skcaptcha.report._plots import line_chart
from skcaptcha.segment import FixedBoxes

PLACES = [[8, 4, 20, 21], [38, 4, 20, 21], [68, 4, 20, 21], [98, 4, 20, 21]]
X, Y = make_line_captchas(140, random_state=0)
HOSTILE = "<script>alert(1)</script>&\"'.png"
VOID = {"meta", "br", "wbr"}


def a_pipeline() -> Pipeline:
    steps = ImageDecoder(), Grayscale(), Binarizer("fixed", threshold=127), FixedBoxes(PLACES)
    return make_pipeline(*steps, RawPixels(), CharacterReader(KNeighborsClassifier(1)))


@pytest.fixture(scope="module")
def model() -> Pipeline:
    """It has learned from few, and so it makes mistakes."""
    return a_pipeline().fit(list(X[:14]), Y[:14])


@pytest.fixture(scope="module")
def search() -> SharedGridSearchCV:
    grid = {
        "binarizer__threshold": [90, 127],
        "fixedboxes__margin": [0, 1],
        "characterreader__estimator__n_neighbors": [1, 3],
    }
    folds = KFold(3, shuffle=True, random_state=0)
    return SharedGridSearchCV(a_pipeline(), grid, cv=folds).fit(list(X[:60]), Y[:60])


@pytest.fixture(scope="module")
def scored(model) -> Page:
    names = [f"{k}{HOSTILE}" for k in range(60)]
    labels = [f"<{label[1:]}" if k == 7 else str(label) for k, label in enumerate(Y[60:120])]
    results = [*read_captchas(model, X[60:119]), ImageError("image 0", "it is <empty>")]
    return score_report(model, list(X[60:120]), labels, names=names, results=results)


class Checked(HTMLParser):
    """Asserts that what is opened is closed, and that nothing comes from elsewhere."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(page.to_html())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
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


def test_a_score_report_stands_alone_and_shows_names_and_labels_as_they_are(scored):
    checked = Checked(scored)
    assert "script" not in checked.tags
    assert f"7{HOSTILE}" in checked.text
    assert f"<{Y[67][1:]}" in checked.text
    assert "it is <empty>" in checked.text
    assert len({link for link in checked.links if link.startswith("data:")}) > 40


def headline_of(page: Page) -> str:
    return re.search(r'<div class="headline.*?</div>', page.to_html(), re.DOTALL)[0]


def test_the_figure_comes_first_then_failures_then_ten_captchas_step_by_step(scored):
    headings = [section.heading for section in scored.sections]
    assert headings[:3] == ["Result", "Failures", "What each step does"]
    assert scored.sections[0].parts[0] == headline_of(scored)
    assert "".join(scored.sections[2].parts).count('<div class="strip">') == 10


def test_it_says_of_what_when_and_by_which_version_it_is_and_what_to_do_next(model):
    page = score_report(
        model, list(X[60:80]), Y[60:80].tolist(), data="my captchas", model_file="m.joblib"
    )
    text = Checked(page).text
    assert "20 captchas of my captchas. Model: m.joblib." in text
    assert re.search(rf"Written on \d{{4}}-\d\d-\d\d by skcaptcha {skcaptcha.__version__}\.", text)
    assert "skcaptcha predict FOLDER --model m.joblib --csv results.csv" in text
    assert "Measure on 100 captchas or more: 20 leave the interval wide." in text


def test_little_read_is_told_the_usual_cause_and_much_read_is_not(model):
    little = score_report(model, list(X[60:120]), [f"{label[1:]}?" for label in Y[60:120]])
    assert "reads none of these captchas" in headline_of(little)
    assert "Check that each label belongs to its image" in little.to_html()
    much = score_report(a_pipeline().fit(list(X), Y), list(X[:60]), Y[:60].tolist())
    assert "reads these captchas well" in headline_of(much)
    assert "Check that each label" not in much.to_html()


def test_it_counts_what_was_read_wrong(model, scored):
    texts = model.predict(list(X[60:119]))
    n_wrong = int((texts != Y[60:119]).sum()) + 1
    # A label was changed, too.
    n_wrong += int(texts[7] == Y[67])
    assert n_wrong > 5
    text = Checked(scored).text
    assert f"{n_wrong} of 60" in text
    # Sixty captchas are too few for decimals.
    assert f"{round(100 * (60 - n_wrong) / 60)} %" in headline_of(scored)
    assert f"{60 - n_wrong} of 60 captchas were read right" in headline_of(scored)
    shown = min(n_wrong, 40)
    assert scored.to_html().count('<figure class="card">') == shown
    assert text.count("probably") == shown - (n_wrong <= 40)


def test_the_same_captchas_give_the_same_page(model):
    def page() -> str:
        made = score_report(model, list(X[60:80]), Y[60:80].tolist())
        # How long steps take is never the same.
        made.sections = [section for section in made.sections if section.heading != "Time"]
        return made.to_html()

    assert page() == page()


def test_a_page_of_nothing_is_refused(model):
    with pytest.raises(SkcaptchaError, match="no captcha"):
        score_report(model, [], [])


def test_what_is_all_right_has_no_failures():
    model = a_pipeline().fit(list(X), Y)
    text = Checked(score_report(model, list(X[:20]), Y[:20].tolist())).text
    assert "None: every one of the 20 captchas was read right." in text


def test_a_fit_report_shows_the_grid_and_reads_out_of_fold(search):
    page = fit_report(search.best_estimator_, list(X[:60]), Y[:60].tolist(), how=search, seconds=60)
    headings = [section.heading for section in page.sections]
    assert headings == [
        "Result", "Failures", "What each step does", "The grid", "Confidence",
        "Learning curve", "Time", "Model",
    ]  # fmt: skip
    text = Checked(page).text
    assert "all 60 captchas, each read by a model that was fitted without it" in text
    # Each captcha is read by what has learned from two of three parts.
    right = [
        search.best_estimator_.__sklearn_clone__()
        .fit([X[i] for i in train], Y[train])
        .predict([X[i] for i in test])
        == Y[test]
        for train, test in KFold(3, shuffle=True, random_state=0).split(X[:60])
    ]
    assert f"{np.concatenate(right).sum()} of 60 captchas were read right" in text
    for name in ("binarizer__threshold", "fixedboxes__margin"):
        assert name in text


def test_without_time_nothing_is_fitted_and_that_is_said(search, monkeypatch):
    monkeypatch.setattr(
        fit_module.Experiments, "_fit", lambda *_: pytest.fail("something was fitted")
    )
    page = fit_report(search.best_estimator_, list(X[:60]), Y[:60].tolist(), how=search, seconds=0)
    assert "would have taken too long" in Checked(page).text
    # Then the cross-validation is what is known.
    assert f"{100 * search.best_score_:.0f} %" in headline_of(page)
    assert "in the cross-validation that found the model" in headline_of(page)


@pytest.mark.parametrize(("accuracy", "doubted"), [(0.3, True), (0.7, False), (0.95, False)])
def test_low_accuracy_in_cross_validation_alone_is_told_the_usual_cause(accuracy, doubted):
    steps = after_fit([], [], accuracy=accuracy, held_out=False, data="train", model_file="m")
    said = " ".join(steps)
    assert ("Check that each label belongs to its image" in said) == doubted
    assert ("compare its recipes" in said) == (accuracy < 0.9)


def test_held_out_captchas_are_what_is_shown(search):
    held_out = attempts_of(search.best_estimator_, list(X[60:100]), Y[60:100].tolist())
    page = fit_report(
        search.best_estimator_, list(X[:60]), Y[:60].tolist(), how=search, held_out=held_out
    )
    text = Checked(page).text
    assert "40 captchas that were held out" in text
    assert f"{sum(a.is_right for a in held_out)} of 40 captchas were read right" in text


def test_a_model_that_calibrates_takes_longer_to_fit_than_one_that_does_not():
    """The first fit is not begun if four of those that were timed exceed the time."""
    for calibration, n_read in ((None, 30), (3, 0)):
        model = a_pipeline().set_params(characterreader__calibration_cv=calibration)
        experiments = Experiments(
            model, list(X[:30]), Y[:30], names=list(range(30)), folds=2, seconds=60, once=20.0
        )
        assert len(experiments.out_of_fold()) == n_read


def test_a_learning_curve_counts_what_cannot_be_read_as_wrong(search):
    model = search.best_estimator_
    results = [*read_captchas(model, list(X[60:80])), *[ImageError("image 0", "it is empty")] * 20]
    held_out = attempts_of(model, list(X[60:100]), Y[60:100].tolist(), results=results)
    experiments = Experiments(model, list(X[:60]), Y[:60], names=[], folds=3, seconds=60, once=0.0)
    points = experiments.learning_curve(held_out)
    assert {point.n for point in points} == {40}
    assert all(point.n_right <= 20 for point in points)


@pytest.mark.slow
def test_a_folder_s_race_is_drawn():
    choice = choose_recipe(list(X), Y, budget=30)
    page = fit_report(choice.model, list(X), Y.tolist(), how=choice, seconds=5)
    text = Checked(page).text
    assert "The race of recipes" in text
    assert choice.tried[0].name in text


def test_what_matters_most_comes_first_and_absent_parameters_are_a_value():
    params = [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y")] + [{"a": 1}]
    scores = np.array([0.1, 0.9, 0.2, 0.9, np.nan])
    first, second = axes_of({"params": params, "mean_test_score": scores})
    assert (first.name, second.name) == ("b", "a")
    assert first.values == ["x", "y", "(as it is)"]


def test_estimators_of_one_class_are_not_taken_for_each_other():
    readers = [KNeighborsClassifier(n_neighbors=k) for k in (1, 3)]
    wide = [
        make_pipeline(Grayscale(), Binarizer("fixed", threshold=t), Grayscale()) for t in (90, 127)
    ]
    params = [{"reader": reader, "steps": steps} for reader in readers for steps in wide]
    results = {
        "params": params,
        "mean_test_score": np.array([0.5, 0.6, 0.9, 1.0]),
        "std_test_score": np.zeros(4),
        "mean_fit_time": np.zeros(4),
        "rank_test_score": np.array([4, 3, 2, 1]),
    }
    by_reader, by_steps = axes_of(results)
    assert (by_reader.values, by_steps.values) == (readers, wide)
    for axis in (by_reader, by_steps):
        assert len(set(axis.shown)) == 2
        assert max(map(len, axis.shown)) <= 32
    _, rows = table_of_candidates(results, 4, 60)
    assert len({tuple(row[3:]) for row in rows}) == 4


def test_reliability_counts_each_reading_once():
    rng = np.random.default_rng(0)
    said = rng.random(500)
    right = rng.random(500) < said
    bins = reliability(said, right)
    assert sum(b.n for b in bins) == 500
    assert sum(b.n_right for b in bins) == right.sum()
    assert all(b.low <= b.confidence <= b.high and b.interval[0] <= b.share for b in bins)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1100])
def test_a_browser_shows_it_without_a_word_of_complaint(browser, scored, tmp_path, scheme, width):
    scored.save(tmp_path / "report.html")
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url))
    page.goto((tmp_path / "report.html").as_uri())
    assert [line for line in said if not line.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    light = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in (ground, ink)]
    assert (light[0] > light[1]) == (scheme == "light")
    # Whatever is drawn has a size.
    assert page.evaluate("[...document.querySelectorAll('svg')].every(s => s.clientWidth > 20)")
    # No part is cut off, and no column of text is too narrow for a word.
    cut = "e => e.getBoundingClientRect().right > innerWidth + 1"
    parts = "'.strip figure, .figures td, .rows td, .bars td, .card, .headline p, code'"
    assert page.evaluate(f"[...document.querySelectorAll({parts})].filter({cut}).length") == 0
    cells = "[...document.querySelectorAll('.figures td')]"
    assert page.evaluate(f"Math.min(...{cells}.map(e => e.clientWidth))") >= 100
    page.close()


def test_bars_of_deviations_end_at_all_and_none():
    html = line_chart(
        [1, 2], [1.0, 0.98], [0.05, 0.05], xlabel="k", description="accuracies", caption=""
    )
    # The line of all captchas is the upper end of the axis; nothing is drawn above it.
    points = [
        float(y)
        for path in re.findall(r'<path d="([^"]*)"[^>]*stroke: #0072b2', html)
        for y in re.findall(r"[ML] [\d.-]+ ([\d.-]+)", path)
    ]
    ticks = [float(y) for y in re.findall(r'<use [^>]*x="[\d.]+" y="([\d.]+)"', html)]
    assert points
    assert min(points) >= min(ticks) - 0.01


def test_of_what_is_read_surely_the_label_is_doubted():
    model = a_pipeline().fit(list(X), Y)
    other = "A" if Y[0][0] != "A" else "B"
    labels = [f"{other}{Y[0][1:]}", *Y[1:10]]
    (section,) = [
        section
        for section in score_report(model, list(X[:10]), labels).sections
        if section.heading == "Failures"
    ]
    assert "the label is wrong: the model is very sure of its reading" in "".join(section.parts)


def test_a_report_can_be_made_of_captchas_of_which_none_could_be_read(model):
    results = [ImageError("image 0", "it is empty")] * 2
    text = Checked(score_report(model, ["a.png", "b.png"], ["AB", ""], results=results)).text
    assert "2, counted as wrong" in text
    assert text.count("it is empty") == 2
    assert "No captcha could be read." in text


def test_one_captcha_is_enough(model):
    text = Checked(score_report(model, [X[0]], [""])).text
    assert "4 boxes for 0 characters" in text
