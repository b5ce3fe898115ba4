"""What a MaCo user reads: the texts of CPI (Java, JavaMail, Camel) and, as a hint, the setting to look at.

Each table is one chapter of the facts: SOCKS5 reply codes, the TCP connection, the IMAP dialogue. TLS has a module of
its own (``tls_wording``). Texts are what the real thing says, so that a search engine finds them; a hint names one
next step.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from maco_client.failures import (
    NOTHING_SEEN,
    CommandRefused,
    DialFailed,
    Evidence,
    MailTooLarge,
    PollLocked,
    ServerBye,
    ServerNotProven,
    SessionError,
    SocksRefused,
    StarttlsInjected,
    StepFailed,
)
from maco_client.imap import Condition, StatusResponse, printable
from maco_client.settings import Authentication, EmailConnection, EmailServer, Protection, ProxyType
from maco_client.tls_wording import CLIENT_CERTIFICATE_HINT
from maco_net.errors import ConnectError, DeadlineExceeded, NetError, PeerAlert
from maco_wire.exceptions import RemoteProtocolError
from maco_wire.socks5 import Reply

STARTTLS_NOT_OFFERED = "STARTTLS required but not supported by server"
PREAUTHENTICATED = "STARTTLS failure: the server greets with PREAUTH, before TLS"
NO_LOGIN_METHODS = "No login methods supported!"
READ_TIMED_OUT = "Read timed out"
CONNECTION_DROPPED = "Connection dropped by server?"
AUTHENTICATION_FAILED = "Authentication failed!"
SAID_IN_CLEAR = "; what it says came in clear, so anybody on the way can have said it"
_JAVAMAIL_CLASS = re.compile(r"^(?:ReadOnlyFolder|Messaging)Exception: ")
_NESTED = "; nested exception is: "

SERVICE_BINDING_HINT = (
    "Service binding of the Connectivity service: client ID, client secret and token service URL, and whether it "
    "belongs to MaCo's subaccount (not a MaCo screen)"
)
PROXY_HINT = (
    "The Connectivity service's SOCKS5 proxy: host and onpremise_socks5_proxy_port of the service binding (not a MaCo "
    "screen)"
)
TOO_LARGE_HINT = "The sender must split the file, or somebody must move the mail out of the folder"
TCP_TLS_HINT = (
    "In the Cloud Connector a mapping of protocol TCP TLS speaks TLS itself (Protection Off); one of protocol TCP "
    "needs an internal port that speaks plain IMAP first (143)"
)

UNREADABLE_HINT = "Move the mail out of the folder, or let skip_failed_message pass over it"
LOCK_HINT = "Wait, or release the lock (Manage Locks > Message Locks); Lock Timeout (in min) of the e-mail connection"

# The JDK's own texts for the reply codes, and SAP's names for them.
_SOCKS_TEXTS: Mapping[int, str] = MappingProxyType(
    {
        Reply.FAILURE: "SOCKS server general failure",
        Reply.FORBIDDEN: "SOCKS: Connection not allowed by ruleset",
        Reply.NETWORK_UNREACHABLE: "SOCKS: Network unreachable",
        Reply.HOST_UNREACHABLE: "SOCKS: Host unreachable",
        Reply.CONNECTION_REFUSED: "SOCKS: Connection refused",
        Reply.TTL_EXPIRED: "SOCKS: TTL expired",
        Reply.COMMAND_UNSUPPORTED: "SOCKS: Command not supported",
        Reply.ADDRESS_UNSUPPORTED: "SOCKS: address type not supported",
    }
)
_SOCKS_HINTS: Mapping[int, str] = MappingProxyType(
    {
        Reply.FAILURE: (
            "The back end behind {host}:{port} closed the connection. Cloud Connector > Cloud To On-Premises > Access "
            "Control: Internal Host, Internal Port and Protocol of the mapping"
        ),
        Reply.FORBIDDEN: (
            "There is no mapping for the virtual host {host}:{port}. Cloud Connector > Cloud To On-Premises > Access "
            "Control: add it, or correct Address in Configure Email Server"
        ),
        Reply.NETWORK_UNREACHABLE: (
            "No Cloud Connector {with_location_id} is connected to the subaccount. Configure Email Server: Location ID "
            "must equal the Location ID of the subaccount in the Cloud Connector, which must be connected"
        ),
        Reply.HOST_UNREACHABLE: (
            "The Cloud Connector cannot open the internal host behind {host}:{port}. Cloud Connector > Cloud To "
            "On-Premises > Access Control: Internal Host and Internal Port; with protocol TCP TLS also Configuration > "
            "On Premises > Backend Trust Store"
        ),
        Reply.CONNECTION_REFUSED: SERVICE_BINDING_HINT,
    }
)
_CONNECT_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "refused": "java.net.ConnectException: Connection refused",
        "unreachable": "java.net.NoRouteToHostException: No route to host",
        "timeout": "java.net.SocketTimeoutException: connect timed out",
    }
)
# RFC 5530's response codes and what they mean for the settings.
_LOGIN_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "PRIVACYREQUIRED": "Protection: STARTTLS Mandatory, or a mapping of protocol TCP TLS in the Cloud Connector",
        "UNAVAILABLE": "The mail server's administration: a service behind the login does not answer at the moment",
        "CONTACTADMIN": "The mail server's administration: the account needs attention",
        "EXPIRED": "The mail server's administration: the password has expired",
        "AUTHORIZATIONFAILED": "The mail server's administration: the user may not open this mailbox",
    }
)
_STAGE_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "starttls": "The mail server's TLS set-up: it offers STARTTLS and then refuses it",
        "folder": "Configure Email Connection: Folder",
        "select": "Configure Email Connection: Folder, and the user's rights in the mailbox",
        "post_process": "Configure Email Connection: Post-Processing and Archive Folder, rights and quota",
    }
)


def couldnt_connect(server: EmailServer, cause: str) -> str:
    """Return JavaMail's text for whatever fails before the first byte of IMAP."""
    return (
        f"MailConnectException: Couldn't connect to host, port: {server.host}, {server.port}; "
        f"timeout {server.timeout_ms}{_NESTED}{cause}"
    )


