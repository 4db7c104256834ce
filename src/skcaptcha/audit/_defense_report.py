"""What is said of the defenses: which hold, what they cost, and what undoes them."""

from __future__ import annotations

from collections.abc import Iterator

from skcaptcha.audit._blocks import Block, Drawing, Item, Items, Rows
from skcaptcha.audit._defenses import BROKEN, DEFENSES, Finding
from skcaptcha.audit._figures import Ablation, Audit
from skcaptcha.audit._words import in_points, listed, with_interval

_NAMES = {defense.key: defense.name for defense in DEFENSES}


def defenses(audit: Audit) -> Iterator[Block]:
    """Say of each defense whether it holds.

    Parameters
    ----------
    audit : Audit

    Yields
    ------
    block : Block
    """
    mark = f"{100 * BROKEN:.0f} %"
    yield (
        "The amount of each defense in every captcha was measured from its image. The share read "
        "of the captchas that have a defense (or, if nearly all have it, that have more of it) was "
        "compared with the share read of the others. A defense does not hold if more than "
        f"{mark} of the captchas that have it are read, by the whole interval. It holds if less "
        f"than {mark} of them are read, and fewer than of the others. In all other cases, these "
        "images do not tell. The intervals in each column are wide enough for those of all "
        "defenses together to hold with 95 %."
    )
    yield Rows(
        (
            "defense",
            "verdict",
            "captchas with it",
            "read with it, or more",
            "read without, or less",
            "cost, points",
        ),
        [_finding_row(finding) for finding in audit.findings],
    )
    compared = [finding for finding in audit.findings if finding.cost is not None]
    if compared:
        yield Drawing(
            "costs",
            "How many points less is read of captchas with a defense, with intervals: "
            + "; ".join(f"{f.defense.name}: {_cost(f)}" for f in compared),
        )
    yield Items([_finding_item(audit, finding) for finding in audit.findings])


def _finding_row(finding: Finding) -> tuple[str, ...]:
    return (
        finding.defense.name,
        finding.verdict,
        f"{finding.n_with} of {finding.n_measured}",
        with_interval(finding.read_with) if finding.read_with else "-",
        with_interval(finding.less) if finding.less else "-",
        _cost(finding) if finding.cost else "-",
    )


def _finding_item(audit: Audit, finding: Finding) -> Item:
    defense = finding.defense
    lead = f"{defense.name[0].upper()}{defense.name[1:]}: {finding.verdict}."
    said = []
    if finding.amounts is None:
        return Item(
            lead,
            "It could not be measured: no model locates the characters, or none of them occurs "
            "often enough among the captchas that were set aside.",
        )
    if defense.key == "length" and audit.length is not None and finding.verdict == "not there":
        said.append(f"All labels that were set aside have {audit.length} characters.")
    else:
        low, middle, high = map(_amount, finding.amounts)
        said.append(
            f"Measured: {defense.amount}. "
            + (
                f"Nearly all captchas have {middle}."
                if low == high
                else f"The median is {middle}; eight captchas in ten have from {low} to {high}."
            )
        )
    if finding.cost is not None:
        if finding.cost.low > 0:
            said.append(f"It costs this reader {_cost(finding)} points.".replace("+", ""))
        elif finding.cost.high < 0:
            said.append("Captchas with more of it are read more often, not less.")
        else:
            said.append("Its cost, if any, cannot be distinguished from chance.")
    elif finding.n_with:
        said.append("There are too few captchas with it, or without it, to compare.")
    if defense.key == "alphabet" and audit.length is not None:
        guesses: int = audit.n_characters**audit.length
        said.append(
            f"The labels have {audit.n_characters} different characters; a random guess is right "
            f"once in {guesses:,} times."
        )
    return Item(lead, " ".join(said))


def _amount(amount: float) -> str:
    return f"{amount:.2g}" if amount < 10 else f"{amount:.0f}"


def ablations(audit: Audit) -> Iterator[Block]:
    """Say what the reader loses without what answers a defense.

    Parameters
    ----------
    audit : Audit

    Yields
    ------
    block : Block
    """
    if audit.ablation_base is None:
        yield "There was no time left, or no recipe, to measure what single steps contribute."
        return
    yield (
        "A defense may cost nothing because a step of the recipe counters it. So the recipe "
        f"was fitted again to {audit.n_ablation} labels, once unchanged and once without each "
        f"step that counters a defense. Unchanged, it reads "
        f"{with_interval(audit.ablation_base)} of the same captchas. The intervals are wide enough "
        "for those of all losses together to hold with 95 %."
    )
    if not audit.ablations:
        yield "The chosen recipe has no step that counters a single defense and can be left out."
        return
    yield Rows(
        ("the same recipe", "counters", "read", "loss, points", "meaning"),
        [_ablation_row(ablation) for ablation in audit.ablations],
    )
    for ablation in audit.ablations:
        if ablation.loss is not None and ablation.loss.low > 0:
            yield _loss(audit, ablation)


def _loss(audit: Audit, ablation: Ablation) -> str:
    assert ablation.loss is not None
    said = f"The same recipe {ablation.what} reads {_lost(ablation)} points less".replace("+", "")
    if ablation.read and ablation.read.high < BROKEN:
        said += f", and fewer than {100 * BROKEN:.0f} % in all"
    if ablation.answers == ("length",):
        if audit.length is None:
            return f"{said}: knowing the lengths from the labels helps it."
        return (
            f"{said}: it helps that all strings have the same length. These captchas do not tell "
            "whether strings of different lengths would cost as much."
        )
    names = listed([_NAMES[key] for key in ablation.answers])
    if audit.ablation_base and audit.ablation_base.low > BROKEN:
        return f"{said}. So {names} only work against readers without such a step, and do not hold."
    return f"{said}. This step counters {names}."


def _ablation_row(ablation: Ablation) -> tuple[str, ...]:
    names = listed([_NAMES[key] for key in ablation.answers])
    if ablation.read is None or ablation.loss is None:
        return ablation.what, names, "-", "-", "not measured: no time left, or it cannot be fitted"
    if ablation.loss.low > 0:
        says = "needed: it reads fewer without it"
    elif ablation.loss.high < 0:
        says = "it reads more without it"
    else:
        says = "no loss beyond chance"
    return ablation.what, names, with_interval(ablation.read), _lost(ablation), says


def _cost(finding: Finding) -> str:
    assert finding.cost is not None
    assert finding.more is not None
    return in_points(finding.cost, finding.more.n)


def _lost(ablation: Ablation) -> str:
    assert ablation.loss is not None
    assert ablation.read is not None
    return in_points(ablation.loss, ablation.read.n)
