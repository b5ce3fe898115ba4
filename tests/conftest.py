"""What all tests have besides the plugin's own fixtures."""

from __future__ import annotations

import hypothesis
import pytest

from maco_lab.testing.parties import MailServer

# A busy machine is slower than any deadline; what must be fast is measured in benchmarks/.
hypothesis.settings.register_profile("maco-lab", deadline=None)
hypothesis.settings.load_profile("maco-lab")


@pytest.fixture
def mail_waits(mail_server: MailServer) -> None:
    """Let one unread mail wait in every mailbox."""
    for user in mail_server.accounts:
        mail_server.deliver(user)
