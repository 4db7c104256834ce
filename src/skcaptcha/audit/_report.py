"""What is said of an audit: sentences, tables and lists from its figures alone."""

from __future__ import annotations

import math
from collections.abc import Iterator

from skcaptcha.audit._audit import FEW, MARKS, SECONDS_PER_LABEL, Ablation, Audit
from skcaptcha.audit._blocks import Block, Drawing, Facts, Item, Items, Part, Rows
from skcaptcha.audit._defences import BROKEN, DEFENCES, Finding
from skcaptcha.audit._instead import CANNOT, INSTEAD
from skcaptcha.audit._intervals import Difference, Share
from skcaptcha.audit._published import (
    AIMED_AT,
    BROKEN_FROM,
    BURSZTEIN_2011,
    CHELLAPILLA_2005,
    PUBLISHED,
)

_NAMES = {defence.key: defence.name for defence in DEFENCES}
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
        Part("Which defences hold", list(_defences(audit))),
        Part("What undoes them", list(_ablations(audit))),
        Part("Beside what was published", list(_published(audit))),
        Part(
            "What a text captcha cannot do, and what to use instead",
            [
                "However well a text captcha is drawn:",
                Items(CANNOT),
                "What serves better, alone or together:",
                Items(INSTEAD),
            ],
        ),
        Part("How this was measured", list(_method(audit))),
    ]


def percent(value: float) -> str:
    """Write a share as a percentage that says 100 only of all, and 0 only of none.

    Parameters
    ----------
    value : float in 0..1

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._report import percent
    >>> percent(0.5), percent(0.99999), percent(1.0), percent(0.0001)
    ('50.0 %', '99.9 %', '100 %', '0.1 %')
    """
    if value in (0, 1):
        return f"{value:.0%}".replace("%", " %")
    return f"{100 * min(max(value, 0.001), 0.999):.1f} %"


def with_interval(read: Share) -> str:
    """Write a share with its interval.

    Parameters
    ----------
    read : Share

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha.audit._intervals import share
    >>> from skcaptcha.audit._report import with_interval
    >>> with_interval(share(8, 10))
    '80.0 % (49.0 to 94.3)'
    """
    return f"{percent(read.value)} ({_bare(read.low)} to {_bare(read.high)})"


def _bare(value: float) -> str:
    return percent(value).removesuffix(" %")


def _points(difference: Difference) -> str:
    value, low, high = (f"{100 * number:+.1f}".replace("-", "−") for number in difference)
    return f"{value} ({low} to {high})"


def _times(number: float) -> str:
    if math.isinf(number):
        return "without end"
    return f"{number:,.0f}" if number >= 100 else f"{number:.1f}"


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:,.0f}" if minutes >= 10 else f"{minutes:.1f}" if minutes >= 1 else f"{minutes:.2f}"


def _rounded(number: float) -> str:
    """Write a large number with three digits that count: it was not measured any better."""
    return f"{float(f'{number:.3g}'):,.0f}"


def _summary(audit: Audit) -> Iterator[Block]:
    best = audit.best
    yield _verdict(audit)
    expected, low, high = map(_times, audit.attempts)
    needed = [(mark, audit.labels_needed(mark)) for mark in MARKS]
    yield Facts(
        [
            ("read right", f"{with_interval(best.read)}, with {best.n_labels} labels"),
            ("attempts until one is read", f"{expected} ({low} to {high})"),
            *(
                (f"labels to read {mark:.0%}".replace("%", " %"), _needed(audit, n))
                for mark, n in needed
            ),
            ("readings an hour", f"{_rounded(best.readings_per_hour)}, on one core of this machine"),
            *((name, what) for name, what in audit.measured.items()),
        ]
    )
    yield (
        f"In brackets stand 95 % intervals. {audit.n_held_out} captchas were kept apart and read; "
        f"{audit.n_learn} others could be learnt from."
    )
    if audit.n < FEW:
        yield (
            f"{audit.n} labelled captchas are few: they can show that a scheme is read, but hardly "
            "that it is not, and of its defences they tell next to nothing. With some hundred, "
            "every interval here becomes narrower."
        )
    if audit.n_copies:
        yield (
            f"{audit.n_copies} captchas repeat the image of another one and were left out. If your "
            "site serves such repetitions, they can be answered from memory."
        )
    if audit.skipped:
        yield (
            f"No time was left for {_listed(map(str, audit.skipped))} labels: the budget was "
            f"{audit.budget:.0f} seconds."
        )


