"""What a peer says may be long; what is reported of it is not."""

from __future__ import annotations

from maco_client.reporter import LONGEST_TEXT, MOST_NAMES, Reporter
from maco_net.errors import HandshakeFacts
from maco_wire.observation import CertificateSummary, Handshake, Login, Starttls, TlsSession
from tests.maco_client.bench import Journal

LONG = "x" * 5_000
CUT = "x" * 255 + "…"


def describe(_: bytes) -> CertificateSummary:
    return CertificateSummary(f"CN={LONG}", f"CN={LONG}", "00", (LONG,) * 5_000)


def test_names_of_a_certificate_are_cut(journal: Journal) -> None:
    facts = HandshakeFacts(peer_chain=(b"leaf",), error=LONG)
    Reporter(journal, describe, ()).handshake(TlsSession.IMAPS, facts, "mail.example", succeeded=False)
    seen = journal.only(Handshake)
    (certificate,) = seen.peer_chain
    assert (len(certificate.subject), len(certificate.issuer)) == (LONGEST_TEXT, LONGEST_TEXT)
    assert certificate.dns_names == (CUT,) * MOST_NAMES
    assert seen.error == CUT


def test_the_answer_to_a_login_is_cut(journal: Journal) -> None:
    reporter = Reporter(journal, describe, ())
    reporter.login("maco", succeeded=False, credentials_sent=True, in_clear=True, detail=LONG)
    assert journal.only(Login).detail == CUT


def test_the_answer_to_starttls_is_cut(journal: Journal) -> None:
    Reporter(journal, describe, ()).starttls("refused", LONG)
    assert journal.only(Starttls).detail == CUT


def test_a_text_of_256_characters_stays_whole(journal: Journal) -> None:
    Reporter(journal, describe, ()).starttls("refused", "y" * 256)
    assert journal.only(Starttls).detail == "y" * 256
