"""The client's side of the SASL mechanisms that JavaMail knows, without Base64 and without any protocol around them.

One rule: an exchange answers what its mechanism foresees and nothing more; a challenge too many is a SaslError, so that
no server can make it say something twice.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

SEPARATOR = b"\x01"  # RFC 7628, section 3.1: kvsep


class SaslError(Exception):
    """The server asks for what the mechanism does not have."""

    def __init__(self, expected: str, got: str) -> None:
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got


class ServerUnproven(SaslError):
    """The server does not prove that it knows the password, which ``mechanism`` wants of it."""

    def __init__(self, mechanism: str) -> None:
        super().__init__(f"the server's proof that it knows the password ({mechanism})", "none that is good")
        self.mechanism = mechanism


@dataclass(frozen=True)
class Exchange:
    """One run of a mechanism: what it says first, if it begins, and then one answer for each challenge.

    ``answers`` are given the challenge that they answer. ``to_failure`` answers one more, by which some mechanisms tell
    why they failed before the protocol does.
    """

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)
    answers: tuple[Callable[[bytes], bytes], ...] = field(default=(), repr=False)
    to_failure: bytes | None = None
    sends_secret: bool = True
    proves_server: bool = False
    """Whether the server has to prove that it knows the secret, in the challenge of the last answer."""

    @property
    def detail(self) -> str:
        """Say what is remarkable about the mechanism, for a report; empty if nothing is."""
        return "" if self.sends_secret else f"by {self.mechanism}, which sends no password"

    def has_told_secret(self, answered: int, *, begun: bool = True) -> bool:
        """Tell whether the secret is out after so many answers, with what it says first if it has ``begun``.

        Every mechanism here says it last. A digest of it is not the secret: nobody logs in by it a second time.
        """
        return self.sends_secret and answered >= len(self.answers) and (begun or self.initial is None)

    def answer(self, number: int, challenge: bytes) -> bytes:
        """Return the answer to challenge ``number``, counted from 0; raises SaslError for one too many."""
        if number < len(self.answers):
            return self.answers[number](challenge)
        if number == len(self.answers) and self.to_failure is not None:
            return self.to_failure
        raise SaslError("no further challenge", f"one too many for {self.mechanism}")

    def check_success(self, answered: int) -> None:
        """Raise ServerUnproven if the server lets MaCo in before it has proved itself."""
        if self.proves_server and answered < len(self.answers):
            raise ServerUnproven(self.mechanism)


def plain(user: str, password: str) -> Exchange:
    """Return PLAIN (RFC 4616): authorization identity (none), user, password."""
    return Exchange("PLAIN", b"\0%b\0%b" % (user.encode(), password.encode()))


def login(user: str, password: str) -> Exchange:
    """Return LOGIN, which is in no RFC: the server asks for the user, then for the password."""
    return Exchange("LOGIN", answers=(lambda _: user.encode(), lambda _: password.encode()))


def cram_md5(user: str, password: str) -> Exchange:
    """Return CRAM-MD5 (RFC 2195, section 2): the user, and an HMAC of the challenge with the password as key."""

    def digest(challenge: bytes) -> bytes:
        keyed = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
        return f"{user} {keyed}".encode()

    return Exchange("CRAM-MD5", answers=(digest,), sends_secret=False)


def xoauth2(user: str, token: str) -> Exchange:
    """Return Google's and Microsoft's XOAUTH2; a challenge tells why it failed, and wants an empty answer."""
    said = b"user=%b" % user.encode() + SEPARATOR + b"auth=Bearer %b" % token.encode() + SEPARATOR * 2
    return Exchange("XOAUTH2", said, to_failure=b"")


def oauthbearer(user: str, token: str, *, host: str, port: int) -> Exchange:
    """Return OAUTHBEARER (RFC 7628, section 3.1); a challenge tells why it failed, and wants a lone separator."""
    name = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801, section 4: saslname
    fields = (
        b"n,a=%b," % name.encode(),
        b"host=%b" % host.encode(),
        b"port=%d" % port,
        b"auth=Bearer %b" % token.encode(),
    )
    return Exchange("OAUTHBEARER", SEPARATOR.join(fields) + SEPARATOR * 2, to_failure=SEPARATOR)
