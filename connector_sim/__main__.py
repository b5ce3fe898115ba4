"""Run alone: ``python -m connector_sim --help``."""

from maco_lab.alone import connector_app

connector_app(prog_name="python -m connector_sim")
