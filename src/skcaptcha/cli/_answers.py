"""What ``predict`` says of each image: a row of its table, an element of its report."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from skcaptcha.cli._console import note, say
from skcaptcha.cli._output import JsonList
from skcaptcha.exceptions import SkcaptchaError, reason_of

if TYPE_CHECKING:
    from skcaptcha.read import Reading

_COLUMNS = ("filename", "text", "confidence")
_NAMED = 5


class Answers:
    """Turns readings into rows, and gathers what the report says of them; a context manager.

    Parameters
    ----------
    constraints : str
        What is demanded of the texts, for the reason of those that are empty; "": nothing.
    min_confidence : float or None
        Readings that are less sure lose their text, and rows get a column that says why.
    exact : bool
        Give confidences as numbers, and not rounded to four digits as text.
    listed : bool
        Gather all readings for the report.

    Attributes
    ----------
    columns : tuple of str
        The names of the columns.
    captchas, failed : JsonList
        The readings, and what could not be read.
    n_unlike : int
        How many images do not look like those of the training set.
    n_left_empty : int
        How many readings lost their text.
    """

    def __init__(
        self,
        *,
        constraints: str = "",
        min_confidence: float | None = None,
        exact: bool = False,
        listed: bool = False,
    ) -> None:
        self.columns = _COLUMNS if min_confidence is None else (*_COLUMNS, "reason")
        self.captchas, self.failed = JsonList(), JsonList()
        self.n_unlike = self.n_left_empty = 0
        self._unlike: list[str] = []
        self._constraints = constraints
        self._min_confidence = min_confidence
        self._exact = exact
        self._listed = listed

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.captchas)
            stack.enter_context(self.failed)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def fail(self, name: str, reason: str) -> None:
        """Name an image that cannot be read.

        Parameters
        ----------
        name, reason : str
        """
        say(f"{name}: {reason}")
        self.failed.append({"filename": name, "reason": reason})

    def rows(
        self, names: Sequence[str], results: Sequence[Reading | SkcaptchaError]
    ) -> list[tuple[Any, ...]]:
        """Give the rows of the images that could be read, and name the others.

        Parameters
        ----------
        names : sequence of n str
        results : sequence of n Reading or SkcaptchaError

        Returns
        -------
        rows : list of tuples as long as there are columns
        """
        rows = []
        for name, result in zip(names, results, strict=True):
            if isinstance(result, SkcaptchaError):
                self.fail(name, reason_of(result))
            elif self._constraints and not result.text:
                self.fail(name, f"nothing in it can be read as {self._constraints}")
            else:
                rows.append(self._row(name, result))
        return rows

    def say_counts(self, n_read: int) -> None:
        """Say how many readings are doubtful.

        Parameters
        ----------
        n_read : int
        """
        if self.n_left_empty:
            least = self._min_confidence
            note(f"{self.n_left_empty} texts left empty, of a confidence below {least}")
        if self.n_unlike:
            others = self.n_unlike - len(self._unlike)
            named = ", ".join(self._unlike) + (f" and {others} others" if others else "")
            say(
                f"warning: {self.n_unlike} of {n_read} images are unlike those that the model was "
                f"fitted to, and their confidence is lowered: {named}"
            )

    def _row(self, name: str, reading: Reading) -> tuple[Any, ...]:
        if reading.out_of_distribution:
            self.n_unlike += 1
            if self.n_unlike <= _NAMED:
                self._unlike.append(name)
        reason = self._doubt(reading)
        if reason:
            reading = replace(reading, text="")
            self.n_left_empty += 1
        if self._listed:
            why_not = {"reason": reason} if reason else {}
            self.captchas.append({"filename": name, **asdict(reading), **why_not})
        confidence = reading.confidence if self._exact else f"{reading.confidence:.4f}"
        return (name, reading.text, confidence, reason)[: len(self.columns)]

    def _doubt(self, reading: Reading) -> str:
        """Say why a reading is not sure enough; "": it is."""
        least = self._min_confidence
        if least is None or reading.confidence >= least:
            return ""
        reason = f"its confidence is {reading.confidence:.4f}, below {least}"
        if reading.out_of_distribution:
            reason += ", since the image is unlike those that the model was fitted to"
        return reason
