"""Speed compared with other programs, as ratios within one run.

Run from the root of the repository, with a folder that holds the labeled folders ``train`` and
``dev`` for each scheme::

    python benchmarks/speed.py DATA OUT

Prints each result as soon as it is known, and writes OUT/speed.csv, OUT/speed.md and OUT/speed.png.
Models are fitted once, into OUT/work. Other readers are included if their environment is given.

Exit codes: 0 done, 1 a target was missed, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

# Before numpy, which reads them once.
os.environ.update(dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], "1"))

import cv2
from _speed import budgeted, learning, reading, scale, starting
from _speed.chart import draw
from _speed.rows import Row, markdown, save_csv, write_into

from skcaptcha._files.atomic import write_atomically

PARTS = {
    "predict": reading.batches,
    "one": reading.single,
    "memory": reading.many,
    "workers": scale.workers,
    "hog": learning.gradients,
    "svc": learning.kernels,
    "search": learning.search,
    "fit": learning.fits,
    "start": starting.starts,
    "budget": budgeted.budgets,
}


def main() -> int:
    """Run what the command line asks for."""
    options = _options()
    cv2.setNumThreads(1)
    work = options.out / "work"
    work.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    try:
        for row in _measure(options, work):
            rows.append(row)
            mark = {None: "", True: "", False: "  ▽ " + row.aim}[row.reached]
            against = f" {row.against}" if row.against else ""
            print(f"{row.part}, {row.case}: {row.figure.median:.3g} {row.unit}{against}{mark}",
                  flush=True)  # fmt: skip
    except KeyboardInterrupt:
        return 130
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    save_csv(rows, options.out / "speed.csv")
    report = markdown(rows, machine)
    write_atomically(options.out / "speed.md", lambda stream: stream.write(report.encode()))
    draw(rows, options.out / "speed.png")
    if options.page:
        write_into(options.page, report)
        draw(rows, options.page.with_suffix(".png"))
    return int(any(row.reached is False for row in rows))


def _measure(options: argparse.Namespace, work: Path) -> Iterator[Row]:
    peers = {
        script: python
        for script, python in {
            "opencv_knearest": options.opencv4,
            "ddddocr_unchanged": options.ddddocr,
            "tesseract_unchanged": sys.executable if options.tesseract else None,
        }.items()
        if python
    }
    parts = dict(PARTS, predict=partial(reading.batches, peers=peers))
    for name in options.only or parts:
        yield from parts[name](options.data, work, options.repeat)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("data", metavar="DATA", type=Path, help="folder with a folder for each scheme")
    add("out", metavar="OUT", type=Path, help="folder for all that is written")
    add("--only", metavar="PART,...", type=_parts, help=f"of {', '.join(PARTS)}")
    add("--page", metavar="FILE", type=Path, help="page that the table is written into as well")
    add("--repeat", metavar="N", type=int, default=7, help="rounds that count")
    add("--opencv4", metavar="PYTHON", help="with OpenCV 4, for the classic script of lines")
    add("--ddddocr", metavar="PYTHON", help="with ddddocr")
    add("--tesseract", action="store_true", help="the command tesseract takes part")
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no part {min(unknown)!r}; there are {', '.join(PARTS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
