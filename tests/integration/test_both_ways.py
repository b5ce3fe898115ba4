"""Both ways work, and each TLS session is seen from both of its ends."""

from __future__ import annotations

from typing import Any

import pytest

from maco_lab.testing.journal import LabJournal
from maco_lab.testing.parties import Maco
from maco_wire.observation import (
    CanarySeen,
    ClientHelloPassed,
    Handshake,
    Hop,
    Login,
    MailFetched,
    Party,
    StreamClosed,
    StreamOpened,
    TlsSession,
)

pytestmark = pytest.mark.usefixtures("mail_waits")

WAY_A, WAY_B = "way-a", "way-b"


def test_way_a_fetches_the_mail_and_maco_itself_does_tls_with_the_mail_server(
    maco: Maco, lab_journal: LabJournal
) -> None:
    result = maco.poll(WAY_A)

    assert (result.succeeded, result.stored, result.error) == (True, 1, "")
    by_maco = lab_journal.client_handshake(Party.MACO)
    by_server = lab_journal.server_handshake(succeeded=True)
    assert by_maco.session is by_server.session is TlsSession.IMAP_STARTTLS
    assert (by_maco.version, by_maco.cipher) == (by_server.version, by_server.cipher)
    assert by_maco.server_name == by_server.server_name == by_maco.name_checked == "mail.stadtwerke.example"
    assert by_maco.verified_against == "MaCo key store: mail-root"


def test_way_b_fetches_the_mail_and_the_connector_does_tls_with_the_mail_server(
    maco: Maco, lab_journal: LabJournal
) -> None:
    result = maco.poll(WAY_B)

    assert (result.succeeded, result.stored, result.error) == (True, 1, "")
    by_connector = lab_journal.client_handshake(Party.CLOUD_CONNECTOR)
    by_server = lab_journal.server_handshake(succeeded=True)
    assert by_connector.session is TlsSession.BACK_END
    assert by_server.session is TlsSession.IMAPS
    assert (by_connector.version, by_connector.cipher) == (by_server.version, by_server.cipher)
    assert by_connector.local == by_server.peer
    assert by_connector.verified_against == "Cloud Connector's back-end trust store"


def test_in_way_a_nobody_between_maco_and_the_mail_server_sees_the_password_or_the_mail(
    maco: Maco, lab_journal: LabJournal
) -> None:
    maco.poll(WAY_A)

    assert {each.party for each in lab_journal.of(CanarySeen)} == {Party.MACO, Party.MAIL_SERVER}


