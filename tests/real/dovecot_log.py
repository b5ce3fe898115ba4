"""What Dovecot's own log tells about the connections that logged in: the mail server's view, from a stranger's code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from maco_wire.observation import Address

LOG_ELEMENTS = "user=<%u> rip=<%r> rport=<%b> sni=<%{local_name}> %c <%k>"
"""For ``login_log_format_elements``. Dovecot's manual, "Config Variables", login variables: ``%c`` is "TLS" under TLS,
``%k`` are its protocol and cipher, ``%b`` is the remote port, ``%{local_name}`` is the name that TLS's SNI gave."""

_LOGIN = re.compile(
    r"imap-login: Info: Login: user=<(?P<user>[^>]*)>, rip=<(?P<host>[^>]*)>, rport=<(?P<port>\d+)>"
    r"(?:, sni=<(?P<server_name>[^>]*)>)?"
    r"(?:, (?P<secured>TLS))?(?:, <(?P<version>\S+) with cipher (?P<cipher>\S+)[^>]*>)?"
)


@dataclass(frozen=True, slots=True)
class LoginLine:
    """One login that succeeded; ``peer`` is the client's end of the socket, and what TLS tells is empty without TLS."""

    user: str
    peer: Address
    tls: bool
    version: str
    cipher: str
    server_name: str


def login_lines(log: str) -> list[LoginLine]:
    """Return the logins that a log tells of, in their order."""
    return [
        LoginLine(
            user=found["user"],
            peer=(found["host"], int(found["port"])),
            tls=found["secured"] == "TLS",
            version=found["version"] or "",
            cipher=found["cipher"] or "",
            server_name=found["server_name"] or "",
        )
        for found in _LOGIN.finditer(log)
    ]
