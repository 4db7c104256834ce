"""The command ``score``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha._display.percent import percent
from skcaptcha._display.printable import visible
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import (
    empty_table,
    note,
    note_labels,
    report_console,
    say,
    shows_progress,
    summary_table,
    with_interval,
)
from skcaptcha.cli._options import (
    DEFAULT_MODEL,
    Jobs,
    Json,
    LabeledFolder,
    LabelFile,
    Model,
    Scheduler,
    Trust,
)
from skcaptcha.cli._output import write_csv, write_json
from skcaptcha.exceptions import SkcaptchaError, reason_of

if TYPE_CHECKING:
    from rich.table import Table

    from skcaptcha.persistence import LoadedModel

_CONFUSIONS_SHOWN = 10

EXAMPLE = "skcaptcha score captchas --subset 4501..5000 --report score.html"


def score(
    folder: LabeledFolder,
    *,
    labels: LabelFile = None,
    model: Model = DEFAULT_MODEL,
    trust: Trust = False,
    subset: Annotated[
        str | None,
        typer.Option(metavar="FIRST..LAST", help="Score only these captchas, counted from 1."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write filename,label,text,confidence to a CSV file."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="Write a report with pictures; needs skcaptcha[report]."
        ),
    ] = None,
    jobs: Jobs = 1,
    scheduler: Scheduler = None,
    json: Json = None,
) -> None:
    """Measure the accuracy of a model on a labeled folder.

    The case of letters is ignored if the model was fitted with --fold-case.
    Images that cannot be read are listed and counted as wrong; the exit code is then 1.
    """
    from skcaptcha.datasets import load_captchas
    from skcaptcha.inspection import summarize
    from skcaptcha.persistence import read_model
    from skcaptcha.prediction import connect_to_cluster, read_images
    from skcaptcha.read import Evaluate
    from skcaptcha.read._base import folds_case, in_case_of
    from skcaptcha.read._evaluate import is_answer, text_to_compare

    check_outputs(csv=csv, html=report, json=json, reads=[folder, labels, model], model=model)
    loaded = read_model(model, trust=trust)
    reader = loaded.model[-1]
    folds = folds_case(reader)
    captchas = load_captchas(folder, subset=subset, labels=labels, fold_case=folds)
    note_labels(folder, labels)
    texts = in_case_of(reader, captchas.target.tolist())
    strings = [t for t in texts if not is_answer(t)] if isinstance(reader, Evaluate) else texts
    _warn_of_unknown(strings, getattr(reader, "classes_", None))
    with connect_to_cluster(scheduler) as client:
        started = time.perf_counter()
        readings = read_images(
            loaded.model,
            captchas.data,
            n_jobs=jobs,
            client=client,
            verbose=shows_progress(),
        )
        results = [result for _, result in readings]
        seconds = time.perf_counter() - started

    failed, rows = [], []
    for name, label, result in zip(captchas.filenames, texts, results, strict=True):
        if isinstance(result, SkcaptchaError):
            say(f"{name}: {reason_of(result)}")
            failed.append({"filename": name, "reason": reason_of(result)})
            rows.append((name, label, "", ""))
        else:
            text = text_to_compare(result, label)
            rows.append((name, label, text, f"{result.confidence:.4f}"))
    figures = summarize(texts, results)

    console = report_console(json)
    console.print(summary_table(_summary(figures, rows, seconds, folds_case=folds)))
    if figures["confusions"]:
        console.print(_confusions_table(figures["confusions"]))
    console.print(_coverage_table(figures))
    if csv is not None:
        write_csv(("filename", "label", "text", "confidence"), rows, csv)
    found = {
        "model": str(model),
        "folder": str(folder),
        "fold_case": folds,
        **figures,
        "n_training_captchas": _warn_of_training(loaded, captchas.data),
        "seconds": seconds,
        "images_per_second": len(texts) / seconds,
        "failed": failed,
    }
    write_json(found, json)
    if report is not None:
        from skcaptcha.report import score_report

        page = score_report(
            loaded.model,
            captchas.data,
            captchas.target.tolist(),
            names=captchas.filenames,
            results=results,
            title=f"How {model.name} reads {folder}",
            data=str(folder),
            model_file=str(model),
        )
        page.save(report)
        note(f"{report}: report written")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _summary(
    figures: dict[str, Any],
    rows: Sequence[tuple[str, str, str, str]],
    seconds: float,
    *,
    folds_case: bool,
) -> Iterator[tuple[str, str]]:
    from skcaptcha.metrics import has_both_cases

    n = figures["n"]
    yield "captchas", str(n)
    if figures["n_failed"]:
        yield "could not be read", f"{figures['n_failed']}, counted as wrong"
    yield "string accuracy", with_interval(figures, "string_accuracy")
    if folds_case:
        yield "  case", "ignored, as in the fit of the model"
    if has_both_cases(part for _, label, text, _ in rows for part in (label, text)):
        yield "  ignoring case", with_interval(figures, "string_accuracy_ignoring_case")
    yield "character accuracy", with_interval(figures, "character_accuracy")
    if n_unlike := figures["n_out_of_distribution"]:
        yield "unlike the training images", f"{n_unlike}, with lowered confidence"
    yield "speed", f"{n / seconds:,.0f} captchas per second ({seconds:.2f} s)"


def _confusions_table(confusions: list[dict[str, Any]]) -> Table:
    table = empty_table("label", "read as", "times", right=["times"])
    for confusion in confusions[:_CONFUSIONS_SHOWN]:
        true, read = (visible(confusion[key]) or "(nothing)" for key in ("true", "read"))
        table.add_row(true, read, str(confusion["count"]))
    if left_out := confusions[_CONFUSIONS_SHOWN:]:
        n = sum(confusion["count"] for confusion in left_out)
        table.add_row("others", "", str(n), style="dim")
    return table


def _coverage_table(figures: dict[str, Any]) -> Table:
    """Return a table of the accuracy on the captchas with the highest confidences."""
    right = ("most confident", "confidence from")
    table = empty_table(*right, "string accuracy", right=right)
    for row in figures["coverage"]:
        table.add_row(
            percent(row["coverage"], figures["n"]),
            f"{row['min_confidence']:.4f}",
            with_interval(row, "string_accuracy"),
        )
    return table


def _warn_of_training(loaded: LoadedModel, images: Sequence[str]) -> int | None:
    """Print and return the number of training captchas, which the model may have memorized."""
    from skcaptcha.prediction import count_training_images

    n = count_training_images(loaded, images, verbose=shows_progress())
    if n:
        say(
            f"warning: {n} of these {len(images)} captchas are training captchas of the model, "
            "which it may have memorized: its accuracy on others is probably lower; score captchas "
            "that it was not trained on"
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
            f"warning: {n} of {len(labels)} labels contain characters that the training captchas "
            f"lack, so the model cannot read: {' '.join(map(visible, unknown))}"
        )
