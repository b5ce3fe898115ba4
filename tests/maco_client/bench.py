"""What MaCo's tests work with: a journal, e-mail connections, and pollers that lead where the test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.summary import summarize
from maco_client.dialer import Resolve
from maco_client.inbox import Inbox
from maco_client.key_store import KeyStore
from maco_client.poller import Poller
from maco_client.settings import Credential, EmailConnection, EmailServer, Protection, ProxyType
from maco_wire.observation import Address, Observation

HOST = "mail.stadtwerke.example"
_Kind = TypeVar("_Kind", bound=Observation)


def der(certificate: x509.Certificate) -> bytes:
    """Return a certificate as MaCo's key store takes it."""
    return certificate.public_bytes(Encoding.DER)


@dataclass
class Journal:
    """Keeps what is recorded."""

    observations: list[Observation] = field(default_factory=list)

    def __call__(self, observation: Observation) -> None:
        self.observations.append(observation)

    def all(self, kind: type[_Kind]) -> list[_Kind]:
        return [each for each in self.observations if isinstance(each, kind)]

    def only(self, kind: type[_Kind]) -> _Kind:
        (found,) = self.all(kind)
        return found


def leading_to(address: Address) -> Resolve:
    """Let every host of the internet be at ``address``."""
    return lambda host, port: address


def make_connection(
    protection: Protection = Protection.STARTTLS_MANDATORY,
    *,
    timeout_ms: int = 5_000,
    address: str = f"{HOST}:143",
    proxy_type: ProxyType = ProxyType.INTERNET,
    location_id: str = "",
    password: str = "sesame",
    access_token: str = "",
    **settings: Any,
) -> EmailConnection:
    server = EmailServer("stadtwerke", address, proxy_type, location_id, timeout_ms)
    secret = {"access_token": access_token} if access_token else {"password": password}
    return EmailConnection("market mail", server, protection, Credential("mailbox", "maco", **secret), **settings)


@dataclass
class Bench:
    """Builds pollers whose internet leads to one address."""

    key_store: KeyStore
    inbox: Inbox
    journal: Journal

    def poller(self, connection: EmailConnection, address: Address, **settings: Any) -> Poller:
        return Poller(
            connection,
            **{
                "proxy": None,
                "tokens": None,
                "key_store": self.key_store,
                "inbox": self.inbox,
                "record": self.journal,
                "describe_certificate": summarize,
                "resolve": leading_to(address),
                **settings,
            },
        )
