"""The Java profile takes weak certificates at OpenSSL's security level 0; all else keeps the strength of level 2.

Every case meets a real TLS server that would go lower.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
from OpenSSL import SSL

from certs.authority import Issued
from certs.cast import Cast
from certs.old_digests import signed_with
from certs.trust import server_context
from maco_client.key_store import KeyStore
from maco_client.verification.profile import VerificationProfile
from maco_client.verification.verification import Verification
from maco_net.errors import HandshakeError, HandshakeFacts
from maco_net.tcp import connect_tcp
from maco_net.tls import start_tls
from maco_wire.observation import Address, Handshake, Login
from tests.maco_client.bench import HOST, Bench, der, make_connection
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
)

OFFERED = [*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 STARTTLS"), *answered(rb"STARTTLS")]
INSIDE = [
    *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1"),
    *logged_in(),
    *opened(exists=0),
    *found(),
    *left(),
]
# RFC 2409, section 6.2, and RFC 3526, section 3: the groups of 1024 and of 2048 bits begin and end alike.
GROUP_2 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)
GROUP_14 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D"
    "670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)

Change: TypeAlias = Callable[[ssl.SSLContext, Path], None]


@pytest.fixture(scope="module")
def rsa_server(cast: Cast) -> Issued:
    return cast.authority("rsa_intermediate").issue(HOST, dns_names=[HOST], key_type="rsa")


def suites(names: str) -> Change:
    return lambda context, _: context.set_ciphers(f"{names}:@SECLEVEL=0")


def curve(name: str) -> Change:
    def change(context: ssl.SSLContext, _: Path) -> None:
        context.set_ciphers("ECDHE:@SECLEVEL=0")
        context.set_ecdh_curve(name)

    return change


def group(prime: int) -> Change:
    def change(context: ssl.SSLContext, folder: Path) -> None:
        file = folder / "dh.pem"
        file.write_text(dh_parameters(prime))
        context.set_ciphers("DHE:@SECLEVEL=0")
        context.load_dh_params(str(file))

    return change


def dh_parameters(prime: int) -> str:
    """Return a prime with the generator 2 as PKCS #3 has it: a SEQUENCE of two INTEGERs, in PEM."""
    number = b"\0" + prime.to_bytes((prime.bit_length() + 7) // 8, "big")
    numbers = b"\x02\x82" + len(number).to_bytes(2, "big") + number + b"\x02\x01\x02"
    der = b"\x30\x82" + len(numbers).to_bytes(2, "big") + numbers
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN DH PARAMETERS-----\n{text}-----END DH PARAMETERS-----\n"


def lenient(issued: Issued, change: Change, folder: Path) -> ssl.SSLContext:
    """Return the context of a TLS 1.2 server at security level 0."""
    context = server_context(issued)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    change(context, folder)
    return context


async def poll(bench: Bench, cast: Cast, profile: VerificationProfile, script: Script) -> tuple[str, ScriptedServer]:
    bench.key_store = KeyStore({"root": der(cast.root_certificate)}, profile)
    server = ScriptedServer([script])
    async with running(server):
        result = await bench.poller(make_connection(), server.address).poll()
    assert server.surprises == []
    return result.error, server


@pytest.mark.parametrize("profile", VerificationProfile)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(suites("NULL"), id="no-cipher"),
        pytest.param(suites("aNULL"), id="no-certificate"),
        pytest.param(suites("kRSA"), id="no-forward-secrecy"),
        pytest.param(suites("ECDHE+SHA1"), id="hmac-with-sha-1"),
        pytest.param(curve("prime192v1"), id="curve-of-192-bits"),
        pytest.param(group(GROUP_2), id="group-of-1024-bits"),
    ],
)
async def test_a_key_exchange_weaker_than_level_2_is_refused_under_both_profiles(
    bench: Bench, cast: Cast, rsa_server: Issued, tmp_path: Path, change: Change, profile: VerificationProfile
) -> None:
    context = lenient(rsa_server, change, tmp_path)
    error, server = await poll(bench, cast, profile, [*OFFERED, Tls(context), Hang()])
    assert error.startswith("STARTTLS failure: ")
    assert server.commands == ["CAPABILITY", "STARTTLS"]
    assert not bench.journal.only(Handshake).succeeded
    assert bench.journal.all(Login) == []


