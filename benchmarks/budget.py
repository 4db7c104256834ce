"""How long ``skcaptcha fit DIR --budget S`` takes, for folders of several sizes and several S.

Run from the root of the repository, with a folder that holds the labelled folders ``train`` and
``dev`` for each scheme::

    python benchmarks/budget.py OUT [--data DATA] [--budgets 10,20,30,60,180] [--sizes 30,100,300]

Appends a row to OUT/budget.csv after every fit, so that the same command goes on where it was
stopped, and prints how many fits ended within 1.25 times their budget. Beside the seconds that the
user waits, a row holds the processor seconds and the load of the machine: on one that does other
work, waiting says little.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from skcaptcha.datasets import load_captchas, make_dot_captchas, make_line_captchas, write_captchas
from skcaptcha.images import decode

_GENERATED = {"made_lines": make_line_captchas, "made_dots": make_dot_captchas}
_WITHIN = 1.25
_FIELDS = ["folder", "n", "budget", "seconds", "processor_seconds", "load", "said_over", "code"]


def main() -> int:
    """Run the fits that are not in the table yet, and summarize it."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    table = options.out / "budget.csv"
    rows = _rows(table)
    known = {(row["folder"], int(row["n"]), float(row["budget"])) for row in rows}
    for name in [*_GENERATED, *options.schemes]:
        for n in options.sizes:
            for budget in options.budgets:
                if (name, n, budget) in known:
                    continue
                row = _fit(name, n, budget, options)
                if row is None:
                    continue
                rows.append(row)
                _append(table, row)
                print(*row.values(), flush=True)
    print(_summary(rows))
    return 0


def _fit(name: str, n: int, budget: float, options: argparse.Namespace) -> dict[str, str] | None:
    """Fit n captchas by the command; None if there are not so many."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "captchas"
        if name in _GENERATED:
            images, labels = _GENERATED[name](n, random_state=0)
        else:
            captchas = load_captchas(options.data / name / "train")
            if len(captchas.data) < n:
                return None
            chosen = np.random.default_rng(0).permutation(len(captchas.data))[:n]
            images = [decode(captchas.data[i]) for i in chosen]
            labels = [captchas.target[i] for i in chosen]
        write_captchas(folder, images, labels)
        command = [
            sys.executable, "-m", "skcaptcha", "fit", str(folder), "--budget", f"{budget:g}",
            "--out", str(Path(work) / "model.joblib"), "--jobs", str(options.jobs),
        ]  # fmt: skip
        begin, used = time.perf_counter(), _processor_seconds()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds, used = time.perf_counter() - begin, _processor_seconds() - used
    values = [
        name, n, budget, f"{seconds:.1f}", f"{used:.1f}", f"{os.getloadavg()[0]:.1f}",
        "yes" if "will not suffice" in done.stderr else "no", done.returncode,
    ]  # fmt: skip
    return dict(zip(_FIELDS, map(str, values), strict=True))


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _summary(rows: list[dict[str, str]]) -> str:
    """Write the share of fits within reach of their budgets, by budget, as Markdown."""
    lines = [
        f"| budget | fits | within {_WITHIN} budgets | median | largest | went over and said so |",
        "|---|---|---|---|---|---|",
    ]
    for budget in sorted({float(row["budget"]) for row in rows}):
        own = [row for row in rows if float(row["budget"]) == budget]
        shares = np.array([float(row["seconds"]) / budget for row in own])
        said = [row["said_over"] == "yes" for row in own]
        over = shares > _WITHIN
        lines.append(
            f"| {budget:g} s | {len(own)} | {np.count_nonzero(~over)} | {np.median(shares):.2f} | "
            f"{shares.max():.2f} | {np.count_nonzero(over & said)} of {np.count_nonzero(over)} |"
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
        writer = csv.DictWriter(stream, _FIELDS)
        if new:
            writer.writeheader()
        writer.writerow(row)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("out", metavar="OUT", type=Path, help="folder for the table")
    add("--data", metavar="DATA", type=Path, help="folder with a folder for each scheme")
    add("--schemes", metavar="NAME,...", type=_names, default=[], help="real schemes in DATA")
    add("--budgets", metavar="S,...", type=_numbers, default=[10.0, 20.0, 30.0, 60.0, 180.0])
    add("--sizes", metavar="N,...", type=_counts, default=[30, 100, 300])
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
