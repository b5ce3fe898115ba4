from __future__ import annotations

import ssl

import pytest

from maco_wire.observation import Handshake, Party, Problem, StreamOpened, StreamRefused, TlsSession
from maco_wire.socks5 import Connected
from tests.connector_sim.landscape import (
    CAST,
    GREETING,
    INTERMEDIATE,
    MAIL_HOST,
    REFUSED,
    ROOT,
    TCP,
    TCPS,
    TRUSTS_ROOT,
    Landscape,
    Trust,
    back_end,
    der,
    echo,
    landscape,
    tls_server,
)

HOST = TCPS.virtual_host
LEAF = der(CAST.mail_server)

both_versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def _handshake(lab: Landscape) -> Handshake:
    (seen,) = [each for each in lab.seen.of(Handshake) if each.session is TlsSession.BACK_END]
    return seen


@pytest.mark.parametrize(
    "trust",
    [Trust((ROOT,)), Trust((ROOT, INTERMEDIATE)), Trust((INTERMEDIATE,)), Trust((LEAF,)), Trust(trust_all=True)],
    ids=["root only", "root and intermediate", "intermediate only", "leaf only", "trust all"],
)
async def test_a_back_end_that_is_trusted_is_opened_under_tls(trust: Trust) -> None:
    async with landscape(TCPS, trust=trust) as lab, back_end(lab, echo, port=993, tls=tls_server()):
        dialled = await lab.dial(HOST, 993)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        assert _handshake(lab).succeeded


async def test_an_empty_store_trusts_no_back_end() -> None:
    async with landscape(TCPS, trust=Trust()) as lab, back_end(lab, echo, port=993, tls=tls_server()):
        assert (await lab.dial(HOST, 993)).answer == REFUSED["host unreachable"]
        seen = _handshake(lab)
        assert (seen.verify_code, seen.alert_sent, seen.verified_against) == (20, "unknown_ca", "")


@pytest.mark.parametrize("certificate", ["unknown_root", "missing_intermediate", "expired", "self_signed"])
async def test_a_bad_back_end_is_refused_although_the_root_is_trusted(certificate: str) -> None:
    async with landscape(TCPS) as lab, back_end(lab, echo, port=993, tls=tls_server(certificate)):
        assert (await lab.dial(HOST, 993)).answer == REFUSED["host unreachable"]


async def test_the_handshake_is_reported_with_the_store_that_vouched_and_the_name_that_was_sent() -> None:
    async with landscape(TCPS) as lab, back_end(lab, echo, port=993, tls=tls_server()):
        await lab.dial(HOST, 993)
        seen = _handshake(lab)
        assert seen.verified_against == "Cloud Connector's back-end trust store"
        assert (seen.server_name, seen.name_checked, seen.party) == (MAIL_HOST, "", Party.CLOUD_CONNECTOR)
        (opened,) = lab.seen.of(StreamOpened, Party.CLOUD_CONNECTOR)
        assert opened.trace_id == seen.trace_id


async def test_trust_all_vouches_for_nobody() -> None:
    async with landscape(TCPS, trust=Trust(trust_all=True)) as lab, back_end(lab, echo, port=993, tls=tls_server()):
        await lab.dial(HOST, 993)
        assert _handshake(lab).verified_against == ""


async def test_the_name_of_the_back_end_is_not_checked_by_default() -> None:
    async with landscape(TCPS) as lab, back_end(lab, echo, port=993, tls=tls_server("wrong_name")):
        assert isinstance((await lab.dial(HOST, 993)).answer, Connected)


async def test_the_name_of_the_back_end_is_checked_where_told() -> None:
    trust = Trust((ROOT,), check_name=True)
    async with landscape(TCPS, trust=trust) as lab, back_end(lab, echo, port=993, tls=tls_server("wrong_name")):
        assert (await lab.dial(HOST, 993)).answer == REFUSED["host unreachable"]
        assert (_handshake(lab).verify_code, _handshake(lab).name_checked) == (62, MAIL_HOST)


