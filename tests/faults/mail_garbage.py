"""What nobody should send: odd commands of SMTP and POP3, responses of no mechanism, lines of noise."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from hypothesis import strategies as st

from mailserver_sim.pop3.commands import COMMANDS as POP3_COMMANDS
from mailserver_sim.settings import AUTH_MECHANISMS
from tests.mailserver_sim.running import ADDRESS, PASSWORD, USER


def _base64(text: str) -> bytes:
    return base64.b64encode(text.encode("utf-8", "surrogateescape"))


responses = st.sampled_from(
    [
        b"",
        b"*",
        b"=",
        b"AQ==",
        b"AQ",
        b"no Base64",
        b"\xff\xfe",
        b"\x00",
        *(b"x" * 13_000, b"x" * 13_000, b"x" * 40_000),
        base64.b64encode(bytes(range(256)) * 20),
        *map(
            _base64,
            (
                USER,
                PASSWORD,
                f"\0{USER}\0{PASSWORD}",
                f"\0{USER}\0wrong",
                f"somebody\0{USER}\0{PASSWORD}",
                "\0\0\0\0",
                f"{USER} {'0' * 32}",
                f"{USER} \udcff",
                f"n,a={USER},\1auth=Bearer x\1\1",
                f"p=x,,\1auth=Bearer {'x' * 5000}\1\1",
                f"user={USER}\1auth=Bearer token\1\1",
                "\1\1",
            ),
        ),
    ]
)
"""Responses to a challenge, good and bad, without their line end."""

mechanisms = st.sampled_from(
    [*(name.encode() for name in AUTH_MECHANISMS * 3), b"plain", b"GSSAPI", b"", b"\xff", b"X" * 999]
)

noise = st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b""))

_ADDRESS = (
    *(b"<" + ADDRESS.encode() + b">", b"<a@b.example>", b"<>", b"<", b"@", b"a@b", b"<a@b> <c@d>", b'<"a b"@c>', b""),
    *(
        b"<@x,@y:a@b>",
        b"<" + b"a" * 400 + b"@b>",
        b"<a@" + b"b." * 200 + b">",
        b"<(((((a@b>",
        b'<"\\',
        b"<a@[1.2.3.4]>",
    ),
    *("<jürgen@bücher.example>".encode(), b"<\xff@b>", b"<a@b\x00>", b"<a\r@b>", b"<a@..>", b"<a@\xcd\xb8>", b"<:;,>"),
)
_PARAMETER = (
    *(b"", b"", b"SIZE=1", b"SIZE=999999999999", b"SIZE=x", b"SIZE", "SIZE=²".encode(), b"BODY=8BITMIME", b"BODY=x"),
    *(b"SMTPUTF8", b"SMTPUTF8=1", b"FOO", b"FOO=BAR", b"=", b"AUTH=<>", b"SIZE=1 " * 20, "Größe=1".encode()),
)
_WORD = (
    b"",
    b"x",
    b"x y",
    b"\xff",
    "ä".encode(),
    b"\x00",
    b"[1.2.3.4]",
    b"-",
    b"x" * 600,
    b"x" * 13_000,
    b"MAIL",
    b"\t",
)


def _joined(*pools: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*map(st.sampled_from, pools)).map(b"".join)


smtp_commands = st.one_of(
    _joined((b"MAIL FROM:", b"mail from: ", b"MAIL FROM", b"MAIL "), _ADDRESS, (b" ", b""), _PARAMETER),
    _joined((b"MAIL FROM:",), (b"<a@b.example>",), (b" ",), _PARAMETER),
    _joined((b"RCPT TO:", b"RCPT TO:", b"RCPT ", b"rcpt to: "), _ADDRESS, (b"", b" FOO=BAR", b" NOTIFY=NEVER")),
    _joined(
        (b"HELO ", b"EHLO ", b"EHLO ", b"HELP ", b"NOOP ", b"RSET ", b"VRFY ", b"EXPN ", b"DATA ", b"STARTTLS "), _WORD
    ),
    st.sampled_from(
        [b"DATA", b"DATA", b"RSET", b"EHLO", b"HELP", b"VRFY", b"STARTTLS", b"AUTH", b"QUIT now", b"FOO", b""]
    ),
    st.builds(lambda name, response: b"AUTH " + name + b" " + response, mechanisms, responses),
    *[mechanisms.map(lambda name: b"AUTH " + name)] * 2,
    noise,
)
"""Lines that are commands to SMTP, without their end."""

_NUMBER = (
    b"",
    b"1",
    b"2",
    b"0",
    b"-1",
    b"9" * 30,
    b"x",
    b"1 2",
    "²".encode(),
    b"\xb2",
    b"1 -1",
    b"3 99999999",
    b"x" * 13_000,
)

pop3_commands = st.one_of(
    st.builds(
        lambda name, space, word: name + space + word,
        st.sampled_from([name.encode() for name in POP3_COMMANDS if name not in {"QUIT", "AUTH"}]),
        st.sampled_from([b" ", b"", b"  "]),
        st.sampled_from([*_NUMBER, *_WORD]),
    ),
    st.sampled_from(
        [b"STAT", b"LIST", b"UIDL", b"CAPA", b"RETR 1", b"TOP 1 1", b"RSET", b"APOP a b", b"AUTH", b"list 1"]
    ),
    st.builds(lambda name, response: b"AUTH " + name + b" " + response, mechanisms, responses),
    *[mechanisms.map(lambda name: b"AUTH " + name)] * 2,
    noise,
)
"""Lines that are commands to POP3, without their end."""


def torrents(commands: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return lines and noise in any order, with line ends of all sorts, and some in the middle of what was a line."""
    ends = st.sampled_from(
        [b"\r\n", b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"", b"\x00\r\n", b".\r\n", b"\r\n.\r\n"]
    )
    pieces = st.one_of(commands, commands, responses, st.binary(max_size=60))
    return st.lists(st.tuples(pieces, ends).map(b"".join), max_size=30).map(b"".join)
