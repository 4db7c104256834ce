"""What is said of an audit: sentences, tables and lists from its figures alone."""

from __future__ import annotations

from collections.abc import Iterator

from skcaptcha._display.percent import percent, percent_interval
from skcaptcha.audit._blocks import Block, Drawing, Facts, Headline, Item, Items, Part, Rows
from skcaptcha.audit._defense_report import ablations, defenses
from skcaptcha.audit._defenses import BROKEN
from skcaptcha.audit._figures import FEW, MARKS, SECONDS_PER_LABEL, Audit
from skcaptcha.audit._instead import CANNOT, INSTEAD
from skcaptcha.audit._intervals import surely_exceeds
from skcaptcha.audit._published import (
    AIMED_AT,
    BROKEN_FROM,
    BURSZTEIN_2011,
    CHELLAPILLA_2005,
    PUBLISHED,
    Published,
)
from skcaptcha.audit._words import listed, minutes, rounded, span, times, with_interval

OWN = "these captchas"


def parts(audit: Audit) -> list[Part]:
    """Say what was found.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    parts : list of Part
    """
    return [
        Part("Result", list(_summary(audit))),
        Part("How many labels it takes", list(_curve(audit))),
        Part("What a successful reading costs", list(_costs(audit))),
        Part("Which defenses hold", list(defenses(audit))),
        Part("What defeats the defenses", list(ablations(audit))),
        Part("Compared with published results", list(_published(audit))),
        Part("How this was measured", list(_method(audit))),
        Part(
            "What a text captcha cannot do, and what to use instead",
            [
                "However well a text captcha is made:",
                Items(CANNOT),
                "What works better, alone or together:",
                Items(INSTEAD),
            ],
        ),
    ]


def summary(audit: Audit) -> list[tuple[str, str]]:
    """Give the figures that matter most, in words.

    Parameters
    ----------
    audit : Audit

    Returns
    -------
    rows : list of pairs of str
        What it is, and how much.
    """
    best = audit.best
    return [
        ("read right", f"{with_interval(best.read)}, with {best.n_labels} labels"),
        ("attempts until one is read", times(*audit.attempts)),
        *((f"labels to read {100 * mark:.0f} %", _needed(audit, mark)) for mark in MARKS),
        ("readings per hour", f"{rounded(best.readings_per_hour)}, on one core of this machine"),
    ]


def published(report: Published) -> str:
    """Write a share as its paper does.

    Parameters
    ----------
    report : Published

    Returns
    -------
    text : str
    """
    return f"{100 * report.rate:.4g} %"


def _summary(audit: Audit) -> Iterator[Block]:
    yield _headline(audit)
    yield Facts(summary(audit))
    yield (
        f"The numbers in parentheses are 95 % intervals. {audit.n_held_out} captchas were set "
        f"aside to be read; {audit.n_learn} others were available to learn from."
    )
    yield f"What to do next: {_next(audit)}"
    yield "What the captchas look like:"
    yield Facts(list(audit.measured.items()))
    n_different = audit.n - audit.n_duplicates
    if n_different < FEW:
        yield (
            f"{n_different} labeled captchas are few: they can show that a scheme is read, but "
            "hardly that it is not, and they show next to nothing about its defenses. With some "
            "hundred, every interval here becomes narrower."
        )
    if audit.n_duplicates:
        yield (
            f"{audit.n_duplicates} captchas repeat the image of another one and were left out. If "
            "your site repeats images, they can be answered from memory."
        )
    if audit.skipped:
        sizes = listed([str(size) for size in audit.skipped])
        yield f"The budget of {audit.budget:.0f} seconds left no time for {sizes} labels."


def _headline(audit: Audit) -> Headline:
    read, n = audit.best.read, audit.best.n_labels
    source = f"{BURSZTEIN_2011.authors} ({BURSZTEIN_2011.year})"
    value = percent(read.value, read.n)
    interval = percent_interval(read.low, read.high, read.n)
    measured = (
        f"With {n} labels, {read.n_right} of {read.n} captchas were read that the reader had never "
        f"seen (95 % interval {interval})."
    )
    if surely_exceeds(read, BROKEN_FROM):
        stricter = (
            "It also exceeds a mark ten times as high, 10 %."
            if surely_exceeds(read, BROKEN)
            else "These captchas are too few to tell whether 10 % is exceeded as well."
            if read.high >= BROKEN
            else "10 % is not reached."
        )
        return Headline(
            value,
            "This scheme is broken.",
            f"{measured} {source} call a scheme broken when 1 % of it is read. {stricter}",
            "bad",
        )
    if read.high < BROKEN_FROM:
        return Headline(
            value,
            "This reader does not break the scheme.",
            f"{measured} That is less than 1 %, from which {source} call a scheme broken. Another "
            "reader, or more labels, may still reach it: no measurement can show that no reader "
            "does.",
        )
    return Headline(
        value,
        "These captchas are too few to tell whether the scheme is broken.",
        f"{measured} {source} call a scheme broken when 1 % of it is read.",
    )


def _next(audit: Audit) -> str:
    read = audit.best.read
    if surely_exceeds(read, BROKEN_FROM):
        return (
            "do not rely on this scheme alone; the last section says what to use instead. After a "
            "change to the scheme, label captchas of the new kind and run the audit again."
        )
    if read.high < BROKEN_FROM:
        return (
            "label more captchas and run the audit again with a larger budget before you rely on "
            "the scheme. The last section says what to use beside it."
        )
    return "label some hundred captchas more and run the audit again."


