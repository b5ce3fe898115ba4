"""Real TLS sessions as bytes, and the keys that their server logged."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from OpenSSL import SSL

from certs.trust import server_context, trust
from maco_lab.taps.conversation import Conversation
from maco_lab.taps.key_log import SessionKeys, sessions_of
from maco_lab.testing.lab import new_authority
from maco_wire.observation import Party

AUTHORITY = new_authority()


@dataclass
class Sample:
    """What was said over TLS, and how it looked."""

    wire: Conversation
    keys: dict[bytes, SessionKeys] = field(repr=False)

    @property
    def secrets(self) -> dict[str, bytes]:
        (session,) = self.keys.values()
        return dict(session.secrets)


class _Pair:
    def __init__(self, client: ssl.SSLContext, server: ssl.SSLContext) -> None:
        self.bios = [ssl.MemoryBIO() for _ in range(4)]
        self.client = client.wrap_bio(self.bios[0], self.bios[1], server_hostname="mail.stadtwerke.example")
        self.server = server.wrap_bio(self.bios[2], self.bios[3], server_side=True)
        self.from_client = self.to_client = b""

    def carry(self) -> None:
        there, back = self.bios[1].read(), self.bios[3].read()
        self.bios[2].write(there)
        self.bios[0].write(back)
        self.from_client += there
        self.to_client += back

    def shake_hands(self) -> None:
        for _ in range(4):
            for end in (self.client, self.server):
                with contextlib.suppress(ssl.SSLWantReadError):
                    end.do_handshake()
            self.carry()

    def say(self, end: ssl.SSLObject, data: bytes) -> None:
        end.write(data)
        self.carry()


def a_session(
    folder: Path, said: bytes, answered: bytes, *, before: tuple[bytes, bytes] = (b"", b""), tls_1_2: str = ""
) -> Sample:
    """Return a session in which the client says something and is answered; ``before`` is what passed in clear.

    ``tls_1_2`` names a cipher suite of that version.
    """
    server = server_context(AUTHORITY.by_name("mail_server"))
    log = folder / "keys"
    server.keylog_filename = str(log)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust(client, [AUTHORITY.root.certificate])
    if tls_1_2:
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        client.set_ciphers(tls_1_2)
    pair = _Pair(client, server)
    pair.shake_hands()
    pair.say(pair.client, said)
    pair.say(pair.server, answered)
    wire = Conversation(before[0] + pair.from_client, before[1] + pair.to_client)
    return Sample(wire, sessions_of({Party.MAIL_SERVER: log.read_text()}))


def a_session_of_suite(suite: bytes, said: bytes, answered: bytes) -> Sample:
    """Return a session with a cipher suite of one's choice: pyOpenSSL can say which, ``ssl`` before 3.15 cannot."""
    issued = AUTHORITY.by_name("mail_server")
    server_side, client_side = SSL.Context(SSL.TLS_SERVER_METHOD), SSL.Context(SSL.TLS_CLIENT_METHOD)
    server_side.use_certificate(issued.certificate)
    server_side.use_privatekey(issued.private_key)
    server_side.set_tls13_ciphersuites(suite)
    lines: list[bytes] = []
    server_side.set_keylog_callback(lambda _, line: lines.append(line))
    client, server = SSL.Connection(client_side, None), SSL.Connection(server_side, None)
    client.set_connect_state()
    server.set_accept_state()
    seen = [b"", b""]

    def carry() -> None:
        for number, (source, sink) in enumerate([(client, server), (server, client)]):
            with contextlib.suppress(SSL.WantReadError):
                data = source.bio_read(1 << 20)
                seen[number] += data
                sink.bio_write(data)

    for _ in range(4):
        for end in (client, server):
            with contextlib.suppress(SSL.WantReadError):
                end.do_handshake()
        carry()
    for end, data in ((client, said), (server, answered)):
        end.send(data)
        carry()
    return Sample(Conversation(*seen), sessions_of({Party.MAIL_SERVER: b"\n".join(lines).decode()}))