def _verdict(audit: Audit) -> str:
    read, n = audit.best.read, audit.best.n_labels
    source = f"{BURSZTEIN_2011.authors} ({BURSZTEIN_2011.year})"
    if read.low >= BROKEN_FROM:
        stricter = (
            "; it is also by a mark that asks ten times as much, 10 %"
            if read.low >= BROKEN
            else "; whether 10 % is reached as well, these captchas do not tell"
            if read.high >= BROKEN
            else "; 10 % is not reached"
        )
        return (
            f"This scheme is broken by the mark of {source}, who call a scheme broken when 1 % of "
            f"it is read{stricter}. With {n} labels, {read.n_right} of {read.n} captchas were read "
            f"that the reader had never seen."
        )
    if read.high < BROKEN_FROM:
        return (
            f"With {n} labels, this reader does not reach 1 %, the mark from which {source} call a "
            f"scheme broken: {read.n_right} of {read.n} captchas were read. Another reader, or "
            "more labels, may well reach it: nobody can measure that no reader does."
        )
    return (
        f"Whether 1 % is read, the mark from which {source} call a scheme broken, these captchas do "
        f"not tell: {read.n_right} of {read.n} were read with {n} labels, so that anything from "
        f"{percent(read.low)} to {percent(read.high)} is possible."
    )


def _needed(audit: Audit, n: int | None) -> str:
    if n is None:
        return f"not reached with {audit.best.n_labels}"
    first = n == audit.curve[0].n_labels
    return f"{n} or fewer" if first else f"{n}"


def _listed(names: Iterator[str] | list[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


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
                percent(point.read.value),
                f"{_bare(point.read.low)} to {percent(point.read.high)}",
                _minutes(point.cpu_seconds),
                _minutes(point.n_labels * SECONDS_PER_LABEL),
                point.recipe,
            )
            for point in audit.curve
        ],
    )
    yield (
        "Each row was chosen, fitted and measured by itself, with so many labels and nothing else; "
        f"all rows read the same {audit.n_held_out} captchas. The minutes of CPU are those of "
        "choosing and fitting. The minutes of labelling are no measurement: they assume "
        f"{SECONDS_PER_LABEL:.0f} seconds for a label."
    )
    yield (
        "The labels of a row are among those of the next. They are one choice by chance: another "
        "choice of as few as 10 or 20 may do better or worse than the interval says, which covers "
        "the chance in what was read alone. A number of labels counts as enough for a share, in "
        "the summary, when the whole interval is above it; numbers between two rows were not tried."
    )


def _costs(audit: Audit) -> Iterator[Block]:
    best = audit.best
    expected, low, high = map(_times, audit.attempts)
    hour = best.readings_per_hour
    rate = best.read
    yield Facts(
        [
            ("attempts until one is read", f"{expected} ({low} to {high})"),
            ("readings an hour, one core", _rounded(hour)),
            (
                "read right an hour, one core",
                "{} ({} to {})".format(*(_rounded(hour * p) for p in (rate.value, rate.low, rate.high))),
            ),
            ("minutes of CPU to choose and fit", _minutes(best.cpu_seconds)),
        ]
    )
    yield (
        "The attempts are one by the share that is read, on the mean. Readings were timed on this "
        "machine from the image file to the text, without any network. What a site takes to "
        "answer, and how often it lets anybody try, is not in these figures: it is what bounds an "
        "attack, far more than the time that reading takes."
    )


