"""Who may log in: passwords are compared in constant time, and an unknown user costs as much as a wrong password."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Iterable

from mailserver_sim.settings import Account

MOST_REFUSED_LOGINS = 3
"""After so many refused logins a connection is closed: who guesses has to connect again."""


class Credentials:
    """The accounts of a server, by user name and by address."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_user = {account.user: account for account in accounts}
        self._by_address = {
            _key(address): account for account in self._by_user.values() for address in account.addresses
        }
        self._domains = {address.rpartition("@")[2] for address in self._by_address}

    def check(self, user: str, password: str) -> Account | None:
        """Return the account if user and password are right."""
        account = self._by_user.get(user)
        expected = account.password if account is not None else "\0no such account\0"
        equal = hmac.compare_digest(
            expected.encode("utf-8", "surrogateescape"), password.encode("utf-8", "surrogateescape")
        )
        return account if equal else None

    def check_digest(self, user: str, challenge: bytes, digest: str) -> Account | None:
        """Return the account if ``digest`` is the HMAC-MD5 of ``challenge`` keyed with its password (RFC 2195)."""
        account = self._by_user.get(user)
        password = account.password if account is not None else "\0no such account\0"
        expected = hmac.new(password.encode("utf-8", "surrogateescape"), challenge, hashlib.md5).hexdigest()
        return account if hmac.compare_digest(expected.encode("ascii"), digest.encode("ascii", "replace")) else None

    def check_token(self, user: str, token: str) -> Account | None:
        """Return the account that has this bearer token; an empty ``user`` leaves it to the token whose it is."""
        found = None
        for account in self._by_user.values():  # all of them: how long it takes tells nothing of the token
            equal = [hmac.compare_digest(each.encode("ascii"), token.encode("ascii")) for each in account.tokens]
            if any(equal) and user in ("", account.user):
                found = account
        return found

    def recipient(self, address: str) -> Account | None:
        """Return the account that mail to ``address`` goes to, however it is spelt."""
        return self._by_address.get(_key(address))

    def is_local(self, address: str) -> bool:
        """Tell whether this server is the one responsible for the domain of ``address``."""
        return _key(address).rpartition("@")[2] in self._domains


def _key(address: str) -> str:
    """Return an address as it is compared: in lower case, the domain in A-labels (RFC 6531, section 3.2)."""
    local_part, at, domain = address.lower().rpartition("@")
    with contextlib.suppress(UnicodeError):  # of what is no domain, which is equal to itself only
        domain = domain.encode("idna").decode("ascii")
    return local_part + at + domain
