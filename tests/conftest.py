"""What all tests have besides the plugin's own fixtures."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

from maco_lab.testing.parties import MailServer
from tests.faults.seeds import PROPERTY_EXAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A busy machine is slower than any deadline; what must be fast is measured in benchmarks/.
hypothesis.settings.register_profile("maco-lab", deadline=None, max_examples=PROPERTY_EXAMPLES)
hypothesis.settings.load_profile("maco-lab")


def pytest_collection_finish() -> None:
    """Keep what is imported and collected out of the collector's way: walking it again took a fifth of all time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def mail_waits(mail_server: MailServer) -> None:
    """Let one unread mail wait in every mailbox."""
    for user in mail_server.accounts:
        mail_server.deliver(user)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return Debian's chromium; for a module alone, since Playwright holds the thread's event loop meanwhile."""
    from tests.browser import launched

    with launched() as browser:
        yield browser