def cause_of(error: StepFailed) -> str:
    """Return what JavaMail's text is wrapped around: that is all another program's user needs of it."""
    return error.error.rpartition(_NESTED)[2]


def connect_failed(error: ConnectError, server: EmailServer) -> DialFailed:
    """Tell that no TCP connection came about, to the proxy or to the mail server itself."""
    unknown_host = f"java.net.UnknownHostException: {error.host}"
    cause = _CONNECT_TEXTS.get(error.kind, unknown_host)
    if server.proxy_type is ProxyType.ON_PREMISE:
        return DialFailed(couldnt_connect(server, f"{cause} ({error.host}:{error.port})"), PROXY_HINT)
    return DialFailed(couldnt_connect(server, cause), "Configure Email Server: Address and Proxy Type")


def socks_refused(reply: int, server: EmailServer) -> SocksRefused:
    """Tell which reply code came instead of a connection, and what it means in SAP's use of it."""
    name = Reply(reply).name if reply in _SOCKS_TEXTS else "unknown"
    cause = f"{_SOCKS_TEXTS.get(reply, 'SOCKS: unknown reply')} (0x{reply:02X} {name})"
    hint = _SOCKS_HINTS.get(reply, PROXY_HINT).format(
        host=server.host, port=server.port, with_location_id=_with_location_id(server)
    )
    return SocksRefused(couldnt_connect(server, cause), hint, reply=reply)


def token_refused(status: int, server: EmailServer) -> SocksRefused:
    """Tell that the proxy did not take the token."""
    cause = f"{AUTHENTICATION_FAILED} (status 0x{status:02X})"
    return SocksRefused(couldnt_connect(server, cause), SERVICE_BINDING_HINT, status=status)


def socks_broken(cause: str, server: EmailServer) -> SocksRefused:
    """Tell that what answered does not speak SAP's SOCKS5, or stopped in the middle of it."""
    return SocksRefused(couldnt_connect(server, cause), PROXY_HINT)


def _with_location_id(server: EmailServer) -> str:
    return f"with the Location ID '{server.location_id}'" if server.location_id else "without a Location ID"


def session_failed(
    error: StepFailed | SessionError | NetError | RemoteProtocolError, stage: str, connection: EmailConnection
) -> StepFailed:
    """Put what ended the IMAP dialogue into words."""
    failure = _session_failed(error, stage, connection)
    if stage != "select" or isinstance(error, StepFailed):
        return failure
    said = _tagged(error.status) if isinstance(error, CommandRefused) else failure.error
    evidence = dataclasses.replace(failure.evidence, java_text=folder_not_opened(said))
    return StepFailed(failure.stage, failure.error, failure.hint, evidence)


