from __future__ import annotations

import contextlib
import datetime as dt
import ssl
from collections.abc import AsyncIterator

import pytest

from certs.authority import Issued
from certs.plans import SUBACCOUNT_UNIT
from certs.trust import client_context
from connector_sim.tunnel.handshake import HandshakeRefused, TunnelHello, request_upgrade
from maco_net.errors import HandshakeError, PeerAlert
from maco_net.tcp import connect_tcp
from maco_net.tls import TlsStream, start_tls
from maco_wire.observation import Handshake, Party, TunnelState
from tests.connector_sim.landscape import (
    CAST,
    DEADLINE_S,
    OTHER_SUBACCOUNT,
    SUBACCOUNT,
    TUNNEL_HOST,
    Landscape,
    cloud_side,
    landscape,
    read_all,
)

GOOD = CAST.subaccount_certificate(SUBACCOUNT)
DAY = dt.timedelta(days=1)


def _hello(*, subaccount: str = SUBACCOUNT, location_id: str = "WERK1", installation_id: str = "one") -> TunnelHello:
    return TunnelHello(subaccount, location_id, installation_id, "2.19.0.2")


def _issue(*, begins: dt.timedelta = -DAY, ends: dt.timedelta = DAY, common_name: str = SUBACCOUNT) -> Issued:
    now = dt.datetime.now(dt.UTC)
    return CAST.cloud_clients.issue(
        common_name, unit=SUBACCOUNT_UNIT, usage="client", not_before=now + begins, not_after=now + ends
    )


