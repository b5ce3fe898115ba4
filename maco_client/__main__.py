"""Run alone: ``python -m maco_client --help``."""

from maco_lab.alone import maco_app

maco_app(prog_name="python -m maco_client")
