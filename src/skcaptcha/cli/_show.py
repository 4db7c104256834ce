"""The command ``show``."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skcaptcha.cli._app import EXIT_SOME_FAILED, WrongUseError
from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import figures_table, note, printable, result_console, say
from skcaptcha.cli._options import Trust
from skcaptcha.errors import SkcaptchaError, UntrustedModelError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

_MOST_ROWS = 40
# In a manifest, too long for a table.
_NOT_SHOWN = {"confusions", "recipe_content", "tried"}


def show(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model that fit has written.")],
    images: Annotated[
        list[str] | None, typer.Argument(metavar="[IMAGE...]", help="Images to draw.")
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The picture to write, a PNG file."),
    ] = None,
    trust: Trust = False,
) -> None:
    """Say what a model is; with images, draw what every step makes of them.

    Of a model that is not trusted, it shows what can be told without loading it.

    The pictures go to the terminal, or with --out to a file: for each image, the image itself, what
    each denoising step leaves of it, the boxes, and the text with its confidence; in a file, the
    crops too.
    """
    from skcaptcha.model_io import load

    if out is not None and not images:
        raise WrongUseError(
            f"{out}: there is nothing to draw; name one or more images after the model"
        )
    if images and len(images) > _MOST_ROWS:
        raise WrongUseError(f"show draws at most {_MOST_ROWS} images, {len(images)} were given")
    try:
        reader = load(model, trust=trust)
    except UntrustedModelError:
        if not images:
            _show_manifest(model)
        raise
    if images:
        check_outputs(png=out, reads=[model, *images], models=[model])
        _draw(reader, images, out)
    else:
        _describe(reader, model)


def _draw(reader: Pipeline, images: list[str], out: Path | None) -> None:
    from skcaptcha.cli._reading import why
    from skcaptcha.model_io import write_atomically
    from skcaptcha.report import TerminalStrip, draw_traces, trace

    traces, n_failed = [], 0
    for image in images:
        try:
            # Matplotlib draws only what is valid Unicode, which file names need not be.
            title = printable(os.fsencode(Path(image).name).decode(errors="replace"))
            traces.append(trace(reader, image, title=title))
        except SkcaptchaError as error:
            say(f"{image}: {why(error)}")
            n_failed += 1
    if traces and out is None:
        result_console().print(TerminalStrip(traces))
    elif traces:
        from matplotlib import style

        assert out is not None
        picture = io.BytesIO()
        # Not as a matplotlibrc in the current folder says, which may be anybody's.
        with style.context("default"):
            draw_traces(traces).savefig(picture, format="png")
        write_atomically(out, lambda file: file.write(picture.getvalue()))
        note(f"{len(traces)} of {len(images)} images drawn in {out}")
    if n_failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _describe(reader: Pipeline, file: Path) -> None:
    from rich.text import Text

    table = figures_table()
    for name, estimator in _leaves(reader):
        table.add_row(Text(printable(name)), Text(printable(" ".join(repr(estimator).split()))))
    if (classes := getattr(reader[-1], "classes_", None)) is not None:
        characters = printable("".join(classes))
        table.add_row("characters", Text(f"{characters} ({len(classes)})"))
    result_console().print(table)
    _show_manifest(file)


def _show_manifest(file: Path) -> None:
    from rich.text import Text

    from skcaptcha.model_io import load_manifest

    table = figures_table()
    for name, value in _flat(load_manifest(file)):
        table.add_row(Text(printable(name)), Text(printable(value)))
    if table.row_count:
        result_console().print(table)


def _leaves(pipeline: Pipeline, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every step by its name, those of nested pipelines by both names."""
    from sklearn.pipeline import Pipeline

    for name, step in pipeline.steps:
        if isinstance(step, Pipeline):
            yield from _leaves(step, f"{path}{name}.")
        else:
            yield f"{path}{name}", step


def _flat(manifest: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in manifest.items():
        if name in _NOT_SHOWN or value in (None, "", []):
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", f"{value:.6g}" if isinstance(value, float) else str(value)
