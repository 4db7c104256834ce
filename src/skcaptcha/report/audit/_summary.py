"""The main figures of an audit."""

from __future__ import annotations

from skcaptcha.audit import Audit
from skcaptcha.audit._audit import THRESHOLDS
from skcaptcha.report.audit._number_text import rounded, times, with_interval


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
    return [
        ("string accuracy", f"{with_interval(best.read)}, with {best.n_labels} labels"),
        ("attempts per success", times(*audit.attempts)),
        *((f"labels to read {100 * p:.0f} %", _labels_needed(audit, p)) for p in THRESHOLDS),
        ("readings per hour", f"{rounded(best.readings_per_hour)}, on one core of this machine"),
    ]


def _labels_needed(audit: Audit, threshold: float) -> str:
    n, best = audit.labels_needed(threshold), audit.best
    if n is None and best.read.value >= threshold:
        return (
            f"probably {best.n_labels} or fewer; to confirm it takes more than "
            f"{audit.n_held_out} held-out captchas"
        )
    if n is None:
        return f"not reached with {best.n_labels}"
    return f"{n} or fewer" if n == audit.curve[0].n_labels else f"{n}"
