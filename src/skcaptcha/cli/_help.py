"""The format of the help: the same with every version of typer."""

from __future__ import annotations

import inspect
from typing import Any

from typer.core import TyperCommand, TyperGroup

_MAX_NAME_WIDTH = 24  # columns


class Command(TyperCommand):
    """Command whose help describes each argument and option, with its default."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return ``[OPTIONS]`` and the arguments."""
        return _usage(self, ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options."""
        _write_parameters(self, ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse empty arguments, because an empty path would be the current folder."""
        for before, argument in zip(["", *args], args, strict=False):
            name = before if before.startswith("-") else "an argument"
            if argument.startswith("--") and argument.count("=") == 1 and argument.endswith("="):
                name, argument = argument[:-1], ""  # noqa: PLW2901 - as with a space between
            if not argument:
                ctx.fail(f"{name} is empty; is a shell variable not set?")
        return super().parse_args(ctx, args)


class Group(TyperGroup):
    """Group of the commands, listed with their whole first sentence."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return ``[OPTIONS]`` and the command."""
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
            (_names(parameter), _description(parameter))
            for parameter in command.get_params(ctx)
            if parameter.param_type_name == kind and not getattr(parameter, "hidden", False)
        ]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows, col_max=_MAX_NAME_WIDTH)


def _names(parameter: Any) -> str:
    metavar = parameter.metavar or ""
    if parameter.param_type_name == "argument":
        return metavar or parameter.name
    names = ", ".join([*sorted(parameter.opts, key=len), *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {metavar}".rstrip()


def _description(parameter: Any) -> str:
    text = " ".join((parameter.help or "").split())
    default = _default(parameter)
    return f"{text} [default: {default}]" if default else text


def _default(parameter: Any) -> str:
    """Return the default to show; "" if there is none, or if it is obvious."""
    if isinstance(shown := parameter.show_default, str):
        return shown
    value = parameter.default
    nothing = value is None or callable(value) or getattr(parameter, "is_flag", False)
    return "" if nothing or not shown or parameter.required else str(value)


def _first_sentence(command: Any) -> str:
    return " ".join(inspect.cleandoc(command.help or "").partition("\n\n")[0].split())
