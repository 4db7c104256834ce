"""Short texts about one prediction, the same in pages, figures and the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from skcaptcha._display.percent import percent_confidence
from skcaptcha._display.printable import printable
from skcaptcha.read import Reading

CONFIDENT_FROM = 0.9
BOX_COLORS = ("#ff5a5f", "#2fb5ff")
"""Colors of boxes in turn, because neighboring boxes may share an edge."""

_SHOWN_FROM = 0.001


def answer_text(reading: Reading) -> str:
    """Return the answer of a reader that answers arithmetic; empty if it does not."""
    if reading.answer is None:
        return ""
    return f"answer {reading.answer}" if reading.answer else "no answer"


def uncertain_characters(reading: Reading) -> Iterator[tuple[str, float]]:
    """Yield text and confidence of each character whose confidence is low."""
    for character, probability in zip(reading.text, reading.probabilities, strict=False):
        if probability < CONFIDENT_FROM:
            yield f"{printable(character)} {percent_confidence(probability)}", probability


def remark(reading: Reading) -> str:
    """Return that the image is out of distribution, or the best alternative; empty without one."""
    if reading.out_of_distribution:
        return "unlike the training set"
    if reading.runners_up and reading.runners_up[0][1] >= _SHOWN_FROM:
        text, confidence = reading.runners_up[0]
        return f"or {printable(text)} {percent_confidence(confidence)}"
    return ""
