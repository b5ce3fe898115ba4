"""Run alone: ``python -m mailserver_sim --help``."""

from maco_lab.alone import mail_server_app

mail_server_app(prog_name="python -m mailserver_sim")
