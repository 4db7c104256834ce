"""``python -m skcaptcha`` is the command ``skcaptcha``."""

import signal

from skcaptcha._process.fast_exit import (
    EXIT_INTERRUPTED,
    exit_now,
    fast_exit_requested,
    handle_interrupt,
)
from skcaptcha._process.import_path import remove_current_folder
from skcaptcha._process.start_time import record_start


def main() -> None:
    """Run the command given on the command line; exit immediately on Ctrl-C."""
    record_start()
    remove_current_folder()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, handle_interrupt)
    from skcaptcha.cli import main as command  # noqa: PLC0415 - takes a while

    try:
        command()
    except KeyboardInterrupt:
        handle_interrupt()
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:
            exit_now()  # the message was printed before
        if fast_exit_requested() and isinstance(end.code, int):
            exit_now(end.code)
        raise


if __name__ == "__main__":
    main()
