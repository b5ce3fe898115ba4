"""What an entry of MaCo's key store may be called (CPI: Keystore monitor)."""

from __future__ import annotations

from maco_client.failures import SettingsError
from maco_client.settings.fields import check_name

RESERVED_ALIASES = frozenset({"hcicertificate", "hcicertificate1", "hcimsgcertificate"})
RESERVED_PREFIX = "sap_"


def check_alias(alias: str) -> None:
    """Refuse an alias that is none, or is reserved for SAP's own entries. Raises SettingsError."""
    check_name("alias", alias)
    if alias.lower() in RESERVED_ALIASES or alias.lower().startswith(RESERVED_PREFIX):
        reserved = ", ".join(sorted(RESERVED_ALIASES))
        raise SettingsError("alias", f"found {alias!r}, reserved are {reserved} and all that begin with sap_")
