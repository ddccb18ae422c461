"""How the site is built: `bash conf/site.sh`.

Sources are read from the root of the repository, so that pages link notebooks, benchmarks and each
other by the very paths that work in a checkout. Nothing is loaded from elsewhere.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_site"), str(HERE.parent)]

import sparktune  # noqa: E402 (this checkout's)

project = "sparktune"
author = "The sparktune authors"
copyright = author
release = version = sparktune.__version__

extensions = [
    "mathml",
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinxcontrib.programoutput",
]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "docs/reference/*.md", "notebooks/*.ipynb"]
exclude_patterns = [".*", "**/.*", "artifacts", "build", "dist"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the full tests run them
suppress_warnings = ["mystnb.unknown_mime_type"]  # widgets of a notebook

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True
maximum_signature_line_length = 90
python_use_unqualified_type_names = True

html_theme = "furo"
html_math_renderer = "mathml"
html_title = "sparktune"
html_static_path = ["_site/site.css"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

toc_object_entries = False  # a page's contents are its headings, not every method


def _first_page(app, exception):
    """The site's address opens the index, which lies where its source does."""
    if exception is None and app.builder.format == "html":
        page = '<!doctype html><meta charset="utf-8"><title>sparktune</title>\n'
        page += '<meta http-equiv="refresh" content="0; url=docs/index.html">\n'
        page += '<a href="docs/index.html">sparktune</a>\n'
        (Path(app.outdir) / "index.html").write_text(page)


def _names_of_functions(*given):
    """A function that is a default shows as its name, which a dataclass's signature does not do."""
    *_, signature, returns = given
    if signature and "<function " in signature:
        named = re.sub(r"<function ([\w.]+)( at \w+)?>", r"\1", signature)
        return named.replace("~collections.abc.", ""), returns
    return None


def setup(app):
    """Add what the extensions leave out."""
    app.connect("autodoc-process-signature", _names_of_functions)
    app.connect("build-finished", _first_page)
