"""The charts of an audit."""

from __future__ import annotations

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skcaptcha._display.percent import percent
from skcaptcha.audit._figures import Audit
from skcaptcha.audit._published import PUBLISHED
from skcaptcha.audit._report import OWN, published
from skcaptcha.report import COLORS, bars, chart, chart_style

_WIDTH = 4.8  # inches
_ROW = 0.28


def draw(name: str, audit: Audit, description: str) -> Markup:
    """Draw a chart of an audit.

    Parameters
    ----------
    name : {"curve", "costs", "published"}
    audit : Audit
    description : str
        What is to be seen in it, for those who do not see it.

    Returns
    -------
    html : Markup
    """
    if name == "published":
        return _published(audit, description)
    rows = {
        "curve": 11,
        "costs": 3 + sum(finding.cost is not None for finding in audit.findings),
    }[name]
    with chart_style():
        figure = Figure(figsize=(_WIDTH, rows * _ROW))
        axes = figure.add_subplot()
        _DRAWN[name](axes, audit)
        return chart(figure, description)


def _curve(axes: Axes, audit: Audit) -> None:
    labels = [point.n_labels for point in audit.curve]
    reads = [point.read for point in audit.curve]
    below = [100 * (read.value - read.low) for read in reads]
    above = [100 * (read.high - read.value) for read in reads]
    values = [100 * read.value for read in reads]
    axes.errorbar(labels, values, yerr=(below, above), marker="o", capsize=4)
    axes.set_xscale("log")
    axes.set_xticks(labels, [str(n) for n in labels])
    axes.minorticks_off()
    axes.set_ylim(-3, 103)
    axes.set_xlabel("labels")
    axes.set_ylabel("captchas read, %")
    for mark in (1, 10, 50, 90):
        axes.axhline(mark, linewidth=0.6, alpha=0.4, linestyle="--")


def _costs(axes: Axes, audit: Audit) -> None:
    found = [f for f in reversed(audit.findings) if f.cost is not None]
    for k, finding in enumerate(found):
        assert finding.cost is not None
        value, low, high = (100 * number for number in finding.cost)
        axes.errorbar(
            [value],
            [k],
            xerr=([value - low], [high - value]),
            marker="o",
            capsize=4,
            color=COLORS[0],
        )
    axes.axvline(0, linewidth=0.8, alpha=0.6, color="#010203")
    axes.set_yticks(range(len(found)), [finding.defense.name for finding in found])
    axes.set_ylim(-0.7, len(found) - 0.3)
    axes.set_xlabel("points that it costs the reader")


def _published(audit: Audit, description: str) -> Markup:
    read = audit.best.read
    rows = [
        (p.rate, f"{p.scheme}, {p.paper.authors.partition(',')[0]} {p.paper.year}", published(p))
        for p in PUBLISHED
    ]
    rows.append((read.value, OWN, percent(read.value, read.n)))
    rows.sort(key=lambda row: -row[0])
    return bars(
        [name for _, name, _ in rows],
        [rate for rate, _, _ in rows],
        [text for _, _, text in rows],
        description=description,
        pale=[name != OWN for _, name, _ in rows],
    )


_DRAWN = {"curve": _curve, "costs": _costs}
