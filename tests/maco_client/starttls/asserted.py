"""What is claimed of every case, whichever the protocol."""

from __future__ import annotations

import base64
import re

from maco_client.wording import SAID_IN_CLEAR
from maco_wire.observation import Login
from tests.maco_client.bench import Journal
from tests.maco_client.scripted_server import ScriptedServer
from tests.maco_client.starttls.case import MARK, Credential


def assert_the_error_is(expected: str, error: str) -> None:
    pattern = ".*".join(re.escape(piece) for piece in expected.split("…"))
    assert re.fullmatch(pattern, error, re.DOTALL), error


def assert_the_password_went(where: Credential, journal: Journal, server: ScriptedServer) -> None:
    heard = any(each in server.heard_in_clear for each in (b"sesame", base64.b64encode(b"\0maco\0sesame")))
    assert heard == (where is Credential.IN_CLEAR)
    assert [each.in_clear for each in journal.all(Login) if each.credentials_sent] == {
        Credential.NOWHERE: [],
        Credential.IN_TLS: [False],
        Credential.IN_CLEAR: [True],
    }[where]


def assert_the_attacker_is_heard(journal: Journal, error: str, hint: str, *, shown: bool) -> None:
    mark = MARK.decode()
    assert (mark in error) == shown
    if shown:
        assert SAID_IN_CLEAR in hint
    else:
        assert not [each for each in journal.observations if mark in str(each.as_fields())]
