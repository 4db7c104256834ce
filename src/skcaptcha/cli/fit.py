"""The command ``fit``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha._display.percent import percent
from skcaptcha._process.fast_exit import request_fast_exit
from skcaptcha._process.fast_imports import import_sklearn
from skcaptcha._process.start_time import command_start
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_model_suffix, check_outputs
from skcaptcha.cli._console import (
    note_unlabeled,
    report_console,
    say,
    shows_progress,
    summary_table,
)
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._options import DEFAULT_MODEL, Format, Jobs, Json, Scheduler, seconds
from skcaptcha.cli._output import write_json
from skcaptcha.exceptions import SkcaptchaError

if TYPE_CHECKING:
    from rich.table import Table

    from skcaptcha.auto import Choice, Trial
    from skcaptcha.fitting import FitResult
    from skcaptcha.recipes import Recipe

EXAMPLE = "skcaptcha fit grid --data train --set search.cv=3"

_NAME_WIDTH = len("ConnectedComponents +")


@interruptible("interrupted; continue with the same command and --resume")
def fit(
    config: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE|DIR",
            help="Recipe: a YAML file, or the name of a ready recipe (see skcaptcha recipes). "
            "Or a labeled folder, for which a recipe is chosen.",
        ),
    ],
    *,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Labeled folder to use instead of the recipe's data."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Model file to write.", show_default="from the recipe"),
    ] = None,
    budget: Annotated[
        float | None,
        seconds(
            "With DIR: maximum time of the command; 10 or more is recommended.",
            "420, or 0.6 per captcha if that is more",
        ),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change the recipe, as in --set search.cv=3."
        ),
    ] = None,
    format: Format = "joblib",  # noqa: A002 - the name of the option
    jobs: Jobs = -1,
    scheduler: Scheduler = None,
    json: Json = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted fit of this model.")
    ] = False,
) -> None:
    """Fit a model: evaluate the recipe's grid by cross-validation and keep the best candidate.

    With a folder instead of a recipe, the images are measured, and the ready recipes that can
    apply are compared within the time budget. Next to the model are written: its training captchas
    and accuracy (.json), the score of every candidate (.csv), a report with pictures (.html) and,
    with a folder, the chosen recipe (.yaml). Until they are written, progress is kept next to the
    model (.search); --resume continues from there. Images that cannot be read are excluded and
    listed; the exit code is then 1.
    """
    import_sklearn()
    from skcaptcha.datasets._file_kinds import may_be_recipe, suggest_folder
    from skcaptcha.recipes import load_recipe

    options: dict[str, Any] = {
        "format": format,
        "n_jobs": jobs,
        "scheduler": scheduler,
        "resume": resume,
        "verbose": int(shows_progress()),
    }
    source = Path(config)
    if source.is_dir():
        if data is not None or override:
            raise SkcaptchaError(
                "--data and --set need a recipe; leave them out, or add a recipe, as in: "
                f"skcaptcha fit auto --data {source}"
            )
        result = fit_folder(source, out, json, budget=budget, started=command_start(), **options)
    else:
        if source.is_file() and not may_be_recipe(source):
            raise SkcaptchaError(
                f"{source}: {suggest_folder(source)}; or use a recipe, as in: "
                "skcaptcha fit auto --data DIR"
            )
        if budget is not None:
            raise SkcaptchaError(
                "--budget needs a folder instead of a recipe; the whole grid of a recipe is "
                "evaluated"
            )
        result = _fit_recipe(load_recipe(config, override or (), data=data), out, json, **options)
    if result.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def fit_folder(
    folder: Path, out: Path | None, json: Path | None, *, is_last: bool = True, **options: Any
) -> FitResult:
    """Choose a recipe for a folder, fit it, and print a summary.

    `is_last` is whether the command ends with it, so that the next steps are shown.
    """
    from skcaptcha._process.worker_processes import workers_run
    from skcaptcha.datasets import load_captchas
    from skcaptcha.fitting import files_of_fit, fit_captchas

    format = options["format"]  # noqa: A001 - the name of the option
    out = out or _in_format(DEFAULT_MODEL, format)
    check_model_suffix(out, format)
    check_outputs(*files_of_fit(out, with_recipe=True), json=json, reads=[folder])
    captchas = load_captchas(folder)
    note_unlabeled(folder)
    result = fit_captchas(captchas, out, **options)
    choice: Any = result.search
    console = report_console(json)
    console.print(_measured_table(choice))
    console.print(_tried_table(choice))
    console.print(_choice_table(choice, result))
    _show_next(result, json, shows_steps=is_last)
    if is_last and not workers_run():
        request_fast_exit()
    return result


def _fit_recipe(recipe: Recipe, out: Path | None, json: Path | None, **options: Any) -> FitResult:
    from skcaptcha.fitting import files_of_fit, fit_recipe

    format = options["format"]  # noqa: A001 - the name of the option
    out = out or _in_format(recipe.output.model, format)
    check_model_suffix(out, format)
    folder = getattr(recipe.data, "folder", None)
    check_outputs(*files_of_fit(out, with_recipe=False), json=json, reads=[recipe.source, folder])
    train, test = recipe.load_data()
    if folder is not None:
        note_unlabeled(Path(folder))
    result = fit_recipe(recipe, train, out, held_out=test, **options)
    report_console(json).print(_summary_table(result))
    _show_next(result, json)
    return result


def _in_format(model: Path, format: str) -> Path:  # noqa: A002 - the name of the option
    return model.with_suffix(f".{format}") if model.suffix == DEFAULT_MODEL.suffix else model


def _show_next(result: FitResult, json: Path | None, *, shows_steps: bool = True) -> None:
    """Print the advice after a bad fit, or what to do with the model, and write the JSON."""
    if result.advice:
        say(f"warning: {result.advice[0]}")
        for cause in result.advice[1:]:
            say(cause)
    elif shows_steps:
        report_console(json).print(next_steps(result.files[0]), soft_wrap=True)
    report = {
        **result.report,
        "advice": result.advice,
        "failed": result.failed,
        "files": result.files,
    }
    write_json(report, json)


def next_steps(model: Path) -> str:
    """Return the commands that use a model, with comments.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.cli.fit import next_steps
    >>> print(next_steps(Path("artifacts/model.joblib")))
    next: skcaptcha predict NEW     # read the images of a folder
          skcaptcha score OTHERS    # measure the accuracy on other labeled captchas
    """
    option = [] if model == DEFAULT_MODEL else ["--model", str(model)]
    read = shlex.join(["skcaptcha", "predict", "NEW", *option])
    measure = shlex.join(["skcaptcha", "score", "OTHERS", *option])
    return (
        f"next: {read:{len(measure)}}    # read the images of a folder\n"
        f"      {measure}    # measure the accuracy on other labeled captchas"
    )


def _summary_table(result: FitResult) -> Table:
    from skcaptcha.cli._accuracy import with_interval
    from skcaptcha.metrics import has_both_cases

    report = result.report
    table = summary_table()
    table.add_row("training captchas", str(report["n_train"]))
    if result.failed:
        table.add_row("could not be read", f"{len(result.failed)}, excluded or counted as wrong")
    _add_left_out(table, report)
    table.add_row("candidates", f"{report['n_candidates']}, in {report['n_folds']} folds")
    for name, value in report["best_params"].items():
        table.add_row(f"  {name}", " ".join(str(value).split()))
    accuracy = percent(report["cv_string_accuracy"], report["n_train"])
    table.add_row("string accuracy", f"{accuracy} in cross-validation")
    if (fraction := report.get("cv_string_accuracy_ignoring_case")) is not None:
        table.add_row("  ignoring case", percent(fraction, report["n_train"]))
    if held_out := report.get("held_out"):
        table.add_row("  held out", with_interval(held_out, "string_accuracy"))
        if has_both_cases(report["characters"]):
            name = "string_accuracy_ignoring_case"
            table.add_row("    ignoring case", with_interval(held_out, name))
        table.add_row("  captchas", str(held_out["n"]))
    table.add_row("seconds", f"{report['seconds']:.1f}")
    table.add_row("written", "\n".join(map(os.fspath, result.files)))
    return table


def _choice_table(choice: Choice, result: FitResult) -> Table:
    from skcaptcha.metrics import has_both_cases

    table = summary_table()
    if result.failed:
        table.add_row("could not be read", f"{len(result.failed)}, excluded")
    _add_left_out(table, result.report)
    accuracy = percent(choice.accuracy, choice.n_validated)
    table.add_row("string accuracy", f"{accuracy} in cross-validation")
    if has_both_cases(choice.measurement.characters):
        fraction = percent(choice.accuracy_ignoring_case, choice.n_validated)
        table.add_row("  ignoring case", fraction)
    table.add_row("seconds", f"{choice.seconds:.1f} of {choice.budget:.0f}")
    table.add_row("written", "\n".join(map(os.fspath, result.files)))
    return table


def _add_left_out(table: Table, report: dict[str, Any]) -> None:
    if report["n_left_out"]:
        count = f"{report['n_left_out']}, whose segment count differs from the label length"
        table.add_row("excluded", count)


def _measured_table(choice: Choice) -> Table:
    from rich.text import Text

    table = summary_table()
    for name, value in choice.measurement.summary():
        table.add_row(name, Text(value))
    return table


def _tried_table(choice: Choice) -> Table:
    """Return a table of the best trial of each family."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("recipe", min_width=_NAME_WIDTH)
    table.add_column("screened", justify="right")
    table.add_column("validated", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("", overflow="fold")
    families: dict[int, list[Trial]] = {}
    for trial in choice.trials:
        families.setdefault(trial.family, []).append(trial)
    for trials in families.values():
        best = trials[0]
        table.add_row(
            Text(best.name),
            percent(best.screened, best.n_screened),
            percent(best.accuracy, best.n_validated),
            f"{sum(trial.seconds for trial in trials):.0f}",
            Text(best.outcome.partition(" (")[0]),
            style="bold" if best is choice.trials[0] else None,
        )
    return table
