"""The command ``demo``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from skcaptcha._process.fast_imports import import_sklearn
from skcaptcha.cli._console import note, say, shows_progress
from skcaptcha.cli._interrupt import interruptible
from skcaptcha.cli.fit import fit_folder
from skcaptcha.cli.generate import generate
from skcaptcha.cli.score import score

EXAMPLE = "skcaptcha demo"

_N_TRAIN, _N_UNSEEN = 100, 200


@interruptible("interrupted; run the same command to start over")
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write to; created if missing.")
    ] = Path("demo"),
) -> None:
    """Try skcaptcha on generated captchas: generate, fit, score.

    Prints each command before running it, and the next steps at the end. Reuses the captchas of
    an earlier run. Needs skcaptcha[generate].
    """
    import_sklearn()
    train, unseen, model = folder / "train", folder / "unseen", folder / "model.joblib"
    for captchas, n, seed in ((train, _N_TRAIN, 0), (unseen, _N_UNSEEN, 1)):
        if not (captchas / "labels.csv").exists():
            _announce("generate", "lines", captchas, "--n", n, "--seed", seed)
            generate("lines", captchas, n=n, seed=seed)
    _announce("fit", train, "--out", model)
    verbose = int(shows_progress())
    fit_folder(train, model, None, is_last=False, format="joblib", n_jobs=-1, verbose=verbose)
    _announce("score", unseen, "--model", model)
    score(unseen, model=model)
    show = shlex.join(["skcaptcha", "show", str(model), str(unseen / "00001.png")])
    say(f"next: {show}; for captchas of your own: skcaptcha label DIR, then skcaptcha fit DIR")


def _announce(*words: object) -> None:
    note(f"$ {shlex.join(['skcaptcha', *map(str, words)])}")
