"""The cases of STARTTLS attacked or done wrong, for IMAP.

Most are classes of attack from "Why TLS Is Better Without STARTTLS" (Poddebniak and others, USENIX Security 2021); the
others are what the RFCs allow a server to say before TLS. Whoever is in the way can say what the server can say.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from tests.maco_client.scripted_server import (
    Expect,
    ExpectBytes,
    Hang,
    NothingMore,
    Read,
    Script,
    Send,
    Step,
    Tls,
    answered,
    greeting,
)
from tests.maco_client.starttls.case import IN_CLEAR, MARK, POLLED, REST, Case, Credential, Outcome, Play, Presenting

PAPER = "USENIX Security 2021"
GOOD = "mail_server"
OFFER = b"CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED"
INSIDE = b"CAPABILITY IMAP4rev1"
NOT_OFFERED = "STARTTLS required but not supported by server"
CHALLENGED = (
    Expect(rb"AUTHENTICATE PLAIN"),
    Send(b"+ \r\n"),
    ExpectBytes(base64.b64encode(b"\0maco\0sesame") + b"\r\n"),
    Send(b"TAG OK done\r\n"),
)
NO_LOGIN = "No login methods supported!"

_OFFERED = (*greeting(), *answered(rb"CAPABILITY", OFFER))
_ASKED = (*_OFFERED, Expect(rb"STARTTLS"))
_ACCEPTED = (*_OFFERED, *answered(rb"STARTTLS"))


def _fixed(*steps: Step) -> Play:
    """Return what a server plays that does no TLS."""
    return lambda _: steps


def _with_tls(before: Sequence[Step], inside: bytes = INSIDE) -> Play:
    """Return ``before``, the STARTTLS of a good server, and what it tells of itself inside TLS."""

    def play(presenting: Presenting) -> Script:
        return [*before, *answered(rb"STARTTLS"), Tls(presenting(GOOD)), *answered(rb"CAPABILITY", inside)]

    return play


def _offered_with(*untagged: bytes) -> Sequence[Step]:
    """Return a greeting and an offer of STARTTLS that come with more than was asked for."""
    return [*greeting(), *answered(rb"CAPABILITY", *untagged, OFFER)]


def _stops(stage: str, error: str, *then: Step) -> Outcome:
    return Outcome(stage, error, then=then or (Hang(),))


def _same(
    name: str, attack: str, source: str, never: str, play: Play, outcome: Outcome, *, is_shown: bool = False
) -> Case:
    """Return a case that ends alike for both Protections."""
    return Case(name, attack, source, never, play, outcome, outcome, is_shown)


RESPONSES = (
    _same(
        "response_in_the_same_segment",
        "plaintext stands behind the tagged answer to STARTTLS, in the same segment",
        f"{PAPER}: response injection; class of CVE-2011-0411",
        "reads it, or goes on",
        _fixed(*_ASKED, Send(b"TAG OK begin\r\n* 1 EXISTS " + MARK + b"\r\n")),
        _stops("starttls", "STARTTLS failure: … bytes of plaintext behind the server's answer"),
    ),
    _same(
        "answers_to_commands_inside_tls",
        "the answers to CAPABILITY and LOGIN stand behind the answer to STARTTLS, with the tags that are to come",
        f"{PAPER}: response injection",
        "takes an answer that came in clear for one to a command inside TLS",
        _fixed(*_ASKED, Send(b"TAG OK begin\r\n* CAPABILITY IMAP4rev1\r\nA003 OK done\r\nA004 OK " + MARK + b"\r\n")),
        _stops("starttls", "STARTTLS failure: … bytes of plaintext behind the server's answer"),
    ),
    _same(
        "response_in_the_place_of_the_handshake",
        "plaintext comes where the ServerHello is due",
        f"{PAPER}: response injection",
        "reads it",
        _fixed(*_ACCEPTED, Read(), Send(b"* 1 EXISTS " + MARK + b"\r\n")),
        _stops("starttls", "STARTTLS failure: Unsupported or unrecognized SSL message"),
    ),
    _same(
        "answers_before_the_commands",
        "greeting, capabilities and the answers to the first two commands come in one piece, before any command",
        f"{PAPER}: response injection",
        "takes an answer for one to a command that it had not sent",
        _fixed(Send(b"* OK ready\r\n* " + OFFER + b"\r\nA001 OK done\r\nA002 OK begin\r\n")),
        _stops("greeting", "MessagingException: …"),
    ),
    _same(
        "command_pipelined",
        "a server would read commands that stand behind STARTTLS (command injection)",
        f"{PAPER}: command injection; RFC 3501, 6.2.1",
        "sends anything between STARTTLS and its ClientHello",
        lambda presenting: [
            *_ASKED, NothingMore(), Send(b"TAG OK begin\r\n"), Tls(presenting(GOOD)), *answered(rb"CAPABILITY", INSIDE),
        ],
        POLLED,
    ),
)  # fmt: skip

STRIPPING = (
    Case(
        "starttls_stripped",
        "STARTTLS is taken out of the capabilities, and LOGINDISABLED too",
        f"{PAPER}: STARTTLS stripping; RFC 2595",
        "sends a password without TLS where Protection is STARTTLS Mandatory",
        _fixed(*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1")),
        _stops("starttls", NOT_OFFERED),
        IN_CLEAR,
    ),
    Case(
        "starttls_stripped_and_a_mechanism_invited",
        "STARTTLS is taken out of the capabilities, and AUTH=PLAIN put in",
        f"{PAPER}: STARTTLS stripping, tampered capabilities",
        "answers a challenge in clear where Protection is STARTTLS Mandatory",
        _fixed(*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 AUTH=PLAIN")),
        _stops("starttls", NOT_OFFERED),
        Outcome("done", credential=Credential.IN_CLEAR, then=(*CHALLENGED, *REST)),
    ),
    Case(
        "starttls_stripped_and_login_disabled",
        "STARTTLS is taken out of the capabilities, and LOGINDISABLED left in",
        f"{PAPER}: STARTTLS stripping; RFC 3501, 6.2.3",
        "sends LOGIN where LOGINDISABLED is announced",
        _fixed(*greeting(), *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 LOGINDISABLED")),
        _stops("starttls", NOT_OFFERED),
        _stops("login", NO_LOGIN),
    ),
    *(
        _same(
            f"starttls_answered_{condition.lower()}",
            f"STARTTLS is offered and answered with {condition}",
            f"{PAPER}: STARTTLS stripping; RFC 2595",
            "goes on in clear, not even where Protection is STARTTLS Optional",
            _fixed(*_ASKED, Send(b"TAG " + condition.encode() + b" " + MARK + b"\r\n")),
            _stops("starttls", f"…{MARK.decode()}"),
            is_shown=True,
        )
        for condition in ("NO", "BAD")
    ),
    _same(
        "handshake_refused_then_clear",
        "the server cuts the TLS handshake and hopes for another try without it",
        f"{PAPER}: fallback to clear text",
        "dials again without TLS in the same poll, or goes on in clear",
        _fixed(*_ACCEPTED),
        _stops("starttls", "STARTTLS failure: Remote host terminated the handshake", Read()),
    ),
    _same(
        "preauth_greeting",
        "the greeting is PREAUTH, which puts STARTTLS out of place",
        f"{PAPER}: PREAUTH; RFC 3501, 6.2.1",
        "reads a mailbox that it was logged in to by a greeting in clear",
        _fixed(*greeting(b"PREAUTH " + MARK), *answered(rb"CAPABILITY", OFFER)),
        _stops("starttls", "…"),
    ),
    _same(
        "preauth_inside_tls",
        "a second greeting comes inside TLS, and it is PREAUTH",
        f"{PAPER}: PREAUTH; RFC 3501, 7.1.4",
        "takes itself for logged in",
        lambda presenting: [*_ACCEPTED, Tls(presenting(GOOD)), Expect(rb"CAPABILITY"), Send(b"* PREAUTH hello\r\n")],
        _stops("capability", "MessagingException: …"),
    ),
)

CAPABILITIES = (
    _same(
        "capabilities_in_the_greeting",
        "the greeting has a CAPABILITY code that invites to a login; inside TLS logins are disabled",
        f"{PAPER}: tampered capabilities; RFC 3501, 6.2.1",
        "keeps capabilities that were heard in clear",
        _with_tls(
            [*greeting(b"OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready"), *answered(rb"CAPABILITY", OFFER)],
            b"CAPABILITY IMAP4rev1 LOGINDISABLED",
        ),
        _stops("login", NO_LOGIN),
    ),
    _same(
        "capabilities_in_the_answer_to_starttls",
        "the tagged answer to STARTTLS has a CAPABILITY code; inside TLS logins are disabled",
        f"{PAPER}: tampered capabilities; RFC 3501, 6.2.1",
        "keeps capabilities that were heard in clear",
        lambda presenting: [
            *_ASKED,
            Send(b"TAG OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] begin\r\n"),
            Tls(presenting(GOOD)),
            *answered(rb"CAPABILITY", b"CAPABILITY IMAP4rev1 LOGINDISABLED"),
        ],
        _stops("login", NO_LOGIN),
    ),
    _same(
        "no_capabilities_inside_tls",
        "inside TLS CAPABILITY is answered without any, so that those heard in clear would have to do",
        "RFC 3501, 6.2.1",
        "falls back on what it heard in clear",
        lambda presenting: [*_ACCEPTED, Tls(presenting(GOOD)), *answered(rb"CAPABILITY")],
        _stops("capability", "MessagingException: …"),
    ),
    _same(
        "starttls_offered_again",
        "STARTTLS is offered inside TLS once more",
        "RFC 3501, 6.2.1",
        "asks for STARTTLS twice",
        _with_tls(_OFFERED, b"CAPABILITY IMAP4rev1 STARTTLS"),
        POLLED,
    ),
    _same(
        "login_disabled_inside_tls",
        "LOGINDISABLED is announced inside TLS",
        "RFC 3501, 6.2.3",
        "sends LOGIN where LOGINDISABLED is announced",
        _with_tls(_OFFERED, b"CAPABILITY IMAP4rev1 LOGINDISABLED"),
        _stops("login", NO_LOGIN),
    ),
)

UNTAGGED = (
    _same(
        "mailbox_data_before_tls",
        "folders, messages and search results come in clear, before STARTTLS",
        f"{PAPER}: mailbox injection",
        "keeps any of it: no folder, no message, no UID",
        _with_tls(
            _offered_with(
                b'LIST () "/" "INBOX"',
                b"1 EXISTS",
                b"SEARCH 4711",
                b"1 FETCH (UID 4711 FLAGS () RFC822.SIZE 9)",
                b"OK [UIDVALIDITY 4711] " + MARK,
            )
        ),
        POLLED,
    ),
    _same(
        "mail_before_tls",
        "a mail comes in clear, before STARTTLS, as the literal of a FETCH that nobody asked for",
        f"{PAPER}: mailbox injection",
        "stores it",
        _fixed(*greeting(), Expect(rb"CAPABILITY"), Send(b"* 1 FETCH (UID 1 BODY[] {9}\r\n" + MARK + b")\r\n")),
        _stops("capability", "MessagingException: …"),
    ),
    _same(
        "alert_before_tls",
        'an ALERT comes in clear, before STARTTLS: "a human user MUST see it"',
        f"{PAPER}: UI spoofing; RFC 3501, 7.1",
        "shows it",
        _with_tls(_offered_with(b"OK [ALERT] " + MARK, b"NO [ALERT] " + MARK, b"BAD [ALERT] " + MARK)),
        POLLED,
    ),
    _same(
        "alert_in_the_greeting",
        "the greeting is an ALERT",
        f"{PAPER}: UI spoofing; RFC 3501, 7.1",
        "shows it",
        _with_tls([*greeting(b"OK [ALERT] " + MARK), *answered(rb"CAPABILITY", OFFER)]),
        POLLED,
    ),
    _same(
        "bye_before_tls",
        "a BYE comes in clear instead of an answer",
        f"{PAPER}: UI spoofing; RFC 3501, 7.1.5",
        "shows its words without saying that they came in clear",
        _fixed(*_ASKED, Send(b"* BYE " + MARK + b"\r\n")),
        _stops("starttls", f"MessagingException: * BYE {MARK.decode()}"),
        is_shown=True,
    ),
)

REFERRALS = (
    _same(
        "referral_as_greeting",
        "the greeting sends MaCo to another server",
        "RFC 2221, 4.2; " + PAPER,
        "goes there",
        _fixed(*greeting(b"BYE [REFERRAL imap://evil.example/] " + MARK)),
        _stops("greeting", f"MessagingException: * BYE [REFERRAL imap://evil.example/] {MARK.decode()}"),
        is_shown=True,
    ),
    _same(
        "referral_at_starttls",
        "the answer to STARTTLS sends MaCo to another server",
        "RFC 2221; " + PAPER,
        "goes there",
        _fixed(*_ASKED, Send(b"TAG NO [REFERRAL imap://maco;AUTH=*@evil.example/] " + MARK + b"\r\n")),
        _stops("starttls", f"AuthenticationFailedException: [REFERRAL …{MARK.decode()}"),
        is_shown=True,
    ),
    _same(
        "referral_at_login",
        "the answer to LOGIN, inside TLS, sends MaCo to another server with the same password",
        "RFC 2221, 4.1",
        "goes there",
        lambda presenting: [
            *_with_tls(_OFFERED)(presenting),
            Expect(rb'LOGIN "maco" "sesame"'),
            Send(b"TAG NO [REFERRAL imap://maco;AUTH=*@evil.example/] try there\r\n"),
        ],
        Outcome("login", "AuthenticationFailedException: [REFERRAL …", Credential.IN_TLS),
    ),
    _same(
        "referral_behind_a_login",
        "LOGIN succeeds, and the answer says that there is a better server",
        "RFC 2221, 4.1",
        "goes there",
        lambda presenting: [
            *_with_tls(_OFFERED)(presenting),
            Expect(rb'LOGIN "maco" "sesame"'),
            Send(b"TAG OK [REFERRAL imap://maco;AUTH=*@evil.example/] done\r\n"),
        ],
        Outcome("done", credential=Credential.IN_TLS, then=REST),
    ),
    _same(
        "mailbox_referral",
        "the answer to SELECT sends MaCo to a folder on another server",
        "RFC 2193",
        "goes there",
        lambda presenting: [
            *_with_tls(_OFFERED)(presenting),
            *answered(rb'LOGIN "maco" "sesame"'),
            *answered(rb'LIST "" "INBOX"', b'LIST () "/" "INBOX"'),
            Expect(rb'SELECT "INBOX"'),
            Send(b"TAG NO [REFERRAL imap://evil.example/INBOX] over there\r\n"),
        ],
        Outcome("select", "… NO [REFERRAL imap://evil.example/INBOX] over there", Credential.IN_TLS),
    ),
)


def _malformed(name: str, attack: str, answer: bytes, error: str = "MessagingException: …") -> Case:
    never = "takes it for an OK, or for leave to go on in clear"
    return _same(name, attack, "RFC 3501, 7.1 and 9", never, _fixed(*_ASKED, Send(answer)), _stops("starttls", error))


MALFORMED = (
    _malformed("other_tag", "the answer to STARTTLS has another tag", b"X9 OK begin\r\n"),
    _malformed("continuation", "the answer to STARTTLS is a continuation", b"+ begin\r\n"),
    _malformed("bare_line_feed", "the answer to STARTTLS ends with a bare LF", b"TAG OK begin\n"),
    _malformed("no_condition", "the answer to STARTTLS is neither OK, NO nor BAD", b"TAG OKAY begin\r\n"),
    _malformed("tagged_preauth", "the answer to STARTTLS is PREAUTH with a tag", b"TAG PREAUTH begin\r\n"),
    _malformed("null_byte", "the answer to STARTTLS begins with a NUL", b"\0TAG OK begin\r\n"),
    _malformed("endless_line", "the answer to STARTTLS is a line without end", b"TAG OK " + b"x" * 70_000),
    _malformed("untagged_ok", "the answer to STARTTLS has no tag, and nothing follows", b"* OK begin\r\n",
               "Read timed out"),
)  # fmt: skip

UNTRUSTED_CERTIFICATES = (
    ("unknown_root", "of an unknown authority", "PKIX path building failed…"),
    ("self_signed", "signed by itself", "PKIX path building failed…"),
    ("expired", "expired", "PKIX path validation failed…"),
    ("wrong_name", "for another name", "No subject alternative DNS name matching … found."),
)
UNTRUSTED = tuple(
    _same(
        f"certificate_{name}",
        f"the handshake succeeds for the server, whose certificate is {words}",
        "RFC 3501, 11.1",
        "goes on inside that TLS, or beside it in clear",
        lambda presenting, name=name: [*_ACCEPTED, Tls(presenting(name))],  # type: ignore[misc]  # its own name
        _stops("starttls", f"STARTTLS failure: {error}"),
    )
    for name, words, error in UNTRUSTED_CERTIFICATES
)

CASES: tuple[Case, ...] = (
    *RESPONSES,
    *STRIPPING,
    *CAPABILITIES,
    *UNTAGGED,
    *REFERRALS,
    *MALFORMED,
    *UNTRUSTED,
)
