"""The command line as a whole: its options, its exit codes, and the format of every error."""

from __future__ import annotations

import os
import signal
import sys
import traceback
import warnings
from typing import Annotated, Any, NoReturn

import typer

from skcaptcha import __version__
from skcaptcha._process.fast_exit import EXIT_INTERRUPTED, handle_interrupt
from skcaptcha.cli._console import say
from skcaptcha.cli._help import Group
from skcaptcha.cli._verbosity import Quiet, Verbose, set_verbosity, show_log_messages
from skcaptcha.exceptions import FitWarning, LabelWarning, SkcaptchaError

EXIT_SOME_FAILED = 1
EXIT_WRONG_USE = 2
_EXIT_BROKEN_PIPE = 141  # as a shell reports a program that SIGPIPE ended


class _Commands(Group):
    """Group that turns each exception of a command into one sentence and an exit code."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except Exception as error:
            _refuse_command_line(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        if signal.getsignal(signal.SIGINT) is handle_interrupt:
            # From here on, an interrupted command may have to clean up.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            try:
                with warnings.catch_warnings(), show_log_messages():
                    for category in (FitWarning, LabelWarning):
                        warnings.simplefilter("always", category)
                    if not ctx.params.get("debug"):
                        warnings.showwarning = _show_warning
                        # The user cannot act on the warnings that libraries address to developers.
                        warnings.simplefilter("ignore", DeprecationWarning)
                        warnings.filterwarnings("ignore", "The number of unique classes is greater")
                    return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except KeyboardInterrupt as interrupt:
            self._stop(ctx, str(interrupt) or "interrupted", EXIT_INTERRUPTED)
        except BrokenPipeError:
            # Python flushes again at its end, which must not fail a second time.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(_EXIT_BROKEN_PIPE) from None
        except (SkcaptchaError, OSError) as error:
            self._stop(ctx, f"error: {error}", EXIT_WRONG_USE)
        except Exception as error:
            _refuse_command_line(error)
            if hasattr(error, "exit_code"):  # an exception of typer that ends the command
                raise
            # The ValueErrors of scikit-learn name the parameter and the step that are wrong.
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            hint = "(skcaptcha --debug shows where)"
            self._stop(ctx, f"error: {kind}{error} {hint}", EXIT_WRONG_USE)

    def _stop(self, ctx: Any, message: str, code: int) -> NoReturn:
        if ctx.params.get("debug"):
            traceback.print_exc()
        say(" ".join(message.split()))
        raise typer.Exit(code) from None


def _refuse_command_line(error: Exception) -> None:
    """Print what typer found wrong with the command line, in the format of all errors."""
    # Without arguments, typer raises the help as an error.
    if not hasattr(error, "format_message") or type(error).__name__ == "NoArgsIsHelpError":
        return
    problem = " ".join(error.format_message().split()).rstrip(".")
    # Phrases of the parsers of old and new versions of typer.
    problem = problem.replace(" (env var: 'None')", "").replace("Value error, ", "")
    problem = problem.replace("Input should be", "it must be")
    problem = problem.partition(", unable to parse")[0]
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "skcaptcha"
    say(f"error: {problem[:1].lower()}{problem[1:]}; see {command} --help")
    raise typer.Exit(EXIT_WRONG_USE) from None


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    text, traceback, end = str(message).partition("Traceback (most recent call last):")
    if traceback:
        text += end.strip().splitlines()[-1]
    say(f"warning: {' '.join(text.split())}")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skcaptcha {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="skcaptcha",
    cls=_Commands,
    no_args_is_help=True,
    # Colored boxes need a Markdown parser, whose import takes longer than everything else.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            envvar="SKCAPTCHA_DEBUG",
            help="Show the traceback of an error; SKCAPTCHA_DEBUG=1 always does.",
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Read text captchas and other noisy short strings with one scikit-learn Pipeline.

    Exit codes: 0 success, 1 some inputs failed, 2 invalid usage or configuration, 130 interrupted.
    """
    set_verbosity(quiet=quiet, verbose=verbose)
