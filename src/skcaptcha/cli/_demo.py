"""The command ``demo``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from skcaptcha._process.fast_imports import import_sklearn
from skcaptcha.cli._console import note, say
from skcaptcha.cli._fit_auto import fit_folder
from skcaptcha.cli._generate import generate
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli._score import score

_N_TRAIN, _N_UNSEEN = 100, 200


@interruptible("interrupted; the same command starts again")
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write; may be new.")] = (
        Path("demo")
    ),
) -> None:
    """Try skcaptcha on captchas that it makes: generate, fit, score.

    Shows each command before it runs it, and says at the end what to do next. Captchas that are
    there from an earlier run are used again.
    """
    import_sklearn()
    train, unseen, model = folder / "train", folder / "unseen", folder / "model.joblib"
    for captchas, n, seed in ((train, _N_TRAIN, 0), (unseen, _N_UNSEEN, 1)):
        if not (captchas / "labels.csv").exists():
            _announce("generate", "lines", captchas, "--n", n, "--seed", seed)
            generate("lines", captchas, n=n, seed=seed)
    _announce("fit", train, "--out", model)
    fit_folder(
        train,
        model,
        budget=None,
        format="joblib",
        jobs=-1,
        scheduler=None,
        json=None,
        resume=False,
        show_next=False,  # this command is not at its end yet
    )
    _announce("score", unseen, "--model", model)
    score(unseen, model=model)
    show = shlex.join(["skcaptcha", "show", str(model), str(unseen / "00001.png")])
    say(f"next: {show}; for captchas of your own: skcaptcha label DIR, then skcaptcha fit DIR")


def _announce(*words: object) -> None:
    note(f"$ {shlex.join(['skcaptcha', *map(str, words)])}")
