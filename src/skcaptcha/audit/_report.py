"""What is said of an audit: sentences, tables and lists from its figures alone."""

from __future__ import annotations

from collections.abc import Iterator

from skcaptcha._percent import percent, percent_interval
from skcaptcha.audit._blocks import Block, Drawing, Facts, Headline, Item, Items, Part, Rows
from skcaptcha.audit._defence_report import ablations, defences
from skcaptcha.audit._defences import BROKEN
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
        Part("In short", list(_summary(audit))),
        Part("How many labels it takes", list(_curve(audit))),
        Part("What a success costs", list(_costs(audit))),
        Part("Which defences hold", list(defences(audit))),
        Part("What undoes them", list(ablations(audit))),
        Part("Beside what was published", list(_published(audit))),
        Part("How this was measured", list(_method(audit))),
        Part(
            "What a text captcha cannot do, and what to use instead",
            [
                "However well a text captcha is drawn:",
                Items(CANNOT),
                "What serves better, alone or together:",
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
        *(
            (f"labels to read {100 * mark:.0f} %", _needed(audit, audit.labels_needed(mark)))
            for mark in MARKS
        ),
        ("readings an hour", f"{rounded(best.readings_per_hour)}, on one core of this machine"),
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
    n_different = audit.n - audit.n_copies
    if n_different < FEW:
        yield (
            f"{n_different} labelled captchas are few: they can show that a scheme is read, but "
            "hardly that it is not, and of its defences they tell next to nothing. With some "
            "hundred, every interval here becomes narrower."
        )
    if audit.n_copies:
        yield (
            f"{audit.n_copies} captchas repeat the image of another one and were left out. If your "
            "site serves such repetitions, they can be answered from memory."
        )
    if audit.skipped:
        sizes = listed([str(size) for size in audit.skipped])
        yield f"No time was left for {sizes} labels: the budget was {audit.budget:.0f} seconds."


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


def _needed(audit: Audit, n: int | None) -> str:
    if n is None:
        return f"not reached with {audit.best.n_labels}"
    first = n == audit.curve[0].n_labels
    return f"{n} or fewer" if first else f"{n}"


def _curve(audit: Audit) -> Iterator[Block]:
    yield Drawing(
        "curve",
        "Share of the captchas that were read, with its interval, against the number of labels: "
        + "; ".join(f"{p.n_labels}: {with_interval(p.read)}" for p in audit.curve),
    )
    yield Rows(
        ("labels", "read", "95 % interval", "minutes of CPU", "minutes of labelling", "recipe"),
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
        "Each row was chosen, fitted and measured by itself, with so many labels and nothing else; "
        f"all rows read the same {audit.n_held_out} captchas. The minutes of CPU are those of "
        "choosing and fitting. The minutes of labelling are no measurement: they assume "
        f"{SECONDS_PER_LABEL:.0f} seconds for a label. With more time to choose, a better recipe "
        "may be found, and more be read."
    )
    yield (
        "The labels of a row are among those of the next. They are one choice by chance: another "
        "choice of as few as 10 or 20 may do better or worse than the interval says, which covers "
        "the chance in what was read alone. A number of labels counts as enough for a share, in "
        "the summary, when chance would make as much of less only once in forty times (Clopper's "
        "and Pearson's interval, which near 0 is wider than the one shown); numbers between two "
        "rows were not tried."
    )


def _costs(audit: Audit) -> Iterator[Block]:
    best = audit.best
    hour = best.readings_per_hour
    rate = best.read
    yield Facts(
        [
            ("attempts until one is read", times(*audit.attempts)),
            ("readings an hour, one core", rounded(hour)),
            (
                "read right an hour, one core",
                "{} ({} to {})".format(
                    *(rounded(hour * p) for p in (rate.value, rate.low, rate.high))
                ),
            ),
            ("minutes of CPU to choose and fit", minutes(best.cpu_seconds)),
        ]
    )
    yield (
        "The attempts are one by the share that is read, on the mean. Readings were timed on this "
        "machine from the image file to the text, without any network. What a site takes to "
        "answer, and how often it lets anybody try, is not in these figures: it is what bounds an "
        "attack, far more than the time that reading takes."
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
        "Shares of captchas read, as published, each on the images and with the reader of that "
        "paper, and most of them years ago: no more than a rough scale. Where a scheme stands in "
        "it says how much it resists the reader of this audit, not that it is as strong as its "
        "neighbours."
    )
    yield Drawing("published", f"The same shares as points; {OWN}: {with_interval(read)}")
    own = next(i for i, cells in enumerate(table) if cells[1] == OWN)
    header = ("read", "scheme", "source")
    yield Rows(header, table, frozenset([own]), "The same shares with their sources")
    yield (
        f"{BURSZTEIN_2011.authors} ({BURSZTEIN_2011.year}) call a scheme broken when "
        f"{100 * BROKEN_FROM:.0f} % is read; {CHELLAPILLA_2005.authors} ({CHELLAPILLA_2005.year}) "
        f"want programs to read no more than {100 * AIMED_AT:.2f} %. The 10 % that this audit "
        "looks at too ask more of a reader: that one attempt in ten succeeds."
    )
    papers = sorted(
        {p.paper for p in PUBLISHED} | {CHELLAPILLA_2005}, key=lambda p: (p.year, p.authors)
    )
    yield Items([Item("", str(paper)) for paper in papers])


def _method(audit: Audit) -> Iterator[Block]:
    yield (
        f"Of {audit.n - audit.n_copies} different captchas, {audit.n_held_out} were drawn by "
        "chance and kept apart before anything was looked at. With the labels of each row of the "
        "learning curve, and no others, the recipes that can apply were raced and the best one was "
        "fitted, as skcaptcha fit does, but in less time, with one network where that has three, "
        "and without what teaches it confidences: fit may well read a few more."
    )
    yield (
        "All figures are those of one reader, with the labels of this folder: what it reads is "
        "read, but what it does not read may be read by others. They are about captchas like those "
        "of the folder; if the site draws them otherwise, they say nothing. Wrong labels count as "
        "misread, and make a scheme look stronger than it is."
    )
    yield (
        "The amounts of the defences are simple measures: of the ink that stands out by its shade, "
        "and of where this reader found the characters; where it reads little, it found few of "
        "them, and what is said of their rotation and shapes is worth as little. They miss what is "
        "as thick as strokes, or too pale, curved lines if they are short, and do not count fonts. "
        "Captchas that have more of one defence may have more of another as well, so that the one "
        "may bear the cost of the other."
    )
    yield (
        f"Spent: {minutes(audit.seconds)} of {minutes(audit.budget)} minutes. The learning "
        f"curve took {minutes(audit.cpu_seconds)} minutes of CPU. "
        f"skcaptcha {audit.version}."
    )
