"""The command ``audit``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import (
    empty_table,
    note_labels,
    progress,
    report_console,
    shows_progress,
    summary_table,
)
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._options import (
    FoldCase,
    Jobs,
    Json,
    LabeledFolder,
    LabelFile,
    seconds,
    unlabeled_folders,
)
from skcaptcha.cli._output import write_json
from skcaptcha.cli._unlabeled import load_unlabeled

if TYPE_CHECKING:
    from rich.table import Table

    from skcaptcha.audit import Audit

EXAMPLE = "skcaptcha audit captchas --out artifacts/audit.html --budget 600"

_TITLE = "Audit of"
_N_SHOWN = 5  # captchas


@interruptible("interrupted; nothing was written")
def audit(
    folder: LabeledFolder,
    *,
    labels: LabelFile = None,
    fold_case: FoldCase = False,
    unlabeled: Annotated[
        list[Path] | None,
        unlabeled_folders(
            "Folder of images of the same scheme without labels, for a second learning curve; "
            "can be repeated, and can be the folder of the labeled ones."
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE.html", help="File of the report; .json and .md are written next to it."
        ),
    ] = Path("artifacts/audit.html"),
    budget: Annotated[
        float | None,
        seconds("Approximate time to use.", "900, or 2700 with --unlabeled"),
    ] = None,
    jobs: Jobs = -1,
    json: Json = None,
) -> None:
    """Measure how easily your own captcha can be read, and which of its defenses hold.

    Models are fitted to increasing numbers of labels and evaluated on held-out captchas, and
    captchas with more of a defense are compared with those that have less. With --unlabeled, a
    second learning curve shows what is read if images without labels teach as well: those of its
    folders, those of DIR, and the labeled training captchas beyond the number of labels. The
    report, as HTML, Markdown and JSON, has a confidence interval for every proportion. Images that
    cannot be read are excluded and listed; the exit code is then 1. Needs skcaptcha[report].
    """
    from skcaptcha._files.earlier_output import check_earlier_output
    from skcaptcha._process.worker_processes import start_workers
    from skcaptcha.audit import audit_captchas
    from skcaptcha.datasets import load_captchas
    from skcaptcha.fitting import exclude_unusable_images
    from skcaptcha.images import decode
    from skcaptcha.report import audit_report, audit_summary

    markdown, results = out.with_suffix(".md"), out.with_suffix(".json")
    check_outputs(
        markdown, results, html=out, json=json, reads=[folder, labels, *(unlabeled or ())]
    )
    check_earlier_output(markdown, f"# {_TITLE}", out)
    captchas = load_captchas(folder, labels=labels, fold_case=fold_case)
    note_labels(folder, labels, left_out=unlabeled is None)
    others = None if unlabeled is None else _unlabeled_images(folder, labels, unlabeled)
    captchas, failed = exclude_unusable_images(captchas, verbose=int(shows_progress()))
    start_workers(jobs)
    with _progress() as advance:
        found = audit_captchas(
            captchas.data,
            captchas.target,
            unlabeled=others,
            budget=budget,
            n_jobs=jobs,
            progress=advance,
        )
    report = {"folder": str(folder), "fold_case": fold_case, **found.to_dict(), "failed": failed}
    title = f"{_TITLE} {folder.resolve().name}{', ignoring case' if fold_case else ''}"
    # The measurements take long, so they are written before the reports are made.
    write_json(report, results)
    some = [
        (decode(source), str(label))
        for source, label in zip(captchas.data[:_N_SHOWN], captchas.target, strict=False)
    ]
    page = audit_report(found, title, some)
    page.save(markdown)
    page.save(out)

    files = [out, markdown, results]
    console = report_console(json)
    seconds = f"{found.seconds:.0f} of {found.budget:.0f}"
    written = "\n".join(map(os.fspath, files))
    case = [("case", "ignored")] if fold_case else []
    rows = [*audit_summary(found), *case, ("seconds", seconds), ("written", written)]
    console.print(summary_table(rows))
    console.print(_curve_table(found))
    console.print(_defenses_table(found))
    write_json({**report, "files": files}, json)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show one progress bar after the other, for each part of the work."""
    shown, advance = "", None
    with ExitStack() as bars:

        def say(part: str, done: int, total: int) -> None:
            nonlocal shown, advance
            if part != shown:
                bars.close()
                shown, advance = part, bars.enter_context(progress(part, total))
            elif advance is not None:
                advance(1)

        yield say


def _unlabeled_images(folder: Path, labels: Path | None, folders: Sequence[Path]) -> Sequence[Any]:
    """Return the decoded images without a label of a folder, and of others."""
    from skcaptcha.fitting._unlabeled import readable_unlabeled

    found = load_unlabeled(folder, labels, folders)
    usable = None if found is None else readable_unlabeled(found)
    return () if usable is None else usable.data


def _curve_table(found: Audit) -> Table:
    """Return a table of both learning curves, or of the one without unlabeled images."""
    from skcaptcha.report.audit._number_text import with_interval

    right = ["labels", "read", "with unlabeled images"]
    if found.n_unlabeled is None:
        right.pop()
    table = empty_table(*right, right=right)
    reads = {point.n_labels: point.read for point in found.curve}
    with_unlabeled = {point.n_labels: point.read for point in found.unlabeled_curve}
    for n in sorted({*reads, *with_unlabeled}):
        row = [str(n), with_interval(reads.get(n)), with_interval(with_unlabeled.get(n))]
        table.add_row(*row[: len(right)])
    return table


def _defenses_table(found: Audit) -> Table:
    table = empty_table("defense", "present in", "conclusion", right=["present in"])
    for finding in found.findings:
        present = f"{finding.n_with} of {finding.n_measured}"
        table.add_row(finding.defense.name, present, finding.conclusion)
    return table
