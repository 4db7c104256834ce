"""``python -m skcaptcha`` is the command ``skcaptcha``."""

import signal

from skcaptcha._process.ending import EXIT_INTERRUPTED, ends_at_once, interrupted, leave
from skcaptcha._process.import_path import leave_out_current_folder
from skcaptcha._process.start_time import note_start


def main() -> None:
    """Run the command that the command line names; on Ctrl-C, end at once."""
    note_start()
    leave_out_current_folder()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupted)
    from skcaptcha.cli import main as command  # noqa: PLC0415 - takes a while

    try:
        command()
    except KeyboardInterrupt:
        interrupted()
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:
            leave()  # it has been said
        if ends_at_once() and isinstance(end.code, int):
            leave(end.code)
        raise


if __name__ == "__main__":
    main()
