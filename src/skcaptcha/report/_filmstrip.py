"""What each step does to captchas, and how they were misread, as rows and cards of pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from markupsafe import Markup

from skcaptcha._display.percent import percent_confidence
from skcaptcha.exceptions import ImageError, reason_of
from skcaptcha.images import decode
from skcaptcha.inspection._attempts import LABEL_IN_DOUBT_FROM, Attempt
from skcaptcha.inspection._causes import why_wrong
from skcaptcha.read import Reading
from skcaptcha.report._parts import Card, gallery, picture, text
from skcaptcha.report._steps import Trace, segmenter_of

_SURE_FROM = 0.9
_MOST_FAILURES = 40


def filmstrip(traces: Iterable[Trace], labels: Sequence[str] | None = None) -> Markup:
    """Show one row for each image: what was read, the image's stages, and its boxes.

    Parameters
    ----------
    traces : iterable of n Trace
    labels : sequence of n str, optional
        What is right.

    Returns
    -------
    html : Markup
    """
    traces = list(traces)
    right = [None] * len(traces) if labels is None else labels
    return Markup("\n").join(_row(*pair) for pair in zip(traces, right, strict=True))


def _row(each: Trace, label: str | None) -> Markup:
    reading = each.reading
    frames = [
        _frame(picture(image, f"{each.title} after the step {name}"), name)
        for name, image in each.stages
    ]
    boxes = picture(each.stages[-1][1], f"{each.title} with its boxes", boxes=reading.boxes)
    frames.append(_frame(boxes, "boxes"))
    said = Markup("{} {}").format(text(reading.text), percent_confidence(reading.confidence))
    if label is not None and label != reading.text:
        said += Markup(', <span class="bad">but it is</span> {}').format(text(label))
    unsure = [
        f"{character} {percent_confidence(probability)}"
        for character, probability in zip(reading.text, reading.probabilities, strict=False)
        if probability < _SURE_FROM
    ]
    if unsure:
        said += Markup('<span class="faint"> ({})</span>').format(", ".join(unsure))
    return Markup('<h3>{}</h3>\n<p>{}</p>\n<div class="strip">{}</div>').format(
        each.title, said, Markup("").join(frames)
    )


def _frame(content: Markup, caption: str) -> Markup:
    return Markup("<figure>{}<figcaption>{}</figcaption></figure>").format(content, caption)


def failures(attempts: Sequence[Attempt]) -> tuple[str, Markup]:
    """Show the captchas that were read wrong, the surest mistakes first.

    Parameters
    ----------
    attempts : sequence of Attempt
        At least one of which is wrong.

    Returns
    -------
    summary : str
        How many there are, and how many of which cause.
    html : Markup
    """
    wrong = sorted((a for a in attempts if not a.is_right), key=lambda a: -a.confidence)
    causes: Counter[str] = Counter()
    cards = []
    for attempt in wrong[:_MOST_FAILURES]:
        kind, card = _card(attempt)
        causes[kind] += 1
        cards.append(card)
    shown = f"{len(wrong)} of {len(attempts)} captchas were read wrong"
    if len(wrong) > len(cards):
        shown += f"; these are the {len(cards)} whose reading the model was surest of"
    which = ", ".join(f"{kind} ({count})" for kind, count in causes.most_common())
    return f"{shown}. Probable causes: {which}.", gallery(cards)


def _card(attempt: Attempt) -> tuple[str, Card]:
    try:
        image = decode(attempt.source)
    except (ImageError, TypeError):
        image = None
    shown = Markup() if image is None else picture(image, attempt.name)
    label = ("label", text(attempt.label))
    if not isinstance(attempt.result, Reading):
        reason = reason_of(attempt.result)
        lines = [label, ("not read", reason), ("file", attempt.name)]
        return "unreadable image", Card(shown, lines)
    cause = why_wrong(attempt.model, attempt.source, attempt.label, attempt.result)
    cleaned = attempt.model[: segmenter_of(attempt.model)].transform([attempt.source])[0]
    shown += picture(cleaned, f"{attempt.name} with its boxes", boxes=attempt.result.boxes)
    lines = [
        label,
        (
            "read",
            text(attempt.text) + Markup(" {} sure").format(percent_confidence(attempt.confidence)),
        ),
        ("probably", Markup("<strong>{}</strong>: {}").format(cause.kind, cause.explanation)),
        ("file", attempt.name),
    ]
    if attempt.confidence >= LABEL_IN_DOUBT_FROM:
        lines.insert(3, ("or", "the label is wrong: the model is very sure of its reading"))
    return cause.kind, Card(shown, lines)
