"""The command ``fit`` with a folder in place of a recipe."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from skcaptcha._display.percent import percent
from skcaptcha._files.exclusive_lock import exclusive_lock
from skcaptcha._process.fast_exit import request_fast_exit
from skcaptcha._process.worker_processes import workers_run
from skcaptcha.cli._after_fit import end_fit
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_ours, check_outputs
from skcaptcha.cli._console import (
    figures_table,
    printable,
    report_console,
    say,
    shows_progress,
)
from skcaptcha.cli._kept_search import forget, journals_of, kept
from skcaptcha.cli._output import write_json
from skcaptcha.cli._training import (
    check_format,
    default_model,
    drop_unusable_images,
    files_of,
    going_on,
    save_model,
    save_report,
    say_if_not_familiar,
    time_for_report,
    workers,
)
from skcaptcha.cli._unlabeled import note_unlabeled
from skcaptcha.cli._verbosity import warnings_said

if TYPE_CHECKING:
    from rich.table import Table

    from skcaptcha.auto import Choice, Trial

_CHOSEN = "Chosen by skcaptcha fit"
# What comes after the choice: the model is written, its report is made, the process ends. Of that,
# models are fitted for the report as long as there is time, but for a small share in any case.
_SHARE_FOR_REPORT, _LEAST_FOR_REPORT, _MOST_FOR_REPORT = 0.15, 2.0, 10.0  # of the budget, seconds
_LEAST_SHARE_FOR_FITS = 0.03
_TO_SHOW_AND_END = 1.5  # seconds
_NAME_WIDTH = len("ConnectedComponents +")


def fit_folder(
    folder: Path,
    out: Path | None,
    *,
    budget: float | None,
    format: str,  # noqa: A002 - what the option is called
    jobs: int,
    scheduler: str | None,
    json: Path | None,
    resume: bool,
    begin: float | None = None,
    show_next: bool = True,
) -> None:
    """Find a recipe for a labeled folder, fit it, and write model and recipe.

    Parameters
    ----------
    folder : Path
    out : Path or None
        Where the model goes; None: the default.
    budget : float or None
        Seconds; None: the default.
    format : {"joblib", "skops"}
        What to write.
    jobs : int
        Number of processes.
    scheduler : str or None
        Where the cluster is that works instead.
    json : Path or None
        What ``--json`` was given.
    resume : bool
        Go on where a fit of this model was stopped.
    begin : float, optional
        When the user began to wait, by `time.perf_counter`; by default now.
    show_next : bool, default=True
        Show what to do with the model: the command ends then.
    """
    begin = time.perf_counter() if begin is None else begin
    check_format(format, folder)
    out = out or default_model(format)
    files = files_of(out, (".json", ".csv", ".yaml", ".html"), format)
    check_outputs(*files, json=json, reads=[folder])
    check_ours(files[3], f"# {_CHOSEN}", out)
    with exclusive_lock(out):
        _choose_and_write(
            folder,
            out,
            files,
            budget=budget,
            format=format,
            jobs=jobs,
            scheduler=scheduler,
            json=json,
            resume=resume,
            show_next=show_next,
            begin=begin,
        )


def _choose_and_write(
    folder: Path,
    out: Path,
    files: list[Path],
    *,
    budget: float | None,
    format: str,  # noqa: A002 - what the option is called
    jobs: int,
    scheduler: str | None,
    json: Path | None,
    resume: bool,
    show_next: bool,
    begin: float,
) -> None:
    from skcaptcha.auto import choose_recipe, default_budget
    from skcaptcha.datasets import load_captchas
    from skcaptcha.images import ImageDecoder
    from skcaptcha.persistence import describe_training
    from skcaptcha.report import fit_report

    captchas = load_captchas(folder)
    note_unlabeled(folder)
    failed = drop_unusable_images(captchas, ImageDecoder())
    about = describe_training(captchas.data, captchas.target)
    if budget is None:
        budget = default_budget(len(captchas.target))
    # The user waits for what comes before and after as well.
    for_report = min(max(_SHARE_FOR_REPORT * budget, _LEAST_FOR_REPORT), _MOST_FOR_REPORT)
    before = time.perf_counter() - begin
    for_choice = budget - for_report - before
    if for_choice <= 0:
        say(
            f"warning: the budget of {budget:.0f} s will not suffice: to start and to load the "
            f"images took {before:.1f} s, and to write model and report takes about "
            f"{for_report:.0f} s; the first recipe that can be fitted is taken"
        )
    journals = journals_of(out, resume=resume)
    with (
        workers(jobs, scheduler, captchas, late=True),
        kept(journals),
        warnings_said("skcaptcha.auto"),
    ):
        choice = going_on(
            lambda: choose_recipe(
                captchas.data,
                captchas.target,
                budget=for_choice,
                n_jobs=jobs,
                verbose=int(shows_progress()),
                checkpoint=journals[0],
            )
        )
    choice = replace(choice, budget=budget, seconds=before + choice.seconds)
    report = _report(folder, choice) | about | {"n_failed": len(failed)}
    manifest = report | {"recipe_content": choice.recipe}
    del report["training_images"]  # which say nothing to a reader
    text = _recipe_text(folder, out, choice)
    say_if_not_familiar(choice.model)
    save_model(choice.model, out, format, manifest=manifest, results=_results(choice), recipe=text)
    written = save_report(
        files,
        lambda: fit_report(
            choice.model,
            captchas.data,
            [str(label) for label in captchas.target],
            search=choice,
            names=captchas.filenames,
            budget=time_for_report(
                choice.seconds,
                begin + budget - time.perf_counter() - _TO_SHOW_AND_END,
                _LEAST_SHARE_FOR_FITS * budget,
            ),
            title=f"How {out.name} was fitted",
            data=str(folder),
            model_file=str(out),
        ),
        jobs if workers_run() else 1,
    )
    forget(journals)

    console = report_console(json)
    console.print(_measured_table(choice))
    console.print(_tried_table(choice))
    console.print(_outcome_table(choice, report, written))
    for note in _notes(choice):
        say(f"warning: {note}")
    causes = end_fit(
        captchas,
        choice.accuracy,
        choice.n_validated,
        model=out,
        written=written,
        data=str(folder),
        recipe=False,
        console=console if show_next else None,
    )
    write_json({**report, "advice": causes, "failed": failed, "files": written}, json)
    if show_next and not workers_run():
        request_fast_exit()
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _outcome_table(choice: Choice, report: dict[str, Any], written: list[Path]) -> Table:
    from skcaptcha.metrics import has_both_cases

    table = figures_table()
    if report["n_failed"]:
        table.add_row("could not be read", f"{report['n_failed']}, left out")
    if report["n_left_out"]:
        table.add_row("left out", f"{report['n_left_out']}, whose pieces do not fit their labels")
    accuracy = percent(choice.accuracy, choice.n_validated)
    table.add_row("string accuracy", f"{accuracy} in cross-validation")
    if has_both_cases(choice.measurement.characters):
        share = percent(choice.accuracy_ignoring_case, choice.n_validated)
        table.add_row("  ignoring case", share)
    table.add_row("seconds", f"{choice.seconds:.1f} of {choice.budget:.0f}")
    table.add_row("written", "\n".join(map(str, written)))
    return table


def _report(folder: Path, choice: Choice) -> dict[str, Any]:
    return {
        "recipe": None,
        "data": str(folder),
        "n_train": choice.measurement.n,
        "n_left_out": getattr(choice.model[-1], "n_left_out_", 0),
        "measured": dict(choice.measurement.lines()),
        "chosen": choice.tried[0].name,
        "chosen_settings": choice.tried[0].settings,
        "n_candidates": len(choice.tried),
        "n_folds": choice.folds,
        "n_validated": choice.n_validated,
        "cv_string_accuracy": choice.accuracy,
        "cv_string_accuracy_ignoring_case": choice.accuracy_ignoring_case,
        "characters": "".join(getattr(choice.model[-1], "classes_", [])),
        "tried": [asdict(trial) for trial in choice.tried],
        "notes": list(_notes(choice)),
        "budget": choice.budget,
        "seconds": choice.seconds,
    }


def _results(choice: Choice) -> dict[str, list[Any]]:
    """Give what was tried as a table like a search's ``cv_results_``."""
    keys = dict.fromkeys(key for trial in choice.tried for key in trial.settings)
    return {
        "rank_test_score": list(range(1, len(choice.tried) + 1)),
        "name": [trial.name for trial in choice.tried],
        "verdict": [trial.verdict for trial in choice.tried],
        "screened": [trial.screened for trial in choice.tried],
        "mean_test_score": [trial.accuracy for trial in choice.tried],
        "seconds": [trial.seconds for trial in choice.tried],
        **{f"param_{key}": [trial.settings.get(key) for trial in choice.tried] for key in keys},
    }


