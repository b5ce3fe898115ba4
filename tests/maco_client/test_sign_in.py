"""TLS between MaCo and the mail server: what fails, in Java's words, and what both ends saw."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest

from certs.cast import Cast
from certs.trust import server_context
from maco_client.key_store import KeyStore
from maco_client.results import PollResult
from maco_client.settings import EmailConnection, Protection
from maco_client.verification.profile import VerificationProfile
from maco_wire.observation import Handshake, Login, TlsSession
from tests.maco_client.bench import Bench, der, make_connection
from tests.maco_client.scripted_server import (
    Hang,
    Read,
    Script,
    ScriptedServer,
    Send,
    Tls,
    answered,
    found,
    greeting,
    left,
    logged_in,
    opened,
    running,
    starttls,
)

PKIX_BUILD = "PKIX path building failed: unable to find valid certification path to requested target"
OFFERED = [*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 STARTTLS"), *answered(rb"STARTTLS")]


@pytest.fixture(params=VerificationProfile)
def each_profile(request: pytest.FixtureRequest, bench: Bench, cast: Cast) -> None:
    """Let MaCo judge by each profile: where no certificate is judged, both say the same."""
    bench.key_store = KeyStore({"root": der(cast.root_certificate)}, request.param)


async def poll(
    bench: Bench, script: Script, connection: EmailConnection | None = None
) -> tuple[PollResult, ScriptedServer]:
    server = ScriptedServer([script])
    async with running(server):
        result = await bench.poller(connection or make_connection(), server.address).poll()
    assert server.surprises == []
    return result, server


@pytest.mark.parametrize(
    ("member", "text", "verify_code"),
    # facts 2.5: Java 17's text beside OpenSSL's verify_code
    [
        ("unknown_root", PKIX_BUILD, 20),
        ("missing_intermediate", PKIX_BUILD, 20),
        ("self_signed", PKIX_BUILD, 18),
        ("wrong_name", "No subject alternative DNS name matching mail.stadtwerke.example found.", 62),
        ("expired", "PKIX path validation failed: validity check failed: CertificateExpiredException: NotAfter: ", 10),
        (
            "not_yet_valid",
            "PKIX path validation failed: validity check failed: CertificateNotYetValidException: NotBefore: ",
            9,
        ),
        ("client_auth_only", "Extended key usage does not permit use for TLS server authentication", 26),
    ],
)
async def test_a_bad_certificate_fails_in_javas_words(
    bench: Bench, cast: Cast, member: str, text: str, verify_code: int
) -> None:
    result, server = await poll(bench, [*OFFERED, Tls(server_context(cast.by_name(member))), Hang()])
    assert (result.succeeded, result.stage) == (False, "starttls")
    assert result.error.startswith(f"STARTTLS failure: {text}")
    assert result.hint
    seen = bench.journal.only(Handshake)
    assert (seen.succeeded, seen.verify_code, seen.verified_against) == (False, verify_code, "")
    assert seen.peer_chain
    assert server.handshake_errors == [seen.alert_sent]
    assert bench.journal.all(Login) == []


async def test_an_expired_certificate_with_a_wrong_name_is_reported_as_expired(bench: Bench, cast: Cast) -> None:
    # facts 2.5, "Order of checks": path and validity first, then name; OpenSSL alone would say 62
    now = datetime.now(UTC)
    issued = cast.intermediate.issue(
        "other.example",
        dns_names=["other.example"],
        not_before=now - timedelta(days=2),
        not_after=now - timedelta(days=1),
    )
    result, _ = await poll(bench, [*OFFERED, Tls(server_context(issued))])
    assert bench.journal.only(Handshake).verify_code == 62
    assert "CertificateExpiredException" in result.error


async def test_an_empty_key_store_is_told_as_such(bench: Bench, mail_server_tls: ssl.SSLContext) -> None:
    bench.key_store = KeyStore({})
    result, _ = await poll(bench, [*OFFERED, Tls(mail_server_tls)])
    # facts 6, M50
    assert result.error == "STARTTLS failure: Unexpected error: the trustAnchors parameter must be non-empty"


@pytest.mark.parametrize("anchor", ["intermediate", "leaf"])
async def test_an_intermediate_or_the_leaf_in_the_key_store_is_enough(
    bench: Bench, cast: Cast, mail_server_tls: ssl.SSLContext, anchor: str
) -> None:
    certificate = cast.intermediate_certificate if anchor == "intermediate" else cast.mail_server.certificate
    bench.key_store = KeyStore({anchor: der(certificate)})
    script = [*greeting(), *starttls(mail_server_tls), *logged_in(), *opened(exists=0), *found(), *left()]
    result, _ = await poll(bench, script)
    assert (result.succeeded, result.vouched_by) == (True, anchor)


async def test_imaps_fails_without_the_words_of_starttls(bench: Bench, cast: Cast) -> None:
    script = [Tls(server_context(cast.by_name("unknown_root")))]
    result, _ = await poll(bench, script, make_connection(Protection.IMAPS))
    assert (result.stage, result.error) == ("tls", PKIX_BUILD)
    assert bench.journal.only(Handshake).session is TlsSession.IMAPS


@pytest.mark.usefixtures("each_profile")
async def test_imaps_on_a_plain_port_is_an_unrecognized_message(bench: Bench) -> None:
    result, _ = await poll(bench, [*greeting(), Hang()], make_connection(Protection.IMAPS))
    assert (result.stage, result.error) == ("tls", "Unsupported or unrecognized SSL message")  # facts 1.4


@pytest.mark.usefixtures("each_profile")
async def test_a_server_that_closes_in_the_handshake_is_told_as_such(bench: Bench) -> None:
    result, _ = await poll(bench, OFFERED)
    assert result.error == "STARTTLS failure: Remote host terminated the handshake"  # facts 6, M48


async def test_the_hint_names_the_intermediate_that_the_server_does_not_send(bench: Bench, cast: Cast) -> None:
    context = server_context(cast.by_name("missing_intermediate"))
    result, _ = await poll(bench, [*OFFERED, Tls(context)])
    assert result.error == f"STARTTLS failure: {PKIX_BUILD}"
    issuer = cast.intermediate_certificate.subject.rfc4514_string()
    assert result.hint.startswith(f"The mail server does not send the certificate '{issuer}'")


async def test_a_server_that_hangs_in_the_handshake_is_a_read_time_out(bench: Bench) -> None:
    result, _ = await poll(bench, [*OFFERED, Hang()], make_connection(timeout_ms=150))
    assert result.error == "STARTTLS failure: Read timed out"


@pytest.mark.usefixtures("each_profile")
async def test_plaintext_in_place_of_the_handshake_fails(bench: Bench) -> None:
    result, _ = await poll(bench, [*OFFERED, Read(), Send(b"* CAPABILITY IMAP4rev1\r\n")])
    assert result.error == "STARTTLS failure: Unsupported or unrecognized SSL message"


@pytest.mark.usefixtures("each_profile")
async def test_a_demanded_client_certificate_fails_the_handshake_of_tls_1_2(bench: Bench, cast: Cast) -> None:
    context = server_context(cast.mail_server, client_anchors=[], client_certificate="required")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    result, _ = await poll(bench, [*OFFERED, Tls(context)])
    assert result.error == "STARTTLS failure: Received fatal alert: handshake_failure"  # facts 2.5 and M29
    assert "system certificate" in result.hint
    seen = bench.journal.only(Handshake)
    assert (seen.succeeded, seen.alert_received) == (False, "handshake_failure")


@pytest.mark.usefixtures("each_profile")
async def test_a_demanded_client_certificate_shows_at_the_first_answer(bench: Bench, cast: Cast) -> None:
    # facts 2.5: in TLS 1.3 the "error appears on the first command after the handshake"
    context = server_context(cast.mail_server, client_anchors=[], client_certificate="required")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    result, _ = await poll(bench, [*OFFERED, Tls(context)])
    assert result.error == "Received fatal alert: certificate_required"
    assert "system certificate" in result.hint
    seen = bench.journal.only(Handshake)
    assert (seen.succeeded, seen.alert_received) == (False, "certificate_required")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # that is the point of it
@pytest.mark.usefixtures("each_profile")
async def test_a_server_below_tls_1_2_is_refused(bench: Bench, cast: Cast) -> None:
    context = server_context(cast.mail_server)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    result, _ = await poll(bench, [*OFFERED, Tls(context)])
    assert result.error == "STARTTLS failure: Received fatal alert: protocol_version"  # facts 2.5
    assert bench.journal.only(Handshake).alert_received == "protocol_version"
