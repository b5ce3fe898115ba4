"""The lab's certificates as two tables: which authorities there are, and who is in the cast.

Nothing is issued here; ``certs.cast`` walks the tables. Whoever adds a bad mail server adds one entry below.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from certs.authority import CLOCK_TOLERANCE, LEAF_LIFETIME
from certs.profile import Usage

SUBACCOUNT_UNIT = "maco-lab Cloud Clients"
SUBACCOUNT_LIFETIME = dt.timedelta(days=365)  # recorded: notBefore = issue - 1 h, notAfter = issue + 365 d

YEAR = dt.timedelta(days=365)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AuthorityPlan:
    """One authority: its name, what it is for, and who signs it (empty: itself)."""

    common_name: str
    purpose: str
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """One member of the cast; ``begins`` and ``ends`` count from the moment the cast was made.

    ``host`` is what the certificate is for: a template over ``mail_host`` and ``tunnel_host``, or empty for a client.
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
    send_chain: bool = True


AUTHORITIES: Mapping[str, AuthorityPlan] = MappingProxyType(
    {
        "root": AuthorityPlan("maco-lab Mail Root CA", "root above the mail servers"),
        "intermediate": AuthorityPlan("maco-lab Mail Intermediate CA", "issues the mail servers", issuer="root"),
        "unknown_root_ca": AuthorityPlan("maco-lab Unknown Root CA", "a root that nobody has"),
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

BAD_MAIL_SERVERS: Mapping[str, MemberPlan] = MappingProxyType(
    {
        "unknown_root": MemberPlan("good, but under a root that nobody has", issuer="unknown_root_ca"),
        "missing_intermediate": MemberPlan("good, but its server omits the intermediate", send_chain=False),
        "wrong_name": MemberPlan("good, but for another host", host="not-{mail_host}"),
        "expired": MemberPlan("expired yesterday", begins=-LEAF_LIFETIME, ends=-DAY),
        # A year ahead, so that a cast kept on disk does not turn good.
        "not_yet_valid": MemberPlan("valid from next year on", begins=YEAR, ends=YEAR + LEAF_LIFETIME),
        "self_signed": MemberPlan("signed by itself", issuer=""),
        "client_auth_only": MemberPlan("may be used by TLS clients only", usage="client"),
    }
)

MEMBERS: Mapping[str, MemberPlan] = MappingProxyType({**GOOD_MEMBERS, **BAD_MAIL_SERVERS})

MAIL_SERVERS: tuple[str, ...] = ("mail_server", *BAD_MAIL_SERVERS)
"""The names that a mail server may be given a certificate by."""
