"""Measure the string accuracy of models that ``fit`` writes, for a folder of schemes.

DATA contains one folder for each scheme, with the labeled folders ``train`` and ``dev``. Schemes
without ``train`` are skipped. One more scheme is generated with the package ``captcha``. Run from
the root of the repository::

    python benchmarks/accuracy.py DATA OUT --peers benchmarks/peers.csv --curve

Models are fitted and scored by the commands ``fit`` and ``score``. Each fit adds a row to
OUT/results.csv. If the same command is run again, it continues where it was stopped, and tries
failed fits again. At the end, it writes OUT/results.md, OUT/accuracy.png and OUT/curve.png. Models,
the logs of the commands and the readings are in OUT/work.

Exit codes: 0 done, 1 some fits failed, 2 invalid usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from _accuracy.arguments import names, positive_numbers
from _accuracy.charts import draw_accuracy, draw_curves
from _accuracy.peers import Peers, load_peers
from _accuracy.report import curves, markdown, whole
from _accuracy.results import Key, Result, load_results, save_results
from _accuracy.schemes import GENERATED, Scheme, folders, generate, look_at
from _accuracy.tasks import ALL_CORES, Method, Task, plan, run
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn
from rich.progress import Task as RichTask
from rich.text import Text

from skcaptcha._files.atomic import write_atomically
from skcaptcha.exceptions import SkcaptchaError

_N_CURVES = 8
_CURVE_SIZES = 25, 50, 100, 200, 500
_TERMINATED = 128 + signal.SIGTERM


def main() -> int:
    """Run the benchmark, and return its exit code."""
    options = _options()
    table = options.out / "results.csv"
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    # As with Ctrl-C, end the command that is running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        peers = load_peers(options.peers)
        results = {} if options.fresh else load_results(table)
        tasks: list[Task] = []
        if not options.report_only:
            method = Method(options.recipe, options.budget, options.jobs)
            _check_method(results, method, table)
            tasks = _tasks(options, console)
            results = _run_all(tasks, results, method, options.out, console)
        _write_report(list(results.values()), peers, options.out)
    except KeyboardInterrupt:
        console.print(f"interrupted; finished fits are in {table}", markup=False)
        return 130
    except (SkcaptchaError, OSError) as error:
        console.print(f"error: {error}", markup=False)
        return 2
    failed = [result for result in results.values() if result.failed]
    console.print(f"{len(results)} results, {len(failed)} failed, in {options.out}", markup=False)
    return int(bool(failed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/accuracy.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", metavar="DATA", type=Path, help="folder that contains a folder for each scheme")
    add("out", metavar="OUT", type=Path, help="folder for the results")
    add("--only", metavar="SCHEME,...", type=names, help="only these schemes")
    add("--curve", action="store_true", help="also fit to samples of the captchas")
    add(
        "--curve-schemes",
        metavar="SCHEME,...",
        type=names,
        help=f"schemes of the curves; by default the {_N_CURVES} with the most captchas",
    )
    add(
        "--curve-sizes",
        metavar="N,...",
        type=positive_numbers,
        default=_CURVE_SIZES,
        help=f"captchas in each sample; by default {', '.join(map(str, _CURVE_SIZES))}",
    )
    add("--seed", type=int, default=0, help="random seed for the captchas of the curves")
    add("--recipe", metavar="FILE", type=Path, help="fit this recipe to every scheme")
    add("--budget", metavar="SECONDS", help="passed on to fit if it chooses the recipe")
    add("--jobs", metavar="N", type=int, default=ALL_CORES, help="processes of fit; -1: all cores")
    add("--peers", metavar="FILE", type=Path, help="CSV: scheme,peer,string_accuracy,remark")
    add("--fresh", action="store_true", help="delete the results in OUT and start over")
    add("--report-only", action="store_true", help="only write the report and the charts again")
    options = parser.parse_args()
    if options.recipe and options.budget:
        parser.error("--budget is for fits that choose the recipe; leave out --budget or --recipe")
    if options.fresh and options.report_only:
        parser.error("--fresh would leave nothing to report on; leave out --fresh or --report-only")
    return options


def _check_method(results: dict[Key, Result], method: Method, table: Path) -> None:
    others = {result.method for result in results.values()} - {str(method)}
    if others:
        raise SkcaptchaError(
            f"{table}: contains results of {others.pop()}; use --fresh to start over, or another "
            "folder"
        )


def _tasks(options: argparse.Namespace, console: Console) -> list[Task]:
    """Return the fits to run for all schemes."""
    named = [*(options.only or []), *(options.curve_schemes or [])]
    found = {folder.name: folder for folder in folders(options.data)}
    unknown = sorted(set(named) - {*found, GENERATED})
    if unknown:
        raise SkcaptchaError(
            f"{options.data}: contains no scheme {unknown[0]!r}; its schemes are "
            f"{', '.join(sorted({*found, GENERATED}))}"
        )
    schemes: dict[str, Scheme] = {}
    for name in sorted({*found, GENERATED}):
        if options.only and name not in options.only:
            continue
        if name not in found:
            schemes[name] = generate(options.out / "work" / GENERATED)
        elif (found[name] / "train").is_dir():
            schemes[name] = look_at(found[name])
        else:
            console.print(f"{name}: skipped, because it has no folder train", markup=False)
    if not (options.curve or options.curve_schemes):
        return plan(list(schemes.values()), [], [], options.seed)
    largest = sorted(schemes.values(), key=lambda scheme: (-scheme.n_train, scheme.name))
    chosen = options.curve_schemes or [scheme.name for scheme in largest[:_N_CURVES]]
    missing = [name for name in chosen if name not in schemes]
    if missing:
        raise SkcaptchaError(f"--curve-schemes: {missing[0]} is not among the schemes to measure")
    curve = [schemes[name] for name in chosen]
    return plan(list(schemes.values()), curve, options.curve_sizes, options.seed)


def _run_all(
    tasks: Sequence[Task],
    results: dict[Key, Result],
    method: Method,
    out: Path,
    console: Console,
) -> dict[Key, Result]:
    """Run the tasks that have no result yet; each result is saved immediately."""
    table = out / "results.csv"
    again = {task.scheme.name for task in tasks}
    results = {
        key: result
        for key, result in results.items()
        if not (result.failed and result.scheme in again)
    }
    save_results(results.values(), table)
    todo = [task for task in tasks if task.key not in results]
    columns = [
        BarColumn(),
        MofNCompleteColumn(),
        _TimeLeft(),
        TextColumn("{task.description}"),
    ]
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        shown = bar.add_task("", total=len(tasks), completed=len(tasks) - len(todo), ends=None)
        for i, task in enumerate(todo):
            title = f"{task.scheme.name}, {task.n} captchas"
            bar.update(shown, description=title, ends=_end(tasks, todo[i:], results))
            result = run(task, method, out / "work")
            results[result.key] = result
            save_results(results.values(), table)
            bar.advance(shown)
            bar.console.print(f"{title}: {_summary(result)}", markup=False)
    return results


class _TimeLeft(ProgressColumn):
    """Time left until the expected end; the bar's own estimate assumes equal tasks."""

    def render(self, task: RichTask) -> Text:
        """Return the hours, minutes and seconds."""
        ends = task.fields["ends"]
        if ends is None:
            return Text("-:--:-- left")
        return Text(f"{timedelta(seconds=max(0, int(ends - time.monotonic())))} left")


def _end(tasks: Sequence[Task], todo: Sequence[Task], results: dict[Key, Result]) -> float | None:
    """Estimate the time of the end, if time is proportional to cost; None without results."""
    took = [(task.cost, results[task.key].fit_seconds) for task in tasks if task.key in results]
    cost = sum(cost for cost, seconds in took if seconds)
    if not cost:
        return None
    seconds_per_cost = sum(seconds for _, seconds in took if seconds) / cost
    return time.monotonic() + seconds_per_cost * sum(task.cost for task in todo)


def _summary(result: Result) -> str:
    if result.string_accuracy is None:
        return f"failed: {result.failed}"
    return (
        f"{result.string_accuracy:.1%} ({result.low:.1%} to {result.high:.1%}), "
        f"{result.recipe} in {result.fit_seconds:.0f} s"
    )


def _write_report(results: Sequence[Result], peers: Peers, out: Path) -> None:
    text = markdown(results, peers)
    write_atomically(out / "results.md", lambda file: file.write(text.encode()))
    if whole(results):
        draw_accuracy(results, peers, out / "accuracy.png")
    if curves(results):
        draw_curves(results, out / "curve.png")


if __name__ == "__main__":
    sys.exit(main())
