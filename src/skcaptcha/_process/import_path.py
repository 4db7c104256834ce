"""Where the command finds modules: never in the folder that it runs in, which may be anybody's.

A downloaded folder of captchas may hold a ``joblib.py``, and ``python -m`` would import it.
"""

# Only what the interpreter has loaded already when it looks for this package.
import os
import sys

_PACKAGE = __name__.partition(".")[0]


def leave_out_current_folder() -> None:
    """Have neither this process nor those that it starts import from the current folder.

    It is left out where nobody asked for it: where ``-m`` puts it, and where an empty entry of
    PYTHONPATH does. The current folder stays if PYTHONPATH names it, or if it holds this package.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = [entry for entry in entries if entry]
    if named:
        os.environ["PYTHONPATH"] = os.pathsep.join(named)
    else:
        os.environ.pop("PYTHONPATH", None)
    # So that processes which are started with -c or -m, as those of joblib, do not look there.
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        current = os.getcwd()
    except OSError:  # it was removed
        return
    home_of_package = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    if current in (home_of_package, *map(os.path.abspath, named)):
        return
    if sys.path[:1] == [current] and is_run_by_dash_m():
        del sys.path[0]
    # Elsewhere it may be one of Python's own folders.
    if len(named) < len(entries) and current in sys.path:
        sys.path.remove(current)


def is_run_by_dash_m() -> bool:
    """Tell whether this is ``python -m skcaptcha``, while Python still looks for the package.

    Returns
    -------
    is_so : bool
    """
    if sys.argv[:1] != ["-m"]:
        return False
    name = sys.orig_argv[-len(sys.argv)]
    return name == _PACKAGE or (name.startswith("-") and name.endswith(f"m{_PACKAGE}"))
