"""Reachability checks against real listeners and real TLS: every reason, and what helps."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from certs.trust import server_context
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.reachability import checks
from connector_sim.on_premise.reachability.checks import ChecksBusy, ports_to_try
from connector_sim.on_premise.reachability.client_certificate import CertificateRequests
from connector_sim.on_premise.reachability.result import CheckResult, PortCheck, Reason, TlsCheck
from connector_sim.on_premise.settings import MappingProtocol, SystemMapping
from maco_net.streams import ByteStream
from maco_wire.observation import ConnectionChecked, Handshake, StreamOpened
from tests.connector_sim.landscape import (
    CAST,
    DEADLINE_S,
    INTERMEDIATE,
    MAIL_HOST,
    ROOT,
    TCP,
    TCPS,
    Landscape,
    Trust,
    back_end,
    der,
    echo,
    landscape,
    tls_server,
)
from tests.failures.filtered_port import filtered_port

TRUSTS_ROOT = Trust((ROOT,))
CHECKS_NAME = Trust((ROOT,), check_name=True)


async def checked(lab: Landscape, mapping: SystemMapping = TCPS) -> CheckResult:
    async with asyncio.timeout(DEADLINE_S):
        return await lab.connectors[0].checks.check(mapping)


async def one(lab: Landscape, mapping: SystemMapping = TCPS) -> PortCheck:
    (port,) = (await checked(lab, mapping)).ports
    return port


async def one_tls(lab: Landscape) -> tuple[PortCheck, TlsCheck]:
    port = await one(lab)
    assert port.tls is not None
    return port, port.tls


@contextlib.asynccontextmanager
async def tls_landscape(
    certificate: str = "mail_server", trust: Trust = TRUSTS_ROOT, server: ssl.SSLContext | None = None
) -> AsyncIterator[Landscape]:
    async with landscape(trust=trust) as lab, back_end(lab, echo, port=993, tls=server or tls_server(certificate)):
        yield lab


@contextlib.contextmanager
def closed_port() -> Iterator[tuple[str, int]]:
    """Hold a port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()


# TCP


async def test_a_system_that_accepts_is_reachable() -> None:
    async with landscape() as lab, back_end(lab, echo):
        result = await checked(lab, TCP)

        assert (result.is_reachable, result.untried, result.ports[0].tls) == (True, 0, None)
        assert result.message.startswith(f"Connected with {MAIL_HOST}:143 in ")


async def test_a_name_that_is_not_known_on_premise() -> None:
    async with landscape() as lab:
        port = await one(lab, TCP)

        assert (port.reason, port.is_reachable) == (Reason.UNRESOLVABLE, False)
        assert "cannot be resolved on premise" in port.message


async def test_a_port_on_which_nobody_listens() -> None:
    with closed_port() as address:
        async with landscape() as lab:
            lab.names[(MAIL_HOST, 143)] = address
            port = await one(lab, TCP)

            assert port.reason is Reason.REFUSED
            assert port.message == (
                f"{MAIL_HOST}:143 refuses the connection: check the internal port, and that the server runs."
            )


async def test_a_port_that_never_answers_is_given_up_within_the_connectors_own_time() -> None:
    with filtered_port() as address:
        async with landscape(on_premise={"connect_s": 0.1}) as lab:
            lab.names[(MAIL_HOST, 143)] = address
            port = await one(lab, TCP)

            assert port.reason is Reason.TIMEOUT
            assert "no connection within 0.1 s" in port.message
            assert port.duration_ms < 1000


async def test_a_network_that_is_not_there() -> None:
    async with landscape(on_premise={"connect_s": 0.2}) as lab:
        lab.names[(MAIL_HOST, 143)] = ("255.255.255.255", 143)  # the kernel lets nobody connect to a broadcast address

        assert (await one(lab, TCP)).reason is Reason.UNREACHABLE


# TLS and trust


async def test_a_system_that_is_trusted_is_reachable_and_the_anchor_is_named() -> None:
    async with tls_landscape() as lab:
        port, tls = await one_tls(lab)

        assert (port.reason, tls.version, tls.server_name) == (Reason.REACHABLE, "TLSv1.3", MAIL_HOST)
        assert tls.anchor.startswith("CN=maco-lab Mail Root CA")
        assert [(each.role, each.in_store) for each in tls.chain] == [("server", False), ("intermediate", False)]
        assert (tls.missing, tls.name_checked, tls.client_certificate_asked) == ((), False, False)
        assert "name not checked; no client certificate asked for" in port.message


