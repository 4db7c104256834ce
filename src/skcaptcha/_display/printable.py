"""Text that is safe to show in a terminal."""


def printable(text: str) -> str:
    r"""Escape what does not print, such as what would give orders to a terminal.

    Parameters
    ----------
    text : str

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skcaptcha._display.printable import printable
    >>> printable("\x1b[31mred\n")
    '\\x1b[31mred\\n'
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
