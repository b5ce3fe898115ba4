from __future__ import annotations

import ssl

import pytest

from connector_sim.on_premise.settings import SettingsError
from connector_sim.on_premise.trust_store import NAME, BackEndTrustStore
from maco_net.errors import HandshakeFacts
from tests.connector_sim.landscape import CAST, INTERMEDIATE, ROOT, Trust, der, tls_server
from tests.maco_net.pairs import shaken

LEAF = der(CAST.mail_server)


async def _facts(store: BackEndTrustStore, certificate: str = "mail_server") -> HandshakeFacts:
    async with shaken(store.context(), tls_server(certificate)) as ends:
        return ends.client


async def test_an_empty_store_trusts_nobody() -> None:
    assert (await _facts(BackEndTrustStore())).verify_code == 20


@pytest.mark.parametrize(
    "listed",
    [(ROOT,), (ROOT, INTERMEDIATE), (INTERMEDIATE,), (LEAF,)],
    ids=["root only", "root and intermediate", "intermediate only", "leaf only"],
)
async def test_any_listed_certificate_of_the_path_is_enough(listed: tuple[bytes, ...]) -> None:
    assert (await _facts(BackEndTrustStore(listed))).error == ""


async def test_the_switch_trusts_everybody_and_vouches_for_nobody() -> None:
    store = BackEndTrustStore(trust_all=True)
    assert ((await _facts(store, "self_signed")).error, store.vouches_as) == ("", "")


async def test_the_name_is_not_checked_by_default() -> None:
    assert (await _facts(BackEndTrustStore([ROOT]), "wrong_name")).error == ""


async def test_the_name_is_checked_where_told() -> None:
    assert (await _facts(BackEndTrustStore([ROOT], check_name=True), "wrong_name")).verify_code == 62


def test_the_switch_outdoes_the_name_check() -> None:
    assert not BackEndTrustStore(trust_all=True, check_name=True).checks_name


def test_a_store_is_named_as_the_one_that_vouches() -> None:
    assert BackEndTrustStore([ROOT]).vouches_as == NAME


def test_bytes_that_are_no_certificate_are_refused_when_the_store_is_built() -> None:
    with pytest.raises(SettingsError) as caught:
        BackEndTrustStore([b"-----BEGIN CERTIFICATE-----"])
    assert caught.value.field == "trustedBackends"


def test_the_system_certificate_is_offered_where_there_is_one() -> None:
    assert (Trust().store().offers_certificate, Trust(system_certificate=True).store().offers_certificate) == (
        False,
        True,
    )


def test_tls_1_1_is_not_spoken() -> None:
    assert BackEndTrustStore().context().minimum_version is ssl.TLSVersion.TLSv1_2


async def test_what_is_replaced_counts_from_the_next_handshake_on() -> None:
    store = BackEndTrustStore()
    store.replace([ROOT], trust_all=False)
    assert ((await _facts(store)).error, store.certificates, store.trusts_all) == ("", (ROOT,), False)
    store.replace([ROOT], trust_all=True)
    assert ((await _facts(store, "self_signed")).error, store.vouches_as) == ("", "")


def test_a_replacement_that_is_refused_changes_nothing() -> None:
    store = BackEndTrustStore([ROOT])
    before = store.context()
    with pytest.raises(SettingsError):
        store.replace([b"x"], trust_all=True)
    assert (store.context(), store.certificates, store.trusts_all) == (before, (ROOT,), False)


async def test_a_certificate_to_be_offered_may_come_and_go() -> None:
    store = BackEndTrustStore([ROOT])
    server = tls_server(demands_client_certificate=True)
    store.offer(CAST.system_certificate.configure_client)
    assert store.offers_certificate
    async with shaken(store.context(), server) as ends:
        assert ends.server.peer_chain[0] == der(CAST.system_certificate)
    store.offer(None)
    assert not store.offers_certificate


def test_every_context_is_prepared_before_it_is_used() -> None:
    prepared: list[ssl.SSLContext] = []
    store = BackEndTrustStore([ROOT], prepare=prepared.append)
    first = store.context()
    store.replace([], trust_all=False)
    assert prepared == [first, store.context()]
