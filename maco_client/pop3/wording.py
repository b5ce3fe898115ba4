"""What a MaCo user reads when mail cannot be read by POP3: JavaMail's texts, which differ from those for IMAP.

What fails below POP3 is told in the words of ``maco_client.wording``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from maco_client import wording
from maco_client.failures import (
    ConnectionDropped,
    Evidence,
    SessionError,
    StarttlsInjected,
    StepFailed,
)
from maco_client.imap import printable
from maco_client.pop3.session import ReplyRefused
from maco_client.pop3.values import Reply
from maco_client.settings import POP3_PORT, POP3S_PORT, EmailConnection, Protection, ProxyType
from maco_client.wording import READ_TIMED_OUT, SAID_IN_CLEAR, TOO_LARGE_HINT, UNREADABLE_HINT
from maco_net.errors import DeadlineExceeded, NetError, PeerAlert
from maco_wire.exceptions import RemoteProtocolError

STLS_NOT_OFFERED = "STLS required but not supported"
STLS_REFUSED = "STLS required but failed"
NO_UIDL = "MessagingException: error getting UIDL"
CONVERT = "Could not convert socket to TLS"
DROPPED = "EOF on socket"
_CONNECT_FAILED = "MessagingException: Connect failed"
_NESTED = "; nested exception is: java.io.IOException: "
_TCP_TLS_HINT = (
    "In the Cloud Connector a mapping of protocol TCP TLS speaks TLS itself (Protection Off); one of protocol TCP "
    f"needs an internal port that speaks plain POP3 first ({POP3_PORT})"
)
# RFC 2449, section 8.1, and RFC 3206, section 4.
_LOGIN_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "IN-USE": "Another POP3 session has the maildrop open; the next poll may find it free",
        "LOGIN-DELAY": "The mail server wants more time between two logins: Scheduler",
        "SYS/TEMP": "The mail server's administration: it has trouble that is likely to pass",
        "SYS/PERM": "The mail server's administration: it has trouble that does not pass by itself",
    }
)
_STAGE_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "greeting": "The mail server's limits and administration",
        "starttls": "The mail server's TLS set-up: it offers STLS and then refuses it",
        "search": "The mail server must know LIST and UIDL",
        "fetch": UNREADABLE_HINT,
        "post_process": "The mail server did not remove all that it was told to; the next poll tells it again",
    }
)


def stls_not_offered(connection: EmailConnection) -> StepFailed:
    """Tell that STLS is impossible where it is mandatory."""
    hint = "The mail server must offer STLS"
    if connection.server.proxy_type is ProxyType.ON_PREMISE:
        hint += "; behind a mapping of protocol TCP TLS it cannot: then set Protection to Off"
    return StepFailed("starttls", STLS_NOT_OFFERED, hint)


def tls_failed(error: StepFailed) -> StepFailed:
    """Wrap what went wrong in the handshake behind STLS as JavaMail does."""
    cause = error.error.removeprefix("STARTTLS failure: ")
    return StepFailed(error.stage, f"{CONVERT}; nested exception is: {cause}", error.hint, error.evidence)


def no_login_methods(connection: EmailConnection, wanted: Sequence[str]) -> StepFailed:
    """Tell that the server takes none of the ways to log in that are ``wanted``; no credentials were sent."""
    return wording.no_login_methods(connection, wanted)


def no_unique_ids(error: ReplyRefused) -> StepFailed:
    """Tell that the server has no UIDL, without which nobody knows a mail again."""
    hint = "The mail server must know UIDL: without it every poll would fetch every mail again"
    return StepFailed("search", f"{NO_UIDL} ({error.reply.line})", hint, _answered(error.reply))


def mails_too_large(mails: Sequence[tuple[str, int]], allowed: int) -> StepFailed:
    """Tell that mails stay on the server because of their size; ``mails`` are unique-ids with sizes in bytes."""
    unique_id, size = mails[0]
    text = f"The mail with unique-id {unique_id}{_others(mails)} stays on the server: "
    return StepFailed("fetch", f"{text}{size} bytes, and {allowed} bytes are the most", TOO_LARGE_HINT)


def mails_refused(mails: Sequence[tuple[str, Reply]]) -> StepFailed:
    """Tell that mails stay on the server because it refuses to give them; ``mails`` are unique-ids with answers."""
    unique_id, reply = mails[0]
    text = f"The mail with unique-id {unique_id}{_others(mails)} stays on the server: {reply.line}"
    return StepFailed("fetch", text, UNREADABLE_HINT, _answered(reply))


def mails_ambiguous(mails: Sequence[str]) -> StepFailed:
    """Tell that mails are never fetched, as they share their unique-ids, ``mails``, with others."""
    text = f"The unique-id {mails[0]}{_others(mails)} stands for several mails: only the first is fetched"
    return StepFailed(
        "fetch", text, "The mail server's unique-ids; with Post-Processing Delete each of them is fetched"
    )


def mail_unreadable(unique_id: str, problem: str) -> StepFailed:
    """Tell that a mail cannot be read, which ends the poll where such a mail is not skipped."""
    return StepFailed("fetch", f"{problem} (mail with unique-id {unique_id})", UNREADABLE_HINT)


def session_failed(
    error: StepFailed | SessionError | NetError | RemoteProtocolError, stage: str, connection: EmailConnection
) -> StepFailed:
    """Put what ended the POP3 dialogue into words."""
    match error:
        case StepFailed():
            return error
        case ReplyRefused():
            return _refused(error, stage, connection)
        case StarttlsInjected(count=count):
            text = f"{CONVERT}: {count} bytes of plaintext behind the server's answer to STLS"
            return StepFailed(
                stage, text, "Somebody between MaCo and the mail server, or the server itself, injects data"
            )
        case RemoteProtocolError(got=got) if stage == "greeting":
            return _no_pop3(printable(got.strip("'\"").encode()))
        case RemoteProtocolError():
            return StepFailed(stage, f"MessagingException: {error}", "The mail server breaks the POP3 protocol")
        case DeadlineExceeded():
            return StepFailed(stage, READ_TIMED_OUT, _silence_hint(stage, connection))
        case SessionError() if not isinstance(error, ConnectionDropped):
            return wording.session_failed(error, stage, connection)
        case PeerAlert():
            return wording.session_failed(error, stage, connection)
        case _:  # ConnectionDropped, PeerReset, PeerTruncated: ended by the other side, one way or another
            return StepFailed(stage, DROPPED, _TCP_TLS_HINT if stage == "greeting" else "")


def _refused(error: ReplyRefused, stage: str, connection: EmailConnection) -> StepFailed:
    reply = error.reply
    hint = _STAGE_HINTS.get(stage, "")
    if stage == "login":
        hint = _LOGIN_HINTS.get(
            reply.code, f"Security Material > User Credentials '{connection.credential.name}': user, password"
        )
    return StepFailed(stage, _refused_text(reply, stage), hint + _doubt(stage, connection), _answered(reply))


def _refused_text(reply: Reply, stage: str) -> str:
    match stage:
        case "greeting":
            return f"{_CONNECT_FAILED}{_NESTED}Connect failed ({reply.line})"
        case "starttls":  # JavaMail does not repeat what the server says
            return STLS_REFUSED
        case "login":
            return f"AuthenticationFailedException: {reply.text}"
    return f"MessagingException: {reply.line}"


def _no_pop3(line: str) -> StepFailed:
    hint = "Address in Configure Email Server, or Internal Port of the mapping: what answers there is no POP3 server"
    text = f"{_CONNECT_FAILED}{_NESTED}Unexpected response: {line}"
    return StepFailed("greeting", text, hint, Evidence(server_answer=line))


def _doubt(stage: str, connection: EmailConnection) -> str:
    """Return what is to be thought of a server's words before STLS, where the connection is to have TLS."""
    in_clear = stage == "starttls" or (stage == "greeting" and not connection.protection.is_implicit_tls)
    return SAID_IN_CLEAR if in_clear and connection.protection is not Protection.OFF else ""


def _silence_hint(stage: str, connection: EmailConnection) -> str:
    if stage == "greeting":
        return f"{_TCP_TLS_HINT}; a server that expects TLS at once ({POP3S_PORT}) never greets"
    return f"Configure Email Server: Timeout (in ms), now {connection.server.timeout_ms}; or a mail server that hangs"


def _answered(reply: Reply) -> Evidence:
    return Evidence(server_answer=reply.line)


def _others(mails: Sequence[object]) -> str:
    return f" and {len(mails) - 1} more" if len(mails) > 1 else ""
