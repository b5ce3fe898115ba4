"""The cases of STARTTLS attacked or done wrong, for SMTP (RFC 3207): MaCo sends a mail.

Most are classes of attack from "Why TLS Is Better Without STARTTLS" (Poddebniak and others, USENIX Security 2021); the
others are what a server may say before TLS, and what it must not.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from tests.maco_client.scripted_server import (
    Drip,
    ExpectBytes,
    ExpectLine,
    Hang,
    NothingMore,
    Read,
    Script,
    Send,
    Step,
    Tls,
)
from tests.maco_client.starttls.case import MARK, Case, Credential, Outcome, Play, Presenting

PAPER = "USENIX Security 2021"
GOOD = "mail_server"
NOT_OFFERED = "STARTTLS is required but host does not support STARTTLS"
NO_MECHANISM = "No authentication mechanisms supported by both server and client"
CONVERT = "Could not convert socket to TLS"
NESTED = f"{CONVERT}; nested exception is: "
PLAIN = base64.b64encode(b"\0maco\0sesame")

GREETING = Send(b"220 mail.example ESMTP\r\n")


def _told(line: bytes, *lines: bytes) -> list[Step]:
    """Expect a line and answer it; what is one reply of several lines is written as such."""
    return [ExpectLine(line), Send(b"".join(each + b"\r\n" for each in lines))]


def _ehlo(*extensions: bytes) -> list[Step]:
    lines = [b"mail.example", *extensions]
    return _told(b"EHLO maco", *(b"250%b%b" % (b" " if each is lines[-1] else b"-", each) for each in lines))


LOGGED_IN = _told(b"AUTH PLAIN " + PLAIN.replace(b"+", b"[+]"), b"235 welcome")
MAIL = (
    *_told(rb"MAIL FROM:<maco@example\.com>", b"250 ok"),
    *_told(rb"RCPT TO:<gas@stadtwerke\.example>", b"250 ok"),
    *_told(b"DATA", b"354 go on"),
    ExpectBytes(b"Subject: MSCONS\r\n\r\n..hidden\r\n.\r\n"),
    Send(b"250 taken\r\n"),
    *_told(b"QUIT", b"221 bye"),
)
SENT = Outcome("done", credential=Credential.IN_TLS, then=(*LOGGED_IN, *MAIL))
"""The attack came to nothing: TLS, login, the mail."""
SENT_IN_CLEAR = Outcome("done", credential=Credential.IN_CLEAR, then=(*LOGGED_IN, *MAIL))
"""What STARTTLS Optional means where STARTTLS is not offered."""

_OFFERED = (GREETING, *_ehlo(b"SIZE 1000", b"STARTTLS"))
_ASKED = (*_OFFERED, ExpectLine(b"STARTTLS"))
_ACCEPTED = (*_ASKED, Send(b"220 go ahead\r\n"))


def _fixed(*steps: Step) -> Play:
    """Return what a server plays that does no TLS."""
    return lambda _: steps


def _with_tls(before: Sequence[Step], *inside: bytes) -> Play:
    """Return ``before``, a good server's handshake, and the extensions that it has inside TLS."""

    def play(presenting: Presenting) -> Script:
        return [*before, Tls(presenting(GOOD)), *_ehlo(*inside)]

    return play


def _stops(stage: str, error: str, *then: Step) -> Outcome:
    return Outcome(stage, error, then=then or (Hang(),))


def _same(
    name: str, attack: str, source: str, never: str, play: Play, outcome: Outcome, *, is_shown: bool = False
) -> Case:
    """Return a case that ends alike for both Protections."""
    return Case(name, attack, source, never, play, outcome, outcome, is_shown)


