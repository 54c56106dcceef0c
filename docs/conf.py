"""Sphinx settings of the book; `fisherlab book` lays the sources out beside a copy of this file."""

project = "fisherlab"
copyright = "the fisherlab authors"
extensions = ["myst_nb", "sphinx-mathjax-offline"]
exclude_patterns = ["**/.ipynb_checkpoints"]

# Outputs are those that the notebooks were stored with: every run of them is a test.
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "image/svg+xml", 0), ("html", "text/html", 1)]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "html_image", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = [
    "mystnb.unknown_mime_type",
    "misc.highlighting_failure",  # TypeScript that Pygments does not know yet
    "myst.header",
    "myst.xref_missing",  # links to files of the repository
    "toc.not_included",
]

html_theme = "sphinx_book_theme"
html_title = "fisherlab"
html_theme_options = {
    "show_navbar_depth": 1,
    "use_download_button": False,
    "use_fullscreen_button": False,
}
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["book.css"]
