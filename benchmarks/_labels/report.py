"""The results as a Markdown table and as a chart."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from skcaptcha._files.atomic import write_atomically

from .fits import Result

_TEXT, _WITH, _WITHOUT = "#767676", "#1f7ad1", "#c2571a"
_N_COLUMNS = 4


def markdown(results: Iterable[Result]) -> str:
    """Return a table with a row for each scheme and number of labels.

    Accuracies are means over the choices of labels, with the lowest and the highest.
    """
    groups = _groups(results)
    header = (
        "scheme", "labels", "samples", "without", "minutes", "with others", "minutes", "others",
        "taught", "of these wrong, %",
    )  # fmt: skip
    lines = [f"| {' | '.join(header)} |", "|---" + "|---:" * (len(header) - 1) + "|"]
    for scheme, n in sorted({key[:2] for key in groups}):
        without, with_ = (groups.get((scheme, n, unlabeled), []) for unlabeled in (False, True))
        checked = sum(result.n_checked for result in with_)
        wrong = sum(result.n_wrong for result in with_)
        cells: list[object] = [
            scheme,
            n,
            max(len(without), len(with_)),
            _accuracy(without),
            _minutes(without),
            _accuracy(with_),
            _minutes(with_),
            _mean([result.n_unlabeled for result in with_], 0),
            _mean([result.n_taught for result in with_], 0),
            f"{100 * wrong / checked:.1f}" if checked else "-",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def draw(results: Iterable[Result], file: Path) -> None:
    """Draw string accuracy by number of labels, one small chart for each scheme."""
    groups = _groups(results)
    schemes = sorted({scheme for scheme, _, _ in groups})
    sizes = sorted({n for _, n, _ in groups})
    n_rows = -(-len(schemes) // _N_COLUMNS)
    # The background is transparent, for light and dark pages.
    picture = Figure(figsize=(8.5, 0.6 + 2.1 * n_rows), layout="constrained")
    picture.patch.set_alpha(0)
    axes = picture.subplots(n_rows, _N_COLUMNS, sharex=True, sharey=True, squeeze=False)
    for each in axes.flat[len(schemes) :]:
        each.set_visible(False)
    for each, scheme in zip(axes.flat, schemes, strict=False):
        each.patch.set_alpha(0)
        each.spines[:].set_visible(False)
        each.tick_params(colors=_TEXT, length=0)
        each.set_title(scheme, color=_TEXT, fontsize=10)
        each.grid(True, color=_TEXT, alpha=0.25, linewidth=0.8)
        for unlabeled, color, marker in ((False, _WITHOUT, "s"), (True, _WITH, "o")):
            points = [
                (n, [100 * (result.string_accuracy or 0) for result in group])
                for n in sizes
                if (group := groups.get((scheme, n, unlabeled)))
            ]
            places = [n for n, _ in points]
            each.plot(places, [fmean(values) for _, values in points], color=color, marker=marker)
            each.vlines(
                places,
                [min(values) for _, values in points],
                [max(values) for _, values in points],
                color=color,
                alpha=0.5,
                linewidth=4,
            )
        each.set_xscale("log")
        each.xaxis.set_major_locator(FixedLocator(sizes))
        each.xaxis.set_minor_locator(NullLocator())
        each.xaxis.set_major_formatter("{x:.0f}")
        each.set_ylim(-3, 103)
    for each in axes[:, 0]:
        each.set_ylabel("string accuracy, %", color=_TEXT)
    for each in axes[-1]:
        each.set_xlabel("labels", color=_TEXT)
    axes[0, 0].plot([], [], color=_WITHOUT, marker="s", label="labeled images only")
    axes[0, 0].plot([], [], color=_WITH, marker="o", label="and the others without a label")
    picture.legend(loc="outside upper center", ncols=2, frameon=False, labelcolor=_TEXT)
    content = io.BytesIO()
    picture.savefig(content, format="png", dpi=160)
    write_atomically(file, lambda stream: stream.write(content.getvalue()))


def _groups(results: Iterable[Result]) -> dict[tuple[str, int, bool], list[Result]]:
    groups: dict[tuple[str, int, bool], list[Result]] = {}
    for result in results:
        if not result.failed:
            groups.setdefault((result.scheme, result.n, result.unlabeled), []).append(result)
    return groups


def _accuracy(group: Sequence[Result]) -> str:
    values = [
        100 * result.string_accuracy for result in group if result.string_accuracy is not None
    ]
    if len(values) < 2:
        return _mean(values, 1)
    return f"{fmean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def _minutes(group: Sequence[Result]) -> str:
    return _mean([(result.fit_seconds or 0) / 60 for result in group], 1)


def _mean(values: Sequence[float], digits: int) -> str:
    return f"{fmean(values):.{digits}f}" if values else "-"
