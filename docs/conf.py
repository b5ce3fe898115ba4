"""Sphinx configuration of the documentation."""

project = "maco-lab"
author = "maco-lab contributors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "maco-lab"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
