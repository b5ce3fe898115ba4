"""From one end's facts about a TLS handshake to the observation of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from maco_net.errors import HandshakeFacts
from maco_wire.observation import Address, CertificateSummary, Handshake, Party, Role, TlsSession

DescribeCertificate: TypeAlias = Callable[[bytes], CertificateSummary]
"""Turn a certificate (DER) into its summary; given by the composition root, since parties read no X.509 for show."""


def observe_handshake(
    facts: HandshakeFacts,
    party: Party,
    session: TlsSession,
    role: Role,
    describe: DescribeCertificate,
    verified_against: str,
    addresses: dict[str, Address],
    *,
    name_checked: str = "",
    client_certificate: str = "",
    trace_id: str | None = None,
) -> Handshake:
    """Return what ``party`` reports. ``verified_against`` counts only if the peer sent a certificate and it passed."""
    verified = bool(facts.peer_chain) and not facts.error
    return Handshake(
        party,
        session,
        role,
        succeeded=not facts.error,
        version=facts.version,
        cipher=facts.cipher,
        server_name=facts.server_name,
        peer_chain=tuple(describe(der) for der in facts.peer_chain),
        verified_against=verified_against if verified else "",
        name_checked=name_checked,
        client_certificate=client_certificate,
        error=facts.error,
        verify_code=facts.verify_code,
        alert_sent=facts.alert_sent,
        alert_received=facts.alert_received,
        trace_id=trace_id,
        local=addresses["local"],
        peer=addresses["peer"],
    )
