"""The settings of a Cloud Connector's administration: frozen values, checked when built."""

from __future__ import annotations

from dataclasses import dataclass, field

from connector_sim.admin.roles import Role
from connector_sim.exceptions import SettingsError

DEFAULT_USER = "Administrator"
DEFAULT_PASSWORD = "manage"  # noqa: S105 - the product's own, which its pages name
"""The product's initial user and password (SAP, "Initial Configuration")."""


@dataclass(frozen=True, slots=True)
class AdminUser:
    """Somebody who may sign in."""

    user: str
    password: str = field(repr=False)
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """Where the administration listens and who may use it; durations in seconds."""

    region_host: str
    """The region that the subaccounts of this connector are in."""
    host: str = "127.0.0.1"
    port: int = 8443
    user: str = DEFAULT_USER
    """The name of the user that every installation begins with."""
    password: str = field(default=DEFAULT_PASSWORD, repr=False)
    """The initial one of this user."""
    must_change_password: bool = True
    """Whether everything but the change itself is refused with 403 until the initial password was changed."""
    users: tuple[AdminUser, ...] = ()
    """Further users; the product has them from LDAP."""
    session_s: float = 1800.0
    """How long a session lives that nobody uses; SAP names no time."""
    request_s: float = 10.0
    """How long a client may take to send a request."""
    answer_s: float = 60.0
    """How long an answer may take: a subaccount that is added waits for its tunnel."""

    def __post_init__(self) -> None:
        """Check every value; raises SettingsError."""
        names = [self.user, *(each.user for each in self.users)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SettingsError("users", f"{twice[0]!r} is there twice")
        if any(not name or ":" in name for name in names):
            raise SettingsError("users", "a name must not be empty and must have no colon (RFC 7617, section 2)")
        if not self.password:
            raise SettingsError("password", "found nothing, allowed: a password")
