"""The command line: each module without an underscore is a command.

Such a module defines a function of its own name, which typer turns into the command, and
``EXAMPLE``, which ends the command's help. The function parses, calls the library and prints.
"""

from importlib import import_module
from pkgutil import iter_modules

from skcaptcha.cli._app import app
from skcaptcha.cli._console import prepare_streams
from skcaptcha.cli._help import Command
from skcaptcha.cli._verbosity import with_verbosity

__all__ = ["main"]

for _found in iter_modules(__path__):
    if not _found.name.startswith("_"):
        _module = import_module(f"{__name__}.{_found.name}")
        _register = app.command(cls=Command, epilog=f"Example: {_module.EXAMPLE}")
        _register(with_verbosity(getattr(_module, _found.name)))


def main() -> None:
    """Run the command that the command line names."""
    prepare_streams()
    app(prog_name="skcaptcha")
