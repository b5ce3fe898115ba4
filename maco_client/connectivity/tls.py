"""The TLS connectivity test: a handshake with a host and port that expect TLS at once."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

from cryptography import x509

from maco_client import wording
from maco_client.connectivity.unverified import UnverifyingKeyStore
from maco_client.dialer import dial
from maco_client.failures import SessionError, StepFailed
from maco_client.key_store import KeyStore
from maco_client.reach import Reach
from maco_client.reporter import Reporter
from maco_client.settings import Credential, EmailConnection, EmailServer, Protection
from maco_client.tls_wording import tls_failed
from maco_net.errors import HandshakeError, HandshakeFacts, NetError
from maco_net.tls import start_tls
from maco_wire.exceptions import RemoteProtocolError

_NOBODY = Credential("TLS test", "nobody", "unused")  # a handshake has no login


@dataclass(frozen=True, slots=True)
class TlsCheck:
    """What the test came to; ``chain`` is what the server sent (DER, leaf first)."""

    succeeded: bool
    error: str = ""
    hint: str = ""
    java_text: str = ""
    tls_version: str = ""
    cipher: str = ""
    vouched_by: str = ""
    chain: tuple[bytes, ...] = dataclasses.field(default=(), repr=False)
    duration_ms: int = 0

    @property
    def root(self) -> bytes | None:
        """The root that the server sent itself, which may be added to the key store; most servers send none."""
        return next((der for der in self.chain if _is_root(der)), None)


async def check_tls(server: EmailServer, reach: Reach, key_store: KeyStore, *, validate: bool) -> TlsCheck:
    """Run the test. What a peer does wrong ends up in the result, in the words of a poll."""
    began = time.monotonic()
    asked = key_store if validate else UnverifyingKeyStore({})
    try:
        found = await _shake_hands(server, reach, asked)
    except (StepFailed, SessionError, NetError, RemoteProtocolError) as error:
        connection = EmailConnection("TLS test", server, Protection.OFF, _NOBODY)
        failure = wording.session_failed(error, "tls", connection)
        found = _failed(failure)
    return dataclasses.replace(found, duration_ms=round((time.monotonic() - began) * 1000))


async def _shake_hands(server: EmailServer, reach: Reach, key_store: KeyStore) -> TlsCheck:
    reporter = Reporter(reach.record, reach.describe_certificate, reach.canaries)
    dialled = await dial(server, proxy=reach.proxy, tokens=reach.tokens, tap=reporter, on_socket=reporter.on_socket)
    if dialled.early:
        await dialled.stream.aclose()
        raise StepFailed("tls", "Unsupported or unrecognized SSL message", "The server speaks before any TLS")
    verification = key_store.verification()
    try:
        stream = await start_tls(
            dialled.stream, verification.context, timeout_s=server.timeout_s, server_name=server.host
        )
        await stream.aclose()
        verification.check(stream.facts)
    except HandshakeError as error:
        chain = reporter.describe(error.facts.peer_chain)
        failure = tls_failed(error.facts, "tls", verification.java_verdict(error.facts, server.host), chain)
        return _seen(error.facts, _failed(failure))
    return _seen(stream.facts, TlsCheck(succeeded=True, vouched_by=verification.vouched_by(stream.facts)))


def _failed(failure: StepFailed) -> TlsCheck:
    return TlsCheck(succeeded=False, error=failure.error, hint=failure.hint, java_text=failure.evidence.java_text)


def _seen(facts: HandshakeFacts, check: TlsCheck) -> TlsCheck:
    return dataclasses.replace(check, tls_version=facts.version, cipher=facts.cipher, chain=facts.peer_chain)


def _is_root(der: bytes) -> bool:
    certificate = x509.load_der_x509_certificate(der)
    return certificate.subject == certificate.issuer