def _defences(audit: Audit) -> Iterator[Block]:
    yield (
        "How much of each defence every captcha has was measured from its image, and what was read "
        "of the captchas that have it (or, where nearly all have it, have more of it) was "
        "compared with what was read of the others. The rules: a defence does not hold if more "
        f"than {BROKEN:.0%} of the captchas that have it are read, by the whole interval. It holds "
        f"if less than {BROKEN:.0%} of them are read, and less than of the others. All else is "
        "not told by these images. The intervals are as wide as it takes for all of them "
        "together to hold with 95 %.".replace("%", " %").replace("  %", " %")
    )
    yield Rows(
        (
            "defence",
            "verdict",
            "captchas with it",
            "read with it, or more",
            "read without, or less",
            "cost, points",
        ),
        [_finding_row(finding) for finding in audit.findings],
    )
    compared = [finding for finding in audit.findings if finding.cost is not None]
    if compared:
        yield Drawing(
            "costs",
            "By how many points less is read of captchas with a defence, with intervals: "
            + "; ".join(f"{f.defence.name}: {_points(f.cost)}" for f in compared if f.cost),
        )
    yield Items([_finding_item(audit, finding) for finding in audit.findings])


def _finding_row(finding: Finding) -> tuple[str, ...]:
    return (
        finding.defence.name,
        finding.verdict,
        f"{finding.n_with} of {finding.n_measured}",
        with_interval(finding.read_with) if finding.read_with else "-",
        with_interval(finding.less) if finding.less else "-",
        _points(finding.cost) if finding.cost else "-",
    )


def _finding_item(audit: Audit, finding: Finding) -> Item:
    defence = finding.defence
    lead = f"{defence.name[0].upper()}{defence.name[1:]}: {finding.verdict}."
    said = []
    if finding.amounts is None:
        return Item(lead, "It could not be measured, since no model places the characters.")
    if defence.key == "length" and audit.length is not None and finding.verdict == "not there":
        said.append(f"All strings have {audit.length} characters.")
    else:
        low, middle, high = (f"{amount:.2g}" if amount < 10 else f"{amount:.0f}" for amount in finding.amounts)
        said.append(
            f"Measured: {defence.amount}. The median is {middle}; eight captchas in ten have from "
            f"{low} to {high}."
        )
    if finding.cost is not None:
        if finding.cost.low > 0:
            said.append(f"It costs this reader {_points(finding.cost)} points.")
        elif finding.cost.high < 0:
            said.append("Captchas with more of it are read more often, not less.")
        else:
            said.append("What it costs cannot be told from nothing.")
    elif finding.n_with:
        said.append("There are too few captchas with it, or without it, to compare them.")
    if defence.key == "alphabet" and audit.length is not None:
        guesses = float(audit.n_characters) ** audit.length
        said.append(
            f"The labels have {audit.n_characters} different characters; whoever guesses at random "
            f"among them is right once in {guesses:,.0f} times."
        )
    return Item(lead, " ".join(said))


def _ablations(audit: Audit) -> Iterator[Block]:
    if audit.ablation_base is None:
        yield "No time was left, or no recipe was found, to fit recipes without one step or another."
        return
    networks = ""
    if "MLPClassifier" in audit.best.recipe:
        networks = ", but with one network where the learning curve has three"
    yield (
        "A defence may cost nothing because a step of the recipe undoes it. So the recipe "
        f"was fitted again to {audit.n_ablation} labels, once as it is and once without each "
        f"thing that answers a defence. As it is{networks}, it reads "
        f"{with_interval(audit.ablation_base)} of the same captchas."
    )
    if not audit.ablations:
        yield "The chosen recipe has nothing that answers a single defence and could be left out."
        return
    yield Rows(
        ("the same recipe", "answers", "read", "loss, points", "what that says"),
        [_ablation_row(ablation) for ablation in audit.ablations],
    )
    undone = [a for a in audit.ablations if a.loss is not None and a.loss.low > 0 and a.read]
    for ablation in undone:
        names = _listed([_NAMES[key] for key in ablation.answers])
        weight = (
            f"A reader {ablation.what} would be held off: fewer than {BROKEN:.0%} would be read."
            if ablation.read and ablation.read.high < BROKEN
            else f"A reader {ablation.what} reads less."
        ).replace("%", " %")
        yield (
            f"{weight} What is left out there answers {names}, and does so here: a defence that "
            "only works against readers without it does not hold."
        )


