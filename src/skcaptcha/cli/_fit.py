"""The command ``fit``."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED, WrongUseError
from skcaptcha.cli._console import figures_table, percent, report_console, say
from skcaptcha.cli._options import Json
from skcaptcha.cli._output import check_outputs, write_json
from skcaptcha.errors import ImageError, SegmentationError, SkcaptchaError

if TYPE_CHECKING:
    from sklearn.utils import Bunch

    from skcaptcha.config import Recipe

_BESIDE = (".json", ".csv")


def fit(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="The recipe.")],
    *,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Labelled folder to use instead of the recipe's data."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where the model goes.", show_default="what the recipe says"
        ),
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change the recipe, as in --set search.cv=3."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", help="Processes; -1: all cores.")] = -1,
    json: Json = None,
) -> None:
    """Fit a model: try the recipe's whole grid, and keep the best by cross-validation.

    Writes the model, and beside it what it was fitted from (.json) and how every candidate did
    (.csv). An image that cannot be read is left out and named; the exit code is then 1.
    """
    from skcaptcha.cli._accuracy import measure, with_interval
    from skcaptcha.cli._reading import read_all
    from skcaptcha.config import load_recipe
    from skcaptcha.model_io import save

    if config.is_dir():
        raise WrongUseError(
            f"{config}: it is a folder; fit takes a recipe, and the folder with --data, as in: "
            f"skcaptcha fit configs/grid.yaml --data {config}"
        )
    recipe = load_recipe(config, override or [], data=data)
    path = out or recipe.output.model
    if path.suffix in _BESIDE:
        raise WrongUseError(
            f"{path}: the suffix {path.suffix} is for a file beside the model; give the model "
            "another, as in model.joblib"
        )
    files = [path, *(path.parent / f"{path.stem}{suffix}" for suffix in _BESIDE)]
    check_outputs(*files, json=json)
    began = time.perf_counter()
    train, test = recipe.load_data()
    failed = _drop_undecodable(recipe, train)
    _start_workers(jobs)
    options = {"n_jobs": jobs, "verbose": int(sys.stderr.isatty())}
    try:
        model, search = recipe.fit(train.data, train.target, **options)
    except (ImageError, SegmentationError) as error:
        failed += _drop_unusable(error, recipe, train)
        model, search = recipe.fit(train.data, train.target, **options)
    report: dict[str, Any] = {
        "recipe": str(config),
        "overrides": override or [],
        "data": None if data is None else str(data),
        "n_train": len(train.data),
        "n_left_out": getattr(model[-1], "n_left_out_", 0),
        "n_candidates": len(search.cv_results_["params"]),
        "n_folds": search.n_splits_,
        "best_params": search.best_params_,
        "cv_string_accuracy": search.best_score_,
        "characters": "".join(getattr(model[-1], "classes_", [])),
    }
    if test is not None:
        results = list(read_all(model, test.data))
        report["held_out"] = measure([str(label) for label in test.target], results)
        failed += _say_failures(test, dict(enumerate(results)))
    report["n_failed"] = len(failed)
    report["seconds"] = time.perf_counter() - began
    save(model, path, manifest=report, results=search.cv_results_)

    table = figures_table()
    table.add_row("training captchas", str(report["n_train"]))
    if failed:
        table.add_row("could not be read", f"{len(failed)}, left out or counted as wrong")
    if report["n_left_out"]:
        table.add_row(
            "left out", f"{report['n_left_out']}, cut into more or fewer pieces than the label has"
        )
    table.add_row("candidates", f"{report['n_candidates']}, in {report['n_folds']} folds")
    for name, value in search.best_params_.items():
        table.add_row(f"  {name}", _one_line(value))
    table.add_row("string accuracy", f"{percent(search.best_score_)} in cross-validation")
    if test is not None:
        table.add_row("  held out", with_interval(report["held_out"], "string_accuracy"))
        table.add_row("  captchas", str(report["held_out"]["n"]))
    table.add_row("seconds", f"{report['seconds']:.1f}")
    table.add_row("written", "\n".join(map(str, files)))
    report_console(json).print(table)
    write_json({**report, "failed": failed, "files": files}, json)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _drop_undecodable(recipe: Recipe, captchas: Bunch) -> list[dict[str, str]]:
    """Leave out what is no image."""
    from skcaptcha.cli._reading import undecodable

    bad = undecodable(recipe.pipeline(), captchas.data)
    failed = _drop(captchas, bad)
    if not captchas.data:
        raise SkcaptchaError(f"none of the {len(bad)} training images can be read")
    return failed


def _drop_unusable(error: SkcaptchaError, recipe: Recipe, captchas: Bunch) -> list[dict[str, str]]:
    """Leave out what made the fit fail, unless that is most: then the recipe is the culprit."""
    from skcaptcha.cli._reading import unusable, why

    n = len(captchas.data)
    bad = unusable(recipe.pipeline()[:-1], captchas.data)
    if not bad:
        raise error
    if 2 * len(bad) > n:
        # The search knows only numbers.
        first, reason = next(iter(bad.items()))
        raise SkcaptchaError(
            f"{_names(captchas)[first]}: {why(reason)} ({len(bad)} of {n} training images are so)"
        ) from error
    return _drop(captchas, bad)


def _drop(captchas: Bunch, bad: Mapping[int, SkcaptchaError]) -> list[dict[str, str]]:
    """Take captchas out, and name them."""
    failed = _say_failures(captchas, bad)
    for key, values in captchas.items():
        captchas[key] = [value for i, value in enumerate(values) if i not in bad]
    return failed


def _names(captchas: Bunch) -> Sequence[Any]:
    return captchas.get("filenames", range(len(captchas.data)))


def _start_workers(jobs: int) -> None:
    """Start the processes that the search will find running, and deaf to Ctrl-C.

    A terminal sends Ctrl-C to all processes. This one hears it and ends the others, each of which
    would otherwise print a traceback of its own.
    """
    import joblib

    # What a process ignores, those that it starts ignore too. A Ctrl-C in the moment that this
    # takes is lost, and has to be pressed again.
    hears = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        n = joblib.effective_n_jobs(jobs)
        joblib.Parallel(n_jobs=jobs)(joblib.delayed(int)() for _ in range(n))
    finally:
        signal.signal(signal.SIGINT, hears)


def _say_failures(captchas: Bunch, results: Mapping[int, Any]) -> list[dict[str, str]]:
    """Name the captchas whose result is an error, and give them for the report."""
    from skcaptcha.cli._reading import why

    names = _names(captchas)
    failed = [
        {"filename": str(names[i]), "reason": why(result)}
        for i, result in results.items()
        if isinstance(result, SkcaptchaError)
    ]
    for failure in failed:
        say(f"{failure['filename']}: {failure['reason']}")
    return failed


def _one_line(value: Any) -> str:
    return " ".join(str(value).split())
