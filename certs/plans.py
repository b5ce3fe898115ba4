"""The lab's certificates as two tables: which authorities there are, and who is in the cast.

Nothing is issued here; ``certs.cast`` walks the tables. Whoever adds a bad mail server adds one entry below, and one in
``certs.verdicts`` that says who refuses it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from certs.authority import CLOCK_TOLERANCE, LEAF_LIFETIME
from certs.keys import FACTORED_RSA_BITS, RSA_BITS, KeyType
from certs.old_digests import OldDigest
from certs.profile import (
    ENCIPHERS_KEYS_ONLY,
    NOT_AN_AUTHORITY,
    SIGNS_DOCUMENTS_ONLY,
    UNKNOWN_AND_CRITICAL,
    Extensions,
    Usage,
)

SUBACCOUNT_UNIT = "maco-lab Cloud Clients"
SUBACCOUNT_LIFETIME = dt.timedelta(days=365)  # recorded: notBefore = issue - 1 h, notAfter = issue + 365 d

YEAR = dt.timedelta(days=365)
DAY = dt.timedelta(days=1)

FOREIGN_DOMAIN = "nachbarwerke.example"

Sent: TypeAlias = Literal["chain", "leaf only", "chain reversed", "chain and root"]
"""What a server sends: its certificate, then the intermediates as they should be, or not."""


@dataclass(frozen=True, slots=True)
class AuthorityPlan:
    """One authority: its name, what it is for, and who signs it (empty: itself).

    ``permits`` is a template over the host names: the only domain that it may issue for. ``instead`` holds extensions
    in the place of the usual ones.
    """

    common_name: str
    purpose: str
    issuer: str = ""
    key_type: KeyType | None = None
    lifetime: dt.timedelta | None = None
    path_length: int = 0
    permits: str = ""
    instead: Extensions | tuple[()] = ()


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """One member of the cast; ``begins`` and ``ends`` count from the moment the cast was made.

    ``host`` is what the certificate is for: a template over ``mail_host``, ``mail_domain`` (without its first label),
    ``above_mail_domain`` and ``tunnel_host``, as ``common_name`` is; empty for no alternative name.
    Without ``issuer`` it signs itself. ``also`` adds further names or addresses.
    """

    purpose: str
    host: str = "{mail_host}"
    also: tuple[str, ...] = ()
    common_name: str = ""
    issuer: str = "intermediate"
    usage: Usage = "server"
    begins: dt.timedelta = -CLOCK_TOLERANCE
    ends: dt.timedelta = LEAF_LIFETIME
    sent: Sent = "chain"
    key_type: KeyType | None = None
    rsa_bits: int = RSA_BITS
    old_digest: OldDigest | None = None
    instead: Extensions | tuple[()] = ()


AUTHORITIES: Mapping[str, AuthorityPlan] = MappingProxyType(
    {
        "root": AuthorityPlan("maco-lab Mail Root CA", "root above the mail servers"),
        "intermediate": AuthorityPlan("maco-lab Mail Intermediate CA", "issues the mail servers", issuer="root"),
        "unknown_root_ca": AuthorityPlan("maco-lab Unknown Root CA", "a root that nobody has"),
        "expired_root_ca": AuthorityPlan("maco-lab Expired Root CA", "a root that expired yesterday", lifetime=-DAY),
        "expired_intermediate": AuthorityPlan(
            "maco-lab Expired Intermediate CA", "expired yesterday", issuer="root", lifetime=-DAY
        ),
        "upper_intermediate": AuthorityPlan(
            "maco-lab Upper Intermediate CA", "issues another intermediate", issuer="root", path_length=1
        ),
        "lower_intermediate": AuthorityPlan(
            "maco-lab Lower Intermediate CA", "two below the root", issuer="upper_intermediate"
        ),
        "too_deep_intermediate": AuthorityPlan(
            "maco-lab Too Deep CA", "below one that may issue leaves only", issuer="intermediate"
        ),
        "not_an_authority": AuthorityPlan(
            "maco-lab Not A CA", "no authority, and issues all the same", issuer="root", instead=[NOT_AN_AUTHORITY]
        ),
        "own_names_intermediate": AuthorityPlan(
            "maco-lab Own Names CA", "may issue for the mail host's domain", issuer="root", permits="{mail_domain}"
        ),
        "foreign_names_intermediate": AuthorityPlan(
            "maco-lab Foreign Names CA", "may issue for another domain", issuer="root", permits=FOREIGN_DOMAIN
        ),
        "rsa_intermediate": AuthorityPlan(
            "maco-lab RSA Intermediate CA", "issues what is too weak", issuer="root", key_type="rsa"
        ),
        "cloud_root": AuthorityPlan("maco-lab Cloud Root CA", "issues the tunnel endpoint"),
        "cloud_clients": AuthorityPlan("maco-lab Cloud Clients CA", "issues the subaccount certificates"),
        "connector_ca": AuthorityPlan("maco-lab Cloud Connector CA", "issues the connector's own certificates"),
    }
)

GOOD_MEMBERS: Mapping[str, MemberPlan] = MappingProxyType(
    {
        "mail_server": MemberPlan("the mail server as it should be"),
        "tunnel_endpoint": MemberPlan(
            "the cloud's end of the tunnel", host="{tunnel_host}", issuer="cloud_root", ends=YEAR
        ),
        "system_certificate": MemberPlan(
            "the Cloud Connector as TLS client of back ends",
            host="",
            common_name="maco-lab Cloud Connector",
            issuer="connector_ca",
            usage="client",
            ends=YEAR,
        ),
        "administration": MemberPlan(
            "the Cloud Connector's administration page",
            host="localhost",
            also=("127.0.0.1", "::1"),
            issuer="connector_ca",
            ends=YEAR,
        ),
    }
)

ODD_MAIL_SERVERS: Mapping[str, MemberPlan] = MappingProxyType(
    {
        "wildcard": MemberPlan("for every host of its domain", host="*.{mail_domain}"),
        "root_sent": MemberPlan("good, but its server sends the root too", sent="chain and root"),
        "chain_reversed": MemberPlan(
            "its server sends two intermediates upside down",
            issuer="lower_intermediate",
            sent="chain reversed",
        ),
        "name_constraint_satisfied": MemberPlan(
            "within what its issuer may issue for", issuer="own_names_intermediate"
        ),
        "cn_only": MemberPlan("names its host as common name alone", host="", common_name="{mail_host}"),
        "expired_root": MemberPlan("good, but its root expired yesterday", issuer="expired_root_ca"),
        "sha1": MemberPlan("signed with SHA-1", issuer="rsa_intermediate", key_type="ec", old_digest="sha1"),
        "rsa_1024": MemberPlan("its RSA key has 1024 bits", issuer="rsa_intermediate", key_type="rsa", rsa_bits=1024),
    }
)
"""What works for all peers, or for some of them."""

BAD_MAIL_SERVERS: Mapping[str, MemberPlan] = MappingProxyType(
    {
        "unknown_root": MemberPlan("good, but under a root that nobody has", issuer="unknown_root_ca"),
        "missing_intermediate": MemberPlan("good, but its server omits the intermediate", sent="leaf only"),
        "intermediate_expired": MemberPlan(
            "good, but its intermediate expired yesterday", issuer="expired_intermediate"
        ),
        "wrong_name": MemberPlan("good, but for another host", host="not-{mail_host}"),
        "cn_beside_other_san": MemberPlan(
            "its host is the common name beside another name",
            host="not-{mail_host}",
            common_name="{mail_host}",
        ),
        "ip_san": MemberPlan("for the address 127.0.0.1 only", host="127.0.0.1"),
        "wildcard_wrong_level": MemberPlan("its wildcard is one label too high", host="*.{above_mail_domain}"),
        "expired": MemberPlan("expired yesterday", begins=-LEAF_LIFETIME, ends=-DAY),
        # A year ahead, so that a cast kept on disk does not turn good.
        "not_yet_valid": MemberPlan("valid from next year on", begins=YEAR, ends=YEAR + LEAF_LIFETIME),
        "self_signed": MemberPlan("signed by itself", issuer=""),
        "client_auth_only": MemberPlan("may be used by TLS clients only", usage="client"),
        "wrong_key_usage": MemberPlan("its key may sign documents, no handshakes", instead=[SIGNS_DOCUMENTS_ONLY]),
        "key_encipherment_only": MemberPlan(
            "its key may encipher keys, not sign handshakes",
            issuer="rsa_intermediate",
            key_type="rsa",
            instead=[ENCIPHERS_KEYS_ONLY],
        ),
        "unknown_critical_extension": MemberPlan(
            "has a critical extension that nobody knows", instead=[UNKNOWN_AND_CRITICAL]
        ),
        "rsa_768": MemberPlan(
            "its RSA key has 768 bits, and known factors",
            issuer="rsa_intermediate",
            key_type="rsa",
            rsa_bits=FACTORED_RSA_BITS,
        ),
        "issuer_not_a_ca": MemberPlan("issued by one that is no authority", issuer="not_an_authority"),
        "path_too_long": MemberPlan("one intermediate more than allowed", issuer="too_deep_intermediate"),
        "name_constraint_violated": MemberPlan(
            "outside of what its issuer may issue for", issuer="foreign_names_intermediate"
        ),
    }
)

ODD_AUTHORITIES: frozenset[str] = frozenset(
    plan.issuer for plan in (*ODD_MAIL_SERVERS.values(), *BAD_MAIL_SERVERS.values())
) - {"", "intermediate"} | {"upper_intermediate"}
"""Authorities that exist for one case each; they share a key, as the odd and bad mail servers do: RSA keys are slow."""

MEMBERS: Mapping[str, MemberPlan] = MappingProxyType({**GOOD_MEMBERS, **ODD_MAIL_SERVERS, **BAD_MAIL_SERVERS})

MAIL_SERVERS: tuple[str, ...] = ("mail_server", *ODD_MAIL_SERVERS, *BAD_MAIL_SERVERS)
"""The names that a mail server may be given a certificate by."""
