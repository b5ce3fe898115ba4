"""The users of the cloud: whether a password is theirs, and which subaccounts they may administer."""

from __future__ import annotations

import hmac
import http
from collections.abc import Iterable

from connector_sim.cloud.settings import CloudUser


class CloudUsers:
    """Those who may have subaccount certificates signed."""

    def __init__(self, users: Iterable[CloudUser], subaccounts: frozenset[str]) -> None:
        self._users = {user.user: user for user in users}
        self._subaccounts = subaccounts

    def signed_in(self, user: str, password: str) -> bool:
        """Tell whether a user shows the right password."""
        known = self._users.get(user)
        return known is not None and hmac.compare_digest(known.password.encode(), password.encode())

    def may_administer(self, user: str, subaccount: str) -> bool:
        """Tell whether there are such a user and such a subaccount, and he has the right to it."""
        known = self._users.get(user)
        return known is not None and subaccount in self._subaccounts and known.may_administer(subaccount)

    def refusal(self, user: str, password: str, subaccount: str) -> http.HTTPStatus | None:
        """Return what to answer a user who may not; None to one who may."""
        if not self.signed_in(user, password):
            return http.HTTPStatus.UNAUTHORIZED
        return None if self.may_administer(user, subaccount) else http.HTTPStatus.FORBIDDEN
