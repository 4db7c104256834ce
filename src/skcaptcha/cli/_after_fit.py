"""What ``fit`` says at its end: what to do with the model, or why it learned little."""

# ruff: noqa: PLC0415 - what --help does not need is imported late, so that it answers at once

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from skcaptcha._display.percent import percent
from skcaptcha.cli._console import say, visible
from skcaptcha.cli._options import DEFAULT_MODEL

if TYPE_CHECKING:
    from rich.console import Console
    from sklearn.utils import Bunch

_LOW = 0.5
_SURE = 0.01  # probability that guessing is as good as what was measured
_FEW_OF_EACH = 10  # characters
_RARE = 0.2  # of the mean count of characters
_MOST_SHOWN = 5  # characters


def chance(labels: Sequence[str]) -> float:
    """Give the string accuracy that somebody reaches who knows the labels but sees no image.

    Either by always saying the most frequent other label, or by saying the most frequent character
    at each place.

    Parameters
    ----------
    labels : sequence of n str

    Returns
    -------
    accuracy : float in 0..1

    Examples
    --------
    >>> from skcaptcha.cli._after_fit import chance
    >>> chance(["A", "B"] * 50)
    0.5
    >>> round(chance(["AB", "CD", "EF"]), 2)
    0.11
    """
    n = len(labels)
    most = max(Counter(labels).values())
    # Each label is guessed from the others, as in a cross-validation.
    same = (most - 1) / (n - 1) if n > 1 else 0.0
    places = zip_longest(*labels, fillvalue="")
    return max(same, math.prod(max(Counter(place).values()) / n for place in places))


def learned_nothing(accuracy: float, n: int, by_chance: float) -> bool:
    """Tell whether an accuracy may well be that of guessing.

    Parameters
    ----------
    accuracy : float in 0..1
        Of a cross-validation.
    n : int
        Of how many captchas.
    by_chance : float in 0..1
        What `chance` gives.

    Returns
    -------
    nothing : bool
        Whether guessing is as accurate with a probability of more than 1 %; never if there is
        nothing to tell apart.

    Examples
    --------
    >>> from skcaptcha.cli._after_fit import learned_nothing
    >>> learned_nothing(0.5, 100, 0.5), learned_nothing(0.7, 100, 0.5)
    (True, False)
    """
    from scipy.stats import binom

    if by_chance == 1:
        return False
    return bool(binom.sf(round(accuracy * n) - 1, n, by_chance) > _SURE)


def advice(
    labels: Sequence[str],
    accuracy: float,
    n: int,
    *,
    model: Path,
    page: Path | None,
    data: str,
    image: str,
    recipe: bool,
) -> Iterator[str]:
    """Say of a fit that read less than half of the captchas what usually causes that.

    Parameters
    ----------
    labels : sequence of str
        Of the training captchas.
    accuracy : float in 0..1
        Of the cross-validation.
    n : int
        Of how many captchas.
    model : Path
        The file that was written.
    page : Path or None
        Its report, if there is one.
    data, image : str
        The folder of the captchas and one of them; "" where they are generated.
    recipe : bool
        Whether a recipe was given, and none was looked for.

    Yields
    ------
    line : str
        What was found, then a cause in each line, with the check that tells.
    """
    by_chance = chance(labels)
    nothing = learned_nothing(accuracy, n, by_chance)
    if accuracy >= _LOW and not nothing:
        return
    read = f"{percent(accuracy, n)} of {n} captchas were read right in the cross-validation"
    if nothing:
        yield (
            f"nothing was learned: {read}, and guessing without the images gives "
            f"{percent(by_chance, n)}; the usual causes, and how to check each:"
        )
    else:
        yield f"little was learned: {read}; the usual causes, and how to check each:"
    counts = Counter("".join(labels))
    characters = "".join(sorted(counts))
    each = counts.total() / max(len(characters), 1)
    if each < _FEW_OF_EACH:
        yield (
            f"- too few captchas: {len(labels)} show each character {each:.1f} times on average, "
            f"and {_FEW_OF_EACH} times would be few; label more{_command('label', data)}"
        )
    beside = f"open {page}, which shows" if page else "open the images, and look at"
    yield (
        "- labels of other images, or their characters in another order than in the image, from "
        f"left to right: {beside} captchas with their labels"
    )
    if any(map(str.islower, characters)) and any(map(str.isupper, characters)):
        n_lower = sum(any(map(str.islower, label)) for label in labels)
        yield (
            f"- case: {n_lower} of {len(labels)} labels have lower-case letters, others have "
            "upper-case ones; if the images do not tell them apart, write all labels in one case"
            + (f": {page} shows how many are right ignoring case" if page else "")
        )
    rare = [character for character in characters if counts[character] <= _RARE * each]
    if each >= _FEW_OF_EACH and rare:
        # Without a model that reads something, labels cannot be checked.
        suspects = "" if nothing else _command("check-labels", data, "--report", "labels.html")
        yield (
            f"- wrong alphabet: of the {len(characters)} characters of the labels, "
            f"{_listed(rare, counts)}; if the images never show one, correct its labels{suspects}"
        )
    look = shlex.join(["skcaptcha", "show", str(model), image, "--out", "steps.png"])
    where = f": {look}" if image else ""
    if recipe:
        others = f", or have all recipes tried{_command('fit', data)}" if data else ""
        yield f"- a recipe for other captchas: look where it cuts{where}{others}"
    else:
        yield f"- captchas that no recipe can cut: look where this one cuts{where}"


