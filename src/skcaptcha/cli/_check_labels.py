"""The command ``check-labels``."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha._display.percent import percent, percent_confidence
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import figures_table, report_console, say, shows_progress
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._label import Browser, Port, label_in_browser
from skcaptcha.cli._options import Jobs, Json, Trust, seconds
from skcaptcha.cli._output import write_csv, write_json
from skcaptcha.cli._unlabeled import note_unlabeled
from skcaptcha.exceptions import SkcaptchaError

if TYPE_CHECKING:
    from rich.table import Table
    from sklearn.pipeline import Pipeline
    from sklearn.utils import Bunch

    from skcaptcha.label_issues import LabelIssues

_SHOWN = 20
_COLUMNS = ("filename", "label", "text", "confidence", "score", "reason")
_BUDGET = 180.0
# Of the labels; people mistype far fewer.
_MOST_SUSPECTS = 1 / 3


def check_labels(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of labeled captchas.")],
    *,
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="CONFIG.yaml",
            help="What to judge by.",
            show_default="a recipe that is chosen for the folder",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Judge by the recipe of this model, fitted anew."),
    ] = None,
    trust: Trust = False,
    budget: Annotated[
        float | None,
        seconds("How long choosing a recipe may take.", f"{_BUDGET:.0f}"),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write filename,label,text,confidence,score,reason, worst first."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page with the suspects' pictures."),
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

    Each captcha is read by a model that was fitted to others, and confident learning compares what
    it says of every character with the label. Nothing is changed, unless you do so with --fix.
    The CSV file has all labels; those without a reason are no suspects. An image that cannot be
    read is left out and named; the exit code is then 1. Needs skcaptcha[labels].
    """
    from skcaptcha.cli._training import drop_unusable_images, workers
    from skcaptcha.datasets import load_captchas
    from skcaptcha.images import ImageDecoder
    from skcaptcha.label_issues._confident_learning import check_cleanlab
    from skcaptcha.label_issues._find_label_issues import check_number
    from skcaptcha.report import label_issues_report

    if recipe is not None and model is not None:
        raise SkcaptchaError("--recipe and --model exclude each other")
    if budget is not None and (recipe or model):
        raise SkcaptchaError("--budget is for choosing a recipe; drop it, or --recipe and --model")
    if not fix and (port or not browser):
        raise SkcaptchaError("--port and --no-browser are for the page that --fix opens; add it")
    check_cleanlab()
    check_outputs(
        csv=csv,
        html=report,
        json=json,
        reads=[folder, recipe, model],
        models=[] if model is None else [model],
    )
    captchas = load_captchas(folder)
    note_unlabeled(folder)
    if fix:
        _check_page(folder)
    began = time.perf_counter()
    with interruptible("interrupted; nothing was changed"), workers(jobs, None, captchas):
        failed = drop_unusable_images(captchas, ImageDecoder())
        check_number(len(captchas.data))
        judge = _judge(captchas, recipe, model, trust=trust, budget=budget, jobs=jobs)
        issues, unusable = _find(captchas, judge, jobs)
    failed += unusable
    found: dict[str, Any] = {
        "folder": str(folder),
        "n": len(captchas.data),
        "n_failed": len(failed),
        "n_suspects": len(issues.suspects),
        "n_other_length": issues.n_other_length,
        "n_folds": issues.n_folds,
        "judged_by": _steps(judge),
        "seconds": time.perf_counter() - began,
    }
    console = report_console(json)
    console.print(_summary(found))
    if issues.suspects:
        console.print(_suspects_table(issues, captchas.filenames))
    if doubt := doubt_about_judge(found):
        say(f"warning: {doubt}")
    if csv is not None:
        write_csv(_COLUMNS, _rows(issues, captchas.filenames), csv)
    if report is not None:
        title = f"Labels of {folder}"
        label_issues_report(issues, captchas.data, captchas.filenames, title).save(report)
    rows = _rows(issues, captchas.filenames)[: len(issues.suspects)]
    found |= {"failed": failed, "suspects": [dict(zip(_COLUMNS, row, strict=True)) for row in rows]}
    write_json(found, json)
    if fix:
        _fix(folder, issues, captchas.filenames, port=port, browser=browser)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _judge(
    captchas: Bunch,
    recipe: Path | None,
    model: Path | None,
    *,
    trust: bool,
    budget: float | None,
    jobs: int,
) -> Pipeline:
    """Give the pipeline that is to be fitted to the captchas."""
    from sklearn.base import clone

    if model is not None:
        from skcaptcha.persistence import load

        return clone(load(model, trust=trust))
    if recipe is not None:
        return _best_of(recipe, captchas, jobs)
    from skcaptcha.auto import choose_recipe

    return choose_recipe(
        captchas.data,
        captchas.target,
        budget=budget or _BUDGET,
        n_jobs=jobs,
        verbose=int(shows_progress()),
        refit=False,
    ).model