def _session_failed(
    error: StepFailed | SessionError | NetError | RemoteProtocolError, stage: str, connection: EmailConnection
) -> StepFailed:
    match error:
        case StepFailed():
            return error
        case CommandRefused():
            return _refused(error, stage, connection)
        case ServerBye(status=status):
            hint = "The mail server's limits and administration" + _doubt(stage, connection)
            return StepFailed(stage, f"MessagingException: {error}", hint, _answered(status))
        case ServerNotProven():
            return server_not_proven(error, stage)
        case StarttlsInjected(count=count):
            text = f"STARTTLS failure: {count} bytes of plaintext behind the server's answer"
            return StepFailed(
                stage, text, "Somebody between MaCo and the mail server, or the server itself, injects data"
            )
        case MailTooLarge(size=size, allowed=allowed):
            return StepFailed(stage, f"A mail of {size} bytes is larger than {allowed} bytes", TOO_LARGE_HINT)
        case RemoteProtocolError(got=got):
            return _nonsense(error, got, stage)
        case DeadlineExceeded():
            return StepFailed(stage, READ_TIMED_OUT, _silence_hint(stage, connection))
        case PeerAlert(alert=alert):
            return _alerted(alert or str(error), stage)
        case _:  # ConnectionDropped, PeerReset, PeerTruncated: ended by the other side, one way or another
            return StepFailed(stage, CONNECTION_DROPPED, TCP_TLS_HINT if stage == "greeting" else "")


def server_not_proven(error: ServerNotProven, stage: str) -> StepFailed:
    """Tell that the server has not proved, by the mechanism of the login, that it knows the password."""
    hint = "What answers there does not know the password: another server, or Security Material > User Credentials"
    return StepFailed(stage, f"AuthenticationFailedException: {error}", hint)


def starttls_not_offered(connection: EmailConnection) -> StepFailed:
    """Tell that STARTTLS is impossible where it is mandatory."""
    hint = "The mail server must offer STARTTLS"
    if connection.server.proxy_type is ProxyType.ON_PREMISE:
        hint += "; behind a mapping of protocol TCP TLS it cannot: then set Protection to Off"
    return StepFailed("starttls", STARTTLS_NOT_OFFERED, hint)


def preauthenticated(connection: EmailConnection) -> StepFailed:
    """Tell that a greeting in clear says that MaCo is logged in already.

    RFC 3501, section 6.2.1, has STARTTLS in the not authenticated state only, so such a greeting rules it out; and
    whoever sits in the way can send one, to let MaCo read a mailbox of his.
    """
    if connection.protection is Protection.STARTTLS_MANDATORY:
        return starttls_not_offered(connection)
    hint = "The mail server must not log MaCo in before STARTTLS; if it is meant to, set Protection to Off"
    return StepFailed("starttls", PREAUTHENTICATED, hint)


def no_login_methods(connection: EmailConnection, wanted: Sequence[str]) -> StepFailed:
    """Tell that the server offers none of the mechanisms that are ``wanted``; no credentials were sent."""
    if connection.authentication is Authentication.OAUTH2:
        hint = f"The mail server offers no login by a token ({', '.join(wanted)}): Authentication"
        return StepFailed("login", NO_LOGIN_METHODS, hint)
    if connection.authentication is Authentication.ENCRYPTED and not connection.plain_fallback:
        hint = f"The mail server offers no {', '.join(wanted)}: Authentication 'Plain User Name/Password', inside TLS"
        return StepFailed("login", NO_LOGIN_METHODS, hint)
    hint = "The mail server permits no login by password"
    if connection.protection in (Protection.OFF, Protection.STARTTLS_OPTIONAL):
        hint = _LOGIN_HINTS["PRIVACYREQUIRED"]
    return StepFailed("login", NO_LOGIN_METHODS, hint)


def folder_not_found(folder: str) -> StepFailed:
    """Tell that the folder to poll does not exist."""
    text = f"FolderNotFoundException: Folder not found or invalid: {folder}"
    return StepFailed("folder", text, "Configure Email Connection: Folder (spelling, and the hierarchy separator)")


def folder_unusable(text: str, folder: str, evidence: Evidence = NOTHING_SEEN) -> StepFailed:
    """Tell that the folder exists but cannot be polled."""
    hint = f"Rights of the user in the folder {folder!r}, and the mail server's store"
    return StepFailed("select", text, hint, evidence)


def folder_read_only(folder: str) -> StepFailed:
    """Tell that the folder can be opened for reading only, where Camel opens it for writing too."""
    text = "ReadOnlyFolderException: Cannot open in desired mode"
    return folder_unusable(text, folder, Evidence(java_text=folder_not_opened(text)))


def folder_not_opened(text: str) -> str:
    """Return the warning that is all the real MaCo has of a folder that cannot be opened (Camel's mail consumer).

    Camel takes the message of the exception, without the name of its class.
    """
    said = _JAVAMAIL_CLASS.sub("", text)
    return f"Error opening mail folder due to {said}. Will re-create connection on next poll."


def mails_too_large(mails: Sequence[tuple[int, int]], allowed: int) -> StepFailed:
    """Tell that mails stay on the server because of their size; ``mails`` are UIDs with sizes in bytes."""
    uid, size = mails[0]
    others = f" and {len(mails) - 1} more" if len(mails) > 1 else ""
    text = f"The mail with UID {uid}{others} stays on the server: {size} bytes, and {allowed} bytes are the most"
    return StepFailed("fetch", text, TOO_LARGE_HINT)