def end_fit(
    captchas: Bunch,
    accuracy: float,
    n: int,
    *,
    model: Path,
    written: Sequence[Path],
    data: str,
    recipe: bool,
    console: Console | None,
) -> list[str]:
    """Show what to do next, or else the causes of a low accuracy.

    Parameters
    ----------
    captchas : Bunch
        What was fitted.
    accuracy, n, model, data, recipe
        See `advice`.
    written : sequence of Path
        All files that were written.
    console : Console or None
        For what is no warning; None: only warnings are shown.

    Returns
    -------
    causes : list of str
        For the report; none if there is nothing to warn of.
    """
    first = captchas.data[0] if len(captchas.data) else ""
    lines = list(
        advice(
            [str(label) for label in captchas.target],
            accuracy,
            n,
            model=model,
            page=next((path for path in written if path.suffix == ".html"), None),
            data=data,
            image=first if isinstance(first, str) else "",
            recipe=recipe,
        )
    )
    if not lines:
        if console is not None:
            console.print(next_steps(model), soft_wrap=True)
        return []
    say(f"warning: {lines[0]}")
    for cause in lines[1:]:
        say(cause)
    return lines


def next_steps(model: Path) -> str:
    """Say what to do with a good model.

    Parameters
    ----------
    model : Path
        The file that was written.

    Returns
    -------
    lines : str
        Commands, with comments.

    Examples
    --------
    >>> from pathlib import Path
    >>> from skcaptcha.cli._after_fit import next_steps
    >>> print(next_steps(Path("artifacts/model.joblib")))
    next: skcaptcha predict NEW     # reads the images of a folder
          skcaptcha score OTHERS    # measures it on labeled captchas that it never saw
    """
    option = [] if model == DEFAULT_MODEL else ["--model", str(model)]
    read = shlex.join(["skcaptcha", "predict", "NEW", *option])
    measure = shlex.join(["skcaptcha", "score", "OTHERS", *option])
    return (
        f"next: {read:{len(measure)}}    # reads the images of a folder\n"
        f"      {measure}    # measures it on labeled captchas that it never saw"
    )


def _listed(characters: Sequence[str], counts: Counter[str]) -> str:
    shown = [
        f"{visible(character)} occurs {'once' if (n := counts[character]) == 1 else f'{n} times'}"
        for character in characters
    ]
    more = [f"{len(shown) - _MOST_SHOWN} others are as rare"] if len(shown) > _MOST_SHOWN else []
    return ", ".join(shown[:_MOST_SHOWN] + more)


def _command(name: str, data: str, *options: str) -> str:
    return f": {shlex.join(['skcaptcha', name, data, *options])}" if data else ""
