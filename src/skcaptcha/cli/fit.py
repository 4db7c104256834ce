"""The command ``fit``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
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
    empty_table,
    note_labels,
    report_console,
    say,
    shows_progress,
    summary_table,
    with_interval,
)
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._options import (
    DEFAULT_MODEL,
    FoldCase,
    Format,
    Jobs,
    Json,
    LabelFile,
    Scheduler,
    seconds,
    unlabeled_folders,
)
from skcaptcha.cli._output import write_csv, write_json
from skcaptcha.cli._unlabeled import load_unlabeled
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
    labels: LabelFile = None,
    fold_case: FoldCase = False,
    unlabeled: Annotated[
        list[Path] | None,
        unlabeled_folders(
            "With DIR: folder of images of the same scheme without labels, which teach as well; "
            "can be repeated. Images of DIR that have no label teach, too."
        ),
    ] = None,
    pseudo_labels: Annotated[
        Path | None,
        typer.Option(
            "--pseudo-labels",
            metavar="FILE",
            help="CSV file of the images without a label that taught, with their labels.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Model file to write.", show_default="from the recipe"),
    ] = None,
    budget: Annotated[
        float | None,
        seconds(
            "With DIR: maximum time of the command; 10 or more is recommended.",
            "420, or 0.6 per captcha if that is more; twice as much with unlabeled images",
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
    apply are compared within the time budget. These files are written next to the model: its
    training captchas and accuracy (.json), the score of every candidate (.csv), a report with
    pictures (.html; needs skcaptcha[report]) and, with a folder, the chosen recipe (.yaml). Until
    they are written, progress is kept next to the model (.search); --resume continues from there.
    Images that cannot be read are excluded and listed; the exit code is then 1.
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
        result = fit_folder(
            source,
            out,
            json,
            labels,
            unlabeled or (),
            pseudo_labels=pseudo_labels,
            fold_case=fold_case,
            budget=budget,
            started=command_start(),
            **options,
        )
    else:
        if source.is_file() and not may_be_recipe(source):
            raise SkcaptchaError(
                f"{source}: {suggest_folder(source)}; or use a recipe, as in: "
                "skcaptcha fit auto --data DIR"
            )
        if unlabeled or pseudo_labels:
            raise SkcaptchaError(
                "--unlabeled and --pseudo-labels need a folder instead of a recipe; with a recipe, "
                "use SelfTrainingReader in Python"
            )
        if budget is not None:
            raise SkcaptchaError(
                "--budget needs a folder instead of a recipe; the whole grid of a recipe is "
                "evaluated"
            )
        recipe = load_recipe(config, override or (), data=data, labels=labels, fold_case=fold_case)
        result = _fit_recipe(recipe, out, json, **options)
    if result.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def fit_folder(
    folder: Path,
    out: Path | None,
    json: Path | None,
    labels: Path | None = None,
    unlabeled: Sequence[Path] = (),
    *,
    pseudo_labels: Path | None = None,
    fold_case: bool = False,
    is_last: bool = True,
    **options: Any,
) -> FitResult:
    """Choose a recipe for a folder, fit it, and print a summary.

    `is_last` is whether the command ends with it, so that the next steps are shown.
    """
    from skcaptcha._process.worker_processes import workers_run
    from skcaptcha.datasets import load_captchas
    from skcaptcha.fitting import fit_captchas

    reads = [folder, labels, *unlabeled]
    out = _check_model(
        out,
        DEFAULT_MODEL,
        options["format"],
        json,
        reads,
        with_recipe=True,
        pseudo_labels=pseudo_labels,
    )
    captchas = load_captchas(folder, labels=labels, fold_case=fold_case)
    note_labels(folder, labels, left_out=False)
    others = load_unlabeled(folder, labels, unlabeled)
    result = fit_captchas(captchas, out, unlabeled=others, **options)
    if pseudo_labels is not None:
        header = ("filename", "label", "probability", "round")
        rows = [[row[name] for name in header] for row in result.pseudo_labels]
        write_csv(header, rows, pseudo_labels)
    choice: Any = result.search
    console = report_console(json)
    console.print(summary_table(choice.measurement.summary()))
    console.print(_tried_table(choice))
    _print_result(result, json, shows_steps=is_last)
    if is_last and not workers_run():
        request_fast_exit()
    return result


def _fit_recipe(recipe: Recipe, out: Path | None, json: Path | None, **options: Any) -> FitResult:
    from skcaptcha.fitting import fit_recipe

    folder = getattr(recipe.data, "folder", None)
    labels = getattr(recipe.data, "labels", None)
    reads = [recipe.source, folder, labels]
    default = recipe.output.model
    out = _check_model(out, default, options["format"], json, reads, with_recipe=False)
    train, test = recipe.load_data()
    if folder is not None:
        note_labels(Path(folder), labels and Path(labels))
    result = fit_recipe(recipe, train, out, held_out=test, **options)
    _print_result(result, json)
    return result


def _check_model(
    out: Path | None,
    default: Path,
    format: str,  # noqa: A002 - the name of the option
    json: Path | None,
    reads: Iterable[Path | str | None],
    *,
    with_recipe: bool,
    pseudo_labels: Path | None = None,
) -> Path:
    """Return the file of the model, after checking that it and the others can be written."""
    from skcaptcha.fitting import files_of_fit

    if out is None:
        out = default.with_suffix(f".{format}") if default.suffix == ".joblib" else default
    check_model_suffix(out, format)
    files = files_of_fit(out, with_recipe=with_recipe)
    check_outputs(*files, csv=pseudo_labels, json=json, reads=reads)
    return out


def _print_result(result: FitResult, json: Path | None, *, shows_steps: bool = True) -> None:
    """Print the summary, the advice after a bad fit or what to do next; write the JSON."""
    report_console(json).print(summary_table(_summary(result)))
    if result.advice:
        say(f"warning: {result.advice[0]}")
        for cause in result.advice[1:]:
            say(cause)
    elif shows_steps:
        report_console(json).print(next_steps(result.files[0]), soft_wrap=True)
    report = {key: getattr(result, key) for key in ("advice", "failed", "files")}
    write_json(result.report | report, json)


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


def _summary(result: FitResult) -> Iterator[tuple[str, str]]:
    from skcaptcha.metrics import has_both_cases
    from skcaptcha.read._base import reads_images

    report = result.report
    chosen = "chosen" in report  # its captchas and candidates are in tables of their own
    both_cases = has_both_cases(report["characters"])
    if not chosen:
        yield "training captchas", str(report["n_train"])
    if n_failed := len(result.failed):
        yield "could not be read", f"{n_failed}, excluded{'' if chosen else ' or counted as wrong'}"
    if n_left_out := report["n_left_out"]:
        why = "whose segment count differs from the label length"
        if reads_images(result.model[-1]):
            why = "whose labels do not fit them"
        yield "excluded", f"{n_left_out}, {why}"
    if not chosen:
        yield "candidates", f"{report['n_candidates']}, in {report['n_folds']} folds"
        for name, value in report["best_params"].items():
            yield f"  {name}", " ".join(str(value).split())
    if "n_unlabeled" in report:
        taught, n_unlabeled = report["n_pseudo_labeled"], report["n_unlabeled"]
        why = "" if taught else f" ({_why_none_taught(result)})"
        yield "without a label", f"{n_unlabeled}, of which {taught or 'none'} taught{why}"
    n = report["n_validated" if chosen else "n_train"]
    where = "in cross-validation" if report["n_folds"] > 1 else f"of {n} held-out captchas"
    yield "string accuracy", f"{percent(report['cv_string_accuracy'], n)} {where}"
    if report.get("fold_case"):
        yield "  case", "ignored"
    if both_cases and (fraction := report.get("cv_string_accuracy_ignoring_case")) is not None:
        yield "  ignoring case", percent(fraction, n)
    if held_out := report.get("held_out"):
        yield "  held out", with_interval(held_out, "string_accuracy")
        if both_cases:
            yield "    ignoring case", with_interval(held_out, "string_accuracy_ignoring_case")
        yield "  captchas", str(held_out["n"])
    budget = f" of {report['budget']:.0f}" if chosen else ""
    yield "seconds", f"{report['seconds']:.1f}{budget}"
    yield "written", "\n".join(map(os.fspath, result.files))


def _why_none_taught(result: FitResult) -> str:
    choice: Any = result.search
    if choice.self_training is None:
        return "not needed, or no time for it"
    why = {
        "worse": "at least four more held-out captchas were misread with them",
        "failed": "a model could not be fitted or could not read",
    }
    n_unlike = choice.self_training.n_unlike_
    if n_unlike == result.report["n_unlabeled"]:
        return "all are unlike the labeled ones"
    ending = choice.self_training.termination_condition_
    return why.get(ending, "no reading was sure enough")


def _tried_table(choice: Choice) -> Table:
    """Return a table of the best trial of each family."""
    right = ("screened", "validated", "seconds")
    table = empty_table("recipe", *right, "", right=right)
    table.columns[0].min_width = _NAME_WIDTH
    families: dict[int, list[Trial]] = {}
    for trial in choice.trials:
        families.setdefault(trial.family, []).append(trial)
    for trials in families.values():
        best = trials[0]
        table.add_row(
            best.name,
            percent(best.screened, best.n_screened),
            percent(best.accuracy, best.n_validated),
            f"{sum(trial.seconds for trial in trials):.0f}",
            best.outcome.partition(" (")[0],
            style="bold" if best is choice.trials[0] else None,
        )
    return table
