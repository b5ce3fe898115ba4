"""Run the command line: ``python -m maco_lab`` is the same as ``maco-lab``."""

from maco_lab.cli import main

main()
