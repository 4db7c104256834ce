"""The report on an audit, as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray

from skcaptcha._display.percent import percent
from skcaptcha.audit import Audit
from skcaptcha.audit._audit import SECONDS_PER_LABEL, THRESHOLDS, AuditPoint
from skcaptcha.report._blocks import (
    Bars,
    Block,
    Bullets,
    Card,
    Facts,
    Gallery,
    Item,
    Picture,
    Table,
    verbatim,
)
from skcaptcha.report._charts import Curve, accuracy_chart
from skcaptcha.report._page import Page, Section
from skcaptcha.report.audit._conclusion import conclusion_blocks, unlabeled_sentence
from skcaptcha.report.audit._defense_sections import ablation_blocks, defense_blocks
from skcaptcha.report.audit._number_text import (
    in_points,
    minutes,
    rounded,
    span,
    times,
    with_interval,
)
from skcaptcha.report.audit._published_rates import (
    ACCEPTABLE,
    BROKEN_FROM,
    BURSZTEIN,
    CHELLAPILLA,
    as_published,
    published_rates,
)
from skcaptcha.semi_supervised._self_training_reader import MIN_LABELED


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
    text = files("skcaptcha.report.audit").joinpath("recommendations.yaml").read_text("utf-8")
    recommendations = yaml.safe_load(text)
    sections = [
        Section("Result", list(conclusion_blocks(audit))),
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
                Bullets([Item(**item) for item in recommendations["limits"]]),
                "These measures work better, alone or together:",
                Bullets([Item(**item) for item in recommendations["alternatives"]]),
            ],
        ),
    ]
    return Page(title, f"Data: {audit.n} captchas.", sections)


def _learning_curve(audit: Audit) -> Iterator[Block]:
    curves = [_curve(audit.curve, "labels alone")]
    description = f"String accuracy by number of labels, with intervals: {_listing(audit.curve)}"
    if audit.unlabeled_curve:
        curves.append(_curve(audit.unlabeled_curve, "with unlabeled images"))
        description += f"; with unlabeled images as well: {_listing(audit.unlabeled_curve)}"
    yield accuracy_chart(
        *curves,
        xlabel="labels",
        description=f"{description}.",
        is_learning_curve=True,
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
    yield from _unlabeled(audit)
    yield (
        "The labels of each row are included in the next row. They are one random sample: another "
        "sample of only 10 or 20 labels may read more or fewer captchas than the interval "
        "suggests, because the interval covers only the random choice of the held-out captchas. In "
        "the result above, a number of labels is enough for a proportion if chance alone would "
        "explain the accuracy at most once in forty times (by the Clopper-Pearson interval, which "
        "is wider near 0 than the one shown). Numbers of labels between two rows were not tried."
    )


def _curve(points: Sequence[AuditPoint], name: str) -> Curve:
    reads = [point.read for point in points]
    return Curve(
        [point.n_labels for point in points],
        [read.value for read in reads],
        [read.low for read in reads],
        [read.high for read in reads],
        name,
    )


def _listing(points: Sequence[AuditPoint]) -> str:
    return "; ".join(f"{point.n_labels}: {with_interval(point.read)}" for point in points)


def _unlabeled(audit: Audit) -> Iterator[Block]:
    """Yield what unlabeled images change, if the audit measured that."""
    if audit.n_unlabeled is None:
        return
    if audit.unlabeled_curve:
        yield Table(
            (
                "labels",
                "unlabeled images",
                "of which taught",
                "read",
                "95 % interval",
                "gain, points",
                "CPU minutes",
                "recipe",
            ),
            [
                (
                    str(point.n_labels),
                    str(point.n_unlabeled),
                    str(point.n_pseudo_labeled),
                    percent(point.read.value, point.read.n),
                    f"{span(point.read)} %",
                    in_points(point.gain, point.read.n),
                    minutes(point.cpu_seconds),
                    point.recipe,
                )
                for point in audit.unlabeled_curve
            ],
        )
        yield unlabeled_sentence(audit)
    yield (
        "Whoever reads captchas can collect any number of them without labels. In the second "
        "curve, images without labels teach as well, if a committee of models reads them surely: "
        f"{audit.n_unlabeled} that were given, and the captchas of the first curve beyond its "
        "number of labels, without their labels. None of them is a duplicate of a held-out "
        "captcha. Both fits to the same labels have the same time; a larger budget helps the "
        f"second more. With fewer than {MIN_LABELED} labels, or with few images without labels, "
        "these cannot help, and the second curve has no point. None of them taught where nearly "
        "everything is read without them, where time was short, where no reading was sure, and "
        "where held-out training captchas were read worse with them: these points are those of the "
        "first curve."
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
    read, papers = audit.best.read, published_rates()
    yield (
        "Published proportions of captchas read, each for the images and the reader of its paper, "
        "and most of them years old. They are only a rough scale: the position of your scheme "
        "shows how much it resists the reader of this audit, not that it is as strong as its "
        "neighbors."
    )
    rows = [
        (rate, as_published(rate), scheme, paper.short, f"{scheme}, {paper.first_author_and_year}")
        for paper in papers
        for scheme, rate in paper.rates.items()
    ]
    own = "these captchas"
    source = f"this audit: {with_interval(read)}"
    rows.append((read.value, percent(read.value, read.n), own, source, own))
    rows.sort(key=lambda row: -row[0])
    yield Bars(
        [(name, rate, text, scheme != own) for rate, text, scheme, _, name in rows],
        f"Published proportions as bars; {own}: {with_interval(read)}",
    )
    yield Table(
        ("read", "scheme", "source"),
        [row[1:4] for row in rows],
        summary="The same proportions with their sources",
        bold=frozenset(k for k, row in enumerate(rows) if row[2] == own),
    )
    yield (
        f"{BURSZTEIN} call a scheme broken if {as_published(BROKEN_FROM)} is read; {CHELLAPILLA} "
        f"require that programs read at most {as_published(ACCEPTABLE)}. This audit also reports a "
        "stricter threshold, 10 %: one attempt in ten succeeds."
    )
    yield Bullets([Item(str(paper)) for paper in papers])


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
        f"Time used: {minutes(audit.seconds)} of {minutes(audit.budget)} minutes. Learning "
        f"curves took {minutes(audit.cpu_seconds)} CPU minutes. skcaptcha {audit.version}."
    )
