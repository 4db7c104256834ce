"""Number of augmented copies."""

from skcaptcha.read.sequence._ensemble import n_copies_for


def test_copies_contain_characters_and_blanks():
    assert n_copies_for(40_000, 2_000) == 7  # 6,000 windows each
    assert n_copies_for(100, 2_000) == 1
    assert n_copies_for(40_000, 100) == 16
