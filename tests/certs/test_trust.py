from __future__ import annotations

import ssl

import pytest
from cryptography import x509

from certs.cast import MAIL_HOST, Cast
from certs.trust import client_context, server_context, trust
from maco_net.trust import MINIMUM_VERSION
from tests.certs.handshakes import handshake, handshake_with


def test_root_alone_is_enough_when_the_server_sends_its_intermediate(cast: Cast) -> None:
    assert handshake_with(cast.mail_server, [cast.root_certificate], MAIL_HOST).succeeded


def test_intermediate_alone_ends_the_path(cast: Cast) -> None:
    # facts/maco-mail.md, 2.5: "only the intermediate in store: OK"
    assert handshake_with(cast.mail_server, [cast.intermediate_certificate], MAIL_HOST).succeeded


def test_leaf_alone_ends_the_path(cast: Cast) -> None:
    # facts/maco-mail.md, 2.5: "leaf pinned in store: OK"
    assert handshake_with(cast.mail_server, [cast.mail_server.certificate], MAIL_HOST).succeeded


def test_self_signed_leaf_is_trusted_once_it_is_listed(cast: Cast) -> None:
    leaf = cast.by_name("self_signed")
    assert handshake_with(leaf, [leaf.certificate], MAIL_HOST).succeeded


def test_intermediate_in_the_store_makes_up_for_a_server_that_omits_it(cast: Cast) -> None:
    anchors = [cast.root_certificate, cast.intermediate_certificate]
    assert handshake_with(cast.by_name("missing_intermediate"), anchors, MAIL_HOST).succeeded


def test_certificate_listed_twice_is_no_error(cast: Cast) -> None:
    assert handshake_with(cast.mail_server, [cast.root_certificate] * 2, MAIL_HOST).succeeded


def test_empty_store_trusts_nobody(cast: Cast) -> None:
    outcome = handshake_with(cast.mail_server, [], MAIL_HOST)
    # facts/maco-mail.md, 2.5: 20 unable to get local issuer certificate, alert 48 unknown_ca
    assert outcome.verify_code == 20
    assert outcome.alert == "TLSV1_ALERT_UNKNOWN_CA"


def test_store_of_another_party_does_not_vouch(cast: Cast) -> None:
    assert handshake_with(cast.mail_server, [cast.cloud_root.certificate], MAIL_HOST).verify_code == 20


def test_name_is_not_checked_when_told_so(cast: Cast) -> None:
    client = client_context([cast.root_certificate], check_hostname=False)
    assert handshake(client, server_context(cast.mail_server), server_hostname="other.example").succeeded


def test_flags_are_the_same_whatever_the_python_version_presets(cast: Cast) -> None:
    # Python 3.13's create_default_context adds PARTIAL_CHAIN and STRICT (facts/imap-gaps.md, 5).
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    trust(context, [cast.root_certificate])
    assert context.verify_flags == ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_TRUSTED_FIRST


@pytest.mark.parametrize("name", ["mail_server", "tunnel_endpoint", "administration"])
def test_server_certificates_pass_strict_verification_too(cast: Cast, name: str) -> None:
    anchors = [authority.certificate for authority in cast.all_authorities().values()]
    client = client_context(anchors, check_hostname=False)
    client.verify_flags = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_TRUSTED_FIRST  # 85 if an AKI were missing
    assert handshake(client, server_context(cast.by_name(name))).succeeded


def test_client_context_never_loads_the_systems_store() -> None:
    assert client_context([], check_hostname=True).cert_store_stats()["x509"] == 0


def test_both_contexts_refuse_tls_below_1_2(cast: Cast) -> None:
    contexts = (client_context([], check_hostname=True), server_context(cast.mail_server))
    assert [context.minimum_version for context in contexts] == [ssl.TLSVersion.TLSv1_2] * 2


@pytest.mark.parametrize("strict_end", ["client", "server"])
def test_end_that_wants_tls_1_3_refuses_a_peer_limited_to_1_2(cast: Cast, strict_end: str) -> None:
    wanted = {end: ssl.TLSVersion.TLSv1_3 if end == strict_end else MINIMUM_VERSION for end in ("client", "server")}
    client = client_context([cast.root_certificate], check_hostname=False, minimum_version=wanted["client"])
    server = server_context(cast.mail_server, minimum_version=wanted["server"])
    (server if strict_end == "client" else client).maximum_version = ssl.TLSVersion.TLSv1_2
    assert not handshake(client, server).succeeded


def _subaccount_client(cast: Cast) -> ssl.SSLContext:
    certificate = cast.subaccount_certificate("3f2504e0-4f89-11d3-9a0c-0305e82c3301")
    return client_context([cast.cloud_root.certificate], check_hostname=True, client_certificate=certificate)


def _tunnel_server(cast: Cast, anchors: list[x509.Certificate]) -> ssl.SSLContext:
    return server_context(cast.tunnel_endpoint, client_anchors=anchors, client_certificate="required")


def test_subaccount_certificate_opens_the_tunnel(cast: Cast) -> None:
    server = _tunnel_server(cast, [cast.cloud_clients.certificate])
    outcome = handshake(_subaccount_client(cast), server, cast.settings.tunnel_host)
    assert outcome.succeeded
    subject = x509.load_der_x509_certificate(outcome.server.getpeercert(binary_form=True) or b"").subject
    assert "CN=3f2504e0-4f89-11d3-9a0c-0305e82c3301" in subject.rfc4514_string()


def test_client_certificate_of_another_authority_is_refused(cast: Cast) -> None:
    server = _tunnel_server(cast, [cast.connector_ca.certificate])
    outcome = handshake(_subaccount_client(cast), server, cast.settings.tunnel_host)
    assert isinstance(outcome.server_error, ssl.SSLCertVerificationError)
    assert outcome.server_error.verify_code == 20


def test_required_client_certificate_that_is_missing_is_refused(cast: Cast) -> None:
    client = client_context([cast.cloud_root.certificate], check_hostname=True)
    outcome = handshake(client, _tunnel_server(cast, [cast.cloud_clients.certificate]), cast.settings.tunnel_host)
    # RFC 8446, section 6.2: certificate_required(116)
    assert outcome.error is not None
    assert outcome.error.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED"


def test_optional_client_certificate_may_be_missing(cast: Cast) -> None:
    server = server_context(
        cast.mail_server, client_anchors=[cast.connector_ca.certificate], client_certificate="optional"
    )
    assert handshake(client_context([cast.root_certificate], check_hostname=False), server).succeeded


def test_system_certificate_is_accepted_as_client_certificate(cast: Cast) -> None:
    server = server_context(
        cast.mail_server, client_anchors=[cast.connector_ca.certificate], client_certificate="required"
    )
    client = client_context([cast.root_certificate], check_hostname=False, client_certificate=cast.system_certificate)
    assert handshake(client, server).succeeded


def test_client_certificates_without_anchors_are_a_contradiction(cast: Cast) -> None:
    with pytest.raises(ValueError, match="contradicts client_anchors"):
        server_context(cast.mail_server, client_certificate="required")


def test_anchors_without_asking_for_client_certificates_are_a_contradiction(cast: Cast) -> None:
    with pytest.raises(ValueError, match="contradicts client_anchors"):
        server_context(cast.mail_server, client_anchors=[cast.root_certificate])


def test_tls_1_2_handshake_works_with_every_key_type(cast: Cast) -> None:
    client = client_context([cast.root_certificate], check_hostname=False)
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    server = server_context(cast.intermediate.issue(MAIL_HOST, dns_names=[MAIL_HOST], key_type="rsa"))
    assert handshake(client, server).client.version() == "TLSv1.2"
