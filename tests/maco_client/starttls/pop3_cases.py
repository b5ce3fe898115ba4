"""The cases of STLS attacked or done wrong: POP3's counterpart of ``cases``."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from tests.maco_client.pop3.scripts import answered, capa, greeting, left, listed, logged_in
from tests.maco_client.scripted_server import ExpectLine, Hang, NothingMore, Read, Script, Send, Step, Tls
from tests.maco_client.starttls.case import MARK, Case, Credential, Outcome, Play, Presenting
from tests.maco_client.starttls.cases import GOOD, NO_LOGIN, PAPER, UNTRUSTED_CERTIFICATES

NOT_OFFERED = "STLS required but not supported"
CONVERT = "Could not convert socket to TLS"
INJECTED = f"{CONVERT}: … bytes of plaintext behind the server's answer to STLS"
REST = (*listed({}), *left())
POLLED = Outcome("done", credential=Credential.IN_TLS, then=(*logged_in(), *REST))
IN_CLEAR = Outcome("done", credential=Credential.IN_CLEAR, then=(*logged_in(), *REST))
CHALLENGED = (
    *answered(rb"AUTH PLAIN", b"+ "),
    *answered(base64.b64encode(b"\0maco\0sesame")),
)
INSIDE = (b"USER", b"UIDL")

_OFFERED = (*greeting(), *capa(b"STLS", b"UIDL"))
_ASKED = (*_OFFERED, ExpectLine(rb"STLS"))
_ACCEPTED = (*_OFFERED, *answered(rb"STLS"))


def _fixed(*steps: Step) -> Play:
    return lambda _: steps


def _inside_tls(before: Sequence[Step], *inside: bytes) -> Play:
    """Return ``before``, the STLS of a good server, and what it tells of itself inside TLS."""

    def play(presenting: Presenting) -> Script:
        return [*before, *answered(rb"STLS"), Tls(presenting(GOOD)), *capa(*inside)]

    return play


def _stops(stage: str, error: str, *then: Step) -> Outcome:
    return Outcome(stage, error, then=then or (Hang(),))


def _same(name: str, attack: str, source: str, never: str, play: Play, outcome: Outcome) -> Case:
    return Case(name, attack, source, never, play, outcome, outcome)


REFUSED_GREETING = _stops("greeting", f"MessagingException: Connect failed; … (-ERR {MARK.decode()})")

RESPONSES = (
    _same(
        "pop3_response_in_the_same_segment",
        "plaintext stands behind the +OK to STLS, in the same segment",
        f"{PAPER}: response injection; class of CVE-2011-0411",
        "reads it, or goes on",
        _fixed(*_ASKED, Send(b"+OK begin\r\n+OK " + MARK + b"\r\n")),
        _stops("starttls", INJECTED),
    ),
    _same(
        "pop3_answers_to_commands_inside_tls",
        "the answers to CAPA, USER and PASS stand behind the +OK to STLS",
        f"{PAPER}: response injection",
        "takes an answer that came in clear for one to a command inside TLS",
        _fixed(*_ASKED, Send(b"+OK begin\r\n+OK\r\nUSER\r\n.\r\n+OK\r\n+OK " + MARK + b"\r\n")),
        _stops("starttls", INJECTED),
    ),
    _same(
        "pop3_half_a_line_behind_stls",
        "one byte stands behind the +OK to STLS",
        f"{PAPER}: response injection",
        "puts it before what comes inside TLS",
        _fixed(*_ASKED, Send(b"+OK begin\r\n+")),
        _stops("starttls", INJECTED),
    ),
    _same(
        "pop3_response_in_the_place_of_the_handshake",
        "plaintext comes where the ServerHello is due",
        f"{PAPER}: response injection",
        "reads it",
        _fixed(*_ACCEPTED, Read(), Send(b"+OK " + MARK + b"\r\n")),
        _stops("starttls", f"{CONVERT}; nested exception is: Unsupported or unrecognized SSL message"),
    ),
    _same(
        "pop3_answers_before_the_commands",
        "greeting, capabilities and the answer to STLS come in one piece, before any command",
        f"{PAPER}: response injection",
        "takes an answer for one to a command that it had not sent",
        _fixed(Send(b"+OK ready\r\n+OK\r\nSTLS\r\n.\r\n+OK begin\r\n")),
        _stops("greeting", "MessagingException: Connect failed; nested exception is: …"),
    ),
    _same(
        "pop3_answer_to_stls_behind_capa",
        "the +OK to STLS stands behind the capabilities, before STLS was sent",
        f"{PAPER}: response injection",
        "takes an answer for one to a command that it had not sent",
        _fixed(*greeting(), ExpectLine(rb"CAPA"), Send(b"+OK\r\nSTLS\r\n.\r\n+OK begin\r\n")),
        _stops("capability", "MessagingException: POP3: expected nothing, for nothing was asked…"),
    ),
    _same(
        "pop3_command_pipelined",
        "a server would read commands that stand behind STLS (command injection)",
        f"{PAPER}: command injection; RFC 2595, 4",
        "sends anything between STLS and its ClientHello",
        lambda presenting: [
            *_ASKED, NothingMore(), Send(b"+OK begin\r\n"), Tls(presenting(GOOD)), *capa(*INSIDE),
        ],
        POLLED,
    ),
)  # fmt: skip

STRIPPING = (
    Case(
        "pop3_stls_stripped",
        "STLS is taken out of the capabilities, and USER put in",
        f"{PAPER}: STARTTLS stripping; RFC 2595",
        "sends a password without TLS where Protection is STARTTLS Mandatory",
        _fixed(*greeting(), *capa(b"USER", b"UIDL")),
        _stops("starttls", NOT_OFFERED),
        IN_CLEAR,
    ),
    Case(
        "pop3_stls_stripped_and_a_mechanism_invited",
        "STLS is taken out of the capabilities, and SASL PLAIN put in",
        f"{PAPER}: STARTTLS stripping, tampered capabilities",
        "answers a challenge in clear where Protection is STARTTLS Mandatory",
        _fixed(*greeting(), *capa(b"SASL PLAIN")),
        _stops("starttls", NOT_OFFERED),
        Outcome("done", credential=Credential.IN_CLEAR, then=(*CHALLENGED, *REST)),
    ),
    Case(
        "pop3_capa_refused",
        "CAPA is answered with -ERR, as by a server that is older than STLS",
        f"{PAPER}: STARTTLS stripping; RFC 2449, 5",
        "sends a password without TLS where Protection is STARTTLS Mandatory",
        _fixed(*greeting(), *answered(rb"CAPA", b"-ERR unknown")),
        _stops("starttls", NOT_OFFERED),
        IN_CLEAR,
    ),
    Case(
        "pop3_stls_stripped_and_no_user",
        "STLS is taken out of the capabilities, and nothing put in",
        f"{PAPER}: STARTTLS stripping; RFC 2449, 6.3",
        "sends USER where it is not announced",
        _fixed(*greeting(), *capa(b"UIDL")),
        _stops("starttls", NOT_OFFERED),
        _stops("login", NO_LOGIN),
    ),
    _same(
        "pop3_stls_refused",
        "STLS is offered and answered with -ERR",
        f"{PAPER}: STARTTLS stripping; RFC 2595",
        "goes on in clear, not even where Protection is STARTTLS Optional",
        _fixed(*_ASKED, Send(b"-ERR no\r\n")),
        _stops("starttls", "STLS required but failed"),
    ),
    Case(
        "pop3_greeting_refuses",
        "the greeting is -ERR, with words of the attacker",
        f"{PAPER}: server's words from before TLS",
        "goes on, or shows them without saying that they came in clear",
        _fixed(*greeting(b"-ERR " + MARK)),
        REFUSED_GREETING,
        REFUSED_GREETING,
        is_shown=True,
    ),
    _same(
        "pop3_handshake_refused_then_clear",
        "the server cuts the TLS handshake and hopes for another try without it",
        f"{PAPER}: fallback to clear text",
        "dials again without TLS in the same poll, or goes on in clear",
        _fixed(*_ACCEPTED),
        _stops("starttls", f"{CONVERT}; nested exception is: Remote host terminated the handshake", Read()),
    ),
)

CAPABILITIES = (
    _same(
        "pop3_capabilities_from_before_tls",
        "CAPA names USER and SASL PLAIN in clear, and neither inside TLS",
        f"{PAPER}: tampered capabilities; RFC 2595, 4",
        "keeps capabilities that were heard in clear",
        _inside_tls([*greeting(), *capa(b"STLS", b"USER", b"SASL PLAIN")], b"UIDL"),
        _stops("login", NO_LOGIN),
    ),
    _same(
        "pop3_challenge_out_of_turn",
        "CAPA inside TLS is answered with a challenge",
        "RFC 5034, 4",
        "answers a challenge that it did not ask for",
        lambda presenting: [*_ACCEPTED, Tls(presenting(GOOD)), ExpectLine(rb"CAPA"), Send(b"+ \r\n")],
        _stops("capability", "MessagingException: POP3: expected +OK or -ERR…"),
    ),
)

MALFORMED = tuple(
    _same(f"pop3_{name}", attack, "RFC 1939, 3", "waits for more, or keeps it", _fixed(*steps), _stops(stage, error))
    for name, attack, steps, stage, error in (
        (
            "capabilities_without_end",
            "CAPA is answered with more lines than there are capabilities",
            (*greeting(), ExpectLine(rb"CAPA"), Send(b"+OK\r\n" + b"X-CAPABILITY\r\n" * 5000)),
            "capability",
            "MessagingException: POP3: expected an answer to CAPA of at most 100 lines…",
        ),
        (
            "line_without_end",
            "a capability is a line that does not end",
            (*greeting(), ExpectLine(rb"CAPA"), Send(b"+OK\r\n" + b"X" * 10_000)),
            "capability",
            "MessagingException: POP3: expected a line of at most 4096 bytes…",
        ),
        (
            "stls_answered_with_nonsense",
            "STLS is answered with a line of IMAP",
            (*_ASKED, Send(b"* OK begin\r\n")),
            "starttls",
            "MessagingException: POP3: expected +OK or -ERR…",
        ),
        (
            "bare_line_feed",
            "the +OK to STLS ends with a bare LF",
            (*_ASKED, Send(b"+OK begin\n")),
            "starttls",
            "MessagingException: POP3: expected CRLF…",
        ),
        (
            "null_byte",
            "the +OK to STLS begins with a NUL",
            (*_ASKED, Send(b"\0+OK begin\r\n")),
            "starttls",
            "MessagingException: POP3: expected +OK or -ERR…",
        ),
    )
)

UNTRUSTED = tuple(
    _same(
        f"pop3_{name}",
        f"the certificate behind STLS is {words}",
        "RFC 2595, 2.4",
        "goes on inside that TLS, or beside it in clear",
        lambda presenting, name=name: [*_ACCEPTED, Tls(presenting(name))],  # type: ignore[misc]  # its own name
        _stops("starttls", f"{CONVERT}; nested exception is: {error}"),
    )
    for name, words, error in UNTRUSTED_CERTIFICATES
)

POP3_CASES: tuple[Case, ...] = (*RESPONSES, *STRIPPING, *CAPABILITIES, *MALFORMED, *UNTRUSTED)
