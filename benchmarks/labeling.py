"""Measure how many labels and keystrokes labeling with a model takes.

Run from the root of the repository::

    python benchmarks/labeling.py DATA OUT [SCHEME...]

DATA contains one folder for each scheme, with the labeled folders ``train`` and ``dev``. A
`LabelingSession` labels ``train`` with the true labels. After each fit, its model reads ``dev``.
This is done in the order that the session chooses and in random order, with several seeds.
``made_lines`` is a generated scheme. Fits block the labeling, so that each fit uses the same labels
on every machine.

The recipe of a scheme is chosen once, for its first 60 images in random order, from the recipes
without networks, which are fast to fit. It is stored in OUT and used for both orders.
OUT/labeling.csv has a row for each model: its string accuracy on ``dev``, the estimate of the
session, and the number of keys pressed until then. Completed runs are not repeated. At the end,
OUT/labeling.png is written, and a Markdown table is printed.

``pages`` instead of schemes labels 300 captchas of generated lines and of amazon, all of them, with
and without accepting pages of readings. It counts keys, and computes seconds from them.
OUT/pages.csv has a row for each run.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from sklearn.utils import Bunch

from skcaptcha.datasets import load_captchas, make_line_captchas, write_captchas
from skcaptcha.label import Grid, Guess, LabelingSession
from skcaptcha.label._selection import shuffled
from skcaptcha.label.training import Learner
from skcaptcha.recipes import Recipe, load_recipe

SEEDS = {"lines": 1, "made_lines": 1, "amazon": 1, "captcha_v2": 1}
ORDERS = {"active": 0.2, "random": 1.0}  # and the fraction drawn at random
MOST_LABELS = 290
N_FOR_RECIPE = 60
GROWTH = 0.3  # fraction of labels between fits
# Where fits take long, there are fewer, and none for the estimate.
SLOW, GROWTH_OF_SLOW = ("captcha_v2",), 0.6
ENOUGH = 0.9
COLUMNS = (
    "scheme", "order", "seed", "n_labels", "n_dev", "accuracy", "estimate", "low", "high",
    "n_estimate", "keystrokes", "keystrokes_without",
)  # fmt: skip
COLORS = {"active": "#1f7ad1", "random": "#c2571a"}
# Seconds of the keystroke-level model: a key of a random string, another key, and a mental step,
# here to read an image or to compare it with a reading. S. K. Card, T. P. Moran, A. Newell, "The
# keystroke-level model for user performance time with interactive systems", Communications of the
# ACM 23 (1980), 396-410.
CHARACTER, KEY, LOOK = 0.5, 0.28, 1.35
N_FOR_PAGES, N_ON_PAGE, N_COLUMNS = 300, 20, 5
SEEDS_OF_PAGES = {"made_lines": 3, "amazon": 3}
PAGE_COLUMNS = (
    "scheme", "seed", "pages", "keys", "characters", "seconds", "seconds_unseen", "n_typed",
    "n_accepted", "n_wrong", "n_before_pages", "estimate", "low", "high", "accuracy",
)  # fmt: skip
TEXT = "#767676"
TICKS = (20, 30, 50, 100, 200, 400)


def main() -> None:
    """Simulate the missing runs, and draw all of them."""
    data, out, *only = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
    out.mkdir(parents=True, exist_ok=True)
    table = out / "labeling.csv"
    if not table.exists():
        table.write_text(",".join(COLUMNS) + "\n")
    with TemporaryDirectory() as made:
        for scheme in [name for name in only or SEEDS if name != "pages"]:
            folder = Path(made) if scheme == "made_lines" else Path(data, scheme)
            if scheme == "made_lines":
                for part, n, seed in (("train", 400, 0), ("dev", 200, 1)):
                    write_captchas(folder / part, *make_line_captchas(n, random_state=seed))
            train, dev = load_captchas(folder / "train"), load_captchas(folder / "dev")
            recipe = recipe_for(scheme, train, out)
            for seed in range(SEEDS.get(scheme, 1)):
                for order in ORDERS:
                    if not any(is_of(row, scheme, order, seed) for row in read(table)):
                        rows = list(simulate(scheme, order, seed, train, dev, recipe))
                        with table.open("a", newline="") as file:
                            csv.DictWriter(file, COLUMNS).writerows(rows)
    if read(table):
        draw(read(table), out / "labeling.png")
        print("\n".join(report(read(table))))
    if not only or "pages" in only:
        label_pages(data, out)
        print("\n".join(report_pages(read(out / "pages.csv"))))


def recipe_for(scheme: str, train: Bunch, out: Path) -> Recipe:
    """Choose a recipe, or load the one that was chosen earlier."""
    path = out / f"{scheme}.yaml"
    if not path.exists():
        labels = dict(zip(train.filenames, train.target.tolist(), strict=True))
        first = shuffled(labels, 0)[:N_FOR_RECIPE]
        learner = Learner(Path(train.data[0]).parent)
        # The first result is the best recipe without networks.
        next(learner.learn({name: labels[name] for name in first}))
        assert learner.recipe is not None
        path.write_text(yaml.safe_dump(learner.recipe.content, sort_keys=False))
    return load_recipe(path)


def simulate(  # noqa: PLR0917
    scheme: str, order: str, seed: int, train: Bunch, dev: Bunch, recipe: Recipe
) -> Iterator[dict[str, Any]]:
    """Label a scheme in one order; return a row for each model."""
    truth = dict(zip(train.filenames, train.target.tolist(), strict=True))
    keystrokes = without = n_learned = 0
    with TemporaryDirectory() as name:
        for path in train.data:
            Path(name, Path(path).name).symlink_to(Path(path).absolute())
        session = LabelingSession(
            name,
            train="here",
            recipe=recipe,
            explore=ORDERS[order],
            growth=GROWTH_OF_SLOW if scheme in SLOW else GROWTH,
            random_state=seed,
        )
        if scheme in SLOW:
            session._training.trainer._learner.read_held_out = lambda filenames: {}
        with session:
            while task := session.next("tab"):
                label = truth[task.filename]
                keystrokes += keys_for(label, task.guess)
                without += len(label) + 1
                session.label(task.filename, label, tab="tab", expected=task.label)
                progress = session.progress()
                if progress.n_learned == n_learned and progress.n_left:
                    continue
                n_learned = progress.n_learned
                if not n_learned:
                    raise RuntimeError(f"{scheme}: {progress.training}")
                estimate = progress.estimate
                yield {
                    "scheme": scheme,
                    "order": order,
                    "seed": seed,
                    "n_labels": progress.n_labeled,
                    "n_dev": len(dev.data),
                    "accuracy": accuracy(session, dev),
                    "estimate": estimate and estimate.accuracy,
                    "low": estimate and estimate.low,
                    "high": estimate and estimate.high,
                    "n_estimate": estimate and estimate.n,
                    "keystrokes": keystrokes,
                    "keystrokes_without": without,
                }
                print(scheme, order, seed, progress.n_labeled, flush=True, file=sys.stderr)
                if progress.n_labeled >= MOST_LABELS:
                    return


def label_pages(data: str, out: Path) -> None:
    """Label captchas with and without pages, and add a row for each run."""
    table = out / "pages.csv"
    if not table.exists():
        table.write_text(",".join(PAGE_COLUMNS) + "\n")
    done = {(row["scheme"], row["seed"], row["pages"]) for row in read(table)}
    for scheme, n_seeds in SEEDS_OF_PAGES.items():
        for seed in range(n_seeds):
            for pages in (0, 1):
                if (scheme, seed, pages) in done:
                    continue
                with TemporaryDirectory() as made:
                    folder = Path(made) if scheme == "made_lines" else Path(data, scheme)
                    if scheme == "made_lines":
                        for part, n, state in (
                            ("train", 300, 2 * seed),
                            ("dev", 200, 2 * seed + 1),
                        ):
                            write_captchas(
                                folder / part, *make_line_captchas(n, random_state=state)
                            )
                    train, dev = load_captchas(folder / "train"), load_captchas(folder / "dev")
                    recipe = recipe_for(scheme, train, out)
                    row = label_all(train, dev, recipe, seed, pages=bool(pages))
                with table.open("a", newline="") as file:
                    writer = csv.DictWriter(file, PAGE_COLUMNS)
                    writer.writerow({"scheme": scheme, "seed": seed, "pages": pages, **row})


def label_all(
    train: Bunch, dev: Bunch, recipe: Recipe, seed: int, *, pages: bool
) -> dict[str, Any]:
    """Label images like a person who looks at all of them and corrects every wrong reading."""
    names = shuffled(train.filenames, seed)[:N_FOR_PAGES]
    labels = dict(zip(train.filenames, train.target.tolist(), strict=True))
    keys = characters = n_typed = n_wrong = 0
    n_before_pages = None
    with TemporaryDirectory() as folder:
        for path in train.data:
            if Path(path).name in names:
                Path(folder, Path(path).name).symlink_to(Path(path).absolute())
        with LabelingSession(folder, train="here", recipe=recipe, random_state=seed) as session:
            while task := session.next("tab"):
                if pages and session.progress().n_acceptable >= N_ON_PAGE:
                    n_before_pages = n_before_pages or session.progress().n_labeled
                    keys += 1  # F4 shows the first page
                    while grid := session.grid("tab"):
                        wrong = wrong_readings(grid, labels)
                        keys += keys_on_page(wrong) + 1  # F4 accepts it and shows the next one
                        characters += sum(map(len, wrong.values()))
                        n_wrong += len(wrong)
                        filenames = [one.filename for one in grid.tasks]
                        session.accept(
                            {one.filename: one.guess.text for one in grid.tasks},
                            tab="tab",
                            page=grid.page,
                            corrections={filenames[k]: text for k, text in wrong.items()},
                        )
                    continue
                label = labels[task.filename]
                needed = keys_for(label, task.guess)
                n_typed += 1
                typed = len(label) if needed == len(label) + 1 else 0
                keys += needed - typed
                characters += typed
                session.label(task.filename, label, tab="tab", expected=task.label)
            progress = session.progress()
            found = accuracy(session, dev)
    estimate = progress.estimate
    seconds = KEY * keys + CHARACTER * characters + LOOK * len(names)
    return {
        "keys": keys,
        "characters": characters,
        "seconds": round(seconds, 1),
        "seconds_unseen": round(seconds - LOOK * progress.n_accepted, 1),
        "n_typed": n_typed,
        "n_accepted": progress.n_accepted,
        "n_wrong": n_wrong,
        "n_before_pages": n_before_pages,
        "estimate": estimate and estimate.accuracy,
        "low": estimate and estimate.low,
        "high": estimate and estimate.high,
        "accuracy": found,
    }


def wrong_readings(grid: Grid, truth: Mapping[str, str]) -> dict[int, str]:
    """Return the labels of the images that are read wrongly, by their positions."""
    labels = [truth[task.filename] for task in grid.tasks]
    return {
        k: label
        for k, (task, label) in enumerate(zip(grid.tasks, labels, strict=True))
        if task.guess and task.guess.text != label
    }


def keys_on_page(positions: Iterable[int]) -> int:
    """Return the number of keys that move to wrong readings and end their corrections.

    Arrow keys move by one image or one row. Enter ends a correction and goes to the next image.
    """
    keys = at = 0
    for k in positions:
        rows, columns = np.subtract(divmod(k, N_COLUMNS), divmod(at, N_COLUMNS))
        keys += abs(int(rows)) + abs(int(columns)) + 1
        at = k + 1
    return keys


def report_pages(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield (
        "| scheme | pages | runs | typed | accepted | wrong on pages | keys | minutes "
        "| minutes, pages unseen | estimate | accuracy on dev |"
    )
    yield "|" + 11 * "---|"
    for scheme, pages in dict.fromkeys((row["scheme"], row["pages"]) for row in rows):
        of = [row for row in rows if (row["scheme"], row["pages"]) == (scheme, pages)]
        numbers = [name for name in PAGE_COLUMNS if name not in {"scheme", "n_before_pages"}]
        mean = {name: fmean(row[name] for row in of) for name in numbers}
        yield (
            f"| {scheme} | {'yes' if pages else 'no'} | {len(of)} | {mean['n_typed']:.0f} "
            f"| {mean['n_accepted']:.0f} | {sum(row['n_wrong'] for row in of):.0f} "
            f"| {mean['keys'] + mean['characters']:.0f} | {mean['seconds'] / 60:.1f} "
            f"| {mean['seconds_unseen'] / 60:.1f} | {100 * mean['estimate']:.1f} % "
            f"| {100 * mean['accuracy']:.1f} % |"
        )


def accuracy(session: LabelingSession, dev: Bunch) -> float:
    """Return the string accuracy of the session's model on other images."""
    paths = [str(Path(path).absolute()) for path in dev.data]
    guesses = session._training.trainer._learner.read(paths)
    return float(np.mean([guesses[p].text == t for p, t in zip(paths, dev.target, strict=True)]))


