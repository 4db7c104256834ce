"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .peers import Figure, Peers
from .results import Result

_BEHIND, _BEHIND_BY_FAR = "▽", "▼"


def whole(results: Iterable[Result]) -> list[Result]:
    """Return the results of fits to all captchas of a scheme, sorted by its name."""
    by_scheme: dict[str, Result] = {}
    for result in sorted(results, key=lambda result: result.n):
        if result.n == result.n_all:
            by_scheme[result.scheme] = result
    return [by_scheme[name] for name in sorted(by_scheme)]


def curves(results: Iterable[Result]) -> dict[str, dict[int, float]]:
    """Return string accuracy by number of captchas, for schemes with several such numbers.

    If several samples of one size were fitted, it is their mean.
    """
    found: dict[str, dict[int, list[float]]] = {}
    for result in sorted(results, key=lambda result: (result.scheme, result.n)):
        if result.string_accuracy is not None:
            points = found.setdefault(result.scheme, {})
            points.setdefault(result.n, []).append(result.string_accuracy)
    return {
        scheme: {n: sum(fractions) / len(fractions) for n, fractions in points.items()}
        for scheme, points in found.items()
        if len(points) > 1
    }


def markdown(results: Sequence[Result], peers: Peers) -> str:
    """Return the report."""
    methods = ", ".join(sorted({f"`{result.method}`" for result in results})) or "nothing yet"
    paragraphs = [
        "# String accuracy",
        f"Percentage of the captchas in `dev` that were read without an error, after {methods} on "
        "those in `train`, with 95 % Wilson intervals.",
    ]
    if rows := whole(results):
        paragraphs += [_comparison(rows, peers), _verdict(rows, peers)]
    if lines := curves(results):
        paragraphs += [
            "## By number of training captchas",
            "Each sample is contained in the larger ones.",
            _curve_table(lines),
        ]
    partial = [result for result in results if result.failed and result.n < result.n_all]
    if partial:
        paragraphs.append(
            "\n".join(f"- {r.scheme}, {r.n} captchas: failed: {r.failed}" for r in partial)
        )
    return "\n\n".join(paragraphs) + "\n"


def _comparison(rows: Sequence[Result], peers: Peers) -> str:
    common = {peer: _common_remark(figures.values()) for peer, figures in peers.items()}
    header = [
        "scheme", "ours", "interval", "ignoring case",
        *(f"{peer} ({common[peer]})" if common[peer] else peer for peer in peers),
        "", "train", "dev", "fit, s", "images/s", "recipe",
    ]  # fmt: skip
    table = []
    for row in rows:
        cells = {peer: figures.get(row.scheme) for peer, figures in peers.items()}
        theirs = [_cell(figure, common[peer]) for peer, figure in cells.items()]
        if row.failed:
            mark = _mark(row, peers)
            table.append(
                [row.scheme, "failed", "", "", *theirs, mark, row.n, "", "", "", row.failed]
            )
            continue
        table.append(
            [
                row.scheme,
                _percent(row.string_accuracy),
                f"{_percent(row.low)} to {_percent(row.high)}",
                _percent(row.ignoring_case),
                *theirs,
                _mark(row, peers),
                row.n,
                row.n_dev,
                f"{row.fit_seconds:.0f}",
                f"{row.images_per_second:.0f}",
                row.recipe,
            ]
        )
    return _table(header, table, left={0, len(header) - 1})


def _verdict(rows: Sequence[Result], peers: Peers) -> str:
    marks = [_mark(row, peers) for row in rows]
    sentences = []
    if peers:
        n = len(rows) - marks.count("")
        far = marks.count(_BEHIND_BY_FAR)
        sentences.append(
            f"Behind the best peer on {n} of {len(rows)} schemes: {n - far} marked {_BEHIND}, "
            f"because it is within our interval, and {far} marked {_BEHIND_BY_FAR}, because it "
            "is above our interval or our fit failed."
        )
    seconds = [row.fit_seconds for row in rows if row.fit_seconds is not None]
    if seconds:
        sentences.append(f"The longest fit took {max(seconds):.0f} seconds.")
    return " ".join(sentences)


def _mark(row: Result, peers: Peers) -> str:
    theirs = [figures[row.scheme] for figures in peers.values() if row.scheme in figures]
    if row.failed:
        return _BEHIND_BY_FAR if theirs else ""
    if any(figure.is_ahead_by_far(row) for figure in theirs):
        return _BEHIND_BY_FAR
    return _BEHIND if any(figure.is_ahead_of(row) for figure in theirs) else ""


def _curve_table(lines: dict[str, dict[int, float]]) -> str:
    numbers = sorted({n for points in lines.values() for n in points})
    rows = [
        [scheme, *(_percent(points.get(n)) for n in numbers)] for scheme, points in lines.items()
    ]
    return _table(["scheme", *map(str, numbers)], rows, left={0})


def _common_remark(figures: Iterable[Figure]) -> str:
    remarks = {figure.remark for figure in figures}
    return remarks.pop() if len(remarks) == 1 else ""


def _cell(figure: Figure | None, common: str) -> str:
    if figure is None:
        return ""
    fraction = _percent(figure.string_accuracy)
    return f"{fraction} ({figure.remark})" if figure.remark not in ("", common) else fraction


def _percent(fraction: float | None) -> str:
    if fraction is None:
        return ""
    return f"{100 * (fraction if fraction == 1 else min(fraction, 0.999)):.1f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[object]], left: set[int]) -> str:
    rule = ["---" if i in left else "---:" for i in range(len(header))]
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in [header, rule, *rows]]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)
