"""Which characters are taken for which others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from skcaptcha.inspection._attempts import Attempt
from skcaptcha.metrics import Confusion, confusions
from skcaptcha.report._parts import chart, chart_style
from skcaptcha.report._plots import draw_matrix

_MOST_CHARACTERS = 24  # of a matrix
_NOTHING = "\u2205"


def confusion_chart(attempts: Sequence[Attempt]) -> Markup | None:
    """Show which characters are read as which others; None if none is.

    Parameters
    ----------
    attempts : sequence of Attempt

    Returns
    -------
    html : Markup or None
    """
    read = [a for a in attempts if a.text]
    found = confusions([a.label for a in read], [a.text for a in read]) if read else []
    if not found:
        return None
    # Of many characters those that are confused most.
    shown: list[Confusion] = []
    trues: set[str] = set()
    reads: set[str] = set()
    for confusion in found:
        true, as_read, _ = confusion
        if max(len(trues | {true}), len(reads | {as_read})) <= _MOST_CHARACTERS:
            trues.add(true)
            reads.add(as_read)
            shown.append(confusion)
    # What is nothing comes last.
    rows, columns = (sorted(chars, key=lambda c: (not c, c)) for chars in (trues, reads))
    counts = np.zeros((len(rows), len(columns)), dtype=int)
    for true, as_read, count in shown:
        counts[rows.index(true), columns.index(as_read)] = count
    left_out = sum(c.count for c in found) - int(counts.sum())
    caption = (
        f"Characters that were misread: rows are the labels', columns what was read. {_NOTHING}: "
        "a character that was missed, or read where there is none."
    )
    if left_out:
        caption += f" {left_out} rarer confusions are not shown."
    with chart_style():
        figure, axes = draw_matrix(
            np.where(counts, counts / counts.max(), np.nan),
            np.where(counts, counts.astype(str), ""),
            [_visible(c) for c in columns],
            [_visible(c) for c in rows],
        )
        axes.set(xlabel="read", ylabel="label")
        worst = found[0]
        return chart(
            figure,
            f"Confusions: {_visible(worst.true)} was read as {_visible(worst.read)} "
            f"{worst.count} times, more often than any other.",
            caption,
        )


def _visible(character: str) -> str:
    if not character:
        return _NOTHING
    return character if character.isprintable() and not character.isspace() else repr(character)
