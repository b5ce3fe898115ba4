"""An option that is wrong ends the command with exit code 2 and one line that names it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from maco_lab.mail_server.command import app


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--user", "maco"], "--user: found 'maco' without a password, allowed: NAME:PASSWORD\n"),
        (
            ["--user", "maco:x", "--imap", "x"],
            "--imap: found 'x', allowed: ADDRESS:PORT, PORT (0 is a free one) or off\n",
        ),
        (["--user", "maco:x", "--tls-cert", "none.pem"], "none.pem: No such file or directory\n"),
        (["--user", "maco:x", "--tls-key", "none.key"], "--tls-key: needs --tls-cert, "),
        (["--user", "maco:x", "--user", "maco:y"], "--user: maco appears more than once"),
        (["--user", "maco:x", "--lab", "lab.yaml"], "--lab: not together with --user: "),
        (["--user", "maco:x", "--state", "."], "--state: not together with --user: "),
        (["--smtp", "0"], "--user: is missing: "),
        (["--json"], "--user: is missing: "),
    ],
)
def test_an_option_that_is_wrong_is_named(options: list[str], told: str) -> None:
    result = CliRunner().invoke(app, options)

    assert result.exit_code == 2, result.output
    assert result.output.startswith(told)
    assert "Traceback" not in result.output