def _ablation_row(ablation: Ablation) -> tuple[str, ...]:
    names = _listed([_NAMES[key] for key in ablation.answers])
    if ablation.read is None or ablation.loss is None:
        return ablation.what, names, "-", "-", "not measured: no time, or it cannot be fitted"
    if ablation.loss.low > 0:
        says = "needed: it reads less without"
    elif ablation.loss.high < 0:
        says = "it reads more without"
    else:
        says = "no loss told from nothing"
    return ablation.what, names, with_interval(ablation.read), _points(ablation.loss), says


def _published(audit: Audit) -> Iterator[Block]:
    read = audit.best.read
    rows = [
        *((p.rate, (percent(p.rate), p.scheme, p.paper.short)) for p in PUBLISHED),
        (read.value, (percent(read.value), OWN, f"this audit: {with_interval(read)}")),
    ]
    rows.sort(key=lambda row: -row[0])
    table = [cells for _, cells in rows]
    yield (
        "Shares of captchas read, as published, each on the images and with the reader of that paper, "
        "and most of them years ago: no more than a rough scale. Where a scheme stands in it says "
        "how much it resists the reader of this audit, not that it is as strong as its neighbours."
    )
    yield Drawing("published", f"The same shares as points; {OWN}: {with_interval(read)}")
    own = next(i for i, cells in enumerate(table) if cells[1] == OWN)
    yield Rows(("read", "scheme", "source"), table, frozenset([own]))
    yield (
        f"{BURSZTEIN_2011.authors} ({BURSZTEIN_2011.year}) call a scheme broken when {BROKEN_FROM:.0%} "
        f"is read; {CHELLAPILLA_2005.authors} ({CHELLAPILLA_2005.year}) want programs to read no more "
        f"than {AIMED_AT:.2%}. The 10 % that this audit looks at too ask more of a reader: that one "
        "attempt in ten succeeds.".replace("%", " %").replace("  %", " %")
    )
    papers = sorted({p.paper for p in PUBLISHED} | {CHELLAPILLA_2005}, key=lambda p: (p.year, p.authors))
    yield Items([Item("", str(paper)) for paper in papers])


def _method(audit: Audit) -> Iterator[Block]:
    yield (
        f"Of {audit.n - audit.n_copies} different captchas, {audit.n_held_out} were drawn by chance and "
        "kept apart before anything was looked at. With the labels of each row of the learning "
        "curve, and no others, the recipes that can apply were raced and the best one was fitted, "
        "as skcaptcha fit does, but in less time and without what teaches it confidences."
    )
    yield (
        "All figures are those of one reader, with the labels of this folder: what it reads is "
        "read, but what it does not read may be read by others. They are about captchas like those "
        "of the folder; if the site draws them otherwise, they say nothing. Wrong labels count as "
        "misread, and make a scheme look stronger than it is."
    )
    yield (
        "The amounts of the defences are simple measures: of the ink that stands out by its shade, "
        "and of where this reader found the characters. They miss what is as thick as strokes, or "
        "too pale. Captchas that have more of one defence may have more of another as well, so "
        "that the one may bear the cost of the other."
    )
    yield (
        f"Spent: {_minutes(audit.seconds)} of {_minutes(audit.budget)} minutes, of which the learning "
        f"curve took {_minutes(audit.cpu_seconds)} minutes of CPU. skcaptcha {audit.version}."
    )
