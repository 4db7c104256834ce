"""Conclusions are drawn only if chance does not explain the figures."""

from dataclasses import replace

import pytest

from skcaptcha.audit import Audit
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
