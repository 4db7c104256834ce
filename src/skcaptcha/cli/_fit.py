"""The command ``fit``."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from skcaptcha._display.percent import percent
from skcaptcha._files.exclusive_lock import exclusive_lock
from skcaptcha._process.fast_imports import import_sklearn
from skcaptcha._process.start_time import command_start
from skcaptcha.cli._after_fit import end_fit
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import figures_table, report_console, shows_progress
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._kept_search import forget, journals_of, kept
from skcaptcha.cli._options import Format, Jobs, Json, Scheduler, seconds
from skcaptcha.cli._output import write_json
from skcaptcha.cli._training import (
    check_format,
    default_model,
    drop_unusable_images,
    drop_unusable_pieces,
    files_of,
    going_on,
    save_model,
    save_report,
    say_failures,
    say_if_held_out_is_known,
    say_if_not_familiar,
    time_for_report,
    workers,
)
from skcaptcha.cli._unlabeled import note_unlabeled
from skcaptcha.exceptions import ImageError, RecipeError, SegmentationError, SkcaptchaError

if TYPE_CHECKING:
    from rich.table import Table

    from skcaptcha.model_selection import SharedGridSearchCV
    from skcaptcha.read import Reading
    from skcaptcha.recipes import Recipe


@interruptible("interrupted; the same command with --resume goes on")
def fit(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG.yaml|DIR", help="The recipe, or a labeled folder to find one for."
        ),
    ],
    *,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Labeled folder to use instead of the recipe's data."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where the model goes.", show_default="what the recipe says"
        ),
    ] = None,
    budget: Annotated[
        float | None,
        seconds(
            "With DIR: how long the command may take; at least 10 is best.",
            "420; from 700 captchas on 0.6 for each",
        ),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change the recipe, as in --set search.cv=3."
        ),
    ] = None,
    format: Format = "joblib",  # noqa: A002 - what the option is called
    jobs: Jobs = -1,
    scheduler: Scheduler = None,
    json: Json = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a fit of this model was stopped.")
    ] = False,
) -> None:
    """Fit a model: try the recipe's whole grid, and keep the best by cross-validation.

    With a folder in place of the recipe it measures the images and tries the ready recipes that
    can apply, within a bounded time. Writes the model, and beside it what it was fitted from
    (.json), how every candidate did (.csv), a report with pictures (.html) and, with a folder, the
    chosen recipe (.yaml). As long as they are not written, what is found is kept beside the model
    (.search); --resume continues from there. An image that cannot be read is left out and named;
    the exit code is then 1.
    """
    import_sklearn()
    from skcaptcha.datasets._file_kinds import folder_meant, may_be_recipe

    if config.is_dir():
        from skcaptcha.cli._fit_auto import fit_folder

        if data is not None or override:
            raise SkcaptchaError(
                "--data and --set belong to a recipe; a folder is fitted without them, or with a "
                f"recipe, as in: skcaptcha fit configs/auto.yaml --data {config}"
            )
        fit_folder(
            config,
            out,
            budget=budget,
            format=format,
            jobs=jobs,
            scheduler=scheduler,
            json=json,
            resume=resume,
            begin=command_start(),
        )
        return
    if config.is_file() and not may_be_recipe(config):
        raise SkcaptchaError(
            f"{config}: {folder_meant(config)}; or give a recipe, such as configs/auto.yaml, and "
            "the folder with --data"
        )
    if budget is not None and config.exists():
        raise SkcaptchaError(
            "--budget belongs to a folder that is fitted without a recipe; a recipe's grid is "
            "tried to its end"
        )
    _fit_recipe(_Asked(config, data, override or [], out, format, jobs, scheduler, json, resume))


class _Asked(NamedTuple):
    """The arguments and options that ``fit`` was given with a recipe."""

    config: Path
    data: Path | None
    override: list[str]
    out: Path | None
    format: str
    jobs: int
    scheduler: str | None
    json: Path | None
    resume: bool


def _fit_recipe(asked: _Asked) -> None:
    from skcaptcha.recipes import load_recipe

    recipe = load_recipe(asked.config, asked.override, data=asked.data)
    check_format(asked.format, asked.config, recipe.final_pipeline(), recipe.grid)
    path = asked.out or default_model(asked.format, recipe.output.model)
    files = files_of(path, (".json", ".csv", ".html"), asked.format)
    reads = [asked.config, asked.data, getattr(recipe.data, "folder", None)]
    check_outputs(*files, json=asked.json, reads=reads)
    with exclusive_lock(path):
        _search_and_write(recipe, path, files, asked)


def _search_and_write(recipe: Recipe, path: Path, files: list[Path], asked: _Asked) -> None:
    from skcaptcha.images import ImageBatch
    from skcaptcha.inspection import predict_labeled, summarize
    from skcaptcha.persistence import describe_training
    from skcaptcha.prediction._read_images import read_all
    from skcaptcha.report import fit_report

    began = time.perf_counter()
    train, test = recipe.load_data()
    if (folder := getattr(recipe.data, "folder", None)) is not None:
        note_unlabeled(Path(folder))
    decoder = recipe.pipeline().named_steps["images"]
    failed = drop_unusable_images(train, decoder)
    if test is not None:
        limits = {"max_bytes": decoder.max_bytes, "max_pixels": decoder.max_pixels}
        test.data = ImageBatch(test.data, **limits)
        say_if_held_out_is_known(train, test)
    about = describe_training(train.data, train.target, decoder)
    options: dict[str, Any] = {"n_jobs": asked.jobs, "verbose": int(shows_progress())}
    first, second = journals = journals_of(path, resume=asked.resume)
    with workers(asked.jobs, asked.scheduler, train), kept(journals):
        try:
            model, search = going_on(
                lambda: recipe.fit(train.data, train.target, checkpoint=first, **options)
            )
        except (ImageError, SegmentationError, RecipeError) as error:
            # If all of them are in one fold, every candidate fails in it alone.
            failed += drop_unusable_pieces(error, recipe.pipeline()[:-1], train)
            about = describe_training(train.data, train.target, decoder)
            model, search = going_on(
                lambda: recipe.fit(train.data, train.target, checkpoint=second, **options)
            )
    report: dict[str, Any] = {
        "recipe": str(asked.config),
        "overrides": asked.override,
        "data": None if asked.data is None else str(asked.data),
        **about,
        "n_left_out": getattr(model[-1], "n_left_out_", 0),
        "n_candidates": len(search.cv_results_["params"]),
        "n_folds": search.n_splits_,
        "best_params": search.best_params_,
        "cv_string_accuracy": search.best_score_,
        **_ignoring_case(search),
        "characters": "".join(getattr(model[-1], "classes_", [])),
    }
    results: list[Reading | SkcaptchaError] = []
    if test is not None:
        results += read_all(model, test.data, show_progress=shows_progress())
        report["held_out"] = summarize([str(label) for label in test.target], results)
        failed += say_failures(test, dict(enumerate(results)))
    report["n_failed"] = len(failed)
    report["seconds"] = time.perf_counter() - began
    manifest = report | {"recipe_content": recipe.content}
    del report["training_images"]  # which say nothing to a reader
    say_if_not_familiar(model)
    save_model(model, path, asked.format, manifest=manifest, results=search.cv_results_)
    held_out = []
    if test is not None:
        names = test.get("filenames")
        held_out = predict_labeled(model, test.data, test.target, names=names, results=results)
    written = save_report(
        files,
        lambda: fit_report(
            model,
            train.data,
            [str(label) for label in train.target],
            search=search,
            names=train.get("filenames"),
            held_out=held_out,
            budget=time_for_report(report["seconds"]),
            title=f"How {path.name} was fitted",
            data=str(recipe.content["data"].get("folder", "")),
            model_file=str(path),
        ),
        asked.jobs,
    )
    forget(journals)

    console = report_console(asked.json)
    console.print(_summary(report, failed, written))
    causes = end_fit(
        train,
        report["cv_string_accuracy"],
        report["n_train"],
        model=path,
        written=written,
        data=str(recipe.content["data"].get("folder", "")),
        recipe=True,
        console=console,
    )
    write_json({**report, "advice": causes, "failed": failed, "files": written}, asked.json)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _summary(report: dict[str, Any], failed: list[dict[str, str]], files: list[Path]) -> Table:
    from skcaptcha.cli._accuracy import with_interval
    from skcaptcha.metrics import has_both_cases

    table = figures_table()
    table.add_row("training captchas", str(report["n_train"]))
    if failed:
        table.add_row("could not be read", f"{len(failed)}, left out or counted as wrong")
    if report["n_left_out"]:
        table.add_row("left out", f"{report['n_left_out']}, whose pieces do not fit their labels")
    table.add_row("candidates", f"{report['n_candidates']}, in {report['n_folds']} folds")
    for name, value in report["best_params"].items():
        table.add_row(f"  {name}", _one_line(value))
    accuracy = percent(report["cv_string_accuracy"], report["n_train"])
    table.add_row("string accuracy", f"{accuracy} in cross-validation")
    if (share := report.get("cv_string_accuracy_ignoring_case")) is not None:
        table.add_row("  ignoring case", percent(share, report["n_train"]))
    if "held_out" in report:
        table.add_row("  held out", with_interval(report["held_out"], "string_accuracy"))
        if has_both_cases(report["characters"]):
            name = "string_accuracy_ignoring_case"
            table.add_row("    ignoring case", with_interval(report["held_out"], name))
        table.add_row("  captchas", str(report["held_out"]["n"]))
    table.add_row("seconds", f"{report['seconds']:.1f}")
    table.add_row("written", "\n".join(map(str, files)))
    return table


def _ignoring_case(search: SharedGridSearchCV) -> dict[str, float]:
    """Give what is read if case does not count, where it was measured."""
    shares = search.cv_results_.get("mean_test_ignoring_case")
    if shares is None:
        return {}
    return {"cv_string_accuracy_ignoring_case": float(shares[search.best_index_])}


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())
