"""Advice after a fit that read few captchas: the usual causes, and how to check each."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path

from scipy.stats import binom

from skcaptcha._display.percent import percent
from skcaptcha._display.printable import visible

_LOW_ACCURACY = 0.5
_SIGNIFICANCE = 0.01
_FEW_OF_EACH = 10  # occurrences of a character
_RARE = 0.2  # of the mean count of characters
_MOST_SHOWN = 5  # characters


def accuracy_of_guessing(labels: Sequence[str]) -> float:
    """Return the string accuracy that is reached without looking at the images.

    The guess is either the most frequent other label, as in a cross-validation, or the most
    frequent character at each position.
    """
    n = len(labels)
    most = max(Counter(labels).values())
    same = (most - 1) / (n - 1) if n > 1 else 0.0
    columns = zip_longest(*labels, fillvalue="")
    return max(same, math.prod(max(Counter(column).values()) / n for column in columns))


def no_better_than_guessing(accuracy: float, n: int, guessing: float) -> bool:
    """Return whether guessing is as accurate on n captchas with a probability of more than 1 %.

    False if all labels are equal, because then there is only one class.
    """
    if guessing == 1:
        return False
    return bool(binom.sf(round(accuracy * n) - 1, n, guessing) > _SIGNIFICANCE)


def advice(
    labels: Sequence[str],
    accuracy: float,
    n: int,
    *,
    model_file: Path,
    report_file: Path | None,
    data: str,
    image: str,
    recipe: bool,
) -> Iterator[str]:
    """Yield what a fit with less than half of the captchas read right found, then each cause.

    `accuracy` is that of models on `n` captchas that they did not learn from. `data` is the folder
    of the captchas and `image` one of them; "" if they are generated. `recipe` is whether the user
    chose the recipe. Nothing is yielded for a better fit.
    """
    guessing = accuracy_of_guessing(labels)
    nothing = no_better_than_guessing(accuracy, n, guessing)
    if accuracy >= _LOW_ACCURACY and not nothing:
        return
    read = f"{percent(accuracy, n)} of {n} held-out captchas were read correctly"
    if nothing:
        yield (
            f"nothing was learned: {read}, and guessing without the images gives "
            f"{percent(guessing, n)}; the usual causes, and how to check each:"
        )
    else:
        yield f"little was learned: {read}; the usual causes, and how to check each:"
    counts = Counter("".join(labels))
    characters = "".join(sorted(counts))
    each = counts.total() / max(len(characters), 1)
    if each < _FEW_OF_EACH:
        yield (
            f"- too few captchas: {len(labels)} show each character {each:.1f} times on average, "
            f"and fewer than {_FEW_OF_EACH} is not enough; label more{_command('label', data)}"
        )
    look = f"open {report_file}, which shows" if report_file else "open the images, and look at"
    yield (
        "- labels that belong to other images, or characters that are not in the order of the "
        f"image, from left to right: {look} captchas with their labels"
    )
    if any(map(str.islower, characters)) and any(map(str.isupper, characters)):
        n_lower = sum(any(map(str.islower, label)) for label in labels)
        yield (
            f"- case: {n_lower} of {len(labels)} labels have lowercase letters, others have "
            "uppercase ones; if they look the same in the images, fit with --fold-case"
            + (f": {report_file} shows how many are correct ignoring case" if report_file else "")
        )
    rare = [character for character in characters if counts[character] <= _RARE * each]
    if each >= _FEW_OF_EACH and rare:
        # Labels can only be checked with a model that reads something.
        suspects = "" if nothing else _command("check-labels", data, "--report", "labels.html")
        yield (
            f"- wrong alphabet: of the {len(characters)} characters of the labels, "
            f"{_listed(rare, counts)}; if the images never show one, correct its labels{suspects}"
        )
    show = shlex.join(["skcaptcha", "show", str(model_file), image, "--out", "steps.png"])
    where = f": {show}" if image else ""
    if recipe:
        others = f", or try all recipes{_command('fit', data)}" if data else ""
        yield f"- a recipe that does not suit these captchas: look at where it cuts{where}{others}"
    else:
        yield f"- captchas that no recipe can cut: look at where this one cuts{where}"


def _listed(characters: Sequence[str], counts: Counter[str]) -> str:
    shown = [
        f"{visible(character)} occurs {'once' if (n := counts[character]) == 1 else f'{n} times'}"
        for character in characters
    ]
    more = [f"{len(shown) - _MOST_SHOWN} others are as rare"] if len(shown) > _MOST_SHOWN else []
    return ", ".join(shown[:_MOST_SHOWN] + more)


def _command(name: str, data: str, *options: str) -> str:
    return f": {shlex.join(['skcaptcha', name, data, *options])}" if data else ""
