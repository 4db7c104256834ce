"""Time ``skcaptcha fit DIR --budget S`` for folders of several sizes and several budgets.

Run from the root of the repository, with a folder that holds the labeled folders ``train`` and
``dev`` for each scheme::

    python benchmarks/budget.py OUT --data DATA

This makes 100 fits of 30 to 300 captchas, generated and real, with budgets of 10 to 180 s, and
takes at most 40 minutes. Without ``--data``, only generated captchas are fitted. With
``--schemes``, ``--budgets`` or ``--sizes``, every scheme is fitted with every size and budget.

A row is appended to OUT/budget.csv after every fit, so that the same command resumes an interrupted
run. At the end, the number of fits within 1.25 times their budget is printed. A row contains the
elapsed seconds, the processor seconds, and the load of the machine: elapsed seconds mean little on
a busy machine.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from _speed.budgeted import FIELDS, GENERATED, fit

_WITHIN = 1.25
_SCHEMES = ("lines", "amazon", "captcha_v2", "really_simple", "securimage", "wave_letters")
_SIZES_OF_ALL = {10.0: (30, 60, 100, 200, 300), 20.0: (30, 60, 100, 300), 30.0: (30, 100, 300)}
# Long budgets only matter for captchas that are hard to read; other fits end early.
_LONG = (
    ("made_dots", 300, 60.0),
    ("amazon", 100, 60.0),
    ("amazon", 300, 60.0),
    ("captcha_v2", 100, 60.0),
    ("securimage", 300, 60.0),
    ("wave_letters", 100, 60.0),
    ("amazon", 300, 180.0),
    ("wave_letters", 300, 180.0),
)


def main() -> int:
    """Run the fits that are not in the table yet, and summarize it."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    table = options.out / "budget.csv"
    rows = _rows(table)
    known = {(row["folder"], int(row["n"]), float(row["budget"])) for row in rows}
    for name, n, budget in _plan(options):
        if (name, n, budget) in known or (options.data is None and name not in GENERATED):
            continue
        row = fit(name, n, budget, options.data, options.jobs)
        if row is None:
            continue
        rows.append(row)
        _append(table, row)
        print(*row.values(), flush=True)
    print(_summary(rows))
    return 0


def _plan(options: argparse.Namespace) -> list[tuple[str, int, float]]:
    """Return the folder, the number of captchas and the budget of each fit."""
    names = [*GENERATED, *(_SCHEMES if options.schemes is None else options.schemes)]
    if options.schemes is options.budgets is options.sizes is None:
        short = [
            (name, n, budget)
            for budget, sizes in _SIZES_OF_ALL.items()
            for name in names
            for n in sizes
        ]
        return [*short, *_LONG]
    budgets = options.budgets or list(_SIZES_OF_ALL)
    sizes = options.sizes or [30, 100, 300]
    return [(name, n, budget) for name in names for n in sizes for budget in budgets]


def _summary(rows: list[dict[str, str]]) -> str:
    """Return the number of fits within their budgets, by budget, as Markdown."""
    lines = [
        f"| budget | fits | within {_WITHIN} budgets | median | largest | exceeded, warned |",
        "|---|---|---|---|---|---|",
    ]
    for budget in sorted({float(row["budget"]) for row in rows}):
        own = [row for row in rows if float(row["budget"]) == budget]
        ratios = np.array([float(row["seconds"]) / budget for row in own])
        warned = [row["said_over"] == "yes" for row in own]
        over = ratios > _WITHIN
        lines.append(
            f"| {budget:g} s | {len(own)} | {np.count_nonzero(~over)} | {np.median(ratios):.2f} | "
            f"{ratios.max():.2f} | {np.count_nonzero(over & warned)} of {np.count_nonzero(over)} |"
        )
    return "\n".join(lines)


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.exists():
        return []
    with table.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _append(table: Path, row: dict[str, str]) -> None:
    new = not table.exists()
    with table.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, FIELDS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("out", metavar="OUT", type=Path, help="folder for the table")
    add("--data", metavar="DATA", type=Path, help="folder with one folder per scheme")
    add("--schemes", metavar="NAME,...", type=_names, help="folders in DATA to fit")
    add("--budgets", metavar="S,...", type=_numbers, help="budgets in seconds")
    add("--sizes", metavar="N,...", type=_counts, help="numbers of captchas")
    add("--jobs", metavar="N", type=int, default=-1)
    options = parser.parse_args()
    if options.schemes and options.data is None:
        parser.error("--schemes needs --data")
    return options


def _names(text: str) -> list[str]:
    return text.split(",")


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _counts(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