async def test_a_listed_intermediate_is_shown_as_in_the_store() -> None:
    async with tls_landscape(trust=Trust((INTERMEDIATE,))) as lab:
        _, tls = await one_tls(lab)

        assert [each.in_store for each in tls.chain] == [False, True]


async def test_an_empty_store_lacks_the_root_or_the_intermediate() -> None:
    async with tls_landscape(trust=Trust()) as lab:
        port, tls = await one_tls(lab)

        assert (port.reason, tls.verify_code, tls.alert_sent, tls.anchor) == (Reason.UNTRUSTED, 20, "unknown_ca", "")
        assert [(each.role, each.was_sent) for each in tls.missing] == [
            ("issuer", False),
            ("intermediate", True),
            ("server", True),
        ]
        assert port.message == (
            f"The certificate of {MAIL_HOST}:993 is refused (unable to get local issuer certificate): the back-end "
            "trust store needs one of these: CN=maco-lab Mail Root CA,O=maco-lab (issuer, not sent by the server); "
            "intermediate CN=maco-lab Mail Intermediate CA,O=maco-lab."
        )


async def test_a_server_that_omits_its_intermediate_although_the_root_is_listed() -> None:
    async with tls_landscape("missing_intermediate") as lab:
        port, tls = await one_tls(lab)

        assert port.reason is Reason.UNTRUSTED
        assert [each.subject.partition(",")[0] for each in tls.missing if each.role == "issuer"] == [
            "CN=maco-lab Mail Intermediate CA"
        ]
        assert "lacks CN=maco-lab Mail Intermediate CA,O=maco-lab (issuer, not sent by the server)" in port.message


async def test_a_self_signed_certificate_would_itself_have_to_be_listed() -> None:
    async with tls_landscape("self_signed") as lab:
        port = await one(lab)

        assert port.reason is Reason.UNTRUSTED
        assert "the back-end trust store lacks the certificate itself CN=" in port.message


@pytest.mark.parametrize(
    ("certificate", "named"),
    [
        ("expired", "server CN=mail.stadtwerke.example"),
        ("not_yet_valid", "server CN=mail.stadtwerke.example"),
        ("intermediate_expired", "intermediate CN=maco-lab Expired Intermediate CA"),
    ],
)
async def test_the_certificate_that_is_outside_its_dates_is_named(certificate: str, named: str) -> None:
    async with tls_landscape(certificate) as lab:
        port = await one(lab)

        assert port.reason is Reason.OUTSIDE_DATES
        assert f": {named}" in port.message
        assert "is valid from" in port.message


async def test_a_listed_root_that_has_expired_is_named() -> None:
    expired = CAST.authority("expired_root_ca").identity
    async with tls_landscape("expired_root", Trust((der(expired),))) as lab:
        port = await one(lab)

        assert port.reason is Reason.OUTSIDE_DATES
        assert "CN=maco-lab Expired Root CA,O=maco-lab in the trust store is outside its dates" in port.message


async def test_another_name_is_told_where_it_is_checked_and_only_there() -> None:
    async with tls_landscape("wrong_name", CHECKS_NAME) as lab:
        port, tls = await one_tls(lab)
        assert (port.reason, tls.verify_code, tls.name_checked) == (Reason.NAME_MISMATCH, 62, True)
        assert f": it is for not-{MAIL_HOST}, not for {MAIL_HOST}." in port.message
    async with tls_landscape("wrong_name") as lab:
        assert (await one(lab)).is_reachable


async def test_another_fault_of_a_certificate_is_told_in_openssls_words() -> None:
    async with tls_landscape("client_auth_only") as lab:
        port, tls = await one_tls(lab)

        assert (port.reason, tls.verify_code) == (Reason.CERTIFICATE_REFUSED, 26)
        assert tls.error in port.message


async def test_trust_all_verifies_nothing_and_says_so() -> None:
    async with tls_landscape("self_signed", Trust(trust_all=True)) as lab:
        port, tls = await one_tls(lab)

        assert (port.is_reachable, tls.trusts_all, tls.anchor, tls.missing) == (True, True, "", ())
        assert "not verified, because all back ends are trusted" in port.message


