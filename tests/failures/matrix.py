"""The failure matrix: what a test observed becomes one row of ``docs/failure-matrix.md``.

Nothing in a row is written by hand except what was wrong. ``python -m tests.failures`` runs the tests of this folder
and writes the page; without it each test compares its own row with the page that is committed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from maco_client.results import PollResult
from maco_lab.testing.journal import LabJournal
from maco_lab.testing.lab import Lab
from maco_lab.witnesses import alerts, told_by
from maco_wire.observation import (
    Handshake,
    Party,
    PollFinished,
    Problem,
    Starttls,
    StreamClosed,
    StreamOpened,
    StreamRefused,
    TlsSession,
    TokenRefused,
)
from tests.failures.collector import COMMAND, Collector
from tests.failures.scripted import ScriptedMailServer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/failure-matrix.md"

SECTIONS = {
    "certificates": "Certificates and trust stores",
    "client_certificates": "Client certificates",
    "protection": "Mapping and Protection that do not fit",
    "starttls": "STARTTLS",
    "routing": "Location ID, mapping, back end",
    "tokens": "Tokens",
    "socks5": "SOCKS5",
    "mailbox": "The mailbox",
}
"""File name of the tests (without ``test_``) to headline, in the order of the page."""

HEAD = f"""# The failure matrix

What every system sees when something is wrong. Each row is what one test observed: it makes exactly this mistake in a
running lab, lets MaCo poll (for tokens and SOCKS5: a client that sends bare bytes), and reads what every party
reported. This page is written by `{COMMAND}`; each test fails when its row here is no longer true.

A is the way by a mapping of protocol TCP, where MaCo does STARTTLS; B the way by TCP TLS (`TCPS`), where the Cloud
Connector does TLS ([where TLS ends](where-tls-ends.md)). A row that names neither was observed by way A.

Hops: 1 is the cloud network (MaCo to Connectivity service), 2 the tunnel, 3 the customer's LAN (Cloud Connector to mail
server). "SOCKS reply" is what the Connectivity service answered; 0x00 means that the way to the mail server was open.
"Password seen by" names every party that had the mailbox password in clear, MaCo as soon as it sends it.
"""
COLUMNS = (
    "what was wrong",
    "at which hop it failed",
    "MaCo sees",
    "Cloud Connector sees",
    "mail server sees",
    "SOCKS reply",
    "password seen by",
    "test",
)

_TLS_BY = {Party.MACO: "hops 1 to 3, end to end: TLS of MaCo with the mail server", Party.CLOUD_CONNECTOR: "hop 3: TLS"}
_ORDER = (Party.MACO, Party.CONNECTIVITY, Party.CLOUD_CONNECTOR, Party.MAIL_SERVER)
_UNSTABLE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?"), "(date)"),
    (re.compile(r"\d+ s (ago|ahead)"), r"(some) s \1"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:(port)"),
    (re.compile(r"\bA\d{3} "), ""),
    (re.compile(r"(sslv3|ssl/tls|tlsv1\d*) alert"), "alert"),  # OpenSSL's words, which differ from version to version
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``cells`` in the order of ``COLUMNS``."""

    section: str
    cells: tuple[str, ...]

    @property
    def line(self) -> str:
        """The row as it stands on the page."""
        return "| " + " | ".join(each.replace("|", "\\|") for each in self.cells) + " |"


def page(rows: Iterable[Row]) -> str:
    """Return the whole page."""
    found = list(rows)
    parts = [HEAD]
    for section, title in SECTIONS.items():
        lines = [row.line for row in found if row.section == section]
        head = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        parts.append("\n".join([f"## {title}\n", *head, *lines]) + "\n")
    return "\n".join(parts)


class Matrix:
    """The matrix as one test sees it: the test gives one row."""

    def __init__(self, test: str, lab: Lab, collector: Collector[Row] | None) -> None:
        self._test = test
        self._lab = lab
        self._collector = collector
        self.given: Row | None = None

    def row(
        self,
        wrong: str,
        *,
        section: str | None = None,
        scripted: ScriptedMailServer | None = None,
        raw: tuple[str, bytes] | None = None,
        test: str | None = None,
    ) -> None:
        """Take the row of what all parties reported, and compare it with the page.

        ``scripted`` is the mail server that took the place of the lab's. ``raw`` tells what a client that is not MaCo
        sent, and the answer it got. ``test`` is the test that asserts all this, if it is another one.
        """
        _wait_until_quiet(self._lab.journal)
        file, _, name = (test or self._test).partition("::")
        seen = _Seen(self._lab, scripted, raw)
        cells = (wrong, seen.hop(), seen.maco(), seen.connector(), seen.mail_server(), seen.reply(), seen.password())
        shown = f"`{file.removeprefix('tests/')}::{name}`"
        row = Row(section or Path(file).stem.removeprefix("test_"), (*map(_stable, cells), shown))
        assert row.section in SECTIONS
        self.given = row
        if self._collector is not None:
            self._collector.rows.append(row)
        else:
            compare(row.line)


def compare(line: str) -> None:
    """Fail unless ``line`` stands on the committed page."""
    committed = PAGE.read_text(encoding="utf-8").splitlines()
    assert line in committed, f"{PAGE.name} is out of date: run {COMMAND}\n{line}"


