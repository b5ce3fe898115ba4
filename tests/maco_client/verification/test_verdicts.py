"""MaCo under both profiles meets every certificate of the catalogue (docs/certificates.md), in real handshakes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from certs.cast import Cast
from certs.trust import server_context
from certs.verdicts import STORE, STORE_VERDICTS, VERDICTS, StoreVerdict
from maco_client.key_store import KeyStore
from maco_client.verification.profile import VerificationProfile
from maco_net.alerts import alert_for_verify_code
from maco_wire.observation import Handshake, Login, PollFinished
from tests.maco_client.bench import Bench, der, make_connection
from tests.maco_client.scripted_server import (
    Hang,
    Script,
    ScriptedServer,
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

JAVA, OPENSSL = VerificationProfile.JAVA, VerificationProfile.OPENSSL
UNSUITABLE_PURPOSE = 26  # X509_V_ERR_INVALID_PURPOSE, in OpenSSL's place where it has nothing to say
EXPIRED_ROOT = "expired_root"
"""The one member that only a store with the expired root has a path to."""


def key_store(cast: Cast, names: Sequence[str], member: str, profile: VerificationProfile) -> KeyStore:
    held = {
        name: cast.by_name(member).certificate if name == "leaf" else cast.authority(name).certificate for name in names
    }
    return KeyStore({alias: der(certificate) for alias, certificate in held.items()}, profile)


def catalogue_store(cast: Cast, member: str, profile: VerificationProfile) -> KeyStore:
    """Return the store of the catalogue; without the expired root where it plays no part, so that alerts are sent."""
    return key_store(cast, STORE if member == EXPIRED_ROOT else STORE[:1], member, profile)


async def poll(bench: Bench, script: Script) -> tuple[str, ScriptedServer]:
    server = ScriptedServer([script])
    async with running(server):
        result = await bench.poller(make_connection(), server.address).poll()
    assert server.surprises == []
    assert result.succeeded == (result.error == "")
    return result.error, server


async def assert_accepted(bench: Bench, cast: Cast, member: str) -> None:
    tls = starttls(server_context(cast.by_name(member)))
    error, _ = await poll(bench, [*greeting(), *tls, *logged_in(), *opened(exists=0), *found(), *left()])
    assert error == ""
    assert bench.journal.only(Login).succeeded


async def assert_refused(bench: Bench, cast: Cast, member: str, *, code: int, alert: str) -> Handshake:
    """Let MaCo refuse ``member`` with OpenSSL's ``code``; ``alert`` is what the server sees, empty for none."""
    offered = [*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 STARTTLS"), *answered(rb"STARTTLS")]
    error, server = await poll(bench, [*offered, Tls(server_context(cast.by_name(member))), Hang()])
    assert error
    assert server.commands == ["CAPABILITY", "STARTTLS"], "nothing is said inside TLS"
    assert bench.journal.all(Login) == []
    seen = bench.journal.only(Handshake)
    assert (seen.succeeded, seen.verified_against, seen.verify_code, seen.alert_sent) == (False, "", code, alert)
    assert server.handshake_errors == ([alert] if alert else [])
    return seen


def java_text(bench: Bench) -> str:
    """Return the text of the failed poll, without Java's wrapping."""
    return bench.journal.only(PollFinished).error.removeprefix("STARTTLS failure: ")


@pytest.mark.parametrize("name", VERDICTS)
async def test_the_java_profile_says_what_java_says_of(bench: Bench, cast: Cast, name: str) -> None:
    verdict = VERDICTS[name]
    bench.key_store = catalogue_store(cast, name, JAVA)

    if not verdict.java:
        await assert_accepted(bench, cast, name)
        return
    code = verdict.openssl or UNSUITABLE_PURPOSE
    alert = "" if verdict.openssl_lenient else alert_for_verify_code(code)
    seen = await assert_refused(bench, cast, name, code=code, alert=alert)
    assert verdict.java.strip() in java_text(bench)
    assert seen.java_alert == verdict.java_alert


@pytest.mark.parametrize("name", VERDICTS)
async def test_the_openssl_profile_says_what_openssl_says_of(bench: Bench, cast: Cast, name: str) -> None:
    code = VERDICTS[name].openssl
    bench.key_store = catalogue_store(cast, name, OPENSSL)

    if not code:
        await assert_accepted(bench, cast, name)
        return
    seen = await assert_refused(bench, cast, name, code=code, alert=alert_for_verify_code(code))
    assert seen.java_alert == "", "Java may have taken it"


def by_store(case: StoreVerdict) -> str:
    return f"{'+'.join(case.store) or 'nothing'}-{case.certificate}"


@pytest.mark.parametrize("case", STORE_VERDICTS, ids=by_store)
async def test_the_java_profile_ends_the_path_where_java_does(bench: Bench, cast: Cast, case: StoreVerdict) -> None:
    bench.key_store = key_store(cast, case.store, case.certificate, JAVA)

    if not case.lab:
        await assert_accepted(bench, cast, case.certificate)
        return
    alert = "" if case.verdict.openssl_lenient else alert_for_verify_code(case.lab)
    seen = await assert_refused(bench, cast, case.certificate, code=case.lab, alert=alert)
    if case.verdict.java:
        assert case.verdict.java in java_text(bench)
        assert seen.java_alert == case.verdict.java_alert


@pytest.mark.parametrize("case", STORE_VERDICTS, ids=by_store)
async def test_the_openssl_profile_ends_the_path_at_a_root(bench: Bench, cast: Cast, case: StoreVerdict) -> None:
    bench.key_store = key_store(cast, case.store, case.certificate, OPENSSL)
    code = case.verdict.openssl

    if code:
        await assert_refused(bench, cast, case.certificate, code=code, alert=alert_for_verify_code(code))
    else:
        await assert_accepted(bench, cast, case.certificate)