@pytest.mark.parametrize("profile", VerificationProfile)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(suites("ECDHE+AESGCM"), id="elliptic"),
        pytest.param(curve("secp384r1"), id="curve-of-384-bits"),
        pytest.param(group(GROUP_14), id="group-of-2048-bits"),
    ],
)
async def test_the_same_server_is_accepted_with_a_strong_key_exchange(
    bench: Bench, cast: Cast, rsa_server: Issued, tmp_path: Path, change: Change, profile: VerificationProfile
) -> None:
    context = lenient(rsa_server, change, tmp_path)
    error, _ = await poll(bench, cast, profile, [*OFFERED, Tls(context), *INSIDE])
    assert error == ""
    assert bench.journal.only(Handshake).version == "TLSv1.2"


async def test_a_group_that_only_the_java_profile_sees_is_named(
    bench: Bench, cast: Cast, rsa_server: Issued, tmp_path: Path
) -> None:
    context = lenient(rsa_server, group(GROUP_2), tmp_path)
    error, server = await poll(bench, cast, VerificationProfile.JAVA, [*OFFERED, Tls(context), Hang()])
    assert error == "STARTTLS failure: dh key too small: 1024 bits"
    assert server.handshake_errors == [], "the handshake was over for the server"
    seen = bench.journal.only(Handshake)
    assert (seen.verify_code, seen.alert_sent, seen.java_alert) == (None, "", "")


async def test_a_certificate_signed_with_md5_is_refused_behind_the_handshake(
    bench: Bench, cast: Cast, rsa_server: Issued
) -> None:
    signer = cast.authority("rsa_intermediate").identity.private_key
    issued = dataclasses.replace(rsa_server, certificate=signed_with("md5", rsa_server.certificate, signer))
    script = [*OFFERED, Tls(server_context(issued)), Hang()]
    error, server = await poll(bench, cast, VerificationProfile.JAVA, script)
    assert error.endswith("Algorithm constraints check failed on signature algorithm")
    assert (server.commands, server.handshake_errors) == (["CAPABILITY", "STARTTLS"], [])


def serve_signing_with(algorithms: str, issued: Issued, listener: socket.socket) -> str:
    """Shake hands with one client as a TLS 1.2 server with these signature algorithms; return why that failed."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(b"ECDHE:@SECLEVEL=0")
    context.use_certificate(issued.certificate)
    for certificate in issued.chain:
        context.add_extra_chain_cert(certificate)
    context.use_privatekey(issued.private_key)
    assert SSL._lib.SSL_CTX_set1_sigalgs_list(context._context, algorithms.encode()) == 1  # type: ignore[attr-defined]
    accepted, _ = listener.accept()
    accepted.settimeout(None)  # pyOpenSSL takes a time-out for WANT_READ
    with accepted:
        connection = SSL.Connection(context, accepted)
        connection.set_accept_state()
        try:
            connection.do_handshake()
        except SSL.Error as error:
            return str(error)
        return ""


@pytest.mark.parametrize(
    ("algorithms", "error"),
    [("RSA+SHA256", ""), ("RSA+SHA384", ""), ("RSA+SHA1", "key exchange signed over SHA-1")],
)
async def test_the_signature_of_a_tls_1_2_handshake_is_over_sha_256_at_least(
    cast: Cast, rsa_server: Issued, algorithms: str, error: str
) -> None:
    verification = KeyStore({"root": der(cast.root_certificate)}).verification()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.to_thread(serve_signing_with, algorithms, rsa_server, listener)
        facts, why = await asyncio.gather(shake_hands(verification, listener.getsockname()), serving)
    assert why == "", "OpenSSL itself let it pass"
    if not error:
        verification.check(facts)
        return
    with pytest.raises(HandshakeError, match=error):
        verification.check(facts)


async def shake_hands(verification: Verification, address: Address) -> HandshakeFacts:
    stream = await connect_tcp(*address, timeout_s=5)
    tls = await start_tls(stream, verification.context, timeout_s=5, server_name=HOST)
    await tls.aclose()
    return tls.facts
