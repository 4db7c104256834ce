"""What other programs read, from a CSV file that the user gives."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from skcaptcha.exceptions import SkcaptchaError

from .results import Result

_ROUNDING = 0.0005  # published figures are given to a tenth of a per cent
_COLUMNS = ("scheme", "peer", "string_accuracy", "remark")


Peers: TypeAlias = dict[str, dict[str, "Figure"]]


@dataclass(frozen=True)
class Figure:
    """What a peer reads of a scheme.

    Attributes
    ----------
    string_accuracy : float in 0..1
    remark : str
        If it contains ``ignoring case``, the figure is compared with ours of the same kind.
    """

    string_accuracy: float
    remark: str

    def ours(self, result: Result) -> tuple[float, float]:
        """Give our share that is of the figure's kind, and the upper end of its interval."""
        if "ignoring case" in self.remark:
            share, high = result.ignoring_case, result.ignoring_case_high
        else:
            share, high = result.string_accuracy, result.high
        assert share is not None
        assert high is not None
        return share, high

    def is_ahead_of(self, result: Result) -> bool:
        """Say whether the peer reads more than we do."""
        return self.string_accuracy > self.ours(result)[0] + _ROUNDING

    def is_ahead_by_far(self, result: Result) -> bool:
        """Say whether the peer reads more than our interval reaches to."""
        return self.string_accuracy > self.ours(result)[1] + _ROUNDING


def load_peers(file: Path | None) -> Peers:
    """Load the figures of each peer by scheme; a row without a figure only names its peer."""
    peers: Peers = {}
    if file is None:
        return peers
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise SkcaptchaError(f"{file}: lacks the column {missing[0]}; {', '.join(_COLUMNS)}")
        for row in reader:
            figures = peers.setdefault(row["peer"], {})
            if row["string_accuracy"]:
                where = f"{file}: line {reader.line_num}: string_accuracy"
                share = _share(row["string_accuracy"], where)
                figures[row["scheme"]] = Figure(share, row["remark"] or "")
    return peers


def _share(text: str, where: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:
        raise SkcaptchaError(f"{where}: found {text!r}, expected a share from 0 to 1")
    return share
