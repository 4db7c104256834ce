"""An audit measures accuracy on held-out captchas."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import beta

from skcaptcha.audit import Audit, audit_captchas
from skcaptcha.datasets import make_line_captchas
from skcaptcha.exceptions import DatasetError
from skcaptcha.report import audit_report


@pytest.fixture(scope="module")
def captchas() -> tuple[list[np.ndarray], list[str]]:
    images, labels = make_line_captchas(90, charset="ABCDEF", random_state=0)
    return list(images), labels.tolist()


@pytest.fixture(scope="module")
def audit(captchas) -> Audit:
    """Audit captchas with four duplicates."""
    images, labels = captchas
    return audit_captchas(images + images[:4], labels + labels[:4], budget=6)


def test_weak_scheme_is_read_with_few_labels(audit):
    sizes = [point.n_labels for point in audit.curve]
    assert sorted([*sizes, *audit.skipped]) == [10, 20, 50, 60]
    assert sizes[-1] == 60
    assert audit.best.read.value > 0.95
    assert audit.labels_needed(0.01) == sizes[0]
    assert audit.labels_needed(0.5) is not None
    assert {f.conclusion for f in audit.findings} >= {"does not hold", "absent"}
    assert all(point.cpu_seconds > 0 and point.readings_per_hour > 0 for point in audit.curve)


def test_duplicates_are_excluded_and_held_out_captchas_are_counted(audit):
    assert (audit.n, audit.n_duplicates, audit.n_held_out, audit.n_train) == (94, 4, 30, 60)
    assert {point.read.n for point in audit.curve} == {30}


def test_recipe_is_fitted_again_without_its_steps(audit):
    assert audit.ablation_base.n == 30
    assert audit.ablations
    for ablation in audit.ablations:
        assert ablation.loss.low <= ablation.loss.value <= ablation.loss.high
        assert ablation.loss.value == pytest.approx(audit.ablation_base.value - ablation.read.value)


def test_labels_needed_are_computed_from_the_clopper_pearson_interval(audit):
    for threshold in (0.01, 0.5, 0.9):
        # The limit is a quantile of a beta distribution.
        limits = [
            beta.ppf(0.025, p.read.n_correct, p.read.n - p.read.n_correct + 1) for p in audit.curve
        ]
        enough = [
            p.n_labels for p, low in zip(audit.curve, limits, strict=True) if low >= threshold
        ]
        assert audit.labels_needed(threshold) == (enough[0] if enough else None)
    assert audit.labels_needed(1.0) is None


def test_result_can_be_written_as_json(audit):
    result = json.loads(json.dumps(audit.to_dict(), allow_nan=False))
    for point, own in zip(result["curve"], audit.curve, strict=True):
        assert point["read"] == asdict(own.read)
    assert result["labels_needed"]["0.01"] == audit.labels_needed(0.01)
    assert result["ablation_base"]["n"] == 30
    assert result["findings"][0]["defense"]["key"] == "noise"
    costs = [None if f.cost is None else asdict(f.cost) for f in audit.findings]
    assert [finding["cost"] for finding in result["findings"]] == costs
    assert [ablation["loss"] for ablation in result["ablations"]] == [
        asdict(ablation.loss) for ablation in audit.ablations
    ]


def test_captchas_that_cannot_be_audited_are_rejected(captchas):
    images, labels = captchas
    with pytest.raises(DatasetError, match="1 different labeled captchas are too few"):
        audit_captchas([images[0]] * 20, labels[:20])
    with pytest.raises(DatasetError, match="all labels are 'ABCD'"):
        audit_captchas(images[:12], ["ABCD"] * 12)
    with pytest.raises(DatasetError, match="captcha 1 has no label"):
        audit_captchas(images[:8], [labels[0], "", *labels[2:8]])


@pytest.mark.slow
def test_captchas_without_labels_teach_but_held_out_ones_do_not():
    images, labels = make_line_captchas(150, charset="ABCDEFGHKM", random_state=1)
    images[:, 12:16] = 0  # a line as thick as the strokes, so that few labels are not enough
    X, others = list(images[:90]), [*images[90:], *images[:90]]
    audit = audit_captchas(X, labels[:90].tolist(), unlabeled=others, budget=30)
    assert (audit.n_train, audit.n_held_out, audit.n_unlabeled) == (60, 30, 60)
    assert audit.curve
    sizes = {point.n_labels: point.n_unlabeled for point in audit.unlabeled_curve}
    assert sizes.keys() <= {20, 50, 60}
    assert all(n == 60 - n_labels + 60 for n_labels, n in sizes.items())
    alone = {point.n_labels: point for point in audit.curve}
    for point in audit.unlabeled_curve:
        assert point.n_pseudo_labeled <= point.n_unlabeled
        base = alone.get(point.n_labels)
        if base and point.n_pseudo_labeled:
            assert point.gain.value == pytest.approx(point.read.value - base.read.value)
        elif base:
            assert (point.gain, point.read) == (None, base.read)
    assert audit.cpu_seconds == pytest.approx(
        sum(point.cpu_seconds for point in (*audit.curve, *audit.unlabeled_curve))
    )
    result = json.loads(json.dumps(audit.to_dict(), allow_nan=False))
    assert [p["n_unlabeled"] for p in result["unlabeled_curve"]] == list(sizes.values())


@pytest.mark.slow
def test_captchas_that_cannot_be_read_are_not_called_safe():
    """Noise cannot be read, but an audit of few captchas is weak evidence."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (20, 60), dtype=np.uint8) for _ in range(18)]
    labels = ["".join(rng.choice(list("ABCD"), 3)) for _ in images]
    audit = audit_captchas(images, labels, budget=3)
    assert audit.best.read.n_correct <= 1
    assert audit.labels_needed(0.5) is None
    assert "holds" not in {finding.conclusion for finding in audit.findings}
    markdown = audit_report(audit).to_markdown()
    assert "There are too few captchas to conclude" in markdown
    assert "18 labeled captchas are few" in markdown
    result = audit.to_dict()
    assert result["attempts_per_success_interval"][1] is None or audit.best.read.n_correct
    json.dumps(result, allow_nan=False)


def test_fits_without_time_are_reported_as_missing(captchas):
    images, labels = captchas
    # Five images are no duplicates of labeled ones: with those beyond the first 20, 15 can teach.
    audit = audit_captchas(images[:45], labels[:45], unlabeled=images[:50] * 2, budget=0.01)
    assert [point.n_labels for point in audit.curve] == [30]
    assert audit.skipped == (10, 20)
    assert (audit.n_unlabeled, audit.unlabeled_curve, audit.unlabeled_skipped) == (5, (), (20,))
    markdown = audit_report(audit).to_markdown()
    assert "was too short for 10 and 20 labels" in markdown
    assert "too short for 20 labels with unlabeled images" in markdown
    assert all(ablation.loss is None for ablation in audit.ablations)
