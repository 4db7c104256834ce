"""How help looks: the same with every version of typer, and in words."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

_MOST_FOR_NAMES = 24  # columns


class Command(TyperCommand):
    """A command whose help says of each argument and option what it is, and its default."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Name the options as a whole, and each argument."""
        return _usage(self, ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options."""
        _write_parameters(self, ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty arguments, which would mean the current folder where one is wanted."""
        for before, argument in zip(["", *args], args, strict=False):
            name = before if before.startswith("-") else "an argument"
            if argument.startswith("--") and argument.count("=") == 1 and argument.endswith("="):
                name, argument = argument[:-1], ""  # noqa: PLW2901 - as if it stood apart
            if not argument:
                ctx.fail(f"{name} is empty; is a variable of the shell not set?")
        return super().parse_args(ctx, args)


class Group(TyperGroup):
    """The commands together, each with its whole first sentence."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Name the options as a whole, and the command."""
        return [*_usage(self, ctx), "COMMAND ..."]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options and the commands."""
        _write_parameters(self, ctx, formatter)
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, _first_sentence(self.commands[name])) for name in self.list_commands(ctx)]
            )


def _usage(command: Any, ctx: Any) -> list[str]:
    arguments = [p for p in command.get_params(ctx) if p.param_type_name == "argument"]
    return ["[OPTIONS]", *map(_in_usage, arguments)]


def _in_usage(argument: Any) -> str:
    name: str = argument.metavar or argument.name
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = [
            (_names(parameter), _about(parameter))
            for parameter in command.get_params(ctx)
            if parameter.param_type_name == kind and not getattr(parameter, "hidden", False)
        ]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows, col_max=_MOST_FOR_NAMES)


def _names(parameter: Any) -> str:
    metavar = parameter.metavar or ""
    if parameter.param_type_name == "argument":
        return metavar or parameter.name
    # Short names first, as everywhere.
    names = ", ".join(sorted(parameter.opts, key=len))
    others = "".join(f", {name}" for name in parameter.secondary_opts)
    return f"{names}{others}" if parameter.is_flag else f"{names} {metavar}".rstrip()


def _about(parameter: Any) -> str:
    text = " ".join((parameter.help or "").split())
    default = _default(parameter)
    return f"{text} [default: {default}]" if default else text


def _default(parameter: Any) -> str:
    """Say what an option is if it is not given; "": nothing, or what goes without saying."""
    if isinstance(shown := parameter.show_default, str):
        return shown
    value = parameter.default
    nothing = value is None or callable(value) or getattr(parameter, "is_flag", False)
    return "" if nothing or not shown or parameter.required else str(value)


def _first_sentence(command: Any) -> str:
    paragraphs: Sequence[str] = inspect.cleandoc(command.help or "").split("\n\n")
    return " ".join(paragraphs[0].split())
