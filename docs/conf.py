"""The site: every page of this folder, and the reference from the docstrings."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "skcaptcha"
author = "the skcaptcha developers"
copyright = author  # noqa: A001 - Sphinx's name for it
release = version = installed_version("skcaptcha")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_copybutton",
    "outside_links",
    "public_names",
    "published_rates",
]
exclude_patterns = ["_build", "_*.md"]
templates_path = ["_templates"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]  # a page may begin where another one's heading ended

# Docstrings say the types; single backticks link to what is public and are code otherwise.
default_role = "py:obj"
autodoc_typehints = "none"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_use_plots = False

html_theme = "pydata_sphinx_theme"
html_title = f"skcaptcha {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": f"skcaptcha {release}"},
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_exclude = ".linenos, .gp, .go"
