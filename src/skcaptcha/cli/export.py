"""The command ``export``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import note
from skcaptcha.cli._options import Trust
from skcaptcha.cli._output import write_json

EXAMPLE = "skcaptcha export artifacts/model.joblib model.onnx"


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file written by fit.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="ONNX file to write.")],
    *,
    trust: Trust = False,
    json: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|-",
            help="Also write the metadata as JSON; - means standard output.",
        ),
    ] = None,
) -> None:
    """Write a model to an ONNX file, for C++, Go, Java, JavaScript and others.

    Models with a ConvolutionalReader can be exported, and those that classify fixed boxes, as the
    recipe grid does. The metadata of the file lists the steps that other programs have to do
    themselves, the characters, and how to decode the output. Needs skcaptcha[onnx].
    """
    from skcaptcha.persistence import export_onnx, load

    check_outputs(onnx=out, json=json, reads=[model], model=model)
    write_json(export_onnx(load(model, trust=trust), out), json)
    note(f"{model} exported to {out}; other programs have to prepare images as its metadata says")
