"""The command ``convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from skcaptcha.cli._console import note, note_labels
from skcaptcha.cli._options import LabeledFolder, LabelFile

EXAMPLE = "skcaptcha convert captchas --to gt.txt"


def convert(
    folder: LabeledFolder,
    *,
    to: Annotated[
        Literal["csv", "tsv", "gt.txt", "jsonl"],
        typer.Option(metavar="csv|tsv|gt.txt|jsonl", help="Format to write."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File to write.",
            show_default="labels.csv, labels.tsv, gt.txt or labels.jsonl in DIR",
        ),
    ] = None,
    labels: LabelFile = None,
) -> None:
    """Write the labels of a folder in another format.

    They are read wherever fit finds them, also from image names and the files of other programs.
    No file is overwritten.
    """
    from skcaptcha.datasets import convert_labels  # noqa: PLC0415 - --help is fast

    note_labels(folder, labels)
    file, n = convert_labels(folder, to, out=out, labels=labels)
    note(f"{file}: {n} label{'s' * (n != 1)} written")
