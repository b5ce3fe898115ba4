from __future__ import annotations

import pytest

from tests.mailserver_sim.running import RunningServer


def test_namespace_has_personal_mailboxes_only(server: RunningServer) -> None:
    with server.raw_logged_in() as client:
        # RFC 2342, section 5: personal, other users', shared; NIL where there are none
        assert client.command(b"a NAMESPACE")[0] == b'* NAMESPACE (("" "/")) NIL NIL'


@pytest.mark.parametrize("line", [b"a ID NIL", b'a ID ("name" "x" "version" NIL)', b"a ID ()"])
def test_id_is_answered_before_login_too(server: RunningServer, line: bytes) -> None:
    with server.raw() as client:
        assert client.command(line)[0].startswith(b'* ID ("name" ')


def test_logout_says_goodbye_then_ok_then_closes(server: RunningServer) -> None:
    with server.raw() as client:
        answer = client.command(b"a LOGOUT")
        assert answer[0].startswith(b"* BYE ")
        assert answer[1].startswith(b"a OK ")
        assert client.rest() == b""
