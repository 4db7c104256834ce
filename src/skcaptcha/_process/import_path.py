"""The folders from which the command imports modules: never the current folder.

A downloaded folder of captchas may contain a ``joblib.py``, which ``python -m`` would import.
"""

# Only modules that the interpreter has loaded already when it looks for this package.
import os
import sys

_PACKAGE = __name__.partition(".")[0]


def remove_current_folder() -> None:
    """Prevent this process and those it starts from importing from the current folder.

    The folder is removed if the user did not ask for it: if ``-m`` or an empty entry of PYTHONPATH
    added it. It stays if PYTHONPATH names it, or if it contains this package.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    named = [entry for entry in entries if entry]
    if named:
        os.environ["PYTHONPATH"] = os.pathsep.join(named)
    else:
        os.environ.pop("PYTHONPATH", None)
    # For processes that are started with -c or -m, such as those of joblib.
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        current = os.getcwd()
    except OSError:  # it was removed
        return
    package_parent = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    if current in (package_parent, *map(os.path.abspath, named)):
        return
    if sys.path[:1] == [current] and is_run_as_module():
        del sys.path[0]
    # Further down, the current folder may be one of Python's own folders.
    if len(named) < len(entries) and current in sys.path:
        sys.path.remove(current)


def is_run_as_module() -> bool:
    """Return whether ``python -m skcaptcha`` runs and Python still looks for the package."""
    if sys.argv[:1] != ["-m"]:
        return False
    name = sys.orig_argv[-len(sys.argv)]
    return name == _PACKAGE or (name.startswith("-") and name.endswith(f"m{_PACKAGE}"))
