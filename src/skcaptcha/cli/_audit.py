"""The command ``audit``."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_ours, check_outputs
from skcaptcha.cli._console import figures_table, progress, report_console
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._options import Jobs, Json, seconds
from skcaptcha.cli._output import write_json
from skcaptcha.cli._unlabeled import note_unlabeled

if TYPE_CHECKING:
    from rich.table import Table

    from skcaptcha.audit import Audit


_TITLE = "Audit of"
_N_SHOWN = 5  # captchas


@interruptible("interrupted; nothing was written")
def audit(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of labeled captchas.")],
    *,
    out: Annotated[
        Path,
        typer.Option(metavar="FILE.html", help="Where the report goes; .json and .md beside it."),
    ] = Path("artifacts/audit.html"),
    budget: Annotated[float, seconds("Time budget, approximately.", "900")] = 900.0,
    jobs: Jobs = -1,
    json: Json = None,
) -> None:
    """Measure how little it takes to read your own captcha, and which of its defenses hold.

    Learns from ever more of the labels, reads captchas that were kept apart, and compares those
    that have more of a defense with those that have less. Writes a report as HTML, Markdown and
    JSON, with an interval for every share. An image that cannot be read is left out and named; the
    exit code is then 1.
    """
    from skcaptcha._files.atomic import write_atomically
    from skcaptcha.audit import audit_captchas
    from skcaptcha.cli._training import drop_unusable_images, workers
    from skcaptcha.datasets import load_captchas
    from skcaptcha.images import ImageDecoder, decode
    from skcaptcha.report import audit_report

    beside = [out.with_suffix(".md"), out.with_suffix(".json")]
    check_outputs(*beside, html=out, json=json, reads=[folder])
    check_ours(beside[0], f"# {_TITLE}", out)
    files = [out, *beside]
    captchas = load_captchas(folder)
    note_unlabeled(folder)
    failed = drop_unusable_images(captchas, ImageDecoder())
    with workers(jobs, None, captchas), _progress() as advance:
        found = audit_captchas(
            captchas.data, captchas.target, budget=budget, n_jobs=jobs, progress=advance
        )
    report = {"folder": str(folder), **found.to_dict(), "failed": failed}
    title = f"{_TITLE} {folder.resolve().name}"
    # The figures, which took long to measure, are safe before anything is made of them.
    write_json(report, files[2])
    some = [
        (decode(source), str(label))
        for source, label in zip(captchas.data[:_N_SHOWN], captchas.target, strict=False)
    ]
    page = audit_report(found, title, some)
    markdown = page.to_markdown().encode(errors="replace")
    write_atomically(files[1], lambda stream: stream.write(markdown))
    page.save(out)

    console = report_console(json)
    console.print(_figures_table(found, files))
    console.print(_defenses_table(found))
    write_json({**report, "files": files}, json)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give what shows a bar for each piece of the work in turn."""
    shown, advance = "", None
    with ExitStack() as bars:

        def say(what: str, done: int, total: int) -> None:
            nonlocal shown, advance
            if what != shown:
                bars.close()
                shown, advance = what, bars.enter_context(progress(what, total))
            elif advance is not None:
                advance(1)

        yield say


def _figures_table(found: Audit, files: list[Path]) -> Table:
    from skcaptcha.report import audit_summary

    table = figures_table()
    for name, what in audit_summary(found):
        table.add_row(name, what)
    table.add_row("seconds", f"{found.seconds:.0f} of {found.budget:.0f}")
    table.add_row("written", "\n".join(map(str, files)))
    return table


def _defenses_table(found: Audit) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("defense")
    table.add_column("there in", justify="right")
    table.add_column("conclusion")
    for finding in found.findings:
        there = f"{finding.n_with} of {finding.n_measured}"
        table.add_row(finding.defense.name, there, finding.conclusion)
    return table
