"""The command ``score``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha._display.printable import visible
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import (
    note,
    note_unlabeled,
    report_console,
    say,
    shows_progress,
    summary_table,
)
from skcaptcha.cli._options import DEFAULT_MODEL, Jobs, Json, Model, Scheduler, Trust
from skcaptcha.cli._output import write_csv, write_json
from skcaptcha.exceptions import SkcaptchaError, reason_of

if TYPE_CHECKING:
    from rich.table import Table
    from sklearn.pipeline import Pipeline
    from sklearn.utils import Bunch

    from skcaptcha.persistence import LoadedModel
    from skcaptcha.read import Reading

EXAMPLE = "skcaptcha score captchas --subset 4501..5000 --report score.html"


def score(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of labeled captchas.")],
    *,
    model: Model = DEFAULT_MODEL,
    trust: Trust = False,
    subset: Annotated[
        str | None,
        typer.Option(metavar="FIRST..LAST", help="Only these of the folder, counted from 1."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write filename,label,text,confidence of each captcha."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page with pictures of all that is told."),
    ] = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    json: Json = None,
) -> None:
    """Measure how well a model reads a labeled folder.

    An image that cannot be read counts as wrong and is named; the exit code is then 1.
    """
    from skcaptcha.cli._accuracy import confusions_table, coverage_table
    from skcaptcha.datasets import load_captchas
    from skcaptcha.inspection import summarize
    from skcaptcha.persistence import read_model
    from skcaptcha.prediction._cluster_connection import connect_if_given
    from skcaptcha.prediction._read_images import read_all

    check_outputs(csv=csv, html=report, json=json, reads=[folder, model], models=[model])
    loaded = read_model(model, trust=trust)
    captchas = load_captchas(folder, subset=subset)
    note_unlabeled(folder)
    labels = [str(label) for label in captchas.target]
    _warn_of_unknown(labels, getattr(loaded.model[-1], "classes_", None))
    with connect_if_given(scheduler) as client:
        began = time.perf_counter()
        results = list(
            read_all(
                loaded.model,
                captchas.data,
                n_jobs=jobs,
                client=client,
                show_progress=shows_progress(),
            )
        )
        seconds = time.perf_counter() - began

    failed, rows = [], []
    for name, label, result in zip(captchas.filenames, labels, results, strict=True):
        if isinstance(result, SkcaptchaError):
            say(f"{name}: {reason_of(result)}")
            failed.append({"filename": name, "reason": reason_of(result)})
            rows.append((name, label, "", ""))
        else:
            rows.append((name, label, result.text, f"{result.confidence:.4f}"))
    figures = summarize(labels, results)

    console = report_console(json)
    console.print(_summary(figures, rows, seconds))
    if figures["confusions"]:
        console.print(confusions_table(figures))
    console.print(coverage_table(figures))
    if csv is not None:
        write_csv(("filename", "label", "text", "confidence"), rows, csv)
    found = {
        "model": str(model),
        "folder": str(folder),
        **figures,
        "n_training_captchas": _warn_of_training(loaded, captchas.data),
        "seconds": seconds,
        "images_per_second": len(labels) / seconds,
        "failed": failed,
    }
    write_json(found, json)
    if report is not None:
        _write_report(report, loaded.model, captchas, results, model=model, folder=folder)
        note(f"{report}: the report")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _summary(
    figures: dict[str, Any], rows: Sequence[tuple[str, str, str, str]], seconds: float
) -> Table:
    from skcaptcha.cli._accuracy import with_interval
    from skcaptcha.metrics import has_both_cases

    n = figures["n"]
    table = summary_table()
    table.add_row("captchas", str(n))
    if figures["n_failed"]:
        table.add_row("could not be read", f"{figures['n_failed']}, counted as wrong")
    table.add_row("string accuracy", with_interval(figures, "string_accuracy"))
    if has_both_cases(part for _, label, text, _ in rows for part in (label, text)):
        table.add_row("  ignoring case", with_interval(figures, "string_accuracy_ignoring_case"))
    table.add_row("character accuracy", with_interval(figures, "character_accuracy"))
    if figures["n_out_of_distribution"]:
        unlike = f"{figures['n_out_of_distribution']}, of which the confidence is lowered"
        table.add_row("unlike the training set", unlike)
    table.add_row("speed", f"{n / seconds:,.0f} captchas a second ({seconds:.2f} s)")
    return table


def _write_report(
    file: Path,
    reader: Pipeline,
    captchas: Bunch,
    results: Sequence[Reading | SkcaptchaError],
    *,
    model: Path,
    folder: Path,
) -> None:
    from skcaptcha.report import score_report

    page = score_report(
        reader,
        captchas.data,
        captchas.target.tolist(),
        names=captchas.filenames,
        results=results,
        title=f"How {model.name} reads {folder}",
        data=str(folder),
        model_file=str(model),
    )
    page.save(file)


def _warn_of_training(loaded: LoadedModel, sources: Sequence[str]) -> int | None:
    """Say how many of the captchas the model was fitted to, since it may know these by heart."""
    from skcaptcha.persistence._manifest import count_training_images
    from skcaptcha.prediction._read_images import decoded

    n = count_training_images(
        loaded.manifest, decoded(loaded.model, sources, show_progress=shows_progress())
    )
    if n:
        say(
            f"warning: the model was fitted to {n} of these {len(sources)} captchas, which it may "
            "know by heart: the accuracy on others is probably lower; score captchas that it was "
            "not fitted to"
        )
    return n


def _warn_of_unknown(labels: list[str], classes: Iterable[str] | None) -> None:
    if classes is None:
        return
    known = set(classes)
    unknown = sorted(set("".join(labels)) - known)
    if unknown:
        n = sum(not known.issuperset(label) for label in labels)
        say(
            f"warning: {n} of {len(labels)} labels hold characters that the model never saw "
            f"and cannot read: {' '.join(map(visible, unknown))}"
        )
