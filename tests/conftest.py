"""What all tests have besides the plugin's own fixtures."""

from __future__ import annotations

import pytest

from maco_lab.testing.parties import MailServer


@pytest.fixture
def mail_waits(mail_server: MailServer) -> None:
    """Let one unread mail wait in every mailbox."""
    for user in mail_server.accounts:
        mail_server.deliver(user)
