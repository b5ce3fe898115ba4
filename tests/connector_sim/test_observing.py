from __future__ import annotations

from certs.summary import summarize
from connector_sim.observing import observe_handshake
from maco_net.errors import HandshakeFacts
from maco_wire.observation import Address, Handshake, Party, TlsSession
from tests.connector_sim.landscape import CAST, der

ADDRESSES: dict[str, Address] = {"local": ("127.0.0.1", 1), "peer": ("127.0.0.1", 2)}


def _observed(facts: HandshakeFacts) -> Handshake:
    return observe_handshake(
        facts, Party.CLOUD_CONNECTOR, TlsSession.BACK_END, "client", summarize, "the store", ADDRESSES
    )


def test_a_store_vouches_only_for_a_certificate_that_passed() -> None:
    chain = (der(CAST.mail_server),)
    assert _observed(HandshakeFacts(peer_chain=chain)).verified_against == "the store"
    assert _observed(HandshakeFacts(peer_chain=chain, error="expired")).verified_against == ""
    assert _observed(HandshakeFacts()).verified_against == ""


def test_a_handshake_with_an_error_did_not_succeed() -> None:
    assert (_observed(HandshakeFacts()).succeeded, _observed(HandshakeFacts(error="x")).succeeded) == (True, False)


def test_the_facts_and_both_addresses_are_taken_over() -> None:
    facts = HandshakeFacts("TLSv1.3", "cipher", "name", (), "error", 20, "unknown_ca", "")
    seen = _observed(facts)
    assert (seen.version, seen.cipher, seen.server_name, seen.verify_code) == ("TLSv1.3", "cipher", "name", 20)
    assert (seen.alert_sent, seen.local, seen.peer) == ("unknown_ca", ("127.0.0.1", 1), ("127.0.0.1", 2))
