"""The command ``export``."""

# ruff: noqa: PLC0415 - heavy imports are late, so that --help is fast

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skcaptcha.cli._check_outputs import check_outputs
from skcaptcha.cli._console import note
from skcaptcha.cli._options import Trust

EXAMPLE = "skcaptcha export artifacts/model.joblib model.onnx"


def export(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Model file written by fit.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="ONNX file to write.")],
    *,
    trust: Trust = False,
) -> None:
    """Write the networks of a model to an ONNX file, for C++, Go, Java, JavaScript and others.

    Only a ConvolutionalReader has such networks. The steps before it are not part of the file; its
    metadata lists them, the characters, and how to decode the output. Needs skcaptcha[onnx].
    """
    from skcaptcha.persistence import export_onnx, load

    check_outputs(onnx=out, reads=[model], model=model)
    reader = load(model, trust=trust)
    export_onnx(reader, out)
    n = len(reader[-1].networks_)
    note(f"{n} network{'s' if n > 1 else ''} written to {out}")
