"""The conclusion of an audit, and its main figures."""

from __future__ import annotations

from collections.abc import Iterator

from skcaptcha._display.percent import percent, percent_interval
from skcaptcha.audit import Audit
from skcaptcha.audit._audit import THRESHOLDS, AuditPoint
from skcaptcha.audit._defenses import BROKEN
from skcaptcha.audit._proportions import significantly_exceeds
from skcaptcha.report._blocks import Block, Facts, Headline, Mood
from skcaptcha.report.audit._number_text import listed, rounded, times, with_interval
from skcaptcha.report.audit._published_rates import BROKEN_FROM, BURSZTEIN

_FEW = 30  # captchas


def audit_summary(audit: Audit) -> list[tuple[str, str]]:
    """Return the main figures of an audit as text.

    Parameters
    ----------
    audit : Audit
        Result of `~skcaptcha.audit.audit_captchas`.

    Returns
    -------
    rows : list of (str, str)
        Names and values.
    """
    best = audit.best
    with_unlabeled = [
        (
            "with unlabeled images",
            f"{with_interval(point.read)}, with {point.n_labels} labels and {point.n_unlabeled} "
            "unlabeled images",
        )
        for point in audit.unlabeled_curve[-1:]
    ]
    return [
        ("string accuracy", f"{with_interval(best.read)}, with {best.n_labels} labels"),
        *with_unlabeled,
        ("attempts per success", times(*audit.attempts)),
        *((f"labels to read {percent(p, 100)}", _labels_needed(audit, p)) for p in THRESHOLDS),
        ("readings per hour", f"{rounded(best.readings_per_hour)}, on one core of this machine"),
    ]


def conclusion_blocks(audit: Audit) -> Iterator[Block]:
    """Yield the headline, the main figures, what to do next, and what limits the conclusion."""
    headline, advice = _headline_and_advice(audit)
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
    if audit.unlabeled_skipped:
        sizes = listed([str(size) for size in audit.unlabeled_skipped])
        yield f"It was too short for {sizes} labels with unlabeled images."


def unlabeled_sentence(audit: Audit) -> str:
    """Return how unlabeled images change the number of labels that are enough."""
    for threshold in reversed(THRESHOLDS):
        part = percent(threshold, 100)
        without, n = (
            audit.labels_needed(threshold),
            audit.labels_needed(threshold, unlabeled=True),
        )
        if n is not None and without is None:
            return (
                f"With unlabeled images, {n} labels are enough to read {part}; without them, "
                f"{audit.best.n_labels} labels are not."
            )
        if n != without:
            return (
                f"With unlabeled images, {n} labels are enough to read {part}; without them, it "
                f"takes {without}."
            )
    parts = listed([str(round(100 * threshold)) for threshold in THRESHOLDS])
    return (
        f"Unlabeled images did not reduce the numbers of labels that are enough to read {parts} % "
        "of the captchas."
    )


def _headline_and_advice(audit: Audit) -> tuple[Headline, str]:
    point, others = audit.best, audit.unlabeled_curve[-1:]
    for other in others:
        # Whoever reads captchas can collect as many as needed without labels.
        if significantly_exceeds(other.read, BROKEN_FROM) and not significantly_exceeds(
            point.read, BROKEN_FROM
        ):
            point, others = other, (audit.best,)
    read = point.read
    interval = percent_interval(read.low, read.high, read.n)
    detail = (
        f"{_given(point)}, {read.n_correct} of {read.n} held-out captchas were read correctly "
        f"(95 % interval {interval})."
    )
    for other in others:
        detail += f" {_given(other)}, {other.read.n_correct} were."
    definition = f"{BURSZTEIN} call a scheme broken if 1 % of it is read."
    mood: Mood = ""
    if significantly_exceeds(read, BROKEN_FROM):
        conclusion, mood = "This scheme is broken.", "bad"
        if significantly_exceeds(read, BROKEN):
            stricter = "The scheme also exceeds a threshold ten times as high, 10 %."
        elif read.high >= BROKEN:
            stricter = "There are too few captchas to conclude whether 10 % is exceeded as well."
        else:
            stricter = "10 % is not reached."
        detail += f" {definition} {stricter}"
        advice = (
            "do not rely on this scheme alone; the last section lists alternatives. After a change "
            "to the scheme, label captchas of the new kind and run the audit again."
        )
    elif read.high < BROKEN_FROM:
        conclusion = "This reader does not break the scheme."
        detail += (
            f" That is less than 1 %, the rate from which {BURSZTEIN} call a scheme broken. "
            "Another reader, or more labels, may still reach it: no measurement can rule this out."
        )
        advice = (
            "label more captchas and run the audit again with a larger budget before you rely on "
            "the scheme. The last section lists measures to use in addition."
        )
    else:
        conclusion = "There are too few captchas to conclude whether the scheme is broken."
        detail += f" {definition}"
        advice = "label several hundred more captchas and run the audit again."
    return Headline(percent(read.value, read.n), conclusion, detail, mood), advice


def _given(point: AuditPoint) -> str:
    more = f" and {point.n_unlabeled} unlabeled images" if point.n_unlabeled else ""
    return f"With {point.n_labels} labels{more}"


def _labels_needed(audit: Audit, threshold: float) -> str:
    n, fewer = audit.labels_needed(threshold), audit.labels_needed(threshold, unlabeled=True)
    alone = _labels_needed_alone(audit, threshold)
    return alone if n == fewer else f"{alone}; {fewer} with unlabeled images"


def _labels_needed_alone(audit: Audit, threshold: float) -> str:
    n, best = audit.labels_needed(threshold), audit.best
    if n is None and best.read.value >= threshold:
        return (
            f"probably {best.n_labels} or fewer; to confirm it takes more than "
            f"{audit.n_held_out} held-out captchas"
        )
    if n is None:
        return f"not reached with {best.n_labels}"
    return f"{n} or fewer" if n == audit.curve[0].n_labels else f"{n}"
