"""The command ``demo``."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from skcaptcha.cli._console import note, say
from skcaptcha.cli._fit import fit
from skcaptcha.cli._generate import generate
from skcaptcha.cli._score import score

_N_TRAIN, _N_UNSEEN = 100, 200


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write; may be new.")] = (
        Path("demo")
    ),
) -> None:
    """Try skcaptcha on captchas that it makes: generate, fit, score.

    Shows each command before it runs it, and says at the end what to do next. Captchas that are
    there from an earlier run are used again.
    """
    train, unseen, model = folder / "train", folder / "unseen", folder / "model.joblib"
    for captchas, n, seed in ((train, _N_TRAIN, 0), (unseen, _N_UNSEEN, 1)):
        if not (captchas / "labels.csv").exists():
            _run(generate, "lines", captchas, n=n, seed=seed)
    _run(fit, train, out=model)
    _run(score, unseen, model=model)
    say(
        f"next: skcaptcha show {_quoted(model)} {_quoted(unseen / '00001.png')}; "
        "for captchas of your own: skcaptcha label DIR, then skcaptcha fit DIR"
    )


def _run(command: Callable[..., None], *arguments: Any, **options: Any) -> None:
    words = [str(command.__name__), *map(_quoted, arguments)]
    words += [f"--{name} {_quoted(value)}" for name, value in options.items()]
    note(f"$ skcaptcha {' '.join(words)}")
    command(*arguments, **options)


def _quoted(value: Any) -> str:
    return shlex.quote(str(value))
