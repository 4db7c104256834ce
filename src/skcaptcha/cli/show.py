"""The command ``show``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeGuard

import typer

from skcaptcha._display.percent import percent
from skcaptcha._display.printable import printable
from skcaptcha.cli._app import EXIT_SOME_FAILED
from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import note, result_console, say, summary_table
from skcaptcha.cli._options import Trust
from skcaptcha.exceptions import SkcaptchaError, UntrustedModelError, reason_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

EXAMPLE = "skcaptcha show artifacts/model.joblib a.png --out steps.png"

_MAX_IMAGES = 40
# Keys of the manifest whose values are too long for a table.
_NOT_SHOWN = {"confusions", "recipe_content", "pseudo_labeled_images", "training_images", "trials"}
_MAX_COUNTS = 5
_VERSIONS_SHOWN = ("skcaptcha", "scikit-learn")


def show(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file written by fit.")],
    images: Annotated[
        list[str] | None, typer.Argument(metavar="[IMAGE...]", help="Images to draw.")
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw to this PNG file instead of the terminal; needs skcaptcha[report].",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show the whole manifest of the model.")
    ] = False,
    trust: Trust = False,
) -> None:
    """Describe a model; with images, draw the output of each of its steps.

    The description contains the accuracy, the training captchas, the recipe and the steps; with
    --all also hashes, versions and all metrics of the fit. A model that is not trusted is described
    by its manifest only, without loading it.

    The drawing contains, for each image, the image itself, the output of each denoising step, the
    boxes, and the text with its confidence (and the answer of an Evaluate); in a file, also the
    crops.
    """
    from skcaptcha.persistence import load_manifest, read_model

    if out is not None and not images:
        raise SkcaptchaError(f"{out}: nothing to draw; pass one or more images after the model")
    if images and len(images) > _MAX_IMAGES:
        raise SkcaptchaError(f"show draws at most {_MAX_IMAGES} images, not {len(images)}")
    if everything and images:
        raise SkcaptchaError("--all cannot be combined with images; leave out one of them")
    try:
        loaded = read_model(model, trust=trust)
    except UntrustedModelError:
        if not images:
            _describe(load_manifest(model), None, everything=everything)
        raise
    if images:
        check_outputs(png=out, reads=[model, *images], model=model)
        _draw(loaded.model, images, out)
    else:
        _describe(loaded.manifest, loaded.model, everything=everything)


def _draw(reader: Pipeline, images: list[str], out: Path | None) -> None:
    from skcaptcha._files.atomic import write_atomically
    from skcaptcha.inspection import trace
    from skcaptcha.report import TerminalTraces

    traces, n_failed = [], 0
    for image in images:
        try:
            # Matplotlib draws only what is valid Unicode, which file names need not be.
            title = printable(os.fsencode(Path(image).name).decode(errors="replace"))
            traces.append(trace(reader, image, title=title))
        except SkcaptchaError as error:
            say(f"{image}: {reason_of(error)}")
            n_failed += 1
    if traces and out is None:
        result_console().print(TerminalTraces(traces))
    elif traces:
        from matplotlib import style

        from skcaptcha.report import draw_traces

        assert out is not None
        picture = io.BytesIO()
        # Ignore a matplotlibrc in the current folder, which may be from someone else.
        with style.context("default"):
            draw_traces(traces).savefig(picture, format="png")
        write_atomically(out, picture.getvalue())
        note(f"{len(traces)} of {len(images)} images drawn to {out}")
    if n_failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _describe(manifest: dict[str, Any], reader: Pipeline | None, *, everything: bool) -> None:
    from skcaptcha.inspection._pipeline_steps import step_parameters

    rows = [*_in_short(manifest)]
    if reader is not None:
        rows += step_parameters(reader)
        if (classes := getattr(reader[-1], "classes_", None)) is not None:
            rows.append(("characters", f"{''.join(classes)} ({len(classes)})"))
    if everything or not rows:
        rows += _flat(manifest)
    if rows:
        cells = ((printable(name), printable(value)) for name, value in rows)
        result_console().print(summary_table(cells))
    if manifest and reader is not None and not everything:
        note("for the whole manifest, add --all")


def _in_short(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the accuracy, the training captchas, the recipe and the versions.

    The manifest may be from someone else: values of unexpected types are skipped.
    """
    held_out = manifest.get("held_out")
    held_out = held_out if isinstance(held_out, dict) else {}
    n, accuracy = held_out.get("n"), held_out.get("string_accuracy")
    if _is_count(n) and _is_fraction(accuracy):
        yield "string accuracy", f"{percent(accuracy, n)} of {n} held out"
    if _is_count(n_train := manifest.get("n_train")):
        if _is_fraction(accuracy := manifest.get("cv_string_accuracy")):
            yield "string accuracy", f"{percent(accuracy, n_train)} in cross-validation"
        data = manifest.get("data")
        data = ", ".join(map(str, data)) if isinstance(data, list) else data
        yield "trained on", f"{n_train} captchas" + (f" of {data}" if data else "")
    for name, key in (("lengths of labels", "lengths"), ("sizes of images", "image_sizes")):
        if isinstance(counts := manifest.get(key), dict) and counts:
            shown = list(counts.items())[:_MAX_COUNTS]
            more = f", {len(counts) - len(shown)} others" if len(counts) > len(shown) else ""
            yield name, ", ".join(f"{value} ({n})" for value, n in shown) + more
    if recipe := manifest.get("recipe") or manifest.get("chosen"):
        yield "recipe", str(recipe)
    for key in ("overrides", "best_params", "chosen_settings"):
        if settings := manifest.get(key):
            yield from _settings(settings)
    if isinstance(versions := manifest.get("versions"), dict):
        by = [f"{name} {versions[name]}" for name in _VERSIONS_SHOWN if name in versions]
        yield "saved", f"{manifest.get('saved', '')} by {', '.join(by)}"


def _settings(settings: Any) -> Iterator[tuple[str, str]]:
    if isinstance(settings, dict):
        yield from ((f"  {name}", " ".join(str(value).split())) for name, value in settings.items())
    elif isinstance(settings, list):
        yield from (("  --set", str(setting)) for setting in settings)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and value > 0


def _is_fraction(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and 0 <= value <= 1


def _flat(manifest: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in manifest.items():
        if name in _NOT_SHOWN or value in (None, "", []):
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", f"{value:.6g}" if isinstance(value, float) else str(value)
