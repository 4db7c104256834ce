"""Accuracies of other programs, from a CSV file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from skcaptcha.exceptions import SkcaptchaError

from .results import Result

_ROUNDING = 0.0005  # published accuracies have one decimal, in percent
_COLUMNS = ("scheme", "peer", "string_accuracy", "remark")


Peers: TypeAlias = dict[str, dict[str, "Figure"]]


@dataclass(frozen=True)
class Figure:
    """Accuracy of a peer on a scheme.

    Attributes
    ----------
    string_accuracy : float in 0..1
    remark : str
        If it contains ``ignoring case``, it is compared with our accuracy ignoring case.
    """

    string_accuracy: float
    remark: str

    def ours(self, result: Result) -> tuple[float, float]:
        """Return our accuracy of the same kind, and the upper end of its interval."""
        if "ignoring case" in self.remark:
            fraction, high = result.ignoring_case, result.ignoring_case_high
        else:
            fraction, high = result.string_accuracy, result.high
        assert fraction is not None
        assert high is not None
        return fraction, high

    def is_ahead_of(self, result: Result) -> bool:
        """Return whether the peer is more accurate."""
        return self.string_accuracy > self.ours(result)[0] + _ROUNDING

    def is_ahead_by_far(self, result: Result) -> bool:
        """Return whether the peer's accuracy is above our interval."""
        return self.string_accuracy > self.ours(result)[1] + _ROUNDING


def load_peers(file: Path | None) -> Peers:
    """Load the accuracies of each peer by scheme; a row without one only names its peer."""
    peers: Peers = {}
    if file is None:
        return peers
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise SkcaptchaError(
                f"{file}: lacks the column {missing[0]}; required: {', '.join(_COLUMNS)}"
            )
        for row in reader:
            figures = peers.setdefault(row["peer"], {})
            if row["string_accuracy"]:
                where = f"{file}: line {reader.line_num}: string_accuracy"
                fraction = _fraction(row["string_accuracy"], where)
                figures[row["scheme"]] = Figure(fraction, row["remark"] or "")
    return peers


def _fraction(text: str, where: str) -> float:
    try:
        fraction = float(text)
    except ValueError:
        fraction = float("nan")
    if not 0 <= fraction <= 1:
        raise SkcaptchaError(f"{where}: found {text!r}, expected a fraction from 0 to 1")
    return fraction
