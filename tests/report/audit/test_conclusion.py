"""Conclusions are drawn only if chance does not explain the figures."""

from dataclasses import replace

import pytest

from skcaptcha.audit import Audit
from skcaptcha.audit._audit import AuditPoint
from skcaptcha.audit._proportions import proportion
from skcaptcha.report import audit_report, audit_summary


def markdown_of(audit: Audit) -> str:
    return audit_report(audit, "Audit of <x>").to_markdown()


@pytest.mark.parametrize(
    ("n_correct", "text"), [(33, "probably 67 or fewer"), (10, "not reached with 67")]
)
def test_threshold_that_few_captchas_cannot_confirm_is_not_called_unreachable(
    audit, n_correct, text
):
    point = replace(audit.best, n_labels=67, read=proportion(n_correct, 33))
    rows = dict(audit_summary(replace(audit, curve=(point,), n_held_out=33)))
    assert text in rows["labels to read 90 %"]


@pytest.mark.parametrize(
    ("n_correct", "n", "text"),
    [
        (0, 500, "This reader does not break the scheme"),
        (0, 50, "too few captchas to conclude whether the scheme is broken"),
        (1, 17, "too few captchas to conclude whether the scheme is broken"),
        (10, 500, "too few captchas to conclude whether the scheme is broken"),
        (11, 500, "This scheme is broken"),
        (11, 500, "10 % is not reached"),
        (10, 100, "too few captchas to conclude whether 10 % is exceeded as well"),
        (90, 100, "also exceeds a threshold ten times as high"),
    ],
)
def test_scheme_is_called_broken_only_if_chance_does_not_explain_it(audit, n_correct, n, text):
    point = replace(audit.best, read=proportion(n_correct, n))
    other = replace(audit, curve=(*audit.curve[:-1], point), n_held_out=n)
    assert text in markdown_of(other)


def test_duplicates_do_not_count_as_captchas(audit):
    assert "captchas are few" not in markdown_of(audit)
    other = replace(audit, n=60, n_duplicates=40)
    assert "20 labeled captchas are few" in markdown_of(other)


def with_unlabeled(audit: Audit, *reads: tuple[int, int]) -> Audit:
    """Return an audit with a second curve: numbers of labels, and of captchas that were read."""
    points = [
        AuditPoint(n, proportion(n_correct, audit.n_held_out), "HOG + SVC", 1.0, 1e6, 940)
        for n, n_correct in reads
    ]
    return replace(audit, n_unlabeled=900, unlabeled_curve=tuple(points))


def test_fewer_labels_are_enough_with_unlabeled_images(audit):
    assert (audit.labels_needed(0.5), audit.labels_needed(0.1)) == (60, 10)
    other = with_unlabeled(audit, (20, 28), (60, 30))
    assert other.labels_needed(0.5) == 60
    assert other.labels_needed(0.5, unlabeled=True) == 20
    rows = dict(audit_summary(other))
    assert rows["labels to read 50 %"] == "60; 20 with unlabeled images"
    assert rows["labels to read 10 %"] == "10 or fewer"
    assert rows["with unlabeled images"].endswith("with 60 labels and 940 unlabeled images")
    markdown = markdown_of(other)
    assert "With 60 labels and 940 unlabeled images, 30 were." in markdown
    assert "With unlabeled images, 20 labels are enough to read 50 %; without" in markdown


def test_unlabeled_images_that_change_nothing_are_said_to(audit):
    assert "Unlabeled images did not reduce" in markdown_of(with_unlabeled(audit, (60, 29)))
    assert "nlabeled" not in markdown_of(audit)


def test_scheme_that_is_only_read_with_unlabeled_images_is_broken_by_them(audit):
    point = replace(audit.best, read=proportion(0, 30))
    other = with_unlabeled(replace(audit, curve=(point,)), (20, 15))
    markdown = markdown_of(other)
    assert "This scheme is broken. With 20 labels and 940 unlabeled images, 15 of 30" in markdown
    assert "With 60 labels, 0 were." in markdown
    assert "20 labels are enough to read 10 %; without them, 60 labels are not" in markdown
