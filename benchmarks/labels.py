"""Measure what few labels are worth, with and without images that have no label.

DATA contains one folder for each scheme, with the labeled folders ``train`` and ``dev``. From
``train``, random captchas keep their labels; each sample is contained in the larger ones with the
same seed. Without others, ``skcaptcha fit`` learns from these alone; with others, the rest of
``train`` and the images in a folder ``unlabelled`` of the scheme are given as images without a
label. Both models are scored on ``dev``. Run from the root of the repository::

    python benchmarks/labels.py DATA OUT --sizes 50,100 --samples 1

Each fit adds a row to OUT/labels.csv. If the same command is run again, it continues where it was
stopped, and tries failed fits again. At the end, it writes OUT/labels.md and OUT/labels.png. The
models, the logs of the commands and the readings are in OUT/work.

Exit codes: 0 done, 1 some fits failed, 2 invalid usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from _accuracy.arguments import names, positive_numbers
from _accuracy.schemes import look_at
from _labels.fits import Result, load_results, plan, save_results
from _labels.report import draw, markdown
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from skcaptcha._files.atomic import write_atomically
from skcaptcha.exceptions import SkcaptchaError

_SCHEMES = (
    "captcha_v2", "wave_letters", "shadow_digits", "shifted_digits", "amazon", "tjsp", "receita",
    "zhengfang",
)  # fmt: skip
_SIZES = 10, 25, 50, 100, 200
_N_SAMPLES = 3
# With others, a fit may take two and a half times as long.
_BUDGETS = 180.0, 450.0
_TERMINATED = 128 + signal.SIGTERM


def main() -> int:
    """Run the benchmark, and return its exit code."""
    options = _options()
    table = options.out / "labels.csv"
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # As with Ctrl-C, end the command that is running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        done = {k: each for k, each in load_results(table).items() if not each.failed}
        schemes = [look_at(options.data / name) for name in options.only]
        fits = plan(schemes, options.sizes, options.samples, options.budgets)
        todo = [fit for fit in fits if fit.key not in done]
        columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}")
        with Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as bar:
            shown = bar.add_task("", total=len(fits), completed=len(fits) - len(todo))
            for fit in todo:
                others = "with others" if fit.unlabeled else "without others"
                title = f"{fit.scheme.name}, {fit.n} labels, sample {fit.seed}, {others}"
                bar.update(shown, description=title)
                result = done[fit.key] = fit.run(options.out / "work")
                save_results(done.values(), table)
                bar.advance(shown)
                bar.console.print(f"{title}: {_summary(result)}", markup=False)
        results = list(done.values())
        text = markdown(results)
        write_atomically(options.out / "labels.md", lambda file: file.write(text.encode()))
        if any(not result.failed for result in results):
            draw(results, options.out / "labels.png")
    except KeyboardInterrupt:
        console.print(f"interrupted; finished fits are in {table}", markup=False)
        return 130
    except (SkcaptchaError, OSError) as error:
        console.print(f"error: {error}", markup=False)
        return 2
    return int(any(result.failed for result in results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/labels.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", metavar="DATA", type=Path, help="folder that contains a folder for each scheme")
    add("out", metavar="OUT", type=Path, help="folder for the results")
    add("--only", metavar="SCHEME,...", type=names, default=_SCHEMES, help="only these schemes")
    add("--sizes", metavar="N,...", type=positive_numbers, default=_SIZES, help="numbers of labels")
    add("--samples", metavar="N", type=int, default=_N_SAMPLES, help="choices of labels; default 3")
    add(
        "--budgets",
        metavar="S,S",
        type=_two_numbers,
        default=_BUDGETS,
        help="seconds of a fit without and with others; default 180,450",
    )
    return parser.parse_args()


def _two_numbers(text: str) -> tuple[float, float]:
    numbers = positive_numbers(text)
    if len(numbers) != len(_BUDGETS):
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers of seconds such as 180,450")
    return float(numbers[0]), float(numbers[1])


def _summary(result: Result) -> str:
    if result.string_accuracy is None:
        return f"failed: {result.failed}"
    taught = ""
    if result.unlabeled:
        wrong = f"{result.n_wrong} of {result.n_checked} known ones wrong"
        taught = f", {result.n_taught} of {result.n_unlabeled} taught ({wrong})"
    seconds = f"in {result.fit_seconds:.0f} s"
    return f"{result.string_accuracy:.1%}{taught}, {result.recipe} {seconds}"


if __name__ == "__main__":
    sys.exit(main())