def mails_refused(mails: Sequence[tuple[int, CommandRefused]]) -> StepFailed:
    """Tell that mails stay on the server because it refuses to give them; ``mails`` are UIDs with its answers."""
    uid, error = mails[0]
    others = f" and {len(mails) - 1} more" if len(mails) > 1 else ""
    text = f"The mail with UID {uid}{others} stays on the server: {error.status.condition} {error.status.line_text}"
    return StepFailed("fetch", text, UNREADABLE_HINT)


def mail_unreadable(uid: int, problem: str) -> StepFailed:
    """Tell that a mail cannot be read, which ends the poll where such a mail is not skipped."""
    return StepFailed("fetch", f"{problem} (mail with UID {uid})", UNREADABLE_HINT)


def poll_locked(error: PollLocked, connection: EmailConnection) -> StepFailed:
    """Tell that another process polls the same host, user name and folder."""
    since, until = (
        datetime.fromtimestamp(each, UTC).isoformat(timespec="seconds") for each in (error.created_at, error.expires_at)
    )
    text = (
        f"{connection.server.host}, {connection.credential.user}, {connection.folder}: locked by process "
        f"{error.holder} since {since} until {until}"
    )
    return StepFailed("lock", text, LOCK_HINT)


def lock_lost(connection: EmailConnection) -> StepFailed:
    """Tell that the poll went on for longer than its lock, or that somebody has released it."""
    text = f"The lock of this poll has ended before the poll: Lock Timeout is {connection.lock_timeout_min} min"
    return StepFailed("lock", text, LOCK_HINT)


def machine_failed(error: Exception, stage: str) -> StepFailed:
    """Tell what MaCo's own machine refused; from the first search on that is the inbox."""
    if stage in ("lock", "search", "fetch", "store", "post_process"):
        hint = "MaCo's disk: space, and rights of the inbox file"
        return StepFailed("store", f"The inbox cannot be used: {error}", hint)
    return StepFailed(stage, str(error), "The machine that MaCo runs on")


def _refused(error: CommandRefused, stage: str, connection: EmailConnection) -> StepFailed:
    status = error.status
    code = status.code.name if status.code else ""
    if code == "NONEXISTENT" and stage in ("folder", "select"):
        return folder_not_found(connection.folder)
    hint = _STAGE_HINTS.get(stage, "")
    if stage == "login":
        hint = _LOGIN_HINTS.get(
            code, f"Security Material > User Credentials '{connection.credential.name}': user, password"
        )
    # JavaMail takes a NO to LOGIN and to STARTTLS alike for a failed authentication (facts: M33, M34).
    text = _tagged(status)
    if status.condition is Condition.NO and stage in ("login", "starttls"):
        text = f"AuthenticationFailedException: {status.line_text}"
    return StepFailed(stage, text, hint + _doubt(stage, connection), _answered(status))


def _tagged(status: StatusResponse) -> str:
    return f"{status.tag} {status.condition} {status.line_text}"


def _doubt(stage: str, connection: EmailConnection) -> str:
    """Return what is to be thought of a server's words before STARTTLS, where the connection is to have TLS."""
    in_clear = stage == "starttls" or (stage == "greeting" and connection.protection is not Protection.IMAPS)
    return SAID_IN_CLEAR if in_clear and connection.protection is not Protection.OFF else ""


def _answered(status: StatusResponse) -> Evidence:
    """Return the mail server's line as evidence: untagged ones keep their star, a tag says nothing to anybody."""
    star = "* " if status.tag is None else ""
    return Evidence(server_answer=f"{star}{status.condition} {status.line_text}".rstrip())


def _nonsense(error: RemoteProtocolError, got: str, stage: str) -> StepFailed:
    if stage != "greeting":
        return StepFailed(stage, f"MessagingException: {error}", "The mail server breaks the IMAP protocol")
    # JavaMail makes the line itself the message: "220 mail ESMTP" tells where one has landed.
    hint = "Address in Configure Email Server, or Internal Port of the mapping: what answers there is no IMAP server"
    line = printable(got.strip("'\"").encode())
    return StepFailed(stage, f"MessagingException: {line}", hint, Evidence(server_answer=line))


def _alerted(alert: str, stage: str) -> StepFailed:
    hint = "The mail server's TLS set-up"
    if alert in ("certificate_required", "handshake_failure"):
        hint = CLIENT_CERTIFICATE_HINT
    return StepFailed(stage, f"Received fatal alert: {alert}", hint, Evidence(alert_received=alert))


def _silence_hint(stage: str, connection: EmailConnection) -> str:
    if stage == "greeting":
        return f"{TCP_TLS_HINT}; a server that expects TLS at once (993) never greets"
    return f"Configure Email Server: Timeout (in ms), now {connection.server.timeout_ms}; or a mail server that hangs"
