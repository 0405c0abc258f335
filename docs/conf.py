"""How Sphinx builds these pages: `make docs`."""

from __future__ import annotations

import sys
from pathlib import Path

import handrail

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "Handrail"
author = "The Handrail developers"
copyright = "The Handrail developers, Apache-2.0"  # noqa: A001  # Sphinx's own name for it
version = release = handrail.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "settings_tables",
    "kinds_tables",
    "commands_help",
    "http_protocol",
    "plugin_directory",
    "public_names",
]
exclude_patterns = ["_build", "_extensions", "_pictures", "examples"]
nitpicky = True
smartquotes_action = "D"  # dashes alone: quotes are part of what is quoted
suppress_warnings = ["ref.python"]  # a name that both handrail and the drop-in have; handrail's is the first found

html_theme = "furo"
html_title = f"Handrail {release}"
html_static_path = ["_static"]
html_css_files = ["handrail.css"]
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
myst_links_external_new_tab = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

default_role = "code"  # docstrings are written with single backticks
add_module_names = False
autoclass_content = "class"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_use_type_comments = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
