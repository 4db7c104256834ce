"""Generate the reference: a page for each public module, which lists its public names."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PACKAGE = "skcaptcha"
# Documented by --help and by the page on the commands.
_EXCLUDED = {"__main__", "cli"}


def public_modules() -> Iterator[ModuleType]:
    """Yield the public modules of the package, in alphabetical order."""
    for found in pkgutil.iter_modules(import_module(PACKAGE).__path__):
        if not found.name.startswith("_") and found.name not in _EXCLUDED:
            yield import_module(f"{PACKAGE}.{found.name}")


def public_names(module: ModuleType) -> list[str]:
    """Return the names of a module's public classes and functions."""
    own = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == module.__name__
    }
    names = getattr(module, "__all__", own)
    things = {name: getattr(module, name) for name in names}
    return sorted(
        name
        for name, thing in things.items()
        if inspect.isclass(thing) or inspect.isfunction(thing)
    )


def _write_pages(app: Sphinx, config: Any) -> None:
    folder = Path(app.srcdir, "reference")
    folder.mkdir(exist_ok=True)
    entries = []
    for module in public_modules():
        names = public_names(module)
        if not names:
            continue
        title = module.__name__
        # The page has the module's name as its title, then its docstring, then its public names.
        text = [title, "=" * len(title), "", inspect.getdoc(module) or "", ""]
        text += [f".. currentmodule:: {title}", ""]
        text += [".. autosummary::", "   :toctree: generated", ""]
        text += [f"   {name}" for name in names]
        _write(folder / f"{title}.rst", text)
        entries.append(title)
    index = ["Reference", "=========", ""]
    index += [
        "All public classes and functions, by module. :doc:`/commands` shows the call for each"
    ]
    index += ["command.", "", ".. toctree::", "   :maxdepth: 1", ""]
    _write(folder / "index.rst", index + [f"   {entry}" for entry in entries])


def _write(file: Path, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    # Unchanged files keep their time stamp, so that Sphinx does not read them again.
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.Element
) -> nodes.Node | None:
    """Link a bare public name. Names of parameters and other libraries stay code."""
    if node.get("refdomain") != "py":
        return None
    homes = {
        name: f"{module.__name__}.{name}"
        for module in public_modules()
        for name in public_names(module)
    }
    target = node["reftarget"].removeprefix("~")
    name = target.rpartition(".")[2]
    if name in homes and homes[name] != target and target in {name, f"{PACKAGE}.{name}"}:
        domain = env.get_domain("py")
        return domain.resolve_xref(
            env, node["refdoc"], app.builder, "obj", homes[name], node, contnode
        )
    return None if target.startswith(f"{PACKAGE}.") else contnode


def _skip_inherited(*event: Any) -> bool:
    """Return whether to skip a member because scikit-learn's base classes document it."""
    _, what, _, thing, skip, _ = event
    function = getattr(thing, "__func__", getattr(thing, "fget", thing))
    module = getattr(inspect.unwrap(function) if callable(function) else function, "__module__", "")
    return skip or (what == "class" and not str(module).startswith(PACKAGE))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    app.connect("config-inited", _write_pages)  # before Sphinx looks for pages
    app.connect("missing-reference", _resolve)
    app.connect("autodoc-skip-member", _skip_inherited)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