def keys_for(label: str, guess: Guess | None) -> int:
    """Return the least number of keys, including Enter, that the page needs for a label.

    Typing replaces the guess. Shift and the down arrow insert the next most probable string. The
    right arrow selects the character with the lowest confidence, then the next one; a key replaces
    it.
    """
    typed = len(label) + 1
    if guess is None:
        return typed
    if guess.text == label:
        return 1
    ways = [typed]
    others = [text for text, _ in guess.runners_up]
    if label in others:
        ways.append(others.index(label) + 2)
    if len(guess.text) == len(label):
        order = np.argsort([confidence for _, confidence in guess.characters], kind="stable")
        wrong = [rank for rank, k in enumerate(order, 1) if guess.text[k] != label[k]]
        ways.append(wrong[-1] + len(wrong) + 1)
    return min(ways)


def read(table: Path) -> list[dict[str, Any]]:
    """Load the rows, and convert numbers."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    words = ("scheme", "order")
    return [
        {k: v if k in words else float(v) if v else None for k, v in row.items()} for row in rows
    ]


def is_of(row: Mapping[str, Any], scheme: str, order: str, seed: int | None = None) -> bool:
    """Return whether a row belongs to a run, or to any run if seed is None."""
    return (row["scheme"], row["order"]) == (scheme, order) and seed in (None, row["seed"])


def runs(rows: list[dict[str, Any]], scheme: str, order: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of each seed."""
    for seed in sorted({row["seed"] for row in rows if is_of(row, scheme, order)}):
        yield [row for row in rows if is_of(row, scheme, order, seed)]


