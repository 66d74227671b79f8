"""The site: `make docs` builds it into docs/_build, and a warning ends the build."""

from __future__ import annotations

import warnings
from importlib.metadata import version as version_of

warnings.filterwarnings(
    "ignore", message=".*is deprecated. Check CHANGES"
)  # between two of the libraries that build this
project = "Whylight"
author = "The Whylight maintainers"
release = version = version_of("whylight").partition("+")[0]
html_title = "Whylight"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_autodoc_typehints"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["myst.header"]  # pages that stand on GitHub too may begin their parts at any level

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["whylight.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # sphinx_autodoc_typehints writes them beside the parameters
autodoc_mock_imports: list[str] = []
napoleon_google_docstring = True
napoleon_use_ivar = True
always_use_bars_union = True
typehints_defaults = "comma"
typehints_document_rtype = True