@contextlib.asynccontextmanager
async def _connected(
    lab: Landscape, certificate: Issued | None = GOOD, *, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncIterator[TlsStream]:
    """Dial the tunnel endpoint as a connector does, up to TLS."""
    context = client_context([CAST.cloud_root.certificate], check_hostname=True, client_certificate=certificate)
    context.maximum_version = version
    plain = await connect_tcp(*lab.cloud.tunnel_address, timeout_s=DEADLINE_S)
    tls = await start_tls(plain, context, server_name=TUNNEL_HOST, timeout_s=DEADLINE_S)
    try:
        yield tls
    finally:
        await tls.aclose()


async def _ask(tls: TlsStream, hello: TunnelHello) -> int:
    """Ask for a tunnel and return the status."""
    try:
        await request_upgrade(tls, hello, host=TUNNEL_HOST, timeout_s=DEADLINE_S)
    except HandshakeRefused as refused:
        return refused.status
    return 101


async def _status(lab: Landscape, certificate: Issued | None = GOOD, hello: TunnelHello | None = None) -> int:
    async with _connected(lab, certificate) as tls:
        return await _ask(tls, hello or _hello())


async def test_a_subaccount_certificate_opens_the_tunnel_of_its_subaccount() -> None:
    async with cloud_side() as lab:
        assert await _status(lab) == 101
        (state,) = lab.seen.of(TunnelState)[:1]
        assert (state.state, state.subaccount, state.location_id) == ("Connected", SUBACCOUNT, "WERK1")


async def test_the_handshake_is_reported_with_the_certificate_and_the_store_that_verified_it() -> None:
    async with cloud_side() as lab:
        await _status(lab)
        (seen,) = lab.seen.of(Handshake, Party.CONNECTIVITY)
        assert (seen.succeeded, seen.role, seen.verified_against) == (
            True,
            "server",
            "Connectivity service's client CA",
        )
        assert seen.peer_chain[0].subject.startswith(f"CN={SUBACCOUNT}")


async def test_no_certificate_is_401() -> None:
    async with cloud_side() as lab:
        assert await _status(lab, None) == 401
        (seen,) = lab.seen.of(Handshake, Party.CONNECTIVITY)
        assert (seen.peer_chain, seen.verified_against) == ((), "")


@pytest.mark.parametrize(
    ("begins", "ends", "status"),
    [(-2 * DAY, -DAY, 401), (DAY, 2 * DAY, 401), (-DAY, DAY, 101)],
    ids=["expired", "not yet valid", "valid"],
)
async def test_the_dates_of_the_certificate_are_told_by_the_status(
    begins: dt.timedelta, ends: dt.timedelta, status: int
) -> None:
    # facts, section 2.2: "Invalid status of handshake response: 401 Unauthorized"
    async with cloud_side() as lab:
        assert await _status(lab, _issue(begins=begins, ends=ends)) == status


async def test_the_certificate_of_another_subaccount_is_403() -> None:
    async with cloud_side() as lab:
        assert await _status(lab, CAST.subaccount_certificate(OTHER_SUBACCOUNT)) == 403


async def test_an_unknown_subaccount_is_403_even_with_a_certificate_of_its_own() -> None:
    async with cloud_side() as lab:
        assert await _status(lab, _issue(common_name="gone"), _hello(subaccount="gone")) == 403


async def test_in_tls_1_3_a_certificate_of_another_authority_is_an_alert_instead_of_the_answer() -> None:
    async with cloud_side() as lab:
        with pytest.raises(PeerAlert) as caught:
            await _status(lab, CAST.system_certificate)
        (seen,) = await lab.seen.wait_for(Handshake)
        assert (caught.value.alert, seen.alert_sent, seen.succeeded) == ("unknown_ca", "unknown_ca", False)


async def test_in_tls_1_2_a_certificate_of_another_authority_is_an_alert_in_the_handshake() -> None:
    async with cloud_side() as lab:
        with pytest.raises(HandshakeError) as caught:
            async with _connected(lab, CAST.system_certificate, version=ssl.TLSVersion.TLSv1_2):
                pass
        assert caught.value.facts.alert_received == "unknown_ca"


async def test_a_server_certificate_does_not_pass_for_a_client() -> None:
    server_only = CAST.cloud_clients.issue(SUBACCOUNT, usage="server")
    async with cloud_side() as lab, _connected(lab, server_only) as tls:
        with pytest.raises(PeerAlert) as caught:
            await _ask(tls, _hello())
        assert caught.value.alert == "unsupported_certificate"


async def test_a_second_installation_with_the_same_location_id_is_409() -> None:
    async with cloud_side() as lab, _connected(lab) as first:
        assert await _ask(first, _hello()) == 101
        assert await _status(lab, hello=_hello(installation_id="two")) == 409
        assert lab.cloud.registry.find(SUBACCOUNT, "WERK1") is not None


async def test_of_two_that_ask_at_once_one_gets_the_place() -> None:
    async with cloud_side() as lab, _connected(lab) as first, _connected(lab) as second:
        # Both requests are on the wire before the endpoint reads either.
        for stream, installation in ((first, "one"), (second, "two")):
            head = (
                "GET /tunnel HTTP/1.1\r\nHost: t\r\nUpgrade: maco-lab-tunnel/1\r\nConnection: Upgrade\r\n"
                f"Subaccount: {SUBACCOUNT}\r\nLocation-Id: WERK1\r\nInstallation-Id: {installation}\r\n\r\n"
            )
            await stream.send(head.encode())
        answers = [(await stream.receive())[:12] for stream in (first, second)]
        assert sorted(answers) == [b"HTTP/1.1 101", b"HTTP/1.1 409"]


async def test_a_second_installation_with_another_location_id_is_let_in() -> None:
    async with cloud_side() as lab, _connected(lab) as first:
        await _ask(first, _hello())
        assert await _status(lab, hello=_hello(installation_id="two", location_id="WERK2")) == 101


async def test_the_switch_lets_a_second_installation_take_over() -> None:
    async with cloud_side(replace_foreign_tunnel=True) as lab, _connected(lab) as first:
        await _ask(first, _hello())
        assert await _status(lab, hello=_hello(installation_id="two")) == 101


async def test_the_same_installation_replaces_its_dead_tunnel() -> None:
    async with cloud_side() as lab, _connected(lab) as dead, _connected(lab) as alive:
        assert await _ask(dead, _hello()) == 101
        old = lab.cloud.registry.find(SUBACCOUNT, "WERK1")
        assert await _ask(alive, _hello()) == 101
        new = lab.cloud.registry.find(SUBACCOUNT, "WERK1")
        assert new is not None
        assert new is not old


async def test_the_end_of_a_replaced_tunnel_is_reported_before_the_new_one() -> None:
    async with cloud_side() as lab, _connected(lab) as dead, _connected(lab) as alive:
        await _ask(dead, _hello())
        await _ask(alive, _hello())
        states = await lab.seen.wait_for(TunnelState, 3)
        assert [(each.state, each.reason) for each in states] == [
            ("Connected", ""),
            ("Disconnected", "replaced by a newer tunnel"),
            ("Connected", ""),
        ]


async def test_a_place_is_free_again_when_its_tunnel_has_ended() -> None:
    async with cloud_side() as lab:
        assert await _status(lab) == 101
        await lab.seen.wait_for(TunnelState, 2)
        assert await _status(lab, hello=_hello(installation_id="two")) == 101


async def test_too_many_connections_are_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector_sim.cloud.tunnel_endpoint.MAX_CONNECTIONS", 1)
    async with landscape() as lab:
        assert await _status(lab, hello=_hello(location_id="WERK2")) == 503


async def test_what_asks_for_no_tunnel_is_400() -> None:
    async with cloud_side() as lab, _connected(lab) as tls:
        await tls.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_all(tls)).startswith(b"HTTP/1.1 400 ")


async def test_plain_text_instead_of_tls_is_reported_as_a_failed_handshake() -> None:
    async with cloud_side() as lab:
        plain = await connect_tcp(*lab.cloud.tunnel_address, timeout_s=DEADLINE_S)
        await plain.send(b"GET /tunnel HTTP/1.1\r\n\r\n")
        await read_all(plain)
        await plain.aclose()
        (seen,) = await lab.seen.wait_for(Handshake)
        assert (seen.succeeded, seen.error) == (False, "http request")


async def test_a_connector_that_dawdles_is_cut_off() -> None:
    async with cloud_side(tunnel_handshake_s=0.05) as lab, _connected(lab) as tls:
        await tls.send(b"GET /tunnel HTTP/1.1\r\n")
        assert await read_all(tls) == b""
