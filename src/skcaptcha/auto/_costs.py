"""What the time of a fit depends on."""

from __future__ import annotations

from skcaptcha.auto._families import Content
from skcaptcha.read.sequence._ensemble import n_copies_for


def has_networks(recipe: Content) -> bool:
    """Check whether the reader trains networks on augmented windows, which takes long."""
    return recipe["steps"]["read"].get("n_windows") is not None


def training_size(recipe: Content, n_characters: int) -> float:
    """Return the number of windows, or of characters, that the fit time is proportional to."""
    n_copies = 1
    if has_networks(recipe):
        n_copies = n_copies_for(recipe["steps"]["read"]["n_windows"], n_characters)
    return float(n_characters) * n_copies
