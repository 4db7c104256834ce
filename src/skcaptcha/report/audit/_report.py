"""The report on an audit, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from skcaptcha._display.percent import percent, percent_interval
from skcaptcha.audit import Audit
from skcaptcha.audit._audit import SECONDS_PER_LABEL, THRESHOLDS
from skcaptcha.audit._defenses import BROKEN
from skcaptcha.audit._proportions import significantly_exceeds
from skcaptcha.report._blocks import (
    Bars,
    Block,
    Bullets,
    Card,
    Facts,
    Gallery,
    Headline,
    Item,
    Picture,
    Table,
    verbatim,
)
from skcaptcha.report._charts import accuracy_chart
from skcaptcha.report._page import Page, Section
from skcaptcha.report.audit._defense_sections import ablation_blocks, defense_blocks
from skcaptcha.report.audit._number_text import (
    listed,
    minutes,
    rounded,
    span,
    times,
    with_interval,
)
from skcaptcha.report.audit._published_rates import (
    ACCEPTABLE,
    BROKEN_FROM,
    BURSZTEIN_2011,
    CHELLAPILLA_2005,
    PUBLISHED_RATES,
)
from skcaptcha.report.audit._recommendations import ALTERNATIVES, LIMITS
from skcaptcha.report.audit._summary import audit_summary

_FEW = 30  # captchas
_OWN = "these captchas"
_BURSZTEIN = f"{BURSZTEIN_2011.authors} ({BURSZTEIN_2011.year})"


def audit_report(
    audit: Audit,
    title: str = "Audit",
    captchas: Sequence[tuple[NDArray[np.uint8], str]] = (),
) -> Page:
    """Report an audit.

    Parameters
    ----------
    audit : Audit
        Result of `~skcaptcha.audit.audit_captchas`.
    title : str, default="Audit"
        Title of the page.
    captchas : sequence of (ndarray of shape (h, w) or (h, w, 3), str), default=()
        Some of the captchas and their labels, to be shown in the report.

    Returns
    -------
    page : Page
        Notebooks display it; its method ``save`` writes it to a file, as HTML or Markdown.
    """
    cards = [
        Card([Picture(image, f"captcha {label}")], [("label", verbatim(label))])
        for image, label in captchas
    ]
    sections = [
        Section("Result", list(_result(audit))),
        *([Section("Some of the captchas", [Gallery(cards)])] if cards else []),
        Section("How many labels it takes", list(_learning_curve(audit))),
        Section("What a correct reading costs", list(_costs(audit))),
        Section("Which defenses hold", list(defense_blocks(audit))),
        Section("Which steps counter the defenses", list(ablation_blocks(audit))),
        Section("Comparison with published results", list(_published(audit))),
        Section("How this was measured", list(_method(audit))),
        Section(
            "Limits of text captchas, and alternatives",
            [
                "However well a text captcha is made:",
                Bullets(LIMITS),
                "These measures work better, alone or together:",
                Bullets(ALTERNATIVES),
            ],
        ),
    ]
    return Page(title, f"Data: {audit.n} captchas.", sections)


def _result(audit: Audit) -> Iterator[Block]:
    headline, advice = _conclusion(audit)
    yield headline
    yield Facts(audit_summary(audit))
    yield (
        f"The numbers in parentheses are 95 % intervals. {audit.n_held_out} captchas were held "
        f"out for evaluation; {audit.n_train} others were available for training."
    )
    yield f"What to do next: {advice}"
    yield "Properties of the captchas:"
    yield Facts(list(audit.measured.items()))
    n_different = audit.n - audit.n_duplicates
    if n_different < _FEW:
        yield (
            f"{n_different} labeled captchas are few: they can show that a scheme is read, but "
            "hardly that it is not, and show very little about its defenses. With several hundred, "
            "every interval in this report becomes narrower."
        )
    if audit.n_duplicates:
        yield (
            f"{audit.n_duplicates} captchas are duplicates of others and were left out. "
            "If your site repeats images, their answers can be looked up."
        )
    if audit.skipped:
        sizes = listed([str(size) for size in audit.skipped])
        yield f"The budget of {audit.budget:.0f} seconds was too short for {sizes} labels."


def _conclusion(audit: Audit) -> tuple[Headline, str]:
    """Return the headline, and what to do next."""
    read = audit.best.read
    value = percent(read.value, read.n)
    interval = percent_interval(read.low, read.high, read.n)
    measured = (
        f"With {audit.best.n_labels} labels, {read.n_correct} of {read.n} held-out captchas were "
        f"read correctly (95 % interval {interval})."
    )
    definition = f"{_BURSZTEIN} call a scheme broken if 1 % of it is read."
    if significantly_exceeds(read, BROKEN_FROM):
        if significantly_exceeds(read, BROKEN):
            stricter = "The scheme also exceeds a threshold ten times as high, 10 %."
        elif read.high >= BROKEN:
            stricter = "There are too few captchas to conclude whether 10 % is exceeded as well."
        else:
            stricter = "10 % is not reached."
        detail = f"{measured} {definition} {stricter}"
        return Headline(value, "This scheme is broken.", detail, "bad"), (
            "do not rely on this scheme alone; the last section lists alternatives. After a change "
            "to the scheme, label captchas of the new kind and run the audit again."
        )
    if read.high < BROKEN_FROM:
        detail = (
            f"{measured} That is less than 1 %, the rate from which {_BURSZTEIN} call a scheme "
            "broken. Another reader, or more labels, may still reach it: no measurement can rule "
            "this out."
        )
        return Headline(value, "This reader does not break the scheme.", detail), (
            "label more captchas and run the audit again with a larger budget before you rely on "
            "the scheme. The last section lists measures to use in addition."
        )
    conclusion = "There are too few captchas to conclude whether the scheme is broken."
    return Headline(value, conclusion, f"{measured} {definition}"), (
        "label several hundred more captchas and run the audit again."
    )


def _learning_curve(audit: Audit) -> Iterator[Block]:
    reads = [point.read for point in audit.curve]
    listing = "; ".join(f"{point.n_labels}: {with_interval(point.read)}" for point in audit.curve)
    yield accuracy_chart(
        [point.n_labels for point in audit.curve],
        [read.value for read in reads],
        [read.low for read in reads],
        [read.high for read in reads],
        xlabel="labels",
        description=f"String accuracy by number of labels, with intervals: {listing}.",
        log=True,
        whole_range=True,
        marks=THRESHOLDS,
    )
    yield Table(
        ("labels", "read", "95 % interval", "CPU minutes", "labeling minutes", "recipe"),
        [
            (
                str(point.n_labels),
                percent(point.read.value, point.read.n),
                f"{span(point.read)} %",
                minutes(point.cpu_seconds),
                minutes(point.n_labels * SECONDS_PER_LABEL),
                point.recipe,
            )
            for point in audit.curve
        ],
    )
    yield (
        "For each row, a recipe was chosen, fitted and evaluated with this number of labels and no "
        f"others; all rows were evaluated on the same {audit.n_held_out} captchas. The CPU "
        "minutes include choosing and fitting. The labeling minutes are not measured: they assume "
        f"{SECONDS_PER_LABEL:.0f} seconds per label. A larger budget may find a recipe that reads "
        "more."
    )
    yield (
        "The labels of each row are included in the next row. They are one random sample: another "
        "sample of only 10 or 20 labels may read more or fewer captchas than the interval "
        "suggests, because the interval covers only the random choice of the held-out captchas. In "
        "the result above, a number of labels is enough for a proportion if chance alone would "
        "explain the accuracy at most once in forty times (by the Clopper-Pearson interval, which "
        "is wider near 0 than the one shown). Numbers of labels between two rows were not tried."
    )


def _costs(audit: Audit) -> Iterator[Block]:
    best = audit.best
    read, per_hour = best.read, best.readings_per_hour
    correct, low, high = (rounded(per_hour * p) for p in (read.value, read.low, read.high))
    yield Facts(
        [
            ("attempts per success", times(*audit.attempts)),
            ("readings per hour, one core", rounded(per_hour)),
            ("correct readings per hour, one core", f"{correct} ({low} to {high})"),
            ("CPU minutes to choose and fit", minutes(best.cpu_seconds)),
        ]
    )
    yield (
        "The number of attempts is a mean: one divided by the proportion that is read. Reading was "
        "timed on this machine from the image file to the text, without a network. The figures do "
        "not include how fast a site answers and how many attempts it allows, which limit an "
        "attack far more than the time for reading."
    )


def _published(audit: Audit) -> Iterator[Block]:
    read = audit.best.read
    yield (
        "Published proportions of captchas read, each for the images and the reader of its paper, "
        "and most of them years old. They are only a rough scale: the position of your scheme "
        "shows how much it resists the reader of this audit, not that it is as strong as its "
        "neighbors."
    )
    own = percent(read.value, read.n)
    rows = [(p.rate, p.percent, p.scheme, p.paper) for p in PUBLISHED_RATES]
    bars = [(f"{name}, {p.authors.partition(',')[0]} {p.year}", r, t) for r, t, name, p in rows]
    bars = sorted([*bars, (_OWN, read.value, own)], key=lambda bar: -bar[1])
    yield Bars(
        [(*bar, bar[0] != _OWN) for bar in bars],
        f"Published proportions as bars; {_OWN}: {with_interval(read)}",
    )
    cells = [(rate, (text, scheme, paper.short)) for rate, text, scheme, paper in rows]
    cells.append((read.value, (own, _OWN, f"this audit: {with_interval(read)}")))
    table = [row for _, row in sorted(cells, key=lambda each: -each[0])]
    yield Table(
        ("read", "scheme", "source"),
        table,
        summary="The same proportions with their sources",
        bold=frozenset(k for k, row in enumerate(table) if row[1] == _OWN),
    )
    yield (
        f"{_BURSZTEIN} call a scheme broken if {100 * BROKEN_FROM:.0f} % is read; "
        f"{CHELLAPILLA_2005.authors} ({CHELLAPILLA_2005.year}) require that programs read at most "
        f"{100 * ACCEPTABLE:.2f} %. This audit also reports a stricter threshold, 10 %: one "
        "attempt in ten succeeds."
    )
    papers = {p.paper for p in PUBLISHED_RATES} | {CHELLAPILLA_2005}
    yield Bullets([Item(str(p)) for p in sorted(papers, key=lambda p: (p.year, p.authors))])


def _method(audit: Audit) -> Iterator[Block]:
    yield (
        f"Of {audit.n - audit.n_duplicates} different captchas, {audit.n_held_out} were drawn at "
        "random and held out before anything was measured. With the labels of each row of the "
        "learning curve, and no others, the suitable recipes were compared and the best one was "
        "fitted, as skcaptcha fit does, but in less time, with one network instead of three, and "
        "without calibrated confidences: skcaptcha fit may read a few more captchas."
    )
    yield (
        "All figures are for one reader, with the labels of this folder. A captcha that it reads "
        "can be read; a captcha that it does not read may be read by others. The figures are valid "
        "for captchas like those in the folder, and for no others. Captchas with wrong labels "
        "count as misread and make a scheme look stronger than it is."
    )
    yield (
        "The amounts of the defenses are simple measures of the ink, if its shade differs from the "
        "background, and of the positions where this reader found the characters. If it reads few "
        "captchas, it found few characters, and their rotation and shapes mean little. The "
        "measures miss noise as thick as strokes, very pale noise, and short curved lines, and do "
        "not count fonts. Captchas with more of one defense may also have more of another, so one "
        "may be blamed for the cost of the other."
    )
    yield (
        f"Time used: {minutes(audit.seconds)} of {minutes(audit.budget)} minutes. The learning "
        f"curve took {minutes(audit.cpu_seconds)} CPU minutes. skcaptcha {audit.version}."
    )
