"""Answers of arithmetic captchas."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import Tags

from skcaptcha.base import StepTags, step_tags
from skcaptcha.exceptions import ReadingError
from skcaptcha.read._base import BaseReader, Captchas, LabelScores
from skcaptcha.read._base import reads_images as reads_images_instead_of_segments
from skcaptcha.read._reading import Reading

_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen
fifteen sixteen seventeen eighteen nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_DIGITS = "", *_WORDS.split()[1:10]
_HIGHER = [tens + digit for tens in _TENS.split() for digit in _DIGITS]
_NUMBERS = {word: number for number, word in enumerate([*_WORDS.split(), *_HIGHER])}
_SIGNS = {
    "+": ("+", "plus"),
    "-": ("-", "\N{MINUS SIGN}", "\N{EN DASH}", "minus"),
    "*": ("*", "x", "\N{MULTIPLICATION SIGN}", "\N{MIDDLE DOT}", "times", "multipliedby"),
    "/": ("/", ":", "\N{DIVISION SIGN}", "dividedby"),
}
_SIGN_OF = {name: sign for sign, names in _SIGNS.items() for name in names}
_MAX_LENGTH = 100
_ANSWER = re.compile("-?[0-9]+")


def _any_of(names: dict[str, Any]) -> str:
    # The longest first: "seventeen" begins with "seven".
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


_NUMBER = rf"[0-9]+|{_any_of(_NUMBERS)}"
_EXPRESSION = re.compile(rf"(-?)({_NUMBER})((?:(?:{_any_of(_SIGN_OF)})(?:{_NUMBER}))*)=?\??")
_OPERATION = re.compile(rf"({_any_of(_SIGN_OF)})({_NUMBER})")
_HYPHENATED = re.compile(rf"({_any_of(_NUMBERS)})-(?=({_any_of(_NUMBERS)}))")


class Evaluate(BaseReader):
    """Read arithmetic, and answer with its result: ``"3+4=?"`` gives ``"7"``.

    This is the last step of a pipeline and contains another reader. The labels are the strings
    that the captchas show. `predict` returns the answers; `read` returns both, in ``text`` and
    ``answer``; `score` is the fraction of right answers, and its labels may be answers too.

    Numbers are digits or the English words from zero to ninety-nine. Operators are ``+``, ``-``,
    ``*``, ``x``, the signs of multiplication and division, ``/``, ``:``, and the words plus, minus,
    times, multiplied by, and divided by. Multiplication and division come before addition and
    subtraction. Case, spaces, and a final ``=``, ``?`` or ``=?`` are ignored; but ``twenty-one`` is
    21, and ``twenty - one`` is 19. Only whole numbers are answers.

    Parameters
    ----------
    reader : reader
        Reader of the strings, such as a `CharacterReader` or a `SequenceReader`.

    Attributes
    ----------
    reader_ : reader
        The fitted reader. Set its constraints after the fit, not those of ``reader``:
        ``evaluate.reader_.set_params(mask=[None, "+-x", None])``.
    classes_ : ndarray of shape (n_classes,)
        The characters that it reads.

    See Also
    --------
    Reading : Its ``answer`` is empty, and its confidence 0, if the string read is not arithmetic.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skcaptcha import Segments
    >>> from skcaptcha.read import CharacterReader, Evaluate
    >>> features = np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 2, 1, 0, 3]]
    >>> segments = Segments(np.ones((8, 4), int), [0, 4, 8], values=features)
    >>> reader = CharacterReader(KNeighborsClassifier(n_neighbors=1))
    >>> evaluate = Evaluate(reader).fit(segments, ["3+4=", "4+3="])
    >>> evaluate.predict(segments)
    array(['7', '7'], dtype='<U1')
    >>> [(reading.text, reading.answer) for reading in evaluate.read(segments)]
    [('3+4=', '7'), ('4+3=', '7')]
    """

    _parameter_constraints: dict[str, Any] = {"reader": [BaseReader]}

    def __init__(self, reader: BaseReader) -> None:
        self.reader = reader

    @property
    def reads_images(self) -> bool:  # type: ignore[override]
        """Whether the reader takes images instead of segments."""
        return reads_images_instead_of_segments(self.reader)

    def _fit(self, X: Captchas, labels: NDArray[np.str_]) -> None:
        self._expected(labels)
        pseudo_labeled = ~self._may_be_held_out
        self.reader_ = clone(self.reader).fit(X, labels, pseudo_labeled=pseudo_labeled)
        self.classes_ = self.reader_.classes_

    def _predict(self, X: Captchas) -> NDArray[np.str_]:
        texts = self.reader_.predict(X).tolist()
        return np.array([evaluate_arithmetic(text) or "" for text in texts], dtype=np.str_)

    def _read(self, X: Captchas) -> list[Reading]:
        return [_with_answer(reading) for reading in self.reader_.read(X)]

    def _score_labels(self, X: Captchas, labels: NDArray[np.str_]) -> list[LabelScores]:
        return self.reader_.score_labels(X, labels)

    def _expected(self, labels: NDArray[np.str_]) -> NDArray[np.str_]:
        answers = [evaluate_arithmetic(label) for label in labels.tolist()]
        for i, (label, answer) in enumerate(zip(labels.tolist(), answers, strict=True)):
            if answer is None:
                raise ReadingError(
                    f"label {i}: {label!r} is not arithmetic with a whole number as its result; "
                    "labels of Evaluate are the strings that captchas show, such as '3+4=?'"
                )
        return np.array(answers, dtype=np.str_)

    def __sklearn_tags__(self) -> Tags:
        return StepTags.extend(
            super().__sklearn_tags__(), modifies_input=step_tags(self.reader).modifies_input
        )


def evaluate_arithmetic(text: str) -> str | None:
    """Return the result of an expression, or None if it has none.

    Examples
    --------
    >>> [evaluate_arithmetic(text) for text in ("3+4=?", "two times 8 =", "9 - 12", "7/2", "3+=")]
    ['7', '16', '-3', None, None]
    """
    if len(text) > _MAX_LENGTH:
        return None
    match = _EXPRESSION.fullmatch("".join(_HYPHENATED.sub(_without_hyphen, text.lower()).split()))
    if match is None:
        return None
    minus, first, others = match.groups()
    terms = [Fraction(-_number(first) if minus else _number(first))]
    for name, written in _OPERATION.findall(others):
        number = _number(written)
        match _SIGN_OF[name]:
            case "+":
                terms.append(Fraction(number))
            case "-":
                terms.append(Fraction(-number))
            case "*":
                terms[-1] *= number
            case "/" if number:
                terms[-1] /= number
            case _:
                return None
    total = sum(terms)
    return str(total.numerator) if total.denominator == 1 else None


def text_to_compare(reading: Reading, label: str) -> str:
    """Return the text of a reading, or its answer if the label is an answer as well.

    Examples
    --------
    >>> reading = Reading("3+4=", 0.9, np.zeros((4, 4), int), np.ones(4), (), answer="7")
    >>> text_to_compare(reading, "3+4="), text_to_compare(reading, "7")
    ('3+4=', '7')
    """
    return reading.text if reading.answer is None or not is_answer(label) else reading.answer


def refuse_answers(reader: Any, labels: Iterable[str]) -> None:
    """Raise ReadingError if the reader is an `Evaluate`, and all labels are answers."""
    labels = list(map(str, labels))
    if isinstance(reader, Evaluate) and labels and all(map(is_answer, labels)):
        raise ReadingError(
            f"all labels are numbers, such as {labels[0]!r}, but labels of Evaluate are the "
            "strings that captchas show, such as '3+4=?'; correct them, or use its reader alone"
        )


def is_answer(label: str) -> bool:
    """Return whether a label is a number, not arithmetic with a number as its result."""
    return _ANSWER.fullmatch(label) is not None


def _number(written: str) -> int:
    return int(written) if written.isdecimal() else _NUMBERS[written]


def _without_hyphen(match: re.Match[str]) -> str:
    """Return the first of two words, without the hyphen if both are one number."""
    first, second = match.groups()
    return first if first + second in _NUMBERS else match[0]


def _with_answer(r: Reading) -> Reading:
    answer = evaluate_arithmetic(r.text)
    confidence = 0.0 if answer is None else r.confidence
    return Reading(r.text, confidence, r.boxes, r.probabilities, r.runners_up, answer=answer or "")