async def test_the_check_follows_the_store_as_it_is_now() -> None:
    async with tls_landscape(trust=Trust()) as lab:
        assert (await one(lab)).reason is Reason.UNTRUSTED
        lab.connectors[0].trust_store.replace((ROOT,), trust_all=False)
        assert (await one(lab)).is_reachable


async def test_plain_text_behind_tcp_tls() -> None:
    async with landscape() as lab, back_end(lab, echo, port=993):
        port = await one(lab)

        assert port.reason is Reason.NO_TLS
        assert "the mapping's protocol must be TCP" in port.message


async def test_a_server_that_says_nothing_is_given_up_within_the_connectors_own_time() -> None:
    async def silent(stream: ByteStream) -> None:
        while await stream.receive():
            pass

    async with landscape(on_premise={"back_end_tls_s": 0.05}) as lab, back_end(lab, silent, port=993):
        port = await one(lab)

        assert port.reason is Reason.TLS_TIMEOUT
        assert "within 0.05 s" in port.message


async def test_ciphers_that_do_not_meet() -> None:
    server = tls_server()
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers("AES128-GCM-SHA256")  # for RSA certificates, and this server has another one
    async with tls_landscape(server=server) as lab:
        port, tls = await one_tls(lab)

        assert (port.reason, tls.alert_received) == (Reason.TLS_FAILED, "handshake_failure")


# Client certificates

both_versions = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def demanding(version: ssl.TLSVersion) -> ssl.SSLContext:
    server = tls_server(demands_client_certificate=True)
    server.maximum_version = version
    return server


@both_versions
async def test_a_client_certificate_that_is_wanted_and_offered(version: ssl.TLSVersion) -> None:
    trust = Trust((ROOT,), system_certificate=True)
    async with tls_landscape(trust=trust, server=demanding(version)) as lab:
        port, tls = await one_tls(lab)

        assert port.is_reachable
        assert (tls.client_certificate_asked, tls.client_certificate_offered) == (True, True)
        assert "client certificate asked for, the system certificate offered" in port.message


@both_versions
async def test_a_client_certificate_that_is_wanted_and_missing(version: ssl.TLSVersion) -> None:
    async with tls_landscape(server=demanding(version)) as lab:
        port, tls = await one_tls(lab)

        assert port.reason is Reason.CLIENT_CERTIFICATE_MISSING
        assert (tls.client_certificate_asked, tls.client_certificate_offered) == (True, False)
        assert "give the Cloud Connector a system certificate" in port.message


@both_versions
async def test_a_client_certificate_that_is_refused(version: ssl.TLSVersion) -> None:
    server = server_context(CAST.mail_server, client_anchors=[CAST.root_certificate], client_certificate="required")
    server.maximum_version = version
    async with tls_landscape(trust=Trust((ROOT,), system_certificate=True), server=server) as lab:
        port, tls = await one_tls(lab)

        assert port.reason is Reason.CLIENT_CERTIFICATE_REFUSED
        assert (tls.client_certificate_offered, tls.alert_received) == (True, "unknown_ca")
        assert "let it trust the authority that issued that" in port.message


async def test_a_client_certificate_that_is_only_asked_for() -> None:
    server = demanding(ssl.TLSVersion.TLSv1_3)
    server.verify_mode = ssl.CERT_OPTIONAL
    async with tls_landscape(server=server) as lab:
        port, tls = await one_tls(lab)

        assert (port.is_reachable, tls.client_certificate_asked) == (True, True)
        assert "client certificate asked for, none offered" in port.message


def test_a_python_that_shows_no_messages_cannot_tell() -> None:
    assert CertificateRequests(object()).asked is None  # type: ignore[arg-type]


# Ranges


@pytest.mark.parametrize(
    ("ports", "tried"),
    [
        (PortRange(143, 143), [143]),
        (PortRange(143, 144), [143, 144]),
        (PortRange(1000, 1004), [1000, 1001, 1002, 1003, 1004]),
        (PortRange(1000, 2000), [1000, 1250, 1500, 1750, 2000]),
        (PortRange(1, 65535), [1, 16384, 32768, 49151, 65535]),
    ],
)
def test_of_a_range_the_ends_and_some_between_are_tried(ports: PortRange, tried: list[int]) -> None:
    assert ports_to_try(ports) == tried


