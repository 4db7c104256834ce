"""Limits that cannot work are refused."""

import pytest

from skcaptcha.exceptions import SkcaptchaError
from skcaptcha.serve import Limits


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_bytes", 0),
        ("max_total_bytes", 0),
        ("max_images", 0),
        ("max_queued", -1),
        ("batch_size", 10_001),
        ("batch_wait", -0.1),
        ("timeout", float("nan")),
    ],
)
def test_values_out_of_range_are_named(name, value):
    with pytest.raises(SkcaptchaError, match=f"^{name}: it must be between .* not {value}$"):
        Limits(**{name: value})


def test_a_request_must_fit_into_the_queue():
    assert Limits(max_images=8, max_queued=8).max_queued == 8
    with pytest.raises(SkcaptchaError, match="all images of a request wait together"):
        Limits(max_images=9, max_queued=8)


def test_a_request_must_fit_into_memory():
    assert Limits(max_bytes=8, max_total_bytes=8).max_total_bytes == 8
    with pytest.raises(SkcaptchaError, match="one request must fit into memory"):
        Limits(max_bytes=9, max_total_bytes=8)
