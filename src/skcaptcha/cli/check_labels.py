"""The command ``check-labels``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha._display.percent import percent, percent_confidence
from skcaptcha._display.printable import printable
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import (
    empty_table,
    note_labels,
    report_console,
    say,
    shows_progress,
    summary_table,
)
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._options import FoldCase, Jobs, Json, LabeledFolder, LabelFile, Trust, seconds
from skcaptcha.cli._output import write_csv, write_json
from skcaptcha.cli.label import Browser, Port, label_in_browser
from skcaptcha.exceptions import SkcaptchaError

if TYPE_CHECKING:
    from rich.table import Table
    from sklearn.pipeline import Pipeline

    from skcaptcha.label_issues import LabelIssues

EXAMPLE = "skcaptcha check-labels captchas --report labels.html --csv checked.csv"

_SHOWN = 20
_COLUMNS = ("filename", "label", "text", "confidence", "score", "reason")
# People mistype a far smaller fraction of labels.
_MOST_SUSPECTS = 1 / 3


def check_labels(
    folder: LabeledFolder,
    *,
    labels: LabelFile = None,
    fold_case: FoldCase = False,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="RECIPE",
            help="Recipe of the model that checks the labels: a YAML file or the name of a ready "
            "recipe.",
            show_default="a recipe chosen for the folder",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Model whose steps are fitted again to check the labels."
        ),
    ] = None,
    trust: Trust = False,
    budget: Annotated[float | None, seconds("Maximum time for choosing a recipe.", "180")] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write filename,label,text,confidence,score,reason, worst first."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Write a page with pictures of the suspects; needs skcaptcha[report].",
        ),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Open the suspects in the labeling page.")
    ] = False,
    port: Port = 0,
    browser: Browser = True,
    jobs: Jobs = -1,
    json: Json = None,
) -> None:
    """Find labels that are probably wrong, the worst first.

    Each captcha is read by a model that was fitted to other captchas, and confident learning
    compares its probabilities for each character with the label. Labels are changed only if you
    use --fix. The CSV file lists all labels; those without a reason are not suspects. Images that
    cannot be read are excluded and listed; the exit code is then 1. Needs skcaptcha[labels].
    """
    from skcaptcha.datasets import load_captchas
    from skcaptcha.fitting import check_labels as check
    from skcaptcha.label import LabelingSession
    from skcaptcha.label_issues._confident_learning import check_cleanlab
    from skcaptcha.persistence import load
    from skcaptcha.read._base import folds_case
    from skcaptcha.recipes import load_recipe

    if recipe is not None and model is not None:
        raise SkcaptchaError("--recipe and --model cannot be combined; use one of them")
    if budget is not None and (recipe or model):
        raise SkcaptchaError("--budget is for choosing a recipe; drop it, or --recipe and --model")
    if not fix and (port or not browser):
        raise SkcaptchaError("--port and --no-browser need --fix; add it")
    check_cleanlab()
    check_outputs(
        csv=csv, html=report, json=json, reads=[folder, labels, recipe, model], model=model
    )
    pipeline = load(model, trust=trust) if model else None
    folds = fold_case or (pipeline is not None and folds_case(pipeline[-1]))
    captchas = load_captchas(folder, labels=labels, fold_case=folds)
    note_labels(folder, labels)
    if fix:
        _check_page(folder, labels)
    begin = time.perf_counter()
    with interruptible("interrupted; nothing was changed"):
        checked = check(
            captchas,
            pipeline or (load_recipe(recipe) if recipe else None),
            budget=budget,
            n_jobs=jobs,
            verbose=int(shows_progress()),
        )
    issues, names = checked.issues, checked.captchas.filenames
    found: dict[str, Any] = {
        "folder": str(folder),
        "n": len(names),
        "n_failed": len(checked.failed),
        "n_suspects": len(issues.suspects),
        "n_other_length": issues.n_other_length,
        "n_folds": issues.n_folds,
        "judged_by": _steps(checked.model),
        "seconds": time.perf_counter() - begin,
    }
    console = report_console(json)
    console.print(summary_table(_summary(found)))
    if issues.suspects:
        console.print(_suspects_table(issues, names))
    if found["n_suspects"] > _MOST_SUSPECTS * found["n"]:
        say(
            "warning: more than a third of the labels are suspects, and most of them are probably "
            f"right: the model learned too little from {found['n']} captchas, unless the labels "
            "belong to other images; see how well they are read, as in: skcaptcha fit "
            f"{shlex.quote(str(folder))}"
        )
    rows = _rows(issues, names)
    if csv is not None:
        write_csv(_COLUMNS, rows, csv)
    if report is not None:
        from skcaptcha.report import label_issues_report

        title = f"Labels of {folder}"
        label_issues_report(issues, checked.captchas.data, names, title).save(report)
    suspects = [dict(zip(_COLUMNS, row, strict=True)) for row in rows[: len(issues.suspects)]]
    write_json({**found, "failed": checked.failed, "suspects": suspects}, json)
    if fix:
        if issues.suspects:
            with LabelingSession(folder, only=checked.to_review(), fold_case=fold_case) as session:
                label_in_browser(session, port=port, browser=browser, done="checked")
        else:
            say("nothing to fix: no label is a suspect")
    if checked.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _check_page(folder: Path, labels: Path | None) -> None:
    """Raise an error before the work if the labeling page cannot be opened for a folder."""
    from importlib.util import find_spec

    from skcaptcha.label import LabelingSession

    if labels is not None:
        raise SkcaptchaError(
            f"--fix corrects the labels in {folder}, not those in the file of --labels; write them "
            f"there first: skcaptcha convert {shlex.quote(str(folder))} --to csv --labels "
            f"{shlex.quote(str(labels))}"
        )
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise SkcaptchaError(
            f"--fix opens the labeling page, which needs {missing[0]}, which is not installed; "
            "pip install 'skcaptcha[web]'"
        )
    # It raises if the folder is not writable, or is being labeled.
    LabelingSession(folder, train=False).close()


def _steps(model: Pipeline) -> str:
    """Return the class names of the segmenter, the features and the classifier, if it has them."""
    from skcaptcha.features import BaseFeatures
    from skcaptcha.read._base import reader_of_strings
    from skcaptcha.segment import BaseSegmenter

    reader = reader_of_strings(model[-1])
    classifier = getattr(reader, "estimator", None) or reader
    before = (step for _, step in model.steps if isinstance(step, BaseSegmenter | BaseFeatures))
    steps = [*before, classifier]
    return " + ".join(type(step).__name__ for step in steps)


def _summary(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    n, n_suspects = found["n"], found["n_suspects"]
    yield "captchas", str(n)
    if found["n_failed"]:
        yield "could not be read", f"{found['n_failed']}, excluded"
    yield "suspects", f"{n_suspects} ({percent(n_suspects / n, n)}), worst first"
    if n_other := found["n_other_length"]:
        yield "checked in part", f"{n_other}, in which the model finds another number of characters"
    yield "checked by", found["judged_by"]
    yield "seconds", f"{found['seconds']:.1f}"


def _rows(issues: LabelIssues, names: list[str]) -> list[tuple[Any, ...]]:
    return [
        (names[i.index], i.label, i.text, round(i.confidence, 4), round(i.score, 4), i.reason)
        for i in issues.ranked
    ]


def _suspects_table(issues: LabelIssues, names: list[str]) -> Table:
    table = empty_table("file", "label", "read as", "confidence", "reason", right=["confidence"])
    for issue in issues.suspects[:_SHOWN]:
        cells = (
            names[issue.index],
            issue.label,
            issue.text or "(nothing)",
            percent_confidence(issue.confidence),
            issue.reason,
        )
        table.add_row(*map(printable, cells))
    if len(issues.suspects) > _SHOWN:
        table.add_row(f"{len(issues.suspects) - _SHOWN} others", style="dim")
    return table
