"""Which certificate ends a path, and which would: with the lab's own chains."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import Issued
from certs.summary import summarize
from connector_sim.on_premise.reachability.path import path_of, role_of
from tests.connector_sim.landscape import CAST, INTERMEDIATE, ROOT, der

ROOT_NAME, INTERMEDIATE_NAME = "maco-lab Mail Root CA", "maco-lab Mail Intermediate CA"
UNKNOWN = CAST.unknown_root_certificate.public_bytes(Encoding.DER)


def sent(certificate: str) -> list[bytes]:
    issued: Issued = CAST.by_name(certificate)
    return [each.public_bytes(Encoding.DER) for each in (issued.certificate, *issued.chain)]


def missing(certificate: str, *listed: bytes) -> list[tuple[str, str, bool]]:
    """Return place, common name and whether it was sent of each certificate that would do."""
    found = path_of(sent(certificate), listed).missing(summarize)
    return [(each.role, each.subject.partition("CN=")[2].partition(",")[0], each.was_sent) for each in found]


@pytest.mark.parametrize("listed", [ROOT, INTERMEDIATE, der(CAST.mail_server)], ids=["root", "intermediate", "leaf"])
def test_any_listed_certificate_of_the_path_ends_it(listed: bytes) -> None:
    path = path_of(sent("mail_server"), [UNKNOWN, listed])

    assert path.anchor is not None
    assert path.anchor.der == listed
    assert path.missing(summarize) == ()


def test_the_issuer_of_the_last_one_comes_first_and_the_servers_own_last() -> None:
    assert missing("mail_server", UNKNOWN) == [
        ("issuer", ROOT_NAME, False),
        ("intermediate", INTERMEDIATE_NAME, True),
        ("server", "mail.stadtwerke.example", True),
    ]


def test_a_root_that_was_sent_is_named_as_one() -> None:
    assert missing("root_sent")[0] == ("root", ROOT_NAME, True)


def test_without_intermediate_it_is_the_issuer_that_lacks_although_the_root_is_listed() -> None:
    assert missing("missing_intermediate", ROOT)[0] == ("issuer", INTERMEDIATE_NAME, False)


def test_a_listed_intermediate_helps_a_server_that_does_not_send_it() -> None:
    assert missing("missing_intermediate", INTERMEDIATE) == []


def test_one_that_is_self_signed_has_nobody_above_it() -> None:
    assert missing("self_signed", ROOT) == [("server", "mail.stadtwerke.example", True)]


def test_a_chain_in_wrong_order_is_followed_by_its_issuers() -> None:
    path = path_of(sent("chain_reversed"), [])

    names = [summarize(each.der).subject.partition(",")[0] for each in path.members]
    assert names[1:] == ["CN=maco-lab Lower Intermediate CA", "CN=maco-lab Upper Intermediate CA"]
    assert missing("chain_reversed", ROOT) == []


def test_a_certificate_of_the_same_name_is_no_issuer() -> None:
    other = CAST.by_name("self_signed")

    assert path_of(sent("mail_server"), [der(other)]).anchor is None


@pytest.mark.parametrize("chain", [[], [b"no certificate"], [b"\x30\x00"]])
def test_what_cannot_be_read_leads_nowhere(chain: list[bytes]) -> None:
    path = path_of(chain, [ROOT, b"neither"])

    assert (path.members, path.anchor, path.missing(summarize)) == ((), None, ())


def test_what_cannot_be_read_has_a_place_all_the_same() -> None:
    assert (role_of(b"odd", is_first=True), role_of(b"odd", is_first=False)) == ("server", "intermediate")
