from __future__ import annotations

import pytest

from maco_client.settings import (
    Authentication,
    EmailConnection,
    EmailServer,
    Protection,
    ProxyType,
    Schedule,
    Selection,
    shared_mailboxes,
    traps,
)
from tests.maco_client.settings.values import INTERNET, ON_PREMISE, connection

IMAPS_PORT = EmailServer("s", "mail:993", ProxyType.INTERNET)
ON_PREMISE_993 = EmailServer("s", "mail:993")


@pytest.mark.parametrize(
    ("trap", "word"),
    [
        (connection(selection=Selection.ALL), "every mail at every poll"),
        (connection(protection=Protection.STARTTLS_OPTIONAL), "in clear"),
        (connection(protection=Protection.OFF), "in clear over the internet"),
        (connection(ON_PREMISE, Protection.OFF), "unless the mapping is TCP TLS"),
        (connection(IMAPS_PORT), "never greets"),
        (connection(INTERNET, Protection.IMAPS), "Unsupported or unrecognized SSL message"),
        (connection(archive_folder="Archive"), "not used"),
        (connection(authentication=Authentication.ENCRYPTED, plain_fallback=True), "as it is"),
        (connection(scheduler=Schedule(every_s=59)), "every 59 s"),
        (connection(skip_failed_message=False), "holds up"),
    ],
)
def test_a_trap_is_warned_about(trap: EmailConnection, word: str) -> None:
    (text,) = traps(trap)

    assert word in text


def test_a_limit_makes_rereading_everything_worse() -> None:
    assert len(traps(connection(selection=Selection.ALL, max_messages_per_poll=5))) == 2


@pytest.mark.parametrize("good", [connection(ON_PREMISE), connection(ON_PREMISE_993, Protection.OFF)])
def test_the_two_ways_of_the_seed_article_raise_no_warning(good: EmailConnection) -> None:
    assert traps(good) == []


def test_who_polls_the_mailbox_of_another_one_is_told_of_it() -> None:
    other_folder = connection(name="third", folder="Archive")
    elsewhere = EmailServer("again", "MAIL:1143", ProxyType.INTERNET)

    found = shared_mailboxes([connection(name="first"), connection(elsewhere, name="second"), other_folder])

    assert list(found) == ["second"]
    assert "'first'" in found["second"]