def _needed(audit: Audit, mark: float) -> str:
    n, best = audit.labels_needed(mark), audit.best
    if n is None and best.read.value >= mark:
        return (
            f"probably {best.n_labels} or fewer; to be sure takes more than "
            f"{audit.n_held_out} captchas to read"
        )
    if n is None:
        return f"not reached with {best.n_labels}"
    first = n == audit.curve[0].n_labels
    return f"{n} or fewer" if first else f"{n}"


def _curve(audit: Audit) -> Iterator[Block]:
    yield Drawing(
        "curve",
        "Share of the captchas that were read, with its interval, against the number of labels: "
        + "; ".join(f"{p.n_labels}: {with_interval(p.read)}" for p in audit.curve),
    )
    yield Rows(
        ("labels", "read", "95 % interval", "minutes of CPU", "minutes of labeling", "recipe"),
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
        "For each row, a recipe was chosen, fitted and measured with this number of labels and no "
        f"others; all rows read the same {audit.n_held_out} captchas. The minutes of CPU are for "
        "choosing and fitting. The minutes of labeling are not measured: they assume "
        f"{SECONDS_PER_LABEL:.0f} seconds per label. With a larger budget, a better recipe may be "
        "found that reads more."
    )
    yield (
        "The labels of each row are part of those of the next row. They are one random sample: "
        "another sample of only 10 or 20 may do better or worse than the interval says, because "
        "the interval covers only the chance in what was read. In the result above, a number of "
        "labels is enough for a share if chance would explain as many readings only once in forty "
        "times (by the Clopper-Pearson interval, which is wider near 0 than the one shown). "
        "Numbers of labels between two rows were not tried."
    )


def _costs(audit: Audit) -> Iterator[Block]:
    best = audit.best
    hour = best.readings_per_hour
    rate = best.read
    yield Facts(
        [
            ("attempts until one is read", times(*audit.attempts)),
            ("readings per hour, one core", rounded(hour)),
            (
                "right readings per hour, one core",
                "{} ({} to {})".format(
                    *(rounded(hour * p) for p in (rate.value, rate.low, rate.high))
                ),
            ),
            ("minutes of CPU to choose and fit", minutes(best.cpu_seconds)),
        ]
    )
    yield (
        "The number of attempts is a mean: one divided by the share that is read. Reading was "
        "timed on this machine from the image file to the text, without any network. The figures "
        "do not include how fast a site answers and how many attempts it allows, which limit an "
        "attack far more than the time for reading."
    )


def _published(audit: Audit) -> Iterator[Block]:
    read = audit.best.read
    rows = [
        *((p.rate, (published(p), p.scheme, p.paper.short)) for p in PUBLISHED),
        (read.value, (percent(read.value, read.n), OWN, f"this audit: {with_interval(read)}")),
    ]
    rows.sort(key=lambda row: -row[0])
    table = [cells for _, cells in rows]
    yield (
        "Published shares of captchas read, each for the images and the reader of its paper, and "
        "most of them years old. They are only a rough scale: the place of your scheme shows how "
        "much it resists the reader of this audit, not that it is as strong as its neighbors."
    )
    yield Drawing("published", f"The same shares as points; {OWN}: {with_interval(read)}")
    own = next(i for i, cells in enumerate(table) if cells[1] == OWN)
    header = ("read", "scheme", "source")
    yield Rows(header, table, frozenset([own]), "The same shares with their sources")
    yield (
        f"{BURSZTEIN_2011.authors} ({BURSZTEIN_2011.year}) call a scheme broken when "
        f"{100 * BROKEN_FROM:.0f} % is read; {CHELLAPILLA_2005.authors} ({CHELLAPILLA_2005.year}) "
        f"ask that programs read no more than {100 * AIMED_AT:.2f} %. The 10 % that this audit "
        "also reports are a stricter mark: one attempt in ten succeeds."
    )
    papers = sorted(
        {p.paper for p in PUBLISHED} | {CHELLAPILLA_2005}, key=lambda p: (p.year, p.authors)
    )
    yield Items([Item("", str(paper)) for paper in papers])


def _method(audit: Audit) -> Iterator[Block]:
    yield (
        f"Of {audit.n - audit.n_duplicates} different captchas, {audit.n_held_out} were drawn at "
        "random and set aside before anything was looked at. With the labels of each row of the "
        "learning curve, and no others, the suitable recipes were compared and the best one was "
        "fitted, as skcaptcha fit does, but in less time, with one network instead of three, and "
        "without calibrated confidences: skcaptcha fit may read a few more."
    )
    yield (
        "All figures are for one reader, with the labels of this folder: what it reads can be "
        "read, but what it does not read may be read by others. They are valid for captchas like "
        "those in the folder; if the site makes others, they say nothing. Captchas with wrong "
        "labels count as misread and make a scheme look stronger than it is."
    )
    yield (
        "The amounts of the defenses are simple measures of the ink, as far as its shade differs "
        "from the background, and of the places where this reader found the characters. If it "
        "reads few captchas, it found few characters, and their rotation and shapes mean little. "
        "The measures miss noise that is as thick as strokes or very pale, and short curved lines, "
        "and do not count fonts. Captchas with more of one defense may also have more of another, "
        "so one may be blamed for the cost of the other."
    )
    yield (
        f"Time used: {minutes(audit.seconds)} of {minutes(audit.budget)} minutes. The learning "
        f"curve took {minutes(audit.cpu_seconds)} minutes of CPU. "
        f"skcaptcha {audit.version}."
    )
