"""What the administration knows of each subaccount beside its tunnel, and how subaccounts come and go.

The connector has the tunnel, the location ID and the mappings; here are the names, the certificate and its user.
"""

from __future__ import annotations

import dataclasses
import http
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connector_sim.admin.errors import ErrorType, Refused, invalid, not_found
from connector_sim.on_premise.certificate_signing import CertificateSource, SubaccountCertificate
from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.settings import SubaccountSettings
from connector_sim.signing import CloudLogin
from connector_sim.tunnel.handshake import HandshakeRefused
from maco_net.errors import NetError

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

BAD_ID = "Invalid subaccount (use permitted characters only; obey syntactic rules and length restrictions)"
"""What the product says to an ID with an upper-case letter (facts, section 2.3)."""
UNREACHABLE = (
    '417 Could not download configuration file. See "Log And Trace Files" and in particular scc_core.trc for details.'
)
"""What the product says where the region's hosts cannot be reached (facts, section 2.3)."""
_CREDENTIALS_WRONG = (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class Description:
    """What is written down of a subaccount and never acts."""

    display_name: str
    description: str = ""
    auto_cert_renewal: bool = False
    is_managed: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """One subaccount; ``user`` is the cloud user for whom its certificate was signed."""

    described: Description
    certificate: SubaccountCertificate | None = None
    """None while it has the one that it has from the start."""
    user: str = ""
    syncs_trust: bool = False
    connects: bool = True
    """Whether the administrator wants its tunnel."""


@dataclass(frozen=True, slots=True)
class KeptSubaccount:
    """What is to be kept of a subaccount."""

    location_id: str
    details: Details


class SubaccountBook:
    """The subaccounts of one connector."""

    def __init__(
        self,
        connector: CloudConnector,
        region_host: str,
        certificates: CertificateSource,
        first_certificate: Callable[[str], SubaccountCertificate],
    ) -> None:
        """``first_certificate`` is that of a subaccount which the connector has from the start."""
        self._connector = connector
        self.region_host = region_host
        self._certificates = certificates
        self._first_certificate = first_certificate
        self._details: dict[str, Details] = {}

    def names(self) -> list[str]:
        """Return every subaccount, in the order in which they were added."""
        return list(self._connector.tunnels)

    def get(self, region_host: str, subaccount: str) -> Details:
        """Return one subaccount. Both parts must be right (recorded). Raises Refused."""
        if region_host != self.region_host or subaccount not in self._connector.tunnels:
            raise not_found("Subaccount", f"{subaccount}@{region_host}")
        return self.details(subaccount)

    def details(self, subaccount: str) -> Details:
        """Return one that is known to be there."""
        if subaccount not in self._details:
            first = {each.subaccount: each.connects for each in self._connector.settings.subaccounts}
            self._details[subaccount] = Details(Description(subaccount), connects=first.get(subaccount, True))
        return self._details[subaccount]

    def certificate(self, subaccount: str) -> SubaccountCertificate:
        """Return what the tunnel of a subaccount shows."""
        return self.details(subaccount).certificate or self._first_certificate(subaccount)

    def set(self, subaccount: str, details: Details) -> None:
        """Keep what has changed."""
        self._details[subaccount] = details

    async def add(
        self, region_host: str, settings: SubaccountSettings, described: Description, login: CloudLogin
    ) -> None:
        """Have a certificate signed for a cloud user, and open the tunnel. Raises Refused.

        A tunnel that does not come up is no failure of this: its state says so.
        """
        name = settings.subaccount
        if not _ID.fullmatch(name):
            raise invalid(BAD_ID)
        if region_host == self.region_host and name in self._connector.tunnels:
            raise Refused(ErrorType.INVALID_CONFIGURATION, f"Subaccount '{name}@{region_host}' already exists")
        certificate = await self._signed(region_host, name, login)
        self._details[name] = Details(described, certificate, login.user)
        await self._connector.add(settings, certificate.context)

    async def renew(self, region_host: str, subaccount: str, login: CloudLogin) -> None:
        """Have a new certificate signed; the tunnel shows it from its next handshake on. Raises Refused."""
        details = self.get(region_host, subaccount)
        certificate = await self._signed(region_host, subaccount, login)
        self._connector.use_certificate(subaccount, certificate.context)
        self._details[subaccount] = dataclasses.replace(details, certificate=certificate, user=login.user)

    async def remove(self, subaccount: str) -> None:
        """End the tunnel of a subaccount, and forget it with everything that was mapped for it."""
        await self._connector.remove(subaccount)
        self._details.pop(subaccount, None)

    async def connect(self, subaccount: str) -> None:
        """Open a tunnel, and return once the first attempt is over, whatever came of it."""
        self.set(subaccount, dataclasses.replace(self.details(subaccount), connects=True))
        tunnel = self._connector.tunnels[subaccount]
        tunnel.connect()
        await tunnel.tried.wait()

    async def disconnect(self, subaccount: str) -> None:
        """End a tunnel until it is told to connect."""
        self.set(subaccount, dataclasses.replace(self.details(subaccount), connects=False))
        await self._connector.tunnels[subaccount].disconnect()

    def kept(self) -> dict[str, KeptSubaccount]:
        """Return what is to be kept of each."""
        return {name: KeptSubaccount(self._connector.location_id(name), self.details(name)) for name in self.names()}

    async def load(self, kept: Mapping[str, KeptSubaccount]) -> None:
        """Be what was kept; subaccounts that are as they were stay untouched, and tunnels that are new stay down."""
        for name in self.names():
            if name not in kept:
                await self.remove(name)
        for name, each in kept.items():
            await self._take(name, each)

    async def dial(self, kept: Mapping[str, KeptSubaccount]) -> None:
        """Tell each tunnel whether it is to be up; nobody waits until it is."""
        for name, each in kept.items():
            tunnel = self._connector.tunnels[name]
            if each.details.connects and not tunnel.is_wanted:
                tunnel.connect()
            elif tunnel.is_wanted and not each.details.connects:
                await tunnel.disconnect()

    async def _take(self, name: str, kept: KeptSubaccount) -> None:
        is_there = name in self._connector.tunnels
        has_other = is_there and self.details(name).certificate is not kept.details.certificate
        self._details[name] = kept.details
        if not is_there:
            settings = SubaccountSettings(name, kept.location_id, connects=kept.details.connects)
            await self._connector.add(settings, self.certificate(name).context, connects=False)
            return
        if has_other:
            self._connector.use_certificate(name, self.certificate(name).context)
        if self._connector.location_id(name) != kept.location_id:
            await self._connector.change_location_id(name, kept.location_id)

    async def _signed(self, region_host: str, subaccount: str, login: CloudLogin) -> SubaccountCertificate:
        if region_host != self.region_host:
            raise Refused(ErrorType.RUNTIME_FAILURE, UNREACHABLE)
        try:
            return await self._certificates.obtain(subaccount, login)
        except HandshakeRefused as error:
            is_theirs = error.status in _CREDENTIALS_WRONG
            raise Refused(ErrorType.INVALID_REQUEST if is_theirs else ErrorType.RUNTIME_FAILURE, str(error)) from error
        except NetError as error:
            raise Refused(ErrorType.RUNTIME_FAILURE, UNREACHABLE) from error
