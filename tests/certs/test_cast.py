from __future__ import annotations

import datetime as dt
import ipaddress
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from certs.cast import MAIL_HOST, Cast
from certs.exceptions import UnknownNameError
from certs.plans import BAD_MAIL_SERVERS, MAIL_SERVERS, ODD_MAIL_SERVERS
from certs.trust import server_context
from certs.verdicts import VERDICTS
from tests.certs.handshakes import handshake_with

HOST_NAME_MISMATCH = 62  # X509_V_ERR_HOSTNAME_MISMATCH
SUBACCOUNT = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


def _names(certificate: x509.Certificate) -> list[object]:
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [name.value for name in extension]


@pytest.mark.parametrize(
    ("name", "alert"),
    [
        ("unknown_root", "TLSV1_ALERT_UNKNOWN_CA"),
        ("wrong_name", "SSLV3_ALERT_BAD_CERTIFICATE"),
        ("expired", "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
        ("client_auth_only", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"),
    ],
)
def test_a_server_learns_by_the_alert_why_it_is_refused(cast: Cast, name: str, alert: str) -> None:
    assert handshake_with(cast.by_name(name), [cast.root_certificate], MAIL_HOST).alert == alert


def test_unknown_root_is_good_once_its_root_is_known(cast: Cast) -> None:
    issued = cast.by_name("unknown_root")
    assert handshake_with(issued, [cast.unknown_root_certificate], MAIL_HOST).succeeded


@pytest.mark.parametrize("name", ["expired", "not_yet_valid", "client_auth_only"])
def test_bad_certificate_stays_bad_when_it_is_listed_itself(cast: Cast, name: str) -> None:
    # Unlike Java, OpenSSL also checks the anchor's dates (design, section 10).
    issued = cast.by_name(name)
    assert not handshake_with(issued, [issued.certificate], MAIL_HOST).succeeded


def test_wrong_name_is_accepted_where_names_are_not_checked(cast: Cast) -> None:
    assert handshake_with(cast.by_name("wrong_name"), [cast.root_certificate]).succeeded


def test_mail_server_is_for_the_mail_host_and_nothing_else(cast: Cast) -> None:
    assert _names(cast.mail_server.certificate) == ["mail.stadtwerke.example"]


def test_mail_server_lives_90_days(cast: Cast, now: dt.datetime) -> None:
    assert cast.mail_server.certificate.not_valid_after_utc == now.replace(microsecond=0) + dt.timedelta(days=90)


def test_bad_mail_servers_are_for_the_mail_host_unless_the_fault_is_the_name(cast: Cast) -> None:
    found = {name: _names(cast.by_name(name).certificate) for name in BAD_MAIL_SERVERS}
    about_names = {name for name in found if VERDICTS[name].openssl == HOST_NAME_MISMATCH}
    assert {name for name in found if found[name] != [MAIL_HOST]} == about_names
    assert len(about_names) == 4


def test_mail_host_may_be_an_address(now: dt.datetime) -> None:
    cast = Cast(now, mail_host="192.0.2.25")
    assert _names(cast.mail_server.certificate) == [ipaddress.ip_address("192.0.2.25")]
    assert handshake_with(cast.mail_server, [cast.root_certificate], "192.0.2.25").succeeded


def test_mail_host_too_long_for_a_common_name_still_gets_its_certificate(now: dt.datetime) -> None:
    host = "a" * 63 + ".stadtwerke.example"
    cast = Cast(now, mail_host=host)
    assert handshake_with(cast.mail_server, [cast.root_certificate], host).succeeded


def test_tunnel_endpoint_is_issued_by_the_cloud_and_not_by_the_mail_authority(cast: Cast) -> None:
    certificate = cast.tunnel_endpoint.certificate
    assert _names(certificate) == ["connectivitytunnel.lab.example"]
    certificate.verify_directly_issued_by(cast.cloud_root.certificate)


def test_subaccount_certificate_has_the_dates_recorded_from_the_real_product(cast: Cast, now: dt.datetime) -> None:
    certificate = cast.subaccount_certificate(SUBACCOUNT).certificate
    # facts/cloud-connector.md, 2.2: notBefore = issue - 1 h, notAfter = issue + 365 d; difference 31 539 600 000 ms
    assert certificate.not_valid_before_utc == now.replace(microsecond=0) - dt.timedelta(hours=1)
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lifetime == dt.timedelta(milliseconds=31_539_600_000)


def test_subaccount_certificate_names_the_subaccount_and_its_issuer(cast: Cast) -> None:
    certificate = cast.subaccount_certificate(SUBACCOUNT).certificate
    assert certificate.subject.rfc4514_string() == f"CN={SUBACCOUNT},OU=maco-lab Cloud Clients,O=maco-lab"
    certificate.verify_directly_issued_by(cast.cloud_clients.certificate)


def test_subaccount_keeps_its_certificate(cast: Cast) -> None:
    assert cast.subaccount_certificate(SUBACCOUNT) is cast.subaccount_certificate(SUBACCOUNT)


def test_subaccounts_have_certificates_of_their_own(cast: Cast) -> None:
    assert cast.subaccount_certificate("a") != cast.subaccount_certificate("b")


@pytest.mark.parametrize("subaccount", ["", "ABC", "../a", "a/b", ".a", "a" * 65, "a\n", "ä"])
def test_odd_subaccount_id_is_refused(cast: Cast, subaccount: str) -> None:
    with pytest.raises(ValueError, match="subaccount"):
        cast.subaccount_certificate(subaccount)


def test_administration_page_is_reached_by_every_name_of_this_machine(cast: Cast) -> None:
    expected = ["localhost", ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    assert _names(cast.administration.certificate) == expected


def test_member_stays_the_same_once_issued(cast: Cast) -> None:
    assert cast.by_name("expired") is cast.by_name("expired")


def test_nothing_is_issued_before_it_is_asked_for(now: dt.datetime) -> None:
    cast = Cast(now)
    assert (cast._authorities, cast._members) == ({}, {})
    cast.by_name("self_signed")
    assert (list(cast._authorities), list(cast._members)) == ([], ["self_signed"])


def test_threads_that_ask_at_once_get_the_same_certificate(now: dt.datetime) -> None:
    cast = Cast(now, "rsa")  # slow to issue, so that the threads do meet
    found: list[object] = []
    start = threading.Barrier(4)

    def ask() -> None:
        start.wait(5)
        found.append(cast.cloud_root)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 4
    assert {id(each) for each in found} == {id(cast.cloud_root)}


def test_unknown_member_is_refused_with_the_names_that_are_allowed(cast: Cast) -> None:
    with pytest.raises(UnknownNameError) as caught:
        cast.by_name("revoked")
    assert str(caught.value).startswith("no certificate named 'revoked'; allowed: mail_server, tunnel_endpoint, ")
    assert "client_auth_only" in caught.value.allowed


def test_unknown_authority_is_refused_with_the_names_that_are_allowed(cast: Cast) -> None:
    with pytest.raises(UnknownNameError, match="allowed: root, intermediate, "):
        cast.authority("mail_server")


def test_mail_server_certificates_are_the_good_one_and_the_bad_ones(cast: Cast) -> None:
    assert list(cast.mail_server_certificates) == ["mail_server", *ODD_MAIL_SERVERS, *BAD_MAIL_SERVERS]
    assert cast.mail_server_certificates["expired"] is cast.by_name("expired")


def test_mail_server_cannot_take_the_tunnels_certificate(cast: Cast) -> None:
    assert "tunnel_endpoint" not in cast.mail_server_certificates
    with pytest.raises(KeyError, match="allowed: mail_server, wildcard"):
        cast.mail_server_certificates["tunnel_endpoint"]


def test_bad_mail_servers_share_a_key_because_rsa_keys_are_slow(cast: Cast) -> None:
    assert cast.by_name("expired").private_key is cast.by_name("wrong_name").private_key
    assert cast.mail_server.private_key is not cast.by_name("expired").private_key


def test_a_reversed_chain_begins_with_the_intermediate_that_is_further_away(cast: Cast) -> None:
    sent = [each.subject.rfc4514_string() for each in cast.by_name("chain_reversed").chain]
    assert sent == ["CN=maco-lab Upper Intermediate CA,O=maco-lab", "CN=maco-lab Lower Intermediate CA,O=maco-lab"]


def test_the_root_is_sent_by_the_member_that_is_named_for_it_alone(cast: Cast) -> None:
    senders = [name for name in MAIL_SERVERS if cast.root_certificate in cast.by_name(name).chain]
    assert senders == ["root_sent"]


@pytest.mark.parametrize("name", ["sha1", "rsa_1024", "rsa_768"])
def test_a_weak_certificate_is_loaded_at_security_level_0(cast: Cast, name: str) -> None:
    assert cast.by_name(name).is_weak
    assert server_context(cast.by_name(name)).security_level == 0
    assert not cast.mail_server.is_weak
    assert server_context(cast.mail_server).security_level > 0


def test_rsa_cast_is_rsa_throughout(now: dt.datetime) -> None:
    cast = Cast(now, "rsa")
    keys = [cast.root.identity.private_key, cast.mail_server.private_key, cast.by_name("self_signed").private_key]
    assert all(isinstance(key, rsa.RSAPrivateKey) for key in keys)


def test_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Cast(dt.datetime(2026, 1, 1))  # noqa: DTZ001 - that is the case


@pytest.mark.parametrize("host", ["", "mail server", "münchen.example", "mail..example", "a" * 64, "mail.example\n"])
def test_host_that_cannot_stand_in_a_certificate_is_refused_by_its_setting(now: dt.datetime, host: str) -> None:
    with pytest.raises(ValueError, match="mail_host: "):
        Cast(now, mail_host=host)


def test_unknown_key_type_is_refused(now: dt.datetime) -> None:
    with pytest.raises(ValueError, match="allowed: ec, rsa"):
        Cast(now, "dsa")  # type: ignore[arg-type]  # that is the case


def test_repr_names_the_settings_only(now: dt.datetime) -> None:
    cast = Cast(now)
    before = repr(cast)
    cast.by_name("mail_server")
    assert repr(cast) == before == f"Cast({cast.settings!r})"
