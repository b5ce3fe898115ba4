"""Whatever comes as a command of SMTP or POP3, in an exchange of SASL or instead of a handshake, harms nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailserver_sim.settings import AUTH_MECHANISMS, Account
from tests.faults.imap_garbage import bounded
from tests.faults.imap_garbage import commands as imap_commands
from tests.faults.mail_garbage import noise, pop3_commands, responses, smtp_commands, torrents
from tests.faults.unharmed import impatient, pour, read_line, send, unharmed
from tests.mailserver_sim.running import (
    ADDRESS,
    PASSWORD,
    USER,
    LoopThread,
    RawClient,
    RunningServer,
    mail,
    make_cast,
)

pytestmark = pytest.mark.slow

AT_ONCE = 8
ACCOUNT = Account(USER, PASSWORD, (ADDRESS,), tokens=("token",))
Ask = Callable[[RawClient, bytes, list[bytes]], bool]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that takes logins in clear, by every mechanism."""
    running = RunningServer(
        LoopThread(),
        make_cast(),
        tmp_path_factory.mktemp("garbage"),
        offer_starttls=False,
        accounts=(ACCOUNT,),
        auth_mechanisms=AUTH_MECHANISMS,
    )
    for subject in ("one", "two", "three"):
        running.deliver(mail(subject))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that takes them under TLS only."""
    running = RunningServer(LoopThread(), make_cast(), tmp_path_factory.mktemp("garbage"))
    yield running
    running.stop()


def ask_smtp(client: RawClient, command: bytes, answers: list[bytes]) -> bool:
    """Send a command, answer what the server asks for, and return whether the connection goes on."""
    send(client, command + b"\r\n")
    while True:
        line = read_line(client)
        assert line[:3].isdigit()
        assert line[3:4] in b" -"
        if line[3:4] == b"-":
            continue
        if line.startswith(b"334 "):
            send(client, (answers.pop() if answers else b"*") + b"\r\n")
        elif line.startswith(b"354 "):
            send(client, b"\r\n".join(answers) + b"\r\n.\r\n")
        else:
            return not line.startswith((b"421 ", b"221 ", b"502 5.5.1 Too many"))


def ask_pop3(client: RawClient, command: bytes, answers: list[bytes]) -> bool:
    """Do the same; after some replies there are more lines, up to a dot."""
    send(client, command + b"\r\n")
    while (line := read_line(client)).startswith(b"+ "):
        send(client, (answers.pop() if answers else b"*") + b"\r\n")
    assert line.startswith((b"+OK", b"-ERR")), line
    name, _, argument = command.upper().partition(b" ")
    is_long = name in (b"CAPA", b"RETR", b"TOP") or (name in (b"LIST", b"UIDL") and not argument)
    is_long |= line == b"+OK Mechanisms follow\r\n"
    if is_long and line.startswith(b"+OK"):
        while read_line(client) != b".\r\n":
            pass
    return not (b"[SYS/" in line and not line.startswith(b"+"))


def ask_imap(client: RawClient, command: bytes, answers: list[bytes]) -> bool:
    """Do the same; the lines for IDLE go all at once, for they are no answers."""
    send(client, b"t " + command + b"\r\n")
    is_idle = command.upper() == b"IDLE"
    while not (line := read_line(client)).startswith(b"t "):
        assert line, "the connection ended without a word"
        if line.startswith(b"* BYE"):
            return False
        if line.startswith(b"+ idling"):
            send(client, b"".join(each + b"\r\n" for each in answers if each.upper() != b"DONE") + b"done\r\n")
        elif line.startswith(b"+ ") and not is_idle:
            send(client, (answers.pop() if answers else b"*") + b"\r\n")
    return True


logins = st.one_of(
    st.builds(
        lambda name, response: b"AUTHENTICATE " + name + b" " + response,
        st.sampled_from([*(name.encode() for name in AUTH_MECHANISMS), b"GSSAPI", b"(", b'"PLAIN"']),
        responses,
    ),
    st.sampled_from([b"AUTHENTICATE " + name.encode() for name in AUTH_MECHANISMS]),
    st.sampled_from(
        [
            b"AUTHENTICATE",
            b"LOGIN",
            b"LOGIN edifact",
            b"LOGIN edifact wrong",
            b'LOGIN edifact "se\\"cr\\\\et"',
            b'LOGIN "" ""',
            b"LOGIN {7+}\r\nedifact {5+}\r\nwrong",
            b"LOGIN {3+}\r\n\xff\x00\xfe x",
            b"LOGIN ( )",
            b'LOGIN "edifact',
            b"LOGIN a b c",
            b"IDLE",
            b"IDLE x",
            b"STARTTLS",
            b"STARTTLS x",
            b"NOOP",
        ]
    ),
)
"""The commands of IMAP that change what a connection is or wait for lines."""

PROTOCOLS: dict[str, tuple[Ask, st.SearchStrategy[bytes]]] = {
    "submission": (ask_smtp, smtp_commands),
    "smtp": (ask_smtp, smtp_commands),
    "pop3": (ask_pop3, pop3_commands),
    "imap": (ask_imap, logins),
}
OWN_ANSWER = {
    "submission": (b"HELP NOOP", b"250 Syntax: NOOP [ignored]\r\n"),
    "smtp": (b"HELP NOOP", b"250 Syntax: NOOP [ignored]\r\n"),
    "pop3": (b"CAPA", b"+OK Capabilities follow\r\n"),
    "imap": (b"z NOOP", b"z OK NOOP completed\r\n"),
}
"""What is possible in every state, and an answer that nothing else has."""
MOSTLY = st.sampled_from([True] * 4 + [False])
GREETING = {
    "submission": b"EHLO x",
    "smtp": b"EHLO x",
    "pop3": b"USER edifact",
    "imap": b'LOGIN edifact "se\\"cr\\\\et"',
}


def stays_in_step(client: RawClient, protocol: str) -> bool:
    """See that the next command is answered and that nothing stands before its answer, unless the connection ends."""
    command, expected = OWN_ANSWER[protocol]
    send(client, command + b"\r\n")
    line = read_line(client)
    while protocol == "imap" and line.startswith(b"* ") and not line.startswith(b"* BYE"):
        line = read_line(client)
    if line.startswith((b"* BYE", b"-ERR [SYS/")):  # behind the answer to the last login that was refused
        assert client.rest_or_reset() == b""
        return False
    assert line == expected
    while protocol == "pop3" and read_line(client) != b".\r\n":
        pass
    return True


@pytest.mark.parametrize("protocol", PROTOCOLS)
@bounded
@given(data=st.data(), greeted=MOSTLY)
def test_each_command_is_answered_and_the_connection_stays_in_step_or_ends(
    server: RunningServer, caplog: pytest.LogCaptureFixture, protocol: str, data: st.DataObject, *, greeted: bool
) -> None:
    ask, words = PROTOCOLS[protocol]
    sent = data.draw(st.lists(st.tuples(words, st.lists(responses, max_size=3)), min_size=1, max_size=AT_ONCE))
    with unharmed(server, caplog), impatient(server.raw(protocol)) as client:
        if greeted:
            ask(client, GREETING[protocol], [])
        for command, answers in sent:
            if not ask(client, command, list(answers)):
                assert client.rest_or_reset() == b""
                break
            if not stays_in_step(client, protocol):
                break


@pytest.mark.parametrize(
    ("protocol", "verb"), [("submission", b"AUTH "), ("pop3", b"AUTH "), ("imap", b"AUTHENTICATE ")]
)
@bounded
@given(
    exchanges=st.lists(
        st.tuples(st.sampled_from(AUTH_MECHANISMS), st.lists(responses, min_size=1, max_size=3)), min_size=1, max_size=4
    )
)
def test_whatever_answers_a_challenge_ends_the_exchange_or_the_connection(
    server: RunningServer,
    caplog: pytest.LogCaptureFixture,
    protocol: str,
    verb: bytes,
    exchanges: list[tuple[str, list[bytes]]],
) -> None:
    ask, _ = PROTOCOLS[protocol]
    with unharmed(server, caplog), impatient(server.raw(protocol)) as client:
        if protocol == "submission":
            ask(client, GREETING[protocol], [])
        for name, answers in exchanges:
            if not ask(client, verb + name.encode(), list(answers)):
                assert client.rest_or_reset() == b""
                break
            if not stays_in_step(client, protocol):
                break


@pytest.mark.parametrize("protocol", PROTOCOLS)
@bounded
@given(data=st.data(), greeted=MOSTLY)
def test_lines_and_line_ends_in_any_order_harm_nobody(
    server: RunningServer, caplog: pytest.LogCaptureFixture, protocol: str, data: st.DataObject, *, greeted: bool
) -> None:
    ask, words = PROTOCOLS[protocol]
    torrent = data.draw(torrents(st.one_of(words, imap_commands) if protocol == "imap" else words))
    with unharmed(server, caplog), server.raw(protocol) as other:
        with impatient(server.raw(protocol)) as client:
            if greeted:
                ask(client, GREETING[protocol], [])
            pour(client, torrent)
        assert stays_in_step(impatient(other), protocol)


@pytest.mark.parametrize(
    ("protocol", "command", "begin"),
    [("smtp", b"STARTTLS", b"220 "), ("imap", b"a STARTTLS", b"a OK"), ("pop3", b"STLS", b"+OK")],
)
@bounded
@given(handshake=st.binary(min_size=1, max_size=200) | noise.map(lambda data: b"\x16\x03\x01\x00\x05" + data))
def test_noise_instead_of_a_handshake_ends_the_connection(
    tls_server: RunningServer,
    caplog: pytest.LogCaptureFixture,
    protocol: str,
    command: bytes,
    begin: bytes,
    handshake: bytes,
) -> None:
    with unharmed(tls_server, caplog), impatient(tls_server.raw(protocol)) as client:
        client.send(command + b"\r\n")
        assert read_line(client).startswith(begin)
        pour(client, handshake)
