"""How the site is built: python -m sphinx -W --keep-going docs docs/_build/html.

With `-D nb_execution_mode=cache` the notebooks are run, too, which takes minutes. Nothing is
fetched, neither while the site is built nor when it is read. Where a page goes, and what makes
those that nobody writes, is said in docs/architecture.md.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from adjoint.version import __version__

project = "adjoint"
author = "the adjoint project"
version = release = __version__
copyright = author
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_nb",
    "plain_docstrings",
    "languages",
    "chinese_search",
    "mathml",
    "source_links",
    "reference",
    "command_line",
    "notebooks",
    "outside_assets",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_ext", "**/.ipynb_checkpoints"]

# --- pages in Markdown, and notebooks in Markdown

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_fence_as_directive = ["math"]  # as GitHub shows them
myst_heading_anchors = 4
myst_update_mathjax = False
nb_execution_mode = "off"
nb_execution_timeout = 600
nb_execution_in_temp = True  # they write files
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_ipywidgets_js = {}  # they would come from elsewhere
html_math_renderer = "mathml"

# --- names from their docstrings

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # NumPy's layout says them
autodoc_preserve_defaults = True
default_role = "code"
numpydoc_show_class_members = False
numpydoc_use_plots = False
add_module_names = False
toc_object_entries_show_parents = "hide"

# --- how it looks

html_theme = "pydata_sphinx_theme"
html_title = f"adjoint {version}"
html_short_title = "adjoint"
html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_search_language = "en-zh"
html_sidebars = {"index": [], "zh/index": []}
html_theme_options = {
    "logo": {
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "text": "adjoint",
    },
    "navbar_persistent": ["language-switch", "search-button"],
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc", "notebook-download"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