def _find(captchas: Bunch, judge: Pipeline, jobs: int) -> tuple[LabelIssues, list[dict[str, str]]]:
    """Find issues; captchas that cannot be cut are left out, and given for the report."""
    from skcaptcha.cli._training import drop_unusable_pieces
    from skcaptcha.exceptions import SegmentationError
    from skcaptcha.label_issues import find_label_issues

    def find() -> LabelIssues:
        return find_label_issues(
            captchas.data,
            captchas.target,
            model=judge,
            names=captchas.filenames,
            n_jobs=jobs,
            verbose=int(shows_progress()),
        )

    try:
        return find(), []
    except SegmentationError as error:
        failed = drop_unusable_pieces(error, judge[:-1], captchas)
        return find(), failed


def _check_page(folder: Path) -> None:
    """Find out before the work whether the labeling page can be opened for a folder."""
    from importlib.util import find_spec

    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise SkcaptchaError(
            f"--fix opens the labeling page, which needs {missing[0]}, which is not installed; "
            "pip install 'skcaptcha[web]'"
        )
    from skcaptcha.label import LabelingSession

    # It refuses what is not writable, or is being labeled.
    LabelingSession(folder, train=False).close()


def _best_of(recipe: Path, captchas: Bunch, jobs: int) -> Pipeline:
    """Give the best candidate of a recipe's grid; where there is but one, without a search."""
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    from skcaptcha.recipes import load_recipe

    loaded = load_recipe(recipe)
    candidates = list(ParameterGrid(loaded.grid))
    best = candidates[0]
    if len(candidates) > 1:
        search = loaded.search(n_jobs=jobs, verbose=int(shows_progress())).set_params(refit=False)
        best = search.fit(captchas.data, captchas.target).best_params_
    return loaded.pipeline().set_params(**clone(best, safe=False))


def _steps(judge: Pipeline) -> str:
    """Name a pipeline by what segments, describes and reads."""
    reader = judge[-1]
    steps = [
        *(step for _, step in judge.steps[-3:-1]),
        getattr(reader, "estimator", None) or reader,
    ]
    return " + ".join(type(step).__name__ for step in steps)


def doubt_about_judge(found: dict[str, Any]) -> str | None:
    """Say that so many suspects tell little of the labels.

    Parameters
    ----------
    found : dict
        With ``n``, ``n_suspects`` and ``folder``.

    Returns
    -------
    sentence : str or None

    Examples
    --------
    >>> from skcaptcha.cli._check_labels import doubt_about_judge
    >>> doubt_about_judge({"n": 30, "n_suspects": 19, "folder": "captchas"})
    'more than a third of the labels are suspects, and most of them are probably right: ...
    >>> doubt_about_judge({"n": 80, "n_suspects": 2, "folder": "captchas"})
    """
    if found["n_suspects"] <= _MOST_SUSPECTS * found["n"]:
        return None
    return (
        "more than a third of the labels are suspects, and most of them are probably right: the "
        f"model that judges them learned too little from {found['n']} captchas, unless the labels "
        "belong to other images; see how well they are read, as in: skcaptcha fit "
        f"{shlex.quote(found['folder'])}"
    )


def _summary(found: dict[str, Any]) -> Table:
    table = figures_table()
    table.add_row("captchas", str(found["n"]))
    if found["n_failed"]:
        table.add_row("could not be read", f"{found['n_failed']}, left out")
    share = percent(found["n_suspects"] / found["n"], found["n"])
    table.add_row("suspects", f"{found['n_suspects']} ({share}), worst first")
    if found["n_other_length"]:
        table.add_row(
            "checked in part", f"{found['n_other_length']}, which are cut into another number"
        )
    table.add_row("judged by", found["judged_by"])
    table.add_row("seconds", f"{found['seconds']:.1f}")
    return table


def _rows(issues: LabelIssues, names: list[str]) -> list[tuple[Any, ...]]:
    return [
        (names[i.index], i.label, i.text, round(i.confidence, 4), round(i.score, 4), i.reason)
        for i in issues.ranked
    ]


def _suspects_table(issues: LabelIssues, names: list[str]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from skcaptcha.cli._console import printable

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column("label")
    table.add_column("reads")
    table.add_column("sure", justify="right")
    table.add_column("why", overflow="fold")
    suspects = issues.suspects
    for issue in suspects[:_SHOWN]:
        cells = names[issue.index], issue.label, issue.text or "(nothing)"
        table.add_row(
            *(Text(printable(cell)) for cell in cells),
            percent_confidence(issue.confidence),
            Text(printable(issue.reason)),
        )
    if len(suspects) > _SHOWN:
        table.add_row(f"{len(suspects) - _SHOWN} others", style="dim")
    return table


def _fix(folder: Path, issues: LabelIssues, names: list[str], *, port: int, browser: bool) -> None:
    from skcaptcha.label import LabelingSession

    if not issues.suspects:
        say("there is nothing to fix: no label is a suspect")
        return
    only = [
        (
            names[issue.index],
            f"{issue.reason}; the model is {percent_confidence(issue.confidence)} sure of "
            f"{issue.text or 'nothing'}",
            issue.text,
        )
        for issue in issues.suspects
    ]
    with LabelingSession(folder, only=only) as session:
        label_in_browser(session, port=port, browser=browser, done="checked")
