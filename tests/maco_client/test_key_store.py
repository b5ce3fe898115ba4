"""MaCo's key store; what it makes of certificates stands in tests/maco_client/verification."""

from __future__ import annotations

import ssl

import pytest

from certs.cast import Cast
from certs.trust import server_context
from maco_client.key_store import KeyStore
from maco_client.results import PollResult
from maco_client.settings import Protection
from maco_client.verification.profile import VerificationProfile
from tests.maco_client.bench import Bench, der, make_connection
from tests.maco_client.scripted_server import (
    ScriptedServer,
    Tls,
    answered,
    found,
    greeting,
    left,
    logged_in,
    opened,
    running,
)


async def poll(bench: Bench, context: ssl.SSLContext) -> PollResult:
    inside = [*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1"), *logged_in(), *opened(exists=0)]
    server = ScriptedServer([[Tls(context), *inside, *found(), *left()]])
    async with running(server):
        return await bench.poller(make_connection(Protection.IMAPS), server.address).poll()


@pytest.mark.parametrize(
    ("held", "profile", "alias"),
    [
        (["unknown_root_ca", "root"], VerificationProfile.JAVA, "root"),
        (["root", "intermediate"], VerificationProfile.JAVA, "intermediate"),
        (["root", "intermediate"], VerificationProfile.OPENSSL, "root"),
        (["root", "intermediate", "leaf"], VerificationProfile.JAVA, "leaf"),
    ],
)
async def test_the_alias_that_ends_the_path_is_told(
    bench: Bench, cast: Cast, held: list[str], profile: VerificationProfile, alias: str
) -> None:
    leaf = cast.mail_server.certificate
    certificates = {name: leaf if name == "leaf" else cast.authority(name).certificate for name in held}
    bench.key_store = KeyStore({name: der(certificate) for name, certificate in certificates.items()}, profile)

    result = await poll(bench, server_context(cast.mail_server))

    assert (result.error, result.vouched_by) == ("", alias)


def test_its_name_tells_what_it_holds_and_by_whose_rules(cast: Cast) -> None:
    root = der(cast.root_certificate)
    assert KeyStore({"root": root}).aliases == ("root",)
    assert KeyStore({"root": root}).profile is VerificationProfile.JAVA
    assert repr(KeyStore({"root": root, "other": root}, VerificationProfile.OPENSSL)) == "KeyStore(root, other)"


def test_what_is_no_certificate_is_refused_by_its_alias() -> None:
    with pytest.raises(ValueError, match="root"):
        KeyStore({"root": b"nonsense"})
    with pytest.raises(ValueError, match="10240"):
        KeyStore({"root": b"0" * 10_241})
