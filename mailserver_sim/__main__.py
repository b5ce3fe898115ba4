"""Run alone: ``python -m mailserver_sim --help``."""

from maco_lab.mail_server.command import app

app(prog_name="python -m mailserver_sim")
