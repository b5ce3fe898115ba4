"""What a MaCo user reads when a mail cannot be sent: JavaMail's texts for SMTP, which differ from those for IMAP."""

from __future__ import annotations

from collections.abc import Sequence

from maco_client.failures import (
    ConnectionDropped,
    Evidence,
    ServerNotProven,
    SessionError,
    StarttlsInjected,
    StepFailed,
)
from maco_client.imap import cut, printable
from maco_client.reporter import LONGEST_TEXT
from maco_client.sasl.choice import NoMechanismError
from maco_client.settings import EmailServer
from maco_client.smtp.results import RefusedRecipient
from maco_client.smtp.session import ReplyRefused
from maco_client.wording import READ_TIMED_OUT, SAID_IN_CLEAR, server_not_proven
from maco_net.errors import DeadlineExceeded, NetError, PeerAlert
from maco_wire.exceptions import RemoteProtocolError

STARTTLS_NOT_OFFERED = "STARTTLS is required but host does not support STARTTLS"
NO_MECHANISM = "No authentication mechanisms supported by both server and client"
_NESTED = "; nested exception is: "
_UNKNOWN_HINT = "The whole mail was given: it may have been taken, so look before you send it again"
_SERVER_HINT = "The mail server's administration: it does not take the mail"


def starttls_not_offered() -> StepFailed:
    """Tell that STARTTLS is impossible where it is mandatory."""
    return StepFailed(
        "starttls", STARTTLS_NOT_OFFERED, "Protection: behind a mapping of protocol TCP TLS it must be Off"
    )


def bad_greeting(text: str, *, in_clear: bool) -> StepFailed:
    """Tell that what answers is no SMTP server that takes mail now."""
    hint = "Address, or Internal Port of the mapping: what answers there takes no mail"
    text = cut(text, LONGEST_TEXT)
    error = f"Got bad greeting from SMTP host: {text}"
    return StepFailed("greeting", error, hint + _doubt("greeting", in_clear=in_clear), Evidence(server_answer=text))


def extension_missing(extension: str) -> StepFailed:
    """Tell that the server has not the extension that this mail needs; nothing of it was said."""
    text = f"SMTPSendFailedException: the mail server does not offer {extension}, which this mail needs"
    hint = {
        "8BITMIME": "Content Transfer Encoding: Automatic, Base64 or Quoted-Printable need no 8BITMIME",
        "SMTPUTF8": "From, To, Cc and Bcc: addresses in ASCII",
    }
    return StepFailed("sender", text, hint[extension])


def recipients_refused(refused: Sequence[RefusedRecipient]) -> StepFailed:
    """Tell who is refused and why; the mail has gone to nobody."""
    nested = "".join(f"{_NESTED}{each.answer}" for each in refused)
    text = f"SendFailedException: Invalid Addresses{nested}"
    return StepFailed("recipients", text, "To, Cc and Bcc", Evidence(server_answer=refused[-1].answer))


def no_mechanism(error: NoMechanismError) -> StepFailed:
    """Tell that the server offers none of the mechanisms that would do; no credentials were sent."""
    hint = f"The mail server offers no {', '.join(error.wanted)}: Authentication, and Protection"
    return StepFailed("login", NO_MECHANISM, hint)


def tls_failed(error: StepFailed, server: EmailServer) -> StepFailed:
    """Wrap what went wrong in the handshake as JavaMail does."""
    cause = error.error.removeprefix("STARTTLS failure: ")
    if error.stage == "starttls":
        return StepFailed("starttls", f"Could not convert socket to TLS{_NESTED}{cause}", error.hint, error.evidence)
    text = f"Could not connect to SMTP host: {server.host}, port: {server.port}{_NESTED}{cause}"
    return StepFailed(error.stage, text, error.hint, error.evidence)


def broken_off(stage: str) -> StepFailed:
    """Tell that MaCo itself ended, or did not wait any longer."""
    return session_failed(StepFailed(stage, "The sending was broken off"), stage, in_clear=False)


def session_failed(
    error: StepFailed | SessionError | NetError | RemoteProtocolError, stage: str, *, in_clear: bool
) -> StepFailed:
    """Put what ended the SMTP dialogue into words; ``in_clear``: before the TLS that is to come."""
    failure = _in_words(error, stage, in_clear=in_clear)
    failure.hint = failure.hint.replace("Configure Email Server", "the sending connection")  # texts of the common way
    if stage == "receipt" and not isinstance(error, ReplyRefused):
        failure.hint = f"{_UNKNOWN_HINT}. {failure.hint}".removesuffix(". ")
    return failure


def _in_words(
    error: StepFailed | SessionError | NetError | RemoteProtocolError, stage: str, *, in_clear: bool
) -> StepFailed:
    match error:
        case StepFailed():
            return error
        case ReplyRefused(reply=reply):
            return _refused(cut(reply.text, LONGEST_TEXT), stage, in_clear=in_clear)
        case ServerNotProven():
            return server_not_proven(error, stage)
        case StarttlsInjected(count=count):
            text = f"Could not convert socket to TLS: {count} bytes of plaintext behind the server's answer"
            return StepFailed(
                stage, text, "Somebody between MaCo and the mail server, or the server itself, injects data"
            )
        case RemoteProtocolError(got=got) if stage == "greeting":
            return bad_greeting(printable(got.encode()), in_clear=in_clear)
        case RemoteProtocolError():
            return StepFailed(stage, f"MessagingException: {error}", "The mail server breaks the SMTP protocol")
        case DeadlineExceeded():
            return StepFailed(stage, READ_TIMED_OUT, "Timeout (in ms); a server that expects TLS at once never greets")
        case PeerAlert(alert=alert):
            text, evidence = f"Received fatal alert: {alert or error}", Evidence(alert_received=alert)
            return StepFailed(stage, text, "The mail server's TLS set-up", evidence)
        case ConnectionDropped() | _:
            return StepFailed(stage, "[EOF]", "The mail server, or the way to it, ended the connection")


def _refused(text: str, stage: str, *, in_clear: bool) -> StepFailed:
    evidence = Evidence(server_answer=text)
    match stage:
        case "login":
            error, hint = f"AuthenticationFailedException: {text}", "Security Material > User Credentials"
        case "starttls":
            error, hint = f"MessagingException: {text}", "The mail server's TLS set-up"
        case _:
            error, hint = f"SMTPSendFailedException: {text}", _SERVER_HINT
    return StepFailed(stage, error, hint + _doubt(stage, in_clear=in_clear), evidence)


def _doubt(stage: str, *, in_clear: bool) -> str:
    """Return what is to be thought of a server's words before STARTTLS."""
    return SAID_IN_CLEAR if in_clear and stage in ("greeting", "ehlo", "starttls") else ""
