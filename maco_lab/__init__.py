"""The composition root: from a lab file to the running landscape, its journal, the command line and the demo."""
