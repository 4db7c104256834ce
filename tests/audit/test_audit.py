"""An audit measures what it says, on captchas that were not learned from, and tells it in full."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import beta

from skcaptcha._display.percent import percent
from skcaptcha.audit import Audit, audit_captchas, summary, to_markdown, to_page
from skcaptcha.audit._defenses import DEFENSES, find
from skcaptcha.audit._intervals import share
from skcaptcha.datasets import make_line_captchas
from skcaptcha.exceptions import DatasetError


@pytest.fixture(scope="module")
def captchas() -> tuple[list[np.ndarray], list[str]]:
    images, labels = make_line_captchas(90, charset="ABCDEF", random_state=0)
    return list(images), labels.tolist()


@pytest.fixture(scope="module")
def audit(captchas) -> Audit:
    """Audit captchas of which four repeat others."""
    images, labels = captchas
    return audit_captchas(images + images[:4], labels + labels[:4], budget=6)


def test_a_weak_scheme_is_read_with_few_labels(audit):
    sizes = [point.n_labels for point in audit.curve]
    assert sorted([*sizes, *audit.skipped]) == [10, 20, 50, 60]
    assert sizes[-1] == 60
    assert audit.best.read.value > 0.95
    assert audit.labels_needed(0.01) == sizes[0]
    assert audit.labels_needed(0.5) is not None
    assert {f.verdict for f in audit.findings} >= {"does not hold", "not there"}
    assert all(point.cpu_seconds > 0 and point.readings_per_hour > 0 for point in audit.curve)


def test_what_was_read_was_not_learned_from(audit):
    assert (audit.n, audit.n_duplicates, audit.n_held_out, audit.n_learn) == (94, 4, 30, 60)
    assert {point.read.n for point in audit.curve} == {30}


def test_the_recipe_is_fitted_again_without_its_steps(audit):
    assert audit.ablation_base.n == 30
    assert audit.ablations
    for ablation in audit.ablations:
        assert ablation.loss.low <= ablation.loss.value <= ablation.loss.high
        assert ablation.loss.value == pytest.approx(audit.ablation_base.value - ablation.read.value)


def test_labels_that_suffice_are_told_by_the_low_end_of_an_exact_interval(audit):
    for mark in (0.01, 0.5, 0.9):
        # Clopper and Pearson's limit is a quantile of a beta distribution.
        limits = [
            beta.ppf(0.025, p.read.n_right, p.read.n - p.read.n_right + 1) for p in audit.curve
        ]
        enough = [p.n_labels for p, low in zip(audit.curve, limits, strict=True) if low >= mark]
        assert audit.labels_needed(mark) == (enough[0] if enough else None)
    assert audit.labels_needed(1.0) is None


def test_all_formats_tell_the_same_figures(audit, tmp_path):
    figures = json.loads(json.dumps(audit.figures()))
    html, markdown = to_page(audit, "Audit of <x>").to_html(), to_markdown(audit, "Audit of <x>")
    assert "Audit of &lt;x&gt;" in html
    assert r"Audit of \<x\>" in markdown
    said = html.replace("\N{NO-BREAK SPACE}", " ")
    for _, what in summary(audit):
        assert what in said
        assert what in markdown
    for point, own in zip(figures["curve"], audit.curve, strict=True):
        assert point["read"]["n_right"] == own.read.n_right
        assert f"| {own.n_labels} | {percent(own.read.value, own.read.n)}" in markdown
    assert figures["labels_needed"]["0.01"] == audit.labels_needed(0.01)
    assert html.count("<svg") >= 1


def test_costs_are_drawn_where_there_are_some(audit):
    amounts = {defense.key: np.arange(1.0, 41.0) for defense in DEFENSES}
    right = np.arange(40) % 3 > 0
    without, with_costs = (
        to_page(replace(audit, findings=found), "Audit").to_html().count("<svg")
        for found in ([], find(amounts, right))
    )
    assert with_costs == without + 1


def test_the_page_asks_for_nothing_from_elsewhere(audit):
    html = to_page(audit, "Audit").to_html()
    # Links are followed by nobody but a reader.
    assert not re.findall(r"(?:src|href)=\"(?!#|https://www\.|https://owasp)[^\"]*", html)
    assert "<script" not in html


def test_tables_of_markdown_are_whole(audit):
    rows = [line for line in to_markdown(audit, "Audit").splitlines() if line.startswith("|")]
    for line, following in pairwise(rows):
        if following.startswith("| ---"):
            n_columns = line.count(" | ")
            assert following.count(" | ") == n_columns


@pytest.mark.parametrize(
    ("n_right", "said"), [(33, "probably 67 or fewer"), (10, "not reached with 67")]
)
def test_a_mark_that_few_captchas_cannot_show_is_not_called_out_of_reach(audit, n_right, said):
    point = replace(audit.best, n_labels=67, read=share(n_right, 33))
    rows = dict(summary(replace(audit, curve=(point,), n_held_out=33)))
    assert said in rows["labels to read 90 %"]


@pytest.mark.parametrize(
    ("n_right", "n", "said"),
    [
        (0, 500, "This reader does not break the scheme"),
        (0, 50, "too few to tell whether the scheme is broken"),
        (1, 17, "too few to tell whether the scheme is broken"),
        (10, 500, "too few to tell whether the scheme is broken"),
        (11, 500, "This scheme is broken"),
        (11, 500, "10 % is not reached"),
        (10, 100, "too few to tell whether 10 % is exceeded as well"),
        (90, 100, "It also exceeds a mark ten times as high"),
    ],
)
def test_a_scheme_is_called_broken_only_if_chance_does_not_explain_it(audit, n_right, n, said):
    point = replace(audit.best, read=share(n_right, n))
    other = replace(audit, curve=(*audit.curve[:-1], point), n_held_out=n)
    assert said in to_markdown(other, "Audit")


def test_captchas_that_repeat_others_do_not_make_many(audit):
    assert "captchas are few" not in to_markdown(audit, "Audit")
    other = replace(audit, n=60, n_duplicates=40)
    assert "20 labeled captchas are few" in to_markdown(other, "Audit")


def test_strings_of_any_length_can_be_guessed(audit):
    assert "once in 1,000,000 times" in to_markdown(
        replace(audit, n_characters=10, length=6), "Audit"
    )
    assert "right once in" in to_markdown(replace(audit, n_characters=99, length=300), "Audit")


def test_what_cannot_be_audited_is_refused(captchas):
    images, labels = captchas
    with pytest.raises(DatasetError, match="1 different labeled captchas are too few"):
        audit_captchas([images[0]] * 20, labels[:20])
    with pytest.raises(DatasetError, match="all labels are 'ABCD'"):
        audit_captchas(images[:12], ["ABCD"] * 12)
    with pytest.raises(DatasetError, match="captcha 1 has no label"):
        audit_captchas(images[:8], [labels[0], "", *labels[2:8]])


def test_captchas_that_nothing_reads_are_not_said_to_be_safe():
    """Noise cannot be read, and an audit of few captchas says how little that proves."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (20, 60), dtype=np.uint8) for _ in range(18)]
    labels = ["".join(rng.choice(list("ABCD"), 3)) for _ in images]
    audit = audit_captchas(images, labels, budget=3)
    assert audit.best.read.n_right <= 1
    assert audit.labels_needed(0.5) is None
    assert "holds" not in {finding.verdict for finding in audit.findings}
    markdown = to_markdown(audit, "Audit")
    assert "These captchas are too few to tell" in markdown
    assert "18 labeled captchas are few" in markdown
    figures = audit.figures()
    assert figures["attempts_per_success_interval"][1] is None or audit.best.read.n_right
    json.dumps(figures, allow_nan=False)


def test_work_that_has_no_time_left_is_said_to_be_missing(captchas):
    images, labels = captchas
    audit = audit_captchas(images[:45], labels[:45], budget=0.01)
    assert [point.n_labels for point in audit.curve] == [30]
    assert audit.skipped == (10, 20)
    markdown = to_markdown(audit, "Audit")
    assert "left no time for 10 and 20 labels" in markdown
    assert all(ablation.loss is None for ablation in audit.ablations)
