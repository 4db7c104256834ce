"""The command ``update``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_model_suffix, check_outputs
from skcaptcha.cli._console import (
    empty_table,
    note_labels,
    report_console,
    shows_progress,
    summary_table,
    with_interval,
)
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._options import Jobs, Json, LabelFile, Trust, seconds
from skcaptcha.cli._output import write_json
from skcaptcha.exceptions import SkcaptchaError

if TYPE_CHECKING:
    from rich.table import Table

    from skcaptcha.datasets import Captchas
    from skcaptcha.fitting import UpdateResult

EXAMPLE = "skcaptcha update artifacts/model.joblib new --data captchas"


@interruptible("interrupted; nothing was written")
def update(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file written by fit.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of new labeled captchas.")],
    *,
    labels: LabelFile = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the training captchas of the model; repeat it for several.",
            show_default="from the manifest",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Model file to write.", show_default="MODEL with -updated"
        ),
    ] = None,
    trust: Trust = False,
    budget: Annotated[float, seconds("Maximum time of the race with other recipes.", "60")] = 60.0,
    jobs: Jobs = -1,
    json: Json = None,
) -> None:
    """Fit a model again, to its training captchas and to new ones, when a scheme changes.

    The training captchas are recognized by the hashes in the manifest of the model. The accuracy
    before and after is measured on a fifth of the training captchas and of the new ones, which are
    held out. The recipe is kept unless the winner of a short race reads clearly more of them. The
    updated model is fitted to all captchas. MODEL does not change.
    """
    from skcaptcha.datasets import load_captchas
    from skcaptcha.fitting import update_model
    from skcaptcha.persistence import read_model
    from skcaptcha.read._base import folds_case

    out = out or model.with_stem(f"{model.stem}-updated")
    check_model_suffix(out, "skops" if out.suffix == ".skops" else "joblib")
    check_outputs(
        out, out.with_suffix(".json"), json=json, reads=[folder, labels, model, *(data or ())]
    )
    loaded = read_model(model, trust=trust)
    folds = folds_case(loaded.model[-1])
    folders = data or _folders(model, loaded.manifest.get("data"))
    training = _joined([load_captchas(each, fold_case=folds) for each in folders])
    captchas = load_captchas(folder, labels=labels, fold_case=folds)
    note_labels(folder, labels)
    result = update_model(
        loaded,
        captchas,
        training,
        out,
        budget=budget,
        n_jobs=jobs,
        verbose=int(shows_progress()),
    )
    console = report_console(json)
    console.print(summary_table(_summary(result)))
    console.print(_accuracies_table(result.report))
    write_json({**result.report, "failed": result.failed, "files": result.files}, json)
    if result.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _folders(model: Path, found: Any) -> list[Path]:
    """Return the folders of the training captchas that the manifest names."""
    names = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    folders = [Path(name) for name in names if isinstance(name, str)]
    missing = next((each for each in folders if not each.is_dir()), None)
    if not folders or missing is not None:
        problem = (
            f"its training captchas were in {missing}, which is not a folder now"
            if missing
            else "its manifest does not say where its training captchas are"
        )
        raise SkcaptchaError(f"{model}: {problem}; add the folder, as in: --data captchas")
    return folders


def _joined(parts: list[Captchas]) -> Captchas:
    from skcaptcha.datasets import Captchas

    # Names within one folder, so that messages name the first of several.
    return Captchas(
        data=[image for part in parts for image in part.data],
        target=[label for part in parts for label in part.target.tolist()],
        filenames=[name for part in parts for name in part.filenames],
    )


def _summary(result: UpdateResult) -> Iterator[tuple[str, str]]:
    report = result.report
    yield "training captchas", str(report["n_old"])
    yield "new captchas", str(report["n_new"])
    if n := report["n_known"]:
        yield "  known already", str(n)
    if result.failed:
        yield "could not be read", f"{len(result.failed)}, excluded"
    yield "recipe", "kept" if report["kept"] else f"replaced by {report['chosen']}"
    yield "seconds", f"{report['seconds']:.1f}"
    yield "written", "\n".join(map(str, result.files))


def _accuracies_table(report: dict[str, Any]) -> Table:
    """Return a table of the string accuracies before and after, on held-out captchas."""
    table = empty_table("held out", "captchas", "before", "after", right=["captchas"])
    for name, key in (("training captchas", "old"), ("new captchas", "new")):
        cells = [
            with_interval(report[when][key], "string_accuracy") if report[when] else "-"
            for when in ("before", "after")
        ]
        table.add_row(name, str(report["after"][key]["n"]), *cells)
    return table