def _wait_until_quiet(journal: LabJournal) -> None:
    """Wait until every connection that was opened is over at both parties that relay.

    Behind a TCP TLS mapping MaCo's end is held back from the back end (see the relay): that is not waited for.
    """
    held = {each.trace_id for each in journal.of(StreamOpened, Party.CLOUD_CONNECTOR) if each.protocol == "TCPS"}
    for opened in journal.of(StreamOpened):
        if opened.trace_id in held:
            continue
        journal.wait_for(StreamClosed, opened.party, trace_id=opened.trace_id)


def _stable(text: str) -> str:
    for pattern, instead in _UNSTABLE:
        text = pattern.sub(instead, text)
    return text.replace("\r", "").replace("\n", " ")


class _Seen:
    """What each party reported, in words."""

    def __init__(self, lab: Lab, scripted: ScriptedMailServer | None, raw: tuple[str, bytes] | None) -> None:
        self._lab = lab
        self._journal = lab.journal
        self._scripted = scripted
        self._raw = raw
        polls = self._journal.of(PollFinished)
        self._poll = polls[-1] if polls else None

    def hop(self) -> str:
        """Say where it failed."""
        journal = self._journal
        refused_tokens = [each.reason for each in journal.of(TokenRefused)]
        for said in (*refused_tokens, *(each.text for each in journal.of(Problem, Party.CONNECTIVITY))):
            return f"hop 1: Connectivity service: {said}"
        if refusals := journal.of(StreamRefused, Party.CLOUD_CONNECTOR):
            denied = refusals[0].reason.startswith("Access denied")
            return "Cloud Connector's access control" if denied else "hop 3"
        for at_cloud in journal.of(StreamRefused, Party.CONNECTIVITY):
            return f"hop 2: {at_cloud.reason}"
        for failed in self._handshakes(succeeded=False):
            return _TLS_BY.get(failed.party, "")
        if journal.of(Problem, Party.CLOUD_CONNECTOR):
            return "hop 3: TLS, behind the handshake"
        if self._poll is None or self._poll.succeeded:
            return "nowhere: nothing fails"
        return f"no hop: IMAP between MaCo and the mail server, step {self._poll.stage}"

    def maco(self) -> str:
        """Say what MaCo was told, or the client in its place."""
        if self._raw is not None:
            return f"a client that sends {self._raw[0]} is answered `{self._raw[1].hex(' ')}`"
        assert self._poll is not None  # without a raw client there was a poll
        fetched = f"the poll succeeds, {self._poll.stored} new in the inbox"
        told = [f"{self._poll.stage}: {self._poll.error}" if self._poll.error else fetched]
        told += [alerts(each) for each in self._journal.of(Handshake, Party.MACO)]
        told += [f"STARTTLS {each.step}" for each in self._journal.of(Starttls, Party.MACO) if each.step in _NEWS]
        return _joined(told)

    def connector(self) -> str:
        """Say what the Cloud Connector reported."""
        return self._told(Party.CLOUD_CONNECTOR) or "nothing"

    def mail_server(self) -> str:
        """Say what the mail server reported."""
        if self._scripted is not None:
            return self._scripted.told()
        journal = self._journal
        connected = journal.of(StreamOpened, Party.CLOUD_CONNECTOR) or self._handshakes(party=Party.CLOUD_CONNECTOR)
        return self._told(Party.MAIL_SERVER) or ("a connection, nothing to report" if connected else "nothing")

    def _told(self, party: Party) -> str:
        return _joined(told_by(party, (entry.observation for entry in self._journal)))

    def reply(self) -> str:
        """Return the last code of the SOCKS5 dialogue."""
        if self._raw is not None:
            return f"`{self._raw[1][:2].hex(' ')}`"
        if self._poll and (status := _STATUS.search(self._poll.error)):
            return f"`01 {status[1]}`"
        refused = [each.reply for each in self._journal.of(StreamRefused, Party.CONNECTIVITY) if each.reply is not None]
        if refused:
            return f"0x{refused[-1]:02X}"
        return "0x00" if self._journal.of(StreamOpened, Party.CONNECTIVITY) else "none"

    def password(self) -> str:
        """Name who saw a mailbox password in clear."""
        held = {*self._journal.passwords_held_by()}
        if self._scripted is not None and self._scripted.heard_a_password_of(self._lab):
            held.add(Party.MAIL_SERVER)
        return ", ".join(each for each in _ORDER if each in held) or "nobody"

    def _handshakes(self, *, party: Party | None = None, succeeded: bool | None = None) -> list[Handshake]:
        """Return the handshakes with the mail server, as their clients saw them."""
        return [
            each
            for each in self._journal.of(Handshake, party)
            if each.role == "client" and each.session is not TlsSession.TUNNEL and succeeded in (None, each.succeeded)
        ]


_STATUS = re.compile(r"\(status 0x(\d\d)\)")
_NEWS = ("not_offered", "refused", "injected")


def _joined(told: Iterable[str]) -> str:
    return "; ".join(each for each in told if each)


def poll(lab: Lab, connection: str, scripted: ScriptedMailServer | None = None) -> PollResult:
    """Poll, and hold MaCo to what it reports: the result and the journal say the same.

    A scripted mail server that takes part has come to its end too.
    """
    result = lab.maco.poll(connection)
    if scripted is not None:
        scripted.wait_for_its_end()
    reported = lab.journal.of(PollFinished)[-1]
    assert (reported.stage, reported.error, reported.socks_reply) == (result.stage, result.error, result.socks_reply)
    return result
