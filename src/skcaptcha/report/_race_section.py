"""The section on the recipes that `skcaptcha.auto.choose_recipe` compared."""

from __future__ import annotations

from typing import Any

from skcaptcha._display.percent import percent
from skcaptcha.auto import Choice, Trial
from skcaptcha.report._blocks import Bars, Block, Table
from skcaptcha.report._page import Section

_MAX_TRIALS = 15


def race_section(choice: Choice) -> Section:
    """Return a section with the best recipe of each family, and a table of recipes."""
    families: dict[int, list[Trial]] = {}
    for trial in choice.trials:
        families.setdefault(trial.family, []).append(trial)
    rows = []
    for trials in families.values():
        best, seconds = trials[0], sum(trial.seconds for trial in trials)
        accuracy, n, is_pale = best.accuracy, best.n_validated, False
        if accuracy is None:
            accuracy, n, is_pale = best.screened, best.n_screened, True
        if accuracy is not None:
            rows.append((best.name, accuracy, f"{percent(accuracy, n)}, {seconds:.0f} s", is_pale))
    table = Table(
        ["recipe", "settings", "screened", "validated", "seconds", "outcome"],
        [
            [
                trial.name,
                " ".join(f"{key}={_short(value)}" for key, value in trial.settings.items()),
                percent(trial.screened, trial.n_screened),
                percent(trial.accuracy, trial.n_validated),
                f"{trial.seconds:.1f}",
                trial.outcome,
            ]
            for trial in choice.trials[:_MAX_TRIALS]
        ],
    )
    blocks: list[Block] = [table]
    if rows:
        description = f"The best recipe of each family: {choice.trials[0].name} was chosen."
        caption = (
            "String accuracy of the best recipe of each family, and the seconds that the family "
            "took. Pale bars were only screened, on part of the captchas."
        )
        blocks.insert(0, Bars(rows, description, caption))
    return Section("Comparison of recipes", blocks)


def _short(value: Any) -> str:
    """Return the class names of a step, or of several steps, of a recipe."""
    if not isinstance(value, dict):
        return str(value)
    return str(value["use"]) if "use" in value else " + ".join(map(_short, value.values()))
