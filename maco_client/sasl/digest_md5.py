"""DIGEST-MD5 (RFC 2831) from the client's side, qop "auth": the password is never sent, and the server proves itself.

One rule: a server that does not show in ``rspauth`` that it knows the password has not let anybody in (section 2.1.3).
RFC 6331 has moved the mechanism to history; MaCo's "Encrypted User/Password" still means it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence

from maco_client.sasl.exchanges import Exchange, SaslError, ServerUnproven

MECHANISM = "DIGEST-MD5"
LONGEST_CHALLENGE = 2048  # bytes; section 2.1.1: "The size of a digest-challenge MUST be less than 2048 bytes."
CNONCE_BYTES = 24  # section 2.1.2: "at least 64 bits of entropy"
NONCE_COUNT = "00000001"  # the first and only use of a nonce

_ONCE = ("nonce", "algorithm", "charset", "stale", "maxbuf", "rspauth")
_DIRECTIVE = re.compile(
    r'[ \t\r\n,]*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))[ \t\r\n]*(?=,|$)',
    re.DOTALL,
)


def digest_md5(
    user: str,
    password: str,
    *,
    service: str,
    host: str,
    new_cnonce: Callable[[], str] = lambda: base64.b64encode(secrets.token_bytes(CNONCE_BYTES)).decode(),
) -> Exchange:
    """Return the exchange with the server ``host``; ``service`` is ``imap``, ``pop`` or ``smtp``."""
    run = _Run(user, password, f"{service}/{host}", new_cnonce)
    return Exchange(MECHANISM, answers=(run.respond, run.judge), sends_secret=False, proves_server=True)


class _Run:
    """One run: what the answer to the challenge was made of is needed to judge the server's proof."""

    def __init__(self, user: str, password: str, digest_uri: str, new_cnonce: Callable[[], str]) -> None:
        self._user = user
        self._password = password
        self._digest_uri = digest_uri
        self._new_cnonce = new_cnonce
        self._proof = ""

    def respond(self, challenge: bytes) -> bytes:
        """Return the digest-response (section 2.1.2); raises SaslError for a challenge that cannot be answered."""
        asked = _directives(challenge)
        nonce, is_utf8 = _required(asked, "nonce"), "charset" in asked
        if is_utf8 and asked["charset"][0].lower() != "utf-8":
            raise SaslError("charset utf-8", asked["charset"][0])
        if (algorithm := _required(asked, "algorithm")) != "md5-sess":
            raise SaslError("algorithm md5-sess", algorithm)
        offered = [each.strip() for value in asked.get("qop", ["auth"]) for each in value.split(",")]
        if "auth" not in offered:
            raise SaslError("qop auth", ",".join(offered))
        realms = asked.get("realm", [])
        realm = realms[0] if realms else ""
        cnonce = self._new_cnonce()
        secret = b":".join(_hashed(each, is_utf8=is_utf8) for each in (self._user, realm, self._password))
        wire = "utf-8" if is_utf8 else "iso-8859-1"
        # Section 2.1.2.1: A1 = { H( { username-value, ":", realm-value, ":", passwd } ), ":", nonce, ":", cnonce }
        a1 = _md5(secret) + b":" + nonce.encode(wire) + b":" + cnonce.encode()
        keyed = f"{nonce}:{NONCE_COUNT}:{cnonce}:auth".encode(wire)

        def proof(a2: str) -> str:
            return _hex(b":".join((_hex(a1).encode(), keyed, _hex(a2.encode()).encode())))

        self._proof = proof(f":{self._digest_uri}")  # section 2.1.3
        said = [
            *(["charset=utf-8"] if is_utf8 else []),
            f"username={_quoted(self._user)}",
            *([f"realm={_quoted(realm)}"] if realms else []),
            f"nonce={_quoted(nonce)}",
            f"nc={NONCE_COUNT}",
            f"cnonce={_quoted(cnonce)}",
            f"digest-uri={_quoted(self._digest_uri)}",
            f"response={proof(f'AUTHENTICATE:{self._digest_uri}')}",
            "qop=auth",
        ]
        return ",".join(said).encode(wire)

    def judge(self, challenge: bytes) -> bytes:
        """Return the empty answer to a good proof (section 2.1.3); raises ServerUnproven for any other."""
        try:
            shown = _required(_directives(challenge), "rspauth")
        except SaslError as error:
            raise ServerUnproven(MECHANISM) from error
        if not hmac.compare_digest(shown.encode(), self._proof.encode()):
            raise ServerUnproven(MECHANISM)
        return b""


def _directives(challenge: bytes) -> dict[str, list[str]]:
    """Return the directives of a challenge by name (section 7.1); raises SaslError."""
    if len(challenge) >= LONGEST_CHALLENGE:
        raise SaslError(f"a challenge of less than {LONGEST_CHALLENGE} bytes", f"{len(challenge)} bytes")
    is_utf8 = re.search(rb"charset\s*=\s*\"?utf-8", challenge, re.IGNORECASE) is not None
    try:
        text = challenge.decode("utf-8" if is_utf8 else "iso-8859-1")
    except UnicodeDecodeError as error:
        raise SaslError("a challenge in UTF-8", repr(challenge[:80])) from error
    found: dict[str, list[str]] = {}
    at = 0
    while text[at:].strip(" \t\r\n,"):
        match = _DIRECTIVE.match(text, at)
        if match is None:
            raise SaslError("directives of a digest-challenge", text[at : at + 80])
        value = match[3] if match[2] is None else re.sub(r"\\(.)", r"\1", match[2], flags=re.DOTALL)
        found.setdefault(match[1].lower(), []).append(value)
        at = match.end()
    for name in _ONCE:
        if len(found.get(name, ())) > 1:
            raise SaslError(f"{name} once", f"{len(found[name])} times")
    return found


def _required(directives: Mapping[str, Sequence[str]], name: str) -> str:
    if not directives.get(name) or not directives[name][0]:
        raise SaslError(name, "none")
    return directives[name][0]


def _hashed(value: str, *, is_utf8: bool) -> bytes:
    """Return what is hashed of a name or password; raises SaslError for what the server has no characters for.

    Section 2.1.2.1: a value all of whose characters are in ISO 8859-1 "MUST be converted to ISO 8859-1 before being
    hashed".
    """
    try:
        return value.encode("iso-8859-1")
    except UnicodeEncodeError as error:
        if not is_utf8:
            raise SaslError("charset utf-8, for a name or password beyond ISO 8859-1", "none") from error
        return value.encode("utf-8")


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data).digest()  # noqa: S324 - the mechanism's own digest


def _hex(data: bytes) -> str:
    return _md5(data).hex()