def test_in_way_b_everybody_on_the_way_sees_the_password_and_the_mail(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(WAY_B)

    for name in ("mailbox password of gas@stadtwerke.example", "line in a mail of gas@stadtwerke.example"):
        assert {each.party for each in lab_journal.of(CanarySeen) if each.name == name} == set(Party)


def test_in_way_a_the_relaying_parties_see_macos_client_hello_pass(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(WAY_A)

    passed = lab_journal.of(ClientHelloPassed)
    assert {each.party for each in passed} == {Party.CONNECTIVITY, Party.CLOUD_CONNECTOR}
    assert {each.server_name for each in passed} == {"mail.stadtwerke.example"}


def test_in_way_b_no_client_hello_passes_through_anybody(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(WAY_B)

    assert lab_journal.of(ClientHelloPassed) == []


def test_in_way_b_maco_logs_in_in_clear_and_the_mail_server_sees_it_under_tls(
    maco: Maco, lab_journal: LabJournal
) -> None:
    maco.poll(WAY_B)

    assert [(each.party, each.in_clear) for each in lab_journal.of(Login)] == [
        (Party.MAIL_SERVER, False),
        (Party.MACO, True),
    ]


def test_both_parties_that_relay_count_the_same_bytes(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(WAY_A)

    counts = {
        (closed.bytes_to_mail_server, closed.bytes_to_maco)
        for party in (Party.CONNECTIVITY, Party.CLOUD_CONNECTOR)
        for closed in [lab_journal.wait_for(StreamClosed, party)]
    }
    assert len(counts) == 1


def rename(data: dict[str, Any]) -> None:
    for mapping in data["cloud_connectors"][0]["subaccounts"][0]["mappings"]:
        mapping["internal"] = mapping["internal"].replace("mail.stadtwerke.example", "real-name.intern")
    data["hosts"] = {
        "real-name.intern:143": "127.0.0.1:3143",
        "real-name.intern:993": "127.0.0.1:3993",
    }


@pytest.mark.maco_lab(change=rename)
def test_the_cloud_side_never_learns_the_internal_host(maco: Maco, lab_journal: LabJournal) -> None:
    assert maco.poll(WAY_A).succeeded
    assert maco.poll(WAY_B).succeeded

    at_the_cloud = [entry.as_json() for entry in lab_journal if entry.observation.party is Party.CONNECTIVITY]
    assert at_the_cloud
    assert not [line for line in at_the_cloud if "real-name" in line]
    assert {each.internal_host for each in lab_journal.of(StreamOpened, Party.CLOUD_CONNECTOR)} == {"real-name.intern"}


def test_a_mail_is_fetched_once_however_often_is_polled(maco: Maco, lab_journal: LabJournal) -> None:
    assert [maco.poll(WAY_A).stored for _ in range(3)] == [1, 0, 0]
    assert len(lab_journal.of(MailFetched)) == 1


def split(data: dict[str, Any]) -> None:
    first = data["cloud_connectors"][0]
    mapping_a, mapping_b, *_ = first["subaccounts"][0]["mappings"]
    second = {**first, "name": "scc2"}
    first["subaccounts"] = [{"subaccount": "stadtwerke", "location_id": "WERK1", "mappings": [mapping_a]}]
    second["subaccounts"] = [{"subaccount": "stadtwerke", "location_id": "WERK2", "mappings": [mapping_b]}]
    data["cloud_connectors"].append(second)
    data["maco"]["email_servers"][1]["location_id"] = "WERK2"


@pytest.mark.maco_lab(change=split)
def test_each_way_works_through_a_connector_with_a_location_id_of_its_own(maco: Maco, lab_journal: LabJournal) -> None:
    assert maco.poll(WAY_A).stored == 1
    assert maco.poll(WAY_B).stored == 1
    at_connectors = lab_journal.of(StreamOpened, Party.CLOUD_CONNECTOR)
    at_cloud = lab_journal.of(StreamOpened, Party.CONNECTIVITY)
    for opened in (at_connectors, at_cloud):
        assert [each.location_id for each in opened] == ["WERK1", "WERK2"]
    assert {each.local for each in at_connectors} != {at_connectors[0].local}, "each has a tunnel of its own"


def two(data: dict[str, Any]) -> None:
    data["subaccounts"].append("netz")
    only = data["cloud_connectors"][0]["subaccounts"][0]
    data["cloud_connectors"][0]["subaccounts"].append({**only, "subaccount": "netz", "mappings": only["mappings"][:1]})
    data["cloud"]["clients"][0]["subaccount"] = "netz"


@pytest.mark.maco_lab(change=two)
def test_two_subaccounts_of_one_connector_are_kept_apart_by_the_token(maco: Maco, lab_journal: LabJournal) -> None:
    assert maco.poll(WAY_A).stored == 1
    refused = maco.poll(WAY_B)
    assert (refused.succeeded, refused.socks_reply) == (False, 0x02)
    assert {each.subaccount for each in lab_journal.of(StreamOpened)} == {"netz"}


def test_sight_draws_way_a_as_one_session_over_all_three_hops(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(WAY_A)

    session = lab_journal.sight(WAY_A).mail_session
    assert session is not None
    assert (session.client, session.server, session.agreed) == (Party.MACO, Party.MAIL_SERVER, True)
    assert session.hops == (Hop.CLOUD_NETWORK, Hop.TUNNEL, Hop.CUSTOMER_LAN)


def test_sight_draws_way_b_as_one_session_over_the_customers_lan(maco: Maco, lab_journal: LabJournal) -> None:
    maco.poll(WAY_B)

    sight = lab_journal.sight(WAY_B)
    session = sight.mail_session
    assert session is not None
    assert (session.client, session.server, session.agreed) == (Party.CLOUD_CONNECTOR, Party.MAIL_SERVER, True)
    assert session.hops == (Hop.CUSTOMER_LAN,)
    assert sight.covering(Hop.CLOUD_NETWORK) == ()
    assert [each.kind for each in sight.covering(Hop.TUNNEL)] == [TlsSession.TUNNEL]


def test_the_tunnel_is_mutual_tls_dialled_by_the_connector(lab_journal: LabJournal) -> None:
    by_connector = lab_journal.wait_for(Handshake, Party.CLOUD_CONNECTOR, session=TlsSession.TUNNEL)
    by_cloud = lab_journal.wait_for(Handshake, Party.CONNECTIVITY, session=TlsSession.TUNNEL)

    assert (by_connector.role, by_cloud.role) == ("client", "server")
    assert by_connector.local == by_cloud.peer
    assert by_cloud.peer_chain[0].subject.startswith("CN=stadtwerke,")
    assert by_connector.version in {"TLSv1.2", "TLSv1.3"}
