"""From what a check met to the reason and the sentences that help. Pure.

Each text names what was tried, what came of it, and one next step.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TypeAlias

from connector_sim.on_premise.reachability.result import MissingCertificate, Reason, TlsCheck
from maco_net.descriptors import is_out_of_descriptors, out_of_descriptors
from maco_net.errors import ConnectError, ConnectFailure, HandshakeError

Told: TypeAlias = tuple[Reason, str]

_NO_PATH = frozenset({2, 18, 19, 20, 21})  # X509_verify_cert_error_string(3)
_DATES = frozenset({9, 10})
_NAMES = frozenset({62, 63, 64})
_NOT_TLS = frozenset({"wrong version number", "record layer failure", "http request", "packet length too long"})
_ABOUT_OURS = frozenset(
    {
        "certificate_required",
        "handshake_failure",
        "bad_certificate",
        "unsupported_certificate",
        "certificate_revoked",
        "certificate_expired",
        "certificate_unknown",
        "unknown_ca",
        "access_denied",
    }
)
"""Alerts about a client certificate (RFC 8446, section 6); for want of one TLS 1.3 has the first, 1.2 the second."""

_CONNECT: Mapping[ConnectFailure, Reason] = {
    "unresolvable": Reason.UNRESOLVABLE,
    "refused": Reason.REFUSED,
    "timeout": Reason.TIMEOUT,
    "unreachable": Reason.UNREACHABLE,
}


def not_connected(system: str, error: ConnectError) -> Told:
    """Tell why there is no connection."""
    if is_out_of_descriptors(error):
        return Reason.UNREACHABLE, f"{system} was not tried: {out_of_descriptors()}."
    reason = _CONNECT[error.kind]
    match reason:
        case Reason.UNRESOLVABLE:
            advice = "check the internal host, and the names on premise (hosts in the lab file)"
            return reason, f"The name of {system} cannot be resolved on premise: {advice}."
        case Reason.REFUSED:
            return reason, f"{system} refuses the connection: check the internal port, and that the server runs."
        case Reason.TIMEOUT:
            return reason, f"{system} does not answer ({error.detail}): check firewalls, and that the host is up."
    return reason, f"{system} cannot be reached: {error.detail}."


def connected(system: str, duration_ms: int) -> Told:
    """Tell of a plain connection."""
    return Reason.REACHABLE, f"Connected with {system} in {duration_ms} ms."


def secured(system: str, tls: TlsCheck) -> Told:
    """Tell of a handshake that succeeded, and stayed so."""
    if tls.trusts_all:
        trust = "the certificate was not verified, because all back ends are trusted"
    else:
        trust = f"vouched for by {tls.anchor or 'the trust store'}"
    name = f"name {tls.server_name} checked" if tls.name_checked else "name not checked"
    return Reason.REACHABLE, f"{tls.version} with {system}; {trust}; {name}; {_client_certificate(tls)}."


def not_secured(system: str, error: HandshakeError, tls: TlsCheck, now: dt.datetime) -> Told:
    """Tell why there is no TLS session."""
    if isinstance(error.__cause__, TimeoutError):
        advice = "if it speaks before TLS (STARTTLS), the mapping's protocol must be TCP"
        return Reason.TLS_TIMEOUT, f"{system} is connected, but {tls.error}: {advice}."
    if tls.error in _NOT_TLS:
        advice = "for STARTTLS or plain text the mapping's protocol must be TCP"
        return Reason.NO_TLS, f"{system} does not begin with TLS: {advice}."
    if tls.verify_code is not None:
        return _refused_certificate(system, tls, tls.verify_code, now)
    if tls.alert_received in _ABOUT_OURS and tls.client_certificate_asked:
        return _refused_client(system, tls, f"alert {tls.alert_received}")
    return Reason.TLS_FAILED, f"TLS with {system} failed: {tls.error}."


def refused_afterwards(system: str, tls: TlsCheck, how: str) -> Told:
    """Tell of a TLS 1.3 server that took the handshake and then ended it: it had asked for a certificate before."""
    return _refused_client(system, tls, how)


def _refused_client(system: str, tls: TlsCheck, how: str) -> Told:
    if not tls.client_certificate_offered:
        text = (
            f"{system} wants a client certificate and got none ({how}): give the Cloud Connector a system certificate."
        )
        return Reason.CLIENT_CERTIFICATE_MISSING, text
    refused = f"{system} wants a client certificate and refused the system certificate ({how})"
    return Reason.CLIENT_CERTIFICATE_REFUSED, f"{refused}: let it trust the authority that issued that."


def _refused_certificate(system: str, tls: TlsCheck, code: int, now: dt.datetime) -> Told:
    beginning = f"The certificate of {system} is refused ({tls.error})"
    if code in _NAMES:
        names = ", ".join(tls.chain[0].summary.dns_names) if tls.chain else ""
        return Reason.NAME_MISMATCH, f"{beginning}: it is for {names or 'no name'}, not for {tls.server_name}."
    if code in _DATES:
        return Reason.OUTSIDE_DATES, f"{beginning}: {_outside(tls, now)}."
    if code in _NO_PATH and tls.missing:
        return Reason.UNTRUSTED, f"{beginning}: {_would_end(tls.missing)}."
    return Reason.CERTIFICATE_REFUSED, f"{beginning}."


def _outside(tls: TlsCheck, now: dt.datetime) -> str:
    """Name the certificate whose dates are wrong: one that was sent, or else the listed one."""
    at = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for each in tls.chain:
        seen = each.summary
        if not seen.not_before <= at <= seen.not_after:
            return f"{each.role} {seen.subject} is valid from {seen.not_before} to {seen.not_after}"
    return f"{tls.anchor or 'a certificate'} in the trust store is outside its dates"


def _would_end(missing: tuple[MissingCertificate, ...]) -> str:
    """Say which certificates the trust store lacks; the server's own is the last resort, and named only if alone."""
    useful = [each for each in missing if each.role != "server"] or list(missing)
    named = [_named(each) for each in useful]
    if len(named) == 1:
        return f"the back-end trust store lacks {named[0]}"
    return f"the back-end trust store needs one of these: {'; '.join(named)}"


def _named(missing: MissingCertificate) -> str:
    if missing.was_sent:
        return f"{'the certificate itself' if missing.role == 'server' else missing.role} {missing.subject}"
    return f"{missing.subject} (issuer, not sent by the server)"


def _client_certificate(tls: TlsCheck) -> str:
    if tls.client_certificate_asked is None:
        return "whether it wants a client certificate cannot be told"
    if not tls.client_certificate_asked:
        return "no client certificate asked for"
    got = "the system certificate offered" if tls.client_certificate_offered else "none offered"
    return f"client certificate asked for, {got}"
