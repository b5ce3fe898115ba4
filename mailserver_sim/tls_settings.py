"""How a listener does TLS: which versions, which ciphers, and whether it wants to see the client's certificate.

Pure. The certificate itself and the authorities for clients come with the contexts that the server is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from mailserver_sim.setting_errors import SettingsError

TlsVersion: TypeAlias = Literal["1.0", "1.1", "1.2", "1.3"]
TLS_VERSIONS: tuple[TlsVersion, ...] = get_args(TlsVersion)
"""From the oldest to the newest."""

ClientCertificate: TypeAlias = Literal["none", "wanted", "required"]

OLDEST_GOOD: TlsVersion = "1.2"  # RFC 8996 deprecates what is older


@dataclass(frozen=True)
class TlsSettings:
    """One listener's TLS. Raises SettingsError for what contradicts itself.

    ``ciphers`` is a cipher list as in openssl-ciphers(1), for TLS 1.2 and older; empty for OpenSSL's own. Versions
    before 1.2 bring OpenSSL's security level down to 0 on this listener, and nowhere else.
    """

    minimum_version: TlsVersion = OLDEST_GOOD
    maximum_version: TlsVersion = "1.3"
    ciphers: str = ""
    client_certificate: ClientCertificate = "none"

    def __post_init__(self) -> None:
        if TLS_VERSIONS.index(self.minimum_version) > TLS_VERSIONS.index(self.maximum_version):
            text = f"found {self.minimum_version!r}, which is above the maximum_version {self.maximum_version!r}"
            raise SettingsError("minimum_version", text)
        if self.ciphers and self.minimum_version == "1.3":
            raise SettingsError("ciphers", "TLS 1.3 has its own: allow TLS 1.2, or leave them out")

    @property
    def versions(self) -> tuple[TlsVersion, ...]:
        """What it speaks."""
        first, last = (TLS_VERSIONS.index(each) for each in (self.minimum_version, self.maximum_version))
        return TLS_VERSIONS[first : last + 1]

    @property
    def old_versions(self) -> tuple[TlsVersion, ...]:
        """What it speaks of the versions that nobody should."""
        return tuple(each for each in self.versions if each < OLDEST_GOOD)
