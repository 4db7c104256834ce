"""The sections on defenses: which of them hold, and which steps of the recipe counter them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from skcaptcha._display.percent import percent
from skcaptcha.audit import Audit
from skcaptcha.audit._audit import Ablation
from skcaptcha.audit._defenses import BROKEN, DEFENSES, Finding
from skcaptcha.report._blocks import Block, Bullets, Item, Table
from skcaptcha.report._charts import CHART_SIZE, COLORS, TEXT_COLOR, chart
from skcaptcha.report.audit._number_text import in_points, listed, with_interval

_NAMES = {defense.key: defense.name for defense in DEFENSES}
_BROKEN_PERCENT = percent(BROKEN, 100)


def defense_blocks(audit: Audit) -> Iterator[Block]:
    """Yield which defenses hold, and their costs."""
    yield (
        "The amount of each defense was measured in the image of every captcha. The proportion "
        "read of the captchas that have a defense (or, if nearly all have it, of those with more "
        "of it) was compared with the proportion read of the others. A defense does not hold if "
        f"more than {_BROKEN_PERCENT} of the captchas that have it are read, by the whole "
        f"interval. It holds if less than {_BROKEN_PERCENT} of them are read, and fewer than of "
        "the others. In all other cases, the result is inconclusive. The intervals in each column "
        "are wide enough for those of all defenses together to hold with 95 %."
    )
    yield Table(
        (
            "defense",
            "conclusion",
            "captchas with it",
            "read with it, or with more",
            "read without it, or with less",
            "cost, points",
        ),
        [
            (
                finding.defense.name,
                finding.conclusion,
                f"{finding.n_with} of {finding.n_measured}",
                with_interval(finding.read_with),
                with_interval(finding.less),
                _cost(finding),
            )
            for finding in audit.findings
        ],
    )
    if compared := [finding for finding in audit.findings if finding.cost is not None]:
        yield _cost_chart(compared)
    yield Bullets([_finding_item(audit, finding) for finding in audit.findings])


def ablation_blocks(audit: Audit) -> Iterator[Block]:
    """Yield how much the recipe loses without each step that counters a defense."""
    if audit.ablation_base is None:
        yield ("There was no time left, or no recipe, to measure the contribution of single steps.")
        return
    yield (
        "A defense may cost nothing because a step of the recipe counters it. Therefore, the "
        f"recipe was fitted again to {audit.n_ablation} labels, once unchanged and once without "
        "each step that counters a defense. Unchanged, it reads "
        f"{with_interval(audit.ablation_base)} of the same captchas. The intervals are wide enough "
        "for those of all losses together to hold with 95 %."
    )
    if not audit.ablations:
        yield "No step of the chosen recipe counters a single defense and can be removed."
        return
    yield Table(
        ("the same recipe", "counters", "read", "loss, points", "meaning"),
        list(map(_ablation_row, audit.ablations)),
    )
    for ablation in audit.ablations:
        if ablation.loss is not None and ablation.loss.low > 0:
            yield _loss_sentence(audit, ablation)


def _cost_chart(findings: Sequence[Finding]) -> Block:
    names = [finding.defense.name for finding in findings]
    costs = [(cost.value, cost.low, cost.high) for f in findings if (cost := f.cost)]

    def plot(axes: Axes) -> None:
        values, lows, highs = 100 * np.array(costs).T
        rows = range(len(names))
        errors = values - lows, highs - values
        axes.errorbar(values, rows, xerr=errors, fmt="o", capsize=4, color=COLORS[0])
        axes.axvline(0, linewidth=0.8, alpha=0.6, color=TEXT_COLOR)
        axes.set_yticks(rows, names)
        axes.set_ylim(len(names) - 0.3, -0.7)
        axes.set_xlabel("cost, percentage points")

    listing = "; ".join(f"{f.defense.name}: {_cost(f)}" for f in findings)
    description = f"Cost of each defense in percentage points read, with intervals: {listing}."
    return chart(plot, description, size=(CHART_SIZE[0], 0.84 + 0.28 * len(names)))


def _finding_item(audit: Audit, finding: Finding) -> Item:
    defense = finding.defense
    lead = f"{defense.name[0].upper()}{defense.name[1:]}: {finding.conclusion}."
    if finding.amounts is None:
        return Item(
            "It could not be measured: no model locates the characters, or none of them occurs "
            "often enough in the held-out captchas.",
            lead,
        )
    if defense.key == "length" and audit.length is not None and finding.conclusion == "absent":
        sentences = [f"All held-out labels have {audit.length} characters."]
    else:
        low, middle, high = map(_amount, finding.amounts)
        spread = (
            f"Nearly all captchas have {middle}."
            if low == high
            else f"The median is {middle}; 80 % of the captchas have {low} to {high}."
        )
        sentences = [f"Measured: {defense.amount}. {spread}"]
    if finding.cost is not None:
        if finding.cost.low > 0:
            sentences.append(f"It costs this reader {_cost(finding)} points.".replace("+", ""))
        elif finding.cost.high < 0:
            sentences.append("Captchas with more of it are read more often, not less.")
        else:
            sentences.append("Its cost, if any, cannot be distinguished from chance.")
    elif finding.n_with:
        sentences.append("There are too few captchas with it, or without it, for a comparison.")
    if defense.key == "look_alikes" and audit.length is not None:
        n_strings: int = audit.n_characters**audit.length
        sentences.append(
            f"The labels have {audit.n_characters} different characters; a random guess is correct "
            f"once in {n_strings:,} times."
        )
    return Item(" ".join(sentences), lead)


def _ablation_row(ablation: Ablation) -> tuple[str, ...]:
    if ablation.loss is None:
        meaning = "not measured: no time left, or it cannot be fitted"
    elif ablation.loss.low > 0:
        meaning = "needed: it reads fewer without this step"
    elif ablation.loss.high < 0:
        meaning = "it reads more without this step"
    else:
        meaning = "no significant loss"
    read = with_interval(ablation.read)
    return ablation.change, _countered(ablation), read, _loss(ablation), meaning


def _loss_sentence(audit: Audit, ablation: Ablation) -> str:
    loss = f"The same recipe {ablation.change} reads {_loss(ablation)} points less".replace("+", "")
    if ablation.read and ablation.read.high < BROKEN:
        loss += f", and less than {_BROKEN_PERCENT} in total"
    if ablation.counters == ("length",):
        if audit.length is None:
            return f"{loss}: it helps to know the lengths of the labels."
        return (
            f"{loss}: it helps that all strings have the same length. These captchas cannot show "
            "whether strings of different lengths would cost as much."
        )
    names = _countered(ablation)
    if audit.ablation_base and audit.ablation_base.low > BROKEN:
        return f"{loss}. So {names} only help against readers without such a step, and do not hold."
    return f"{loss}. This step counters {names}."


def _amount(amount: float) -> str:
    return f"{amount:.2g}" if amount < 10 else f"{amount:.0f}"


def _countered(ablation: Ablation) -> str:
    return listed([_NAMES[key] for key in ablation.counters])


def _cost(finding: Finding) -> str:
    return in_points(finding.cost, finding.more.n if finding.more else 0)


def _loss(ablation: Ablation) -> str:
    return in_points(ablation.loss, ablation.read.n if ablation.read else 0)
