"""MaCo's key store, in real handshakes over memory."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import pytest

from certs.cast import Cast
from certs.trust import server_context
from maco_client.key_store import KeyStore
from tests.maco_client.bench import HOST, der


def shake_hands(client_context: ssl.SSLContext, server_context_: ssl.SSLContext, name: str = HOST) -> ssl.SSLObject:
    """Run a handshake over memory; raises what the client raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context_.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            return client
        with contextlib.suppress(ssl.SSLWantReadError):
            server.do_handshake()
    raise AssertionError("the handshake does not end")


@pytest.mark.parametrize("anchor", ["root", "intermediate", "leaf"])
def test_any_certificate_of_the_chain_ends_the_path(cast: Cast, mail_server_tls: ssl.SSLContext, anchor: str) -> None:
    certificates = {
        "root": cast.root_certificate,
        "intermediate": cast.intermediate_certificate,
        "leaf": cast.mail_server.certificate,
    }
    shake_hands(KeyStore({anchor: der(certificates[anchor])}).context(), mail_server_tls)


@pytest.mark.parametrize("held", [[], ["unknown"]])
def test_a_store_without_an_anchor_of_the_chain_trusts_nobody(
    cast: Cast, mail_server_tls: ssl.SSLContext, held: list[str]
) -> None:
    store = KeyStore({alias: der(cast.unknown_root_certificate) for alias in held})
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        shake_hands(store.context(), mail_server_tls)
    assert caught.value.verify_code == 20  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY


def test_an_omitted_intermediate_is_found_in_the_store(cast: Cast) -> None:
    server = server_context(cast.by_name("missing_intermediate"))
    both = {"root": der(cast.root_certificate), "intermediate": der(cast.intermediate_certificate)}
    shake_hands(KeyStore(both).context(), server)


def test_the_name_is_always_checked(key_store: KeyStore, mail_server_tls: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        shake_hands(key_store.context(), mail_server_tls, "virtual.example")
    assert caught.value.verify_code == 62  # X509_V_ERR_HOSTNAME_MISMATCH


def test_the_context_is_the_same_on_every_python(key_store: KeyStore) -> None:
    context = key_store.context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.verify_flags & ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    assert not context.verify_flags & ssl.VerifyFlags.VERIFY_X509_STRICT


def test_the_systems_authorities_are_never_loaded(key_store: KeyStore) -> None:
    assert KeyStore({}).context().cert_store_stats()["x509"] == 0
    assert key_store.context().cert_store_stats()["x509"] == 1


def test_the_alias_that_ends_the_path_is_told(cast: Cast) -> None:
    chain = [der(cast.mail_server.certificate), *(der(each) for each in cast.mail_server.chain)]
    other, root = der(cast.unknown_root_certificate), der(cast.root_certificate)
    assert KeyStore({"other": other, "root": root}).vouches_for(chain) == "root"
    both = KeyStore({"root": root, "intermediate": der(cast.intermediate_certificate)})
    assert both.vouches_for(chain) == "intermediate"
    assert KeyStore({"leaf": chain[0]}).vouches_for(chain) == "leaf"


def test_nothing_is_told_about_a_chain_without_an_anchor(cast: Cast) -> None:
    chain = [der(cast.mail_server.certificate)]
    assert KeyStore({"other": der(cast.unknown_root_certificate)}).vouches_for(chain) is None
    assert KeyStore({}).vouches_for([]) is None
    assert KeyStore({}).vouches_for([b"nonsense"]) is None


def test_what_is_no_certificate_is_refused_by_its_alias(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="root"):
        KeyStore({"root": b"nonsense"})
    with pytest.raises(ValueError, match="10240"):
        KeyStore({"root": b"0" * 10_241})