async def test_the_checked_name_is_the_internal_one() -> None:
    trust = Trust((ROOT,), check_name=True)
    async with landscape(TCPS, trust=trust) as lab, back_end(lab, echo, port=993, tls=tls_server()):
        assert isinstance((await lab.dial(HOST, 993)).answer, Connected)


@both_versions
async def test_a_back_end_that_demands_it_gets_the_system_certificate(version: ssl.TLSVersion) -> None:
    server = tls_server(demands_client_certificate=True)
    server.maximum_version = version
    trust = Trust((ROOT,), system_certificate=True)
    async with landscape(TCPS, trust=trust) as lab, back_end(lab, echo, port=993, tls=server):
        dialled = await lab.dial(HOST, 993)
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        assert _handshake(lab).client_certificate == "system certificate"


async def test_in_tls_1_2_a_back_end_that_demands_it_in_vain_fails_the_handshake() -> None:
    server = tls_server(demands_client_certificate=True)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    async with landscape(TCPS) as lab, back_end(lab, echo, port=993, tls=server):
        assert (await lab.dial(HOST, 993)).answer == REFUSED["host unreachable"]
        assert _handshake(lab).alert_received == "handshake_failure"


async def test_in_tls_1_3_a_back_end_that_demands_it_in_vain_ends_the_connection_and_the_alert_is_told() -> None:
    # design, section 10: "the refusal of a client certificate comes after the handshake, so after SOCKS success"
    server = tls_server(demands_client_certificate=True)
    async with landscape(TCPS) as lab, back_end(lab, echo, port=993, tls=server):
        assert isinstance((await lab.dial(HOST, 993)).answer, Connected)
        (problem,) = await lab.seen.wait_for(Problem)
        assert problem.text == "the back end ended TLS with the alert certificate_required"


async def test_plain_text_behind_a_tcps_mapping_is_refused_and_told() -> None:
    async with landscape(TCPS) as lab, back_end(lab, echo, port=993):
        assert (await lab.dial(HOST, 993)).answer == REFUSED["host unreachable"]
        assert _handshake(lab).error == "wrong version number"


async def test_a_back_end_that_says_nothing_in_its_handshake_is_refused_in_time() -> None:
    async def silent(stream: object) -> None:
        await stream.receive()  # type: ignore[attr-defined]
        await stream.receive()  # type: ignore[attr-defined]

    async with (
        landscape(TCPS, on_premise={"back_end_tls_s": 0.05}) as lab,
        back_end(lab, silent, port=993),
    ):
        assert (await lab.dial(HOST, 993)).answer == REFUSED["host unreachable"]
        assert "did not finish the handshake" in _handshake(lab).error


async def test_a_tcp_mapping_makes_no_handshake() -> None:
    async with landscape(TCP, trust=TRUSTS_ROOT) as lab, back_end(lab, echo):
        await lab.dial(HOST, 143)
        assert not [each for each in lab.seen.of(Handshake) if each.session is TlsSession.BACK_END]


async def test_the_connector_names_the_internal_system_in_its_own_report() -> None:
    async with landscape(TCP) as lab:
        await lab.dial(HOST, 143)
        (refused,) = lab.seen.of(StreamRefused, Party.CLOUD_CONNECTOR)
        assert refused.reason == f"cannot open internal host {MAIL_HOST}:143: the name cannot be resolved on premise"


async def test_another_trust_store_judges_what_is_dialled_from_then_on_and_what_is_open_stays_open() -> None:
    async with landscape(TCPS) as lab, back_end(lab, echo, port=993, tls=tls_server()):
        (connector,) = lab.connectors
        dialled = await lab.dial(HOST, 993)
        before = connector.trust(Trust().store())
        assert (await lab.dial(HOST, 993)).answer == REFUSED["host unreachable"]
        assert await dialled.read_exactly(len(GREETING)) == GREETING
        connector.trust(before)
        assert isinstance((await lab.dial(HOST, 993)).answer, Connected)
