"""Measure how many wrong labels of generated captchas are found.

5 of 100 labels are made wrong, in turn: one character is changed, two neighbors are swapped, one is
missing, the label is that of another captcha, or the case of a letter is changed. Run from the root
of the repository::

    python benchmarks/check_labels.py OUT.csv [SEEDS]

The fraction of wrong labels among the first n suspects, where n is the number of wrong labels, is
both precision and recall. The table also has precision and recall of all suspects and, for
comparison, the fraction among the first n in the order of the probability of the whole string.
"""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

import numpy as np

from skcaptcha import load_recipe
from skcaptcha.datasets import make_line_captchas
from skcaptcha.datasets._lines import LINE_CHARSET
from skcaptcha.label_issues._find_label_issues import rank_labels
from skcaptcha.label_issues._out_of_fold import HeldOut, read_out_of_fold
from skcaptcha.label_issues._probabilities import character_probabilities, length_probabilities

SHARE = 0.05
KINDS = ("changed", "swapped", "missing", "another", "case")
CHARSETS = {"one case": LINE_CHARSET, "both cases": LINE_CHARSET + "abdefghnqrty"}
COLUMNS = ("charset", "n", "seed", "n_wrong", "first_n", "plain", "suspects", "precision",
           "recall", *KINDS, "seconds")  # fmt: skip


def main() -> None:
    """Run all measurements, write a table, and print the means."""
    out, seeds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    rows = []
    for name, charset in CHARSETS.items():
        for n in (400, 1000):
            own = [_run(name, charset, n, seed) for seed in range(seeds)]
            rows += own
            means = [np.mean([row[column] for row in own]) for column in COLUMNS[3:]]
            print(name, n, *(f"{mean:.3f}" for mean in means), sep=" | ", flush=True)
    with out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _run(name: str, charset: str, n: int, seed: int) -> dict[str, object]:
    images, right = make_line_captchas(n, charset=charset, random_state=1000 + seed)
    labels, kinds = make_wrong([str(label) for label in right], charset, seed)
    begin = time.perf_counter()
    y = np.array(labels)
    held_out = read_out_of_fold(
        load_recipe("grid").pipeline(), list(images), y, range(n),
        n_folds=5, n_jobs=None, random_state=0, advance=lambda n: None,
    )  # fmt: skip
    issues = rank_labels(held_out, y, {})
    seconds = time.perf_counter() - begin
    first = {issue.index for issue in issues[: len(kinds)]}
    suspects = {issue.index for issue in issues if issue.suspect}
    plain = set(np.argsort(_string_probability(held_out, y), kind="stable")[: len(kinds)].tolist())
    found = {
        kind: np.mean([i in first for i, own in kinds.items() if own == kind]) for kind in KINDS
    }
    return {
        "charset": name,
        "n": n,
        "seed": seed,
        "n_wrong": len(kinds),
        "first_n": len(first & kinds.keys()) / len(kinds),
        "plain": len(plain & kinds.keys()) / len(kinds),
        "suspects": len(suspects),
        "precision": len(suspects & kinds.keys()) / max(len(suspects), 1),
        "recall": len(suspects & kinds.keys()) / len(kinds),
        **found,
        "seconds": seconds,
    }


def make_wrong(
    labels: list[str], charset: str, seed: int, fraction: float = SHARE
) -> tuple[list[str], dict[int, str]]:
    """Make some labels wrong, in different ways.

    Parameters
    ----------
    labels : list of n str
    charset : str
        Characters to use.
    seed : int
    fraction : float in 0..1

    Returns
    -------
    labels : list of n str
    kinds : dict of int to str
        Kind of error of each wrong label, by index.
    """
    rng = np.random.default_rng(seed)
    wrong, kinds = list(labels), {}
    for i in rng.permutation(len(labels)):
        if len(kinds) == round(fraction * len(labels)):
            break
        kind = KINDS[len(kinds) % len(KINDS)]
        tried = (_wrong(labels[i], kind, labels, charset, rng) for _ in range(50))
        new = next((text for text in tried if text != labels[i]), None)
        if new is not None:  # four equal characters cannot be swapped
            wrong[i], kinds[int(i)] = new, kind
    return wrong, kinds


def _wrong(label: str, kind: str, labels: list[str], charset: str, rng: np.random.Generator) -> str:
    place = int(rng.integers(len(label) - (kind == "swapped")))
    before, here, after = label[:place], label[place], label[place + 1 :]
    if kind == "changed":
        return before + str(rng.choice(list(charset))) + after
    if kind == "swapped":
        return before + after[0] + here + after[1:]
    if kind == "missing":
        return before + after
    if kind == "case":
        return before + here.swapcase() + after
    return labels[int(rng.integers(len(labels)))]


def _string_probability(held_out: list[HeldOut], y: np.ndarray) -> np.ndarray:
    logs = np.zeros(len(y))
    for given in (
        character_probabilities(held_out, y),
        length_probabilities(held_out, y),
    ):
        of_label = given.probabilities[np.arange(len(given.label)), given.label]
        np.add.at(logs, given.owner, np.log(np.maximum(of_label, 1e-300)))
    return logs


if __name__ == "__main__":
    main()