def _recipe_text(folder: Path, out: Path, choice: Choice) -> str:
    """Write the chosen recipe as YAML, and what it was chosen for in comments before it."""
    import yaml

    today = datetime.now(UTC).date().isoformat()
    comments = [
        f"{_CHOSEN} on {today} for the captchas of this folder:",
        *(f"  {name}: {what}" for name, what in choice.measurement.lines()),
        f"It read {percent(choice.accuracy, choice.n_validated)} of {choice.n_validated} captchas "
        f"right, in {choice.folds} folds; {len(choice.tried)} candidates were looked at.",
    ]
    content = {
        "data": {"folder": _seen_from(out.parent, folder)},
        **choice.recipe,
        "output": {"model": out.name},
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return "".join(f"# {printable(line)}\n" for line in comments) + "\n" + text


def _seen_from(here: Path, folder: Path) -> str:
    """Give a folder's path relative to another, so that both can move together."""
    try:
        return Path(os.path.relpath(os.path.realpath(folder), os.path.realpath(here))).as_posix()
    except ValueError:  # on another drive
        return str(folder.absolute())


def _measured_table(choice: Choice) -> Table:
    from rich.text import Text

    table = figures_table()
    for name, what in choice.measurement.lines():
        table.add_row(name, Text(what))
    return table


def _tried_table(choice: Choice) -> Table:
    """Show the best of every family."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("tried", min_width=_NAME_WIDTH)
    table.add_column("screened", justify="right")
    table.add_column("validated", justify="right")
    table.add_column("seconds", justify="right")
    table.add_column("", overflow="fold")
    families: dict[int, list[Trial]] = {}
    for trial in choice.tried:
        families.setdefault(trial.family, []).append(trial)
    for trials in families.values():
        best = trials[0]
        chosen = best is choice.tried[0]
        table.add_row(
            Text(best.name),
            _percent(best.screened, best.n_screened),
            _percent(best.accuracy, best.n_validated),
            f"{sum(trial.seconds for trial in trials):.0f}",
            Text(best.verdict.partition(" (")[0]),
            style="bold" if chosen else None,
        )
    return table


def _percent(share: float | None, n: int) -> str:
    return "-" if share is None else percent(share, n)


def _notes(choice: Choice) -> Iterator[str]:
    """Say what in the captchas makes a good model unlikely."""
    measurement = choice.measurement
    if measurement.rare:
        n = len(measurement.rare)
        yield (
            f"{n} {'character occurs' if n == 1 else 'characters occur'} less than three times and "
            f"will hardly be read: {measurement.rare}"
        )
    if len(measurement.characters) == 1:
        yield "all labels consist of one character; nothing else can be read"
    elif measurement.n_labels == 1:
        yield "all labels are equal; other strings will hardly be read"
