"""Text that is safe to show in a terminal."""


def printable(text: str) -> str:
    r"""Escape characters that are not printable, such as control sequences for a terminal.

    >>> printable("\x1b[31mred\n")
    '\\x1b[31mred\\n'
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def visible(character: str) -> str:
    """Return a character as it is, or quoted if it cannot be seen.

    Examples
    --------
    >>> from skcaptcha._display.printable import visible
    >>> print(visible("a"), visible(" "))
    a ' '
    """
    return repr(character) if character.isspace() or not character.isprintable() else character
