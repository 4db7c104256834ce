"""Lists on the command line, as types for `argparse`."""

from __future__ import annotations

from argparse import ArgumentTypeError


def names(text: str) -> list[str]:
    """Split a text at its commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def positive_numbers(text: str) -> list[int]:
    """Split a text into positive integers."""
    numbers = names(text)
    if not numbers or not all(number.isdecimal() and int(number) > 0 for number in numbers):
        raise ArgumentTypeError(f"{text!r} is not a list of numbers such as 50,100")
    return [int(number) for number in numbers]