async def test_a_range_is_reachable_as_far_as_it_was_tried() -> None:
    mapping = SystemMapping("range.virtual", 2000, MAIL_HOST, 1000, MappingProtocol.TCP, port_count=11)
    async with landscape() as lab, contextlib.AsyncExitStack() as servers:
        for port in (1000, 1002, 1005, 1007):
            await servers.enter_async_context(back_end(lab, echo, port=port))
        result = await checked(lab, mapping)

        found = {each.port: each.reason for each in result.ports}
        assert found == dict.fromkeys((1000, 1002, 1005, 1007), Reason.REACHABLE) | {1010: Reason.UNRESOLVABLE}
        assert (result.is_reachable, result.untried) == (False, 6)
        assert result.message.startswith("Reached 4 of 5 ports (1000, 1002, 1005, 1007, 1010). The name of ")
        await servers.enter_async_context(back_end(lab, echo, port=1010))
        assert (await checked(lab, mapping)).message.startswith("Reached all ports that were tried: 1000, ")


# What is kept, reported and bounded


async def test_the_result_counts_for_all_mappings_of_the_same_system_and_protocol() -> None:
    async with landscape() as lab, back_end(lab, echo):
        own = lab.connectors[0].checks
        assert own.result(TCP) is None
        result = await checked(lab, TCP)

        assert own.result(replace(TCP, virtual_host="other.virtual", internal_host=MAIL_HOST.upper())) == result
        assert own.result(replace(TCP, protocol=MappingProtocol.TCPS)) is None
        assert own.result(replace(TCP, internal_port=144)) is None
        own.forget()
        assert own.result(TCP) is None


async def test_the_oldest_results_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_KEPT", 2)
    async with landscape() as lab:
        for port in (1, 2, 3):
            await checked(lab, replace(TCP, internal_port=port))

        kept = [lab.connectors[0].checks.result(replace(TCP, internal_port=port)) is not None for port in (1, 2, 3)]
        assert kept == [False, True, True]


async def test_a_check_is_reported_once_and_is_no_traffic() -> None:
    async with tls_landscape(trust=Trust()) as lab:
        before = len(lab.seen.of(Handshake))
        await checked(lab)

        (seen,) = lab.seen.of(ConnectionChecked)
        assert (seen.internal_host, seen.internal_port, seen.protocol) == (MAIL_HOST, 993, "TCPS")
        assert (seen.reachable, seen.reason, len(seen.peer_chain)) == (False, "untrusted", 2)
        assert (len(lab.seen.of(Handshake)), lab.seen.of(StreamOpened)) == (before, [])


async def test_a_check_in_the_background_is_there_soon() -> None:
    async with landscape() as lab, back_end(lab, echo):
        lab.connectors[0].checks.check_soon(TCP)

        await lab.seen.wait_for(ConnectionChecked)


async def test_so_many_run_at_a_time_and_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "TURN_S", 0.05)
    with filtered_port() as address:
        async with landscape(on_premise={"connect_s": 0.5}) as lab, asyncio.TaskGroup() as tasks:
            lab.names[(MAIL_HOST, 143)] = address
            own = lab.connectors[0].checks
            running = [tasks.create_task(own.check(TCP)) for _ in range(checks.MOST_AT_A_TIME)]
            await asyncio.sleep(0)

            with pytest.raises(ChecksBusy, match=r"8 other checks took 0\.05 s: try again"):
                await own.check(TCP)
            for each in running:
                each.cancel()


async def test_so_many_wait_in_the_background_and_forgetting_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_SOON", 2)
    with filtered_port() as address:
        async with landscape(on_premise={"connect_s": 30.0}) as lab, back_end(lab, echo, port=144):
            lab.names[(MAIL_HOST, 143)] = address
            own = lab.connectors[0].checks
            own.check_soon(TCP)
            own.check_soon(TCP)
            own.check_soon(replace(TCP, internal_port=144))
            await asyncio.sleep(0)
            own.forget()
            await asyncio.sleep(0)
            own.check_soon(replace(TCP, internal_port=144))

            (seen,) = await lab.seen.wait_for(ConnectionChecked)
            assert seen.internal_port == 144
