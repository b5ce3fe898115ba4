"""The cast: every certificate of one lab, good and bad, by name.

A member is issued when it is first asked for and stays the same from then on. The dates count from the moment the
cast was made. What the members are stands in ``certs.plans``; how they are kept on disk in ``certs.files``.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import ipaddress
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from cryptography import x509

from certs.authority import CLOCK_TOLERANCE, INTERMEDIATE_LIFETIME, ROOT_LIFETIME, Authority, Issued, self_signed
from certs.exceptions import UnknownNameError
from certs.keys import KEY_TYPES, RSA_BITS, KeyType, PrivateKey, generate_key
from certs.old_digests import signed_with
from certs.plans import (
    AUTHORITIES,
    BAD_MAIL_SERVERS,
    MAIL_SERVERS,
    MEMBERS,
    ODD_AUTHORITIES,
    ODD_MAIL_SERVERS,
    SUBACCOUNT_LIFETIME,
    SUBACCOUNT_UNIT,
    AuthorityPlan,
    MemberPlan,
)
from certs.profile import LONGEST_COMMON_NAME, only_names_below

MAIL_HOST = "mail.stadtwerke.example"
TUNNEL_HOST = "connectivitytunnel.lab.example"

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
# Upper case is refused by the real product as well: "Invalid subaccount (use permitted characters only; ...)".
_SUBACCOUNT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class CastSettings:
    """What a cast is made from. Raises ValueError for a moment without time zone, a bad host name or key type."""

    now: dt.datetime
    key_type: KeyType = "ec"
    mail_host: str = MAIL_HOST
    tunnel_host: str = TUNNEL_HOST

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("now needs a time zone, such as datetime.UTC")
        if self.key_type not in KEY_TYPES:
            raise ValueError(f"key_type: {self.key_type!r} is unknown; allowed: {', '.join(KEY_TYPES)}")
        for setting, host in (("mail_host", self.mail_host), ("tunnel_host", self.tunnel_host)):
            if not _is_address(host) and not _HOST_NAME.fullmatch(host):
                raise ValueError(
                    f"{setting}: {host!r} is neither a host name nor an IP address; "
                    "write a name outside ASCII in its xn-- form"
                )


class Cast:
    """The certificates of one lab; may be used from several threads.

    ``by_name`` and ``mail_server_certificates`` issue lazily, so that a lab pays only for what it uses.
    """

    def __init__(
        self,
        now: dt.datetime,
        key_type: KeyType = "ec",
        mail_host: str = MAIL_HOST,
        tunnel_host: str = TUNNEL_HOST,
    ) -> None:
        """Prepare a cast; ``now`` needs a time zone. Raises ValueError as ``CastSettings`` does."""
        self.settings = CastSettings(now, key_type, mail_host, tunnel_host)
        self._authorities: dict[str, Authority] = {}
        self._members: dict[str, Issued] = {}
        self._subaccounts: dict[str, Issued] = {}
        self._shared_keys: dict[tuple[str, KeyType, int], PrivateKey] = {}
        self._lock = threading.RLock()
        self.mail_server_certificates: Mapping[str, Issued] = _Members(self, MAIL_SERVERS)
        """What a mail server may present, by name: the good one and all bad ones."""

    @classmethod
    def restore(
        cls,
        settings: CastSettings,
        authorities: Mapping[str, Authority],
        members: Mapping[str, Issued],
        subaccounts: Mapping[str, Issued],
    ) -> Cast:
        """Return a cast that begins with what was issued before, and issues the rest itself."""
        cast = cls(settings.now, settings.key_type, settings.mail_host, settings.tunnel_host)
        cast._authorities.update(authorities)
        cast._members.update(members)
        cast._subaccounts.update(subaccounts)
        return cast

    def __repr__(self) -> str:
        """Name the cast by its settings alone: no key may show."""
        return f"Cast({self.settings!r})"

    @property
    def root(self) -> Authority:
        """The root above the good mail server."""
        return self.authority("root")

    @property
    def intermediate(self) -> Authority:
        """The intermediate that issues the mail servers' certificates."""
        return self.authority("intermediate")

    @property
    def cloud_root(self) -> Authority:
        """The root that issues the tunnel endpoint's certificate: what the Cloud Connector trusts."""
        return self.authority("cloud_root")

    @property
    def cloud_clients(self) -> Authority:
        """The authority of the subaccount certificates: what the tunnel endpoint trusts."""
        return self.authority("cloud_clients")

    @property
    def connector_ca(self) -> Authority:
        """The authority of the Cloud Connector's own certificates: what a mail server may trust."""
        return self.authority("connector_ca")

    @property
    def root_certificate(self) -> x509.Certificate:
        """The root to import at MaCo or in the back-end trust store."""
        return self.root.certificate

    @property
    def intermediate_certificate(self) -> x509.Certificate:
        """The intermediate to import where the server does not send it."""
        return self.intermediate.certificate

    @property
    def unknown_root_certificate(self) -> x509.Certificate:
        """The root above ``unknown_root``, for those who want to make it known."""
        return self.authority("unknown_root_ca").certificate

    @property
    def mail_server(self) -> Issued:
        """The mail server as it should be: 90 days, sends its intermediate."""
        return self.by_name("mail_server")

    @property
    def tunnel_endpoint(self) -> Issued:
        """The cloud's end of the tunnel."""
        return self.by_name("tunnel_endpoint")

    @property
    def system_certificate(self) -> Issued:
        """The Cloud Connector's client certificate towards back ends."""
        return self.by_name("system_certificate")

    @property
    def administration(self) -> Issued:
        """The administration page's certificate: localhost, 127.0.0.1 and ::1."""
        return self.by_name("administration")

    def authority(self, name: str) -> Authority:
        """Return the authority called ``name`` in ``certs.plans.AUTHORITIES``; UnknownNameError lists them."""
        plan = AUTHORITIES.get(name)
        if plan is None:
            raise UnknownNameError(name, AUTHORITIES)
        with self._lock:
            if name not in self._authorities:
                self._authorities[name] = self._authorize(name, plan)
            return self._authorities[name]

    def by_name(self, name: str) -> Issued:
        """Return the member called ``name`` in ``certs.plans.MEMBERS``; UnknownNameError lists them."""
        plan = MEMBERS.get(name)
        if plan is None:
            raise UnknownNameError(name, MEMBERS)
        with self._lock:
            if name not in self._members:
                self._members[name] = self._issue(name, plan)
            return self._members[name]

    def name_of(self, certificate: x509.Certificate) -> str | None:
        """Return the name of an authority or a member; None for any other certificate, and for one not issued yet."""
        with self._lock:
            issued = {name: each.certificate for name, each in self._members.items()}
            issued |= {name: each.certificate for name, each in self._authorities.items()}
        return next((name for name, each in issued.items() if each == certificate), None)

    def subaccount_certificate(self, subaccount_id: str) -> Issued:
        """Return the client certificate that the cloud signed for a subaccount when it was added.

        365 days, begins an hour back, as recorded from the real product. Raises ValueError for an ID with anything but
        lower-case letters, digits, dot, hyphen and underscore, or longer than 64 characters.
        """
        if not _SUBACCOUNT.fullmatch(subaccount_id):
            raise ValueError(
                f"subaccount {subaccount_id!r}: use 1 to 64 lower-case letters, digits and hyphens, as in a UUID"
            )
        with self._lock:
            if subaccount_id not in self._subaccounts:
                now = self.settings.now
                self._subaccounts[subaccount_id] = self.cloud_clients.issue(
                    subaccount_id,
                    unit=SUBACCOUNT_UNIT,
                    usage="client",
                    not_before=now - CLOCK_TOLERANCE,
                    not_after=now + SUBACCOUNT_LIFETIME,
                )
            return self._subaccounts[subaccount_id]

    def all_authorities(self) -> dict[str, Authority]:
        """Return every authority, made now where it was not yet."""
        return {name: self.authority(name) for name in AUTHORITIES}

    def all_members(self) -> dict[str, Issued]:
        """Return every member, issued now where it was not yet."""
        return {name: self.by_name(name) for name in MEMBERS}

    def issued_subaccounts(self) -> dict[str, Issued]:
        """Return the subaccount certificates issued so far, by subaccount ID."""
        with self._lock:
            return dict(self._subaccounts)

    def _shared_key(self, use: str, key_type: KeyType, rsa_bits: int = RSA_BITS) -> PrivateKey:
        wanted = (use, key_type, rsa_bits)
        if wanted not in self._shared_keys:
            self._shared_keys[wanted] = generate_key(key_type, rsa_bits)
        return self._shared_keys[wanted]

    def _authorize(self, name: str, plan: AuthorityPlan) -> Authority:
        settings = self.settings
        if not plan.issuer:
            lifetime = plan.lifetime or ROOT_LIFETIME
            return Authority.root(plan.common_name, now=settings.now, key_type=settings.key_type, lifetime=lifetime)
        permitted = [only_names_below(self._filled(plan.permits))] if plan.permits else []
        return self.authority(plan.issuer).intermediate(
            plan.common_name,
            key=self._shared_key("authority", plan.key_type or settings.key_type) if name in ODD_AUTHORITIES else None,
            lifetime=plan.lifetime or INTERMEDIATE_LIFETIME,
            path_length=plan.path_length,
            instead=[*plan.instead, *permitted],
        )

    def _filled(self, template: str) -> str:
        """Return a template of the plans with the host names of this cast."""
        settings = self.settings
        domain = _above(settings.mail_host)
        return template.format(
            mail_host=settings.mail_host,
            mail_domain=domain,
            above_mail_domain=_above(domain),
            tunnel_host=settings.tunnel_host,
        )

    def _issue(self, name: str, plan: MemberPlan) -> Issued:
        settings = self.settings
        host = self._filled(plan.host)
        hosts = [each for each in (host, *plan.also) if each]
        common_name = self._filled(plan.common_name) or host
        issue: Callable[..., Issued] = (
            self.authority(plan.issuer).issue
            if plan.issuer
            else functools.partial(self_signed, now=settings.now, key_type=settings.key_type)
        )
        issued = issue(
            common_name if len(common_name) <= LONGEST_COMMON_NAME else name,
            dns_names=[each for each in hosts if not _is_address(each)],
            ip_addresses=[each for each in hosts if _is_address(each)],
            usage=plan.usage,
            not_before=settings.now + plan.begins,
            not_after=settings.now + plan.ends,
            instead=plan.instead,
            key=self._key_of(name, plan),
        )
        if plan.old_digest:
            signer = self.authority(plan.issuer).identity.private_key
            issued = dataclasses.replace(issued, certificate=signed_with(plan.old_digest, issued.certificate, signer))
        return dataclasses.replace(issued, chain=self._sent(plan, issued))

    def _key_of(self, name: str, plan: MemberPlan) -> PrivateKey | None:
        """Return the key that the odd and bad mail servers share; None for those that get one of their own."""
        if name not in ODD_MAIL_SERVERS and name not in BAD_MAIL_SERVERS:
            return None
        return self._shared_key("mail server", plan.key_type or self.settings.key_type, plan.rsa_bits)

    def _sent(self, plan: MemberPlan, issued: Issued) -> tuple[x509.Certificate, ...]:
        """Return what the server sends behind its own certificate."""
        match plan.sent:
            case "chain":
                return issued.chain
            case "leaf only":
                return ()
            case "chain reversed":
                return issued.chain[::-1]
            case "chain and root":
                return (*issued.chain, self.root_certificate)
            case _:
                assert_never(plan.sent)


class _Members(Mapping[str, Issued]):
    """Some of a cast's members by name; listing the names issues nothing."""

    def __init__(self, cast: Cast, names: Iterable[str]) -> None:
        self._cast = cast
        self._names = tuple(names)

    def __getitem__(self, name: str) -> Issued:
        if name not in self._names:
            raise UnknownNameError(name, self._names)
        return self._cast.by_name(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _above(host: str) -> str:
    """Return the name without its first label, where it has more than one."""
    return host.partition(".")[2] or host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