RESPONSES = (
    _same(
        "reply_in_the_same_segment",
        "plaintext stands behind the 220 to STARTTLS, in the same segment",
        f"{PAPER}: response injection; class of CVE-2011-0411",
        "reads it, or goes on",
        _fixed(*_ASKED, Send(b"220 go ahead\r\n250 " + MARK + b"\r\n")),
        _stops("starttls", f"{CONVERT}: … bytes of plaintext behind the server's answer"),
    ),
    _same(
        "half_a_line_in_the_same_segment",
        "the beginning of a line stands behind the 220 to STARTTLS, to be gone on with inside TLS",
        f"{PAPER}: response injection",
        "puts it before what comes inside TLS",
        _fixed(*_ASKED, Send(b"220 go ahead\r\n250-" + MARK)),
        _stops("starttls", f"{CONVERT}: … bytes of plaintext behind the server's answer"),
    ),
    _same(
        "answers_to_commands_inside_tls",
        "the answers to EHLO and AUTH stand behind the 220 to STARTTLS",
        f"{PAPER}: response injection",
        "takes an answer that came in clear for one to a command inside TLS",
        _fixed(*_ASKED, Send(b"220 go ahead\r\n250-mail.example\r\n250 AUTH PLAIN\r\n235 " + MARK + b"\r\n")),
        _stops("starttls", f"{CONVERT}: … bytes of plaintext behind the server's answer"),
    ),
    _same(
        "reply_in_the_place_of_the_handshake",
        "plaintext comes where the ServerHello is due",
        f"{PAPER}: response injection",
        "reads it",
        _fixed(*_ACCEPTED, Read(), Send(b"250 " + MARK + b"\r\n")),
        _stops("starttls", f"{NESTED}Unsupported or unrecognized SSL message"),
    ),
    _same(
        "answers_before_the_commands",
        "greeting and the answers to EHLO and STARTTLS come in one piece, before any command",
        f"{PAPER}: response injection",
        "takes an answer for one to a command that it had not sent",
        _fixed(Send(b"220 hello\r\n250-mail.example\r\n250 STARTTLS\r\n220 go ahead\r\n")),
        _stops("ehlo", "MessagingException: …"),
    ),
    _same(
        "command_pipelined",
        "a server would read commands that stand behind STARTTLS (command injection)",
        f"{PAPER}: command injection; RFC 3207, 4",
        "sends anything between STARTTLS and its ClientHello",
        lambda presenting: [
            *_ASKED, NothingMore(), Send(b"220 go ahead\r\n"), Tls(presenting(GOOD)), *_ehlo(b"AUTH PLAIN"),
        ],
        SENT,
    ),
)  # fmt: skip

STRIPPING = (
    Case(
        "starttls_stripped",
        "STARTTLS is taken out of the answer to EHLO, and AUTH put in",
        f"{PAPER}: STARTTLS stripping",
        "sends a password or a mail without TLS where Protection is STARTTLS Mandatory",
        _fixed(GREETING, *_ehlo(b"AUTH PLAIN")),
        _stops("starttls", NOT_OFFERED),
        SENT_IN_CLEAR,
    ),
    Case(
        "starttls_overwritten",
        "STARTTLS is overwritten in the answer to EHLO, letter by letter, as some firewalls do",
        f"{PAPER}: STARTTLS stripping",
        "sends a password or a mail without TLS where Protection is STARTTLS Mandatory",
        _fixed(GREETING, *_ehlo(b"XXXXXXXA", b"AUTH PLAIN")),
        _stops("starttls", NOT_OFFERED),
        SENT_IN_CLEAR,
    ),
    Case(
        "starttls_stripped_and_no_login",
        "STARTTLS is taken out of the answer to EHLO, and no login is offered",
        f"{PAPER}: STARTTLS stripping; RFC 4954, 4",
        "sends a mail without the login that is set",
        _fixed(GREETING, *_ehlo()),
        _stops("starttls", NOT_OFFERED),
        _stops("login", NO_MECHANISM),
    ),
    Case(
        "starttls_is_the_servers_name",
        "the only STARTTLS in the answer to EHLO is in its first line, where the server's name is",
        "RFC 5321, 4.1.1.1",
        "takes the server's name for an extension",
        _fixed(GREETING, *_told(b"EHLO maco", b"250-STARTTLS", b"250 AUTH PLAIN")),
        _stops("starttls", NOT_OFFERED),
        SENT_IN_CLEAR,
    ),
    _same(
        "ehlo_refused",
        "EHLO is refused, so that an old client would say HELO and go on without extensions",
        f"{PAPER}: STARTTLS stripping",
        "says HELO, or goes on in clear",
        _fixed(GREETING, *_told(b"EHLO maco", b"502 " + MARK)),
        _stops("ehlo", f"SMTPSendFailedException: 502 {MARK.decode()}"),
        is_shown=True,
    ),
    *(
        _same(
            f"starttls_answered_{code}",
            f"STARTTLS is offered and answered with {code}{words}",
            source,
            "goes on in clear, not even where Protection is STARTTLS Optional",
            _fixed(*_ASKED, Send(b"%d %b\r\n" % (code, MARK))),
            _stops("starttls", f"MessagingException: {code} {MARK.decode()}"),
            is_shown=True,
        )
        for code, words, source in (
            (454, ": TLS not available", "RFC 3207, 4"),
            (501, "", "RFC 3207, 4"),
            (502, ": not implemented", "RFC 5321, 4.2.4"),
            (421, ": shutting down", "RFC 5321, 4.2.3"),
            (250, ", another success", "RFC 3207, 4"),
            (235, ", as if MaCo were logged in", "RFC 4954, 4"),
            (334, ", as if it asked for a password", "RFC 4954, 4"),
            (354, ", as if it waited for a mail", "RFC 5321, 4.1.1.4"),
        )
    ),
    _same(
        "handshake_refused_then_clear",
        "the server cuts the TLS handshake and hopes for another try without it",
        f"{PAPER}: fallback to clear text",
        "dials again without TLS, or goes on in clear",
        _fixed(*_ACCEPTED),
        _stops("starttls", f"{NESTED}Remote host terminated the handshake", Read()),
    ),
)

