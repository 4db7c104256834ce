"""The section on errors: misread captchas, probable causes, and confused characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from skcaptcha._display.percent import percent_confidence
from skcaptcha._display.printable import visible
from skcaptcha.exceptions import ImageError, SkcaptchaError, reason_of
from skcaptcha.images import decode
from skcaptcha.inspection import LabeledPrediction, explain_error
from skcaptcha.inspection._pipeline_steps import n_image_steps
from skcaptcha.metrics import Confusion, confusions
from skcaptcha.report._blocks import Block, Card, Details, Gallery, Picture, verbatim
from skcaptcha.report._charts import matrix_chart
from skcaptcha.report._page import Section

_MAX_CARDS = 40
_MAX_CHARACTERS = 24
_NO_CHARACTER = "\u2205"

_HOW_CAUSES_ARE_FOUND = Details(
    "How causes are found",
    "The cause is segmentation if the number of boxes differs from the number of characters, or if "
    "misread characters are not in their boxes. To locate the characters, a reader that finds them "
    "itself is constrained to read the label: a character is outside its box if the two are more "
    "than a third of the distance between characters apart. For other readers, the boxes are "
    "shifted and stretched until they read the characters of the label: a character is outside its "
    "box if this takes more than a fifth of the width of the box. The cause is classification if "
    "the boxes fit but a character was mistaken for another one. If denoising removed part of a "
    "character, either cause may be reported: compare the pictures. These causes are probable, not "
    "proven.",
)


def errors_section(predictions: Sequence[LabeledPrediction], source: str) -> Section:
    """Return a section with the misread captchas, most confident first; `source` names them all."""
    wrong = [p for p in predictions if not p.is_correct]
    if not wrong:
        return Section("Errors", [f"No errors on {source}."])
    wrong.sort(key=lambda p: -p.confidence)
    causes, cards = zip(*map(_card, wrong[:_MAX_CARDS]), strict=True)
    summary = f"{len(wrong)} of {len(predictions)} captchas were misread"
    if len(wrong) > len(cards):
        summary += f"; the {len(cards)} with the highest confidence are shown"
    counts = ", ".join(f"{cause} ({count})" for cause, count in Counter(causes).most_common())
    blocks: list[Block] = [f"{summary}. Probable causes: {counts}.", _HOW_CAUSES_ARE_FOUND]
    blocks.append(Gallery(cards))
    read = [p for p in predictions if p.text]
    confused = confusions([p.label for p in read], [p.text for p in read]) if read else []
    return Section("Errors", blocks + ([_confusion_matrix(confused)] if confused else []))


def _card(prediction: LabeledPrediction) -> tuple[str, Card]:
    """Return the cause of an error, and the card that shows it."""
    name, result = prediction.name, prediction.result
    try:
        pictures = [Picture(decode(prediction.source), name)]
    except (ImageError, TypeError):
        pictures = []
    lines: list[tuple[str, object]] = [("label", verbatim(prediction.label))]
    if isinstance(result, SkcaptchaError):
        lines += [("not read", reason_of(result)), ("file", name)]
        return "unreadable image", Card(pictures, lines)
    model = prediction.model
    denoised = model[: n_image_steps(model)].transform([prediction.source])[0]
    pictures.append(Picture(denoised, f"{name} with its boxes", result.boxes))
    lines += [
        ("read", verbatim(result.text)),
        ("confidence", percent_confidence(prediction.confidence)),
    ]
    if prediction.text != result.text:
        lines.insert(2, ("answer", verbatim(prediction.text)))
        kind = "unknown, because the label is an answer"
    else:
        cause = explain_error(model, prediction.source, prediction.label, result)
        kind = cause.kind
        why = Markup("<strong>{}</strong>: {}").format(kind, cause.explanation)
        lines.append(("probably", why))
    if prediction.label_is_doubtful:
        lines.append(("or", "the label is wrong: the model is very confident"))
    return kind, Card(pictures, [*lines, ("file", name)])


def _confusion_matrix(confused: Sequence[Confusion]) -> Markup:
    """Return a matrix of the most frequent confusions, with at most 24 rows and columns."""
    shown: list[Confusion] = []
    labels: set[str] = set()
    reads: set[str] = set()
    for confusion in confused:
        more_labels, more_reads = labels | {confusion.true}, reads | {confusion.read}
        if max(len(more_labels), len(more_reads)) <= _MAX_CHARACTERS:
            labels, reads = more_labels, more_reads
            shown.append(confusion)
    # "No character" comes last.
    rows, columns = (sorted(found, key=lambda c: (not c, c)) for found in (labels, reads))
    counts = np.zeros((len(rows), len(columns)), dtype=int)
    for true, read, count in shown:
        counts[rows.index(true), columns.index(read)] = count
    caption = (
        "Misread characters: characters of the labels in rows, characters that were read in "
        f"columns. {_NO_CHARACTER}: a missed or an extra character."
    )
    if left_out := sum(c.count for c in confused) - int(counts.sum()):
        caption += f" {left_out} less frequent confusions are not shown."
    worst = confused[0]
    return matrix_chart(
        np.where(counts, counts / counts.max(), np.nan),
        np.where(counts, counts.astype(str), ""),
        list(map(_visible, columns)),
        list(map(_visible, rows)),
        xlabel="read",
        ylabel="label",
        description=f"Confusion matrix: the most frequent confusion is {_visible(worst.true)} read "
        f"as {_visible(worst.read)}, {worst.count} times.",
        caption=caption,
    )


def _visible(character: str) -> str:
    return visible(character) or _NO_CHARACTER