def needed(run: list[dict[str, Any]]) -> float | None:
    """Return the number of labels of the first model that is accurate enough."""
    return next((row["n_labels"] for row in run if row["accuracy"] >= ENOUGH), None)


def report(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| scheme | order | runs | labels to 90 % | keys per captcha | without | estimate holds |"
    yield "|---|---|---|---|---|---|---|"
    for scheme in dict.fromkeys(row["scheme"] for row in rows):
        for order in ORDERS:
            of = list(runs(rows, scheme, order))
            if not of:
                continue
            counts = [needed(run) for run in of]
            labels = ", ".join("never" if n is None else f"{n:.0f}" for n in counts)
            # The row nearest to 300 labels, or the last one.
            ends = [min(run, key=lambda row: abs(row["n_labels"] - 300)) for run in of]
            n = fmean(end["n_labels"] for end in ends)
            keys = fmean(end["keystrokes"] / end["n_labels"] for end in ends)
            without = fmean(end["keystrokes_without"] / end["n_labels"] for end in ends)
            said = [row for run in of for row in run if row["low"] is not None]
            inside = sum(row["low"] <= row["accuracy"] <= row["high"] for row in said)
            yield (
                f"| {scheme} | {order} | {len(of)} | {labels} | {keys:.2f} over {n:.0f} "
                f"| {without:.2f} | {inside} of {len(said)} |"
            )


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw accuracy and its estimate by number of labels."""
    schemes = list(dict.fromkeys(row["scheme"] for row in rows))
    picture = Figure(figsize=(9.5, 3.4 * ((len(schemes) + 1) // 2)), layout="constrained")
    all_axes = picture.subplots((len(schemes) + 1) // 2, 2, squeeze=False).ravel()
    for axes, scheme in zip(all_axes, schemes, strict=False):
        for order, color in COLORS.items():
            of = list(runs(rows, scheme, order))
            for run in of:
                fractions = [100 * row["accuracy"] for row in run]
                axes.plot(
                    [row["n_labels"] for row in run], fractions, color=color, lw=0.8, alpha=0.4
                )
            if of:
                # Fits to few labels are at the same numbers in all runs.
                shared = sorted(set.intersection(*({r["n_labels"] for r in run} for run in of)))
                mean = [
                    100 * fmean(r["accuracy"] for run in of for r in run if r["n_labels"] == n)
                    for n in shared
                ]
                axes.plot(shared, mean, color=color, linewidth=2.2, label=f"{order} order")
        axes.axhline(100 * ENOUGH, color=TEXT, linewidth=0.8, linestyle="--")
        axes.set_title(scheme, color=TEXT)
        axes.set(xlabel="labels", ylabel="string accuracy, %", xlim=(19, 400), ylim=(-2, 102))
        axes.set_xscale("log")
        axes.set_xticks(TICKS, map(str, TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.tick_params(colors=TEXT)
        axes.xaxis.label.set_color(TEXT)
        axes.yaxis.label.set_color(TEXT)
        axes.spines[:].set_color(TEXT)
        axes.patch.set_alpha(0)
        axes.legend(frameon=False, labelcolor=TEXT, loc="lower right")
    for axes in all_axes[len(schemes) :]:
        axes.set_axis_off()
    picture.patch.set_alpha(0)
    picture.savefig(path, dpi=160)


if __name__ == "__main__":
    main()
