"""Who may sign in, with which password and roles; and who must change the initial password first. Pure."""

from __future__ import annotations

import base64
import dataclasses
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field

from connector_sim.admin.errors import invalid
from connector_sim.admin.roles import Role
from connector_sim.admin.settings import AdminSettings


@dataclass(frozen=True, slots=True)
class User:
    """One user as it is now."""

    name: str
    password: str = field(repr=False)
    roles: frozenset[Role]
    must_change: bool = False
    is_first: bool = False
    """Whether it is the one that every installation begins with, whatever its name is by now."""


class Users:
    """The users of one connector."""

    def __init__(self, settings: AdminSettings) -> None:
        first = User(
            settings.user,
            settings.password,
            frozenset({Role.ADMINISTRATOR}),
            must_change=settings.must_change_password,
            is_first=True,
        )
        others = (User(each.user, each.password, each.roles) for each in settings.users)
        self.load((first, *others))

    def load(self, users: Iterable[User]) -> None:
        """Let these sign in and nobody else."""
        self._by_name = {user.name: user for user in users}

    def all(self) -> list[User]:
        """Return every user."""
        return list(self._by_name.values())

    def get(self, name: str) -> User | None:
        """Return a user."""
        return self._by_name.get(name)

    def signed_in(self, authorization: str) -> User | None:
        """Return who shows a right password by Basic (RFC 7617); None for everybody else."""
        credentials = _basic(authorization)
        if credentials is None:
            return None
        return self.with_password(*credentials)

    def with_password(self, name: str, password: str) -> User | None:
        """Return who has this name and password; None if nobody does."""
        user = self._by_name.get(name)
        return user if user and _same(user.password, password) else None

    def change_password(self, name: str, old: str, new: str) -> None:
        """Give a user another password. Raises Refused for a wrong old one or a new one that is none."""
        user = self._by_name[name]
        if not _same(user.password, old):
            raise invalid("oldPassword: is not the current password")
        if not new or _same(old, new):
            raise invalid("newPassword: must differ from the old one and must not be empty")
        self._by_name[name] = dataclasses.replace(user, password=new, must_change=False)

    def rename(self, name: str, password: str, new_name: str) -> None:
        """Give a user another name. Raises Refused for a wrong password or a name that is taken or none."""
        user = self._by_name[name]
        if not _same(user.password, password):
            raise invalid("password: is not the current password")
        if ":" in new_name or (new_name in self._by_name and new_name != name):
            raise invalid("user: allowed: a name that nobody has, without a colon")
        del self._by_name[name]
        self._by_name[new_name] = dataclasses.replace(user, name=new_name)


def _same(right: str, shown: str) -> bool:
    return hmac.compare_digest(right.encode(), shown.encode())


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(credentials.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, password) if colon else None