EXTENSIONS = (
    _same(
        "auth_offered_before_tls",
        "AUTH is offered in clear beside STARTTLS; inside TLS there is none",
        f"{PAPER}: tampered capabilities; RFC 3207, 4.2",
        "logs in before TLS, or keeps extensions that were heard in clear",
        _with_tls([GREETING, *_ehlo(b"AUTH PLAIN LOGIN", b"STARTTLS"), ExpectLine(b"STARTTLS"),
                   Send(b"220 go ahead\r\n")]),
        _stops("login", NO_MECHANISM),
    ),
    _same(
        "extensions_in_the_answer_to_starttls",
        "the 220 to STARTTLS has several lines, with extensions in them; inside TLS there are none",
        f"{PAPER}: tampered capabilities; RFC 3207, 4.2",
        "takes them for extensions",
        _with_tls([*_ASKED, Send(b"220-mail.example\r\n220-AUTH PLAIN\r\n220 " + MARK + b"\r\n")]),
        _stops("login", NO_MECHANISM),
    ),
    _same(
        "ehlo_refused_inside_tls",
        "EHLO is refused inside TLS, so that the extensions heard in clear would have to do",
        "RFC 3207, 4.2",
        "falls back on what it heard in clear",
        lambda presenting: [
            GREETING, *_ehlo(b"AUTH PLAIN", b"STARTTLS"), ExpectLine(b"STARTTLS"), Send(b"220 go ahead\r\n"),
            Tls(presenting(GOOD)), *_told(b"EHLO maco", b"502 no"),
        ],
        _stops("ehlo", "SMTPSendFailedException: 502 no"),
    ),
    _same(
        "second_greeting_inside_tls",
        "a second greeting comes inside TLS, where the answer to EHLO is due",
        f"{PAPER}: response injection; RFC 3207, 4.2",
        "takes it for the answer to EHLO",
        lambda presenting: [*_ACCEPTED, Tls(presenting(GOOD)), *_told(b"EHLO maco", b"220 hello")],
        _stops("ehlo", "SMTPSendFailedException: 220 hello"),
    ),
    _same(
        "starttls_offered_again",
        "STARTTLS is offered inside TLS once more",
        'RFC 3207, 4.2: "a client MUST NOT attempt to start a TLS session if a TLS session is already active"',
        "asks for STARTTLS twice",
        _with_tls(_ACCEPTED, b"STARTTLS", b"AUTH PLAIN"),
        SENT,
    ),
    _same(
        "another_way_to_the_recipient",
        "inside TLS, the answer to RCPT names another address for the recipient",
        "RFC 5321, 3.4",
        "sends the mail there",
        lambda presenting: [
            *_with_tls(_ACCEPTED, b"AUTH PLAIN")(presenting), *LOGGED_IN, *MAIL[:2],
            *_told(b"RCPT TO:<gas@stadtwerke[.]example>", b"551 please try <gas@evil.example>"),
            *_told(b"QUIT", b"221 bye"),
        ],
        Outcome("recipients", "SendFailedException: Invalid Addresses; …551 please try <gas@evil.example>",
                Credential.IN_TLS),
    ),
)  # fmt: skip

