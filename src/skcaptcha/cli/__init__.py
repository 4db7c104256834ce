"""The commands; each is a file of its own, and thin: parse, call, print."""

from collections.abc import Callable

from skcaptcha.cli._app import app
from skcaptcha.cli._audit import audit
from skcaptcha.cli._check_labels import check_labels
from skcaptcha.cli._cut import cut
from skcaptcha.cli._demo import demo
from skcaptcha.cli._fit import fit
from skcaptcha.cli._generate import generate
from skcaptcha.cli._help import Command
from skcaptcha.cli._label import label
from skcaptcha.cli._predict import predict
from skcaptcha.cli._score import score
from skcaptcha.cli._show import show
from skcaptcha.cli._streams import prepare_streams
from skcaptcha.cli._verbosity import with_verbosity

__all__ = ["main"]

_EXAMPLES: dict[Callable[..., None], str] = {
    demo: "skcaptcha demo",
    fit: "skcaptcha fit configs/grid.yaml --data train --set search.cv=3",
    score: "skcaptcha score captchas --subset 4501..5000 --report score.html",
    predict: "skcaptcha predict new/ 'more/**/*.png' --csv readings.csv --resume --jobs -1",
    generate: "skcaptcha generate lines captchas --n 500 --seed 1",
    label: "skcaptcha label captchas",
    check_labels: "skcaptcha check-labels captchas --report labels.html --csv checked.csv",
    cut: "skcaptcha cut captchas characters --recipe configs/grid.yaml",
    audit: "skcaptcha audit captchas --out artifacts/audit.html --budget 600",
    show: "skcaptcha show artifacts/model.joblib a.png --out steps.png",
}

for _command, _example in _EXAMPLES.items():
    app.command(cls=Command, epilog=f"Example: {_example}")(with_verbosity(_command))


def main() -> None:
    """Run the command that the command line names."""
    prepare_streams()
    app(prog_name="skcaptcha")