GREETINGS = (
    *(
        _same(
            f"greeting_{code}",
            f"the greeting is {code}{words}",
            "RFC 5321, 3.1",
            "goes on, or shows its words without saying that they came in clear",
            _fixed(Send(b"%d %b\r\n" % (code, MARK))),
            _stops("greeting", f"Got bad greeting from SMTP host: {code} {MARK.decode()}"),
            is_shown=True,
        )
        for code, words in ((554, ": no SMTP service here"), (421, ": not now"), (250, ", as if it answered something"))
    ),
    _same(
        "greeting_of_another_protocol",
        "the greeting is that of an IMAP server",
        "RFC 5321, 3.1",
        "says anything to it",
        _fixed(Send(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")),
        _stops("greeting", "Got bad greeting from SMTP host: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready"),
    ),
    _same(
        "greeting_without_end",
        "the greeting has lines without end",
        "RFC 5321, 4.5.3.1.5",
        "reads on for ever",
        _fixed(Send(b"220-x\r\n" * 101)),
        _stops("greeting", "Got bad greeting from SMTP host: …"),
    ),
    _same(
        "silent_server",
        "the server never greets",
        "RFC 5321, 4.5.3.2.1",
        "waits longer than its Timeout",
        _fixed(),
        _stops("greeting", "Read timed out"),
    ),
)


def _malformed(name: str, attack: str, answer: bytes, error: str = "MessagingException: …") -> Case:
    never = "takes it for a 220, or for leave to go on in clear"
    return _same(name, attack, "RFC 5321, 4.2", never, _fixed(*_ASKED, Send(answer)), _stops("starttls", error))


MALFORMED = (
    _malformed("bare_line_feed", "the answer to STARTTLS ends with a bare LF", b"220 go ahead\n"),
    _malformed("null_byte", "the answer to STARTTLS begins with a NUL", b"\0220 go ahead\r\n"),
    _malformed("four_digits", "the code of the answer to STARTTLS has four digits", b"2200 go ahead\r\n"),
    _malformed("two_digits", "the code of the answer to STARTTLS has two digits", b"22 go ahead\r\n"),
    _malformed("other_letters", "the code of the answer to STARTTLS is in other digits than ASCII's",
               "\u0662\u0662\u0660 go ahead\r\n".encode()),
    _malformed("no_code", "the answer to STARTTLS has no code", b"go ahead\r\n"),
    _malformed("tagged", "the answer to STARTTLS is one of IMAP", b"A001 OK go ahead\r\n"),
    _malformed("two_codes", "the lines of the answer to STARTTLS have two codes, the last one 220",
               b"454-no\r\n220 go ahead\r\n"),
    _malformed("two_codes_220_first", "the lines of the answer to STARTTLS have two codes, the first one 220",
               b"220-go ahead\r\n250 go ahead\r\n"),
    _malformed("endless_line", "the answer to STARTTLS is a line without end", b"220 " + b"x" * 5_000),
    _malformed("endless_lines", "the answer to STARTTLS has lines without end", b"220-x\r\n" * 101),
    _malformed("never_the_last_line", "the answer to STARTTLS has a first line, and nothing follows",
               b"220-go ahead\r\n", "Read timed out"),
    _same(
        "drop_by_drop",
        "the answer to STARTTLS comes drop by drop, each within the time-out",
        "RFC 5321, 4.5.3.2",
        "waits for one reply longer than its Timeout",
        _fixed(*_ASKED, Drip(b"220 go ahead, but slowly\r\n", 0.02)),
        _stops("starttls", "Read timed out"),
    ),
    _same(
        "extensions_without_end",
        "the answer to EHLO has lines without end",
        "RFC 5321, 4.5.3.1.5",
        "reads on for ever",
        _fixed(GREETING, ExpectLine(b"EHLO maco"), Send(b"250-X-EVIL\r\n" * 101)),
        _stops("ehlo", "MessagingException: …"),
    ),
)  # fmt: skip

UNTRUSTED = tuple(
    _same(
        f"certificate_{name}",
        f"the handshake succeeds for the server, whose certificate is {words}",
        "RFC 3207, 4.1",
        "goes on inside that TLS, or beside it in clear",
        lambda presenting, name=name: [*_ACCEPTED, Tls(presenting(name))],  # type: ignore[misc]  # its own name
        _stops("starttls", f"{NESTED}{error}"),
    )
    for name, words, error in (
        ("unknown_root", "of an unknown authority", "PKIX path building failed…"),
        ("self_signed", "signed by itself", "PKIX path building failed…"),
        ("expired", "expired", "PKIX path validation failed…"),
        ("wrong_name", "for another name", "No subject alternative DNS name matching … found."),
    )
)

SMTP_CASES: tuple[Case, ...] = (*RESPONSES, *STRIPPING, *EXTENSIONS, *GREETINGS, *MALFORMED, *UNTRUSTED)
