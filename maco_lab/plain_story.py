"""Tell a person who knows nothing of SAP what takes part, and answer in plain words what the demo is about.

The questions are those of the lab page: who could read the mailbox password, what a tap could read on each network, and
where the root certificate goes. The answers are drawn from what was seen, never from settings: from the taps' matrix
where there is one, else from what the systems reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from maco_lab.sight import HOPS, PATH, Sight
from maco_lab.styles import CLEAR, ENCRYPTED, UNKNOWN
from maco_lab.taps.matrix import Matrix, Row, State
from maco_wire.observation import Hop, Party

ROOT_CERTIFICATE = "root certificate of the CA that issued the mail server's certificate"
"""What has to be trusted, by its one name."""

INTRODUCTION = f"""\
All of this runs on this machine: the systems are imitations, not SAP's.
MaCo (SAP Market Communication, in SAP's cloud) fetches mail by IMAP from a customer's own mail server.
The Connectivity service is SAP's proxy in the cloud. MaCo shows it an access token: in this lab in clear, \
inside SAP's network.
The Cloud Connector, an agent on the customer's premises, dials out to it and keeps that connection, the tunnel; MaCo \
chooses the agent by its location ID. A mapping says which mail server is behind the virtual host that MaCo asks for.
Way A: MaCo itself does TLS (the encryption) with the mail server. Way B: the Cloud Connector does. Who does it must \
trust the {ROOT_CERTIFICATE}: MaCo by its key store, the Cloud Connector by its back-end trust store.
"""
"""What one has to know beforehand, a line for each thing; the last says what the ways are lettered by."""

_IN_CLEAR: frozenset[State] = frozenset({"in clear"})
_OUT_OF_REACH: frozenset[State] = frozenset({"inside TLS", "not there"})

_ON = {Hop.CLOUD_NETWORK: "on the cloud network", Hop.TUNNEL: "on the tunnel", Hop.CUSTOMER_LAN: "on the customer LAN"}


def does_tls(sight: Sight) -> Party | None:
    """Return who does TLS with the mail server, or would have done it; None if nobody, or it did not come to that."""
    if sight.mail_session is not None:
        return sight.mail_session.client
    return Party.CLOUD_CONNECTOR if sight.protocol == "TCPS" else None


def answers(sight: Sight, matrix: Matrix | None) -> list[Text]:
    """Return the questions with their answers, a line each."""
    password = _row(matrix, "mailbox password")
    readers, others, unknown = _by_password(sight, password)
    lines = [("Who could read the mailbox password", _readers(sight, readers, unknown, _taps(password, _IN_CLEAR)))]
    if readers:
        lines.append(("Who could not", _others(sight, others, _taps(password, _OUT_OF_REACH))))
    if unknown:
        lines.append(("Of whom it is not known", Text(_listed(map(sight.called, unknown)), style=UNKNOWN)))
    if sight.impostor:
        lines.append(("What the impostor in the mail server's place read", _read_by_impostor(sight, matrix)))
    if matrix is not None and matrix.rows:
        lines += [(f"What a tap {_ON[hop]} could read", _tapped(matrix, hop)) for hop in HOPS]
    lines.append(("The root certificate belongs in", _root(sight)))
    return [Text.assemble(f"{question}: ", answer) for question, answer in lines]


def never_sent(row: Row) -> bool:
    """Tell whether a secret was nowhere on the way: whoever has it, MaCo or the mail server, never sent it."""
    return all(cell.state == "not there" for cell in row.cells)


def _row(matrix: Matrix | None, secret: str) -> Row | None:
    return next((row for row in matrix.rows if row.secret.startswith(secret)), None) if matrix else None


def _by_password(sight: Sight, row: Row | None) -> tuple[list[Party], list[Party], list[Party]]:
    """Return who could read the password, who could not, and of whom it is not known."""
    if row is None:
        held = {party for secret in sight.secrets if "password" in secret.name for party in secret.held_by}
        return [each for each in PATH if each in held], [each for each in PATH if each not in held], []
    states = {party: row.at(party).state for party in PATH}
    readers = [party for party in PATH if states[party] == "in clear"]
    unknown = [party for party in PATH if states[party] == "unknown"]
    return readers, [party for party in PATH if party not in {*readers, *unknown}], unknown


def _taps(password: Row | None, states: frozenset[State]) -> list[str]:
    """Return who stands outside: whoever taps a network where the password was in one of ``states``, if anybody."""
    tapped = [hop for hop in HOPS if password is not None and password.at(hop).state in states]
    if not tapped:
        return []
    return ["whoever taps a network" if len(tapped) == len(HOPS) else f"whoever taps the {' or the '.join(tapped)}"]


def _readers(sight: Sight, readers: Sequence[Party], unknown: Sequence[Party], taps: Sequence[str]) -> Text:
    if readers:
        return Text(_listed([*map(sight.called, readers), *taps]), style=CLEAR)
    if unknown:
        return Text("nobody of whom it is known", style=UNKNOWN)
    return Text("nobody: it was never sent" if not sight.succeeded else "nobody reported it", style=ENCRYPTED)


def _others(sight: Sight, others: Sequence[Party], taps: Sequence[str]) -> Text:
    if others or taps:
        return Text(_listed([*map(sight.called, others), *taps]), style=ENCRYPTED)
    return Text("nobody", style=CLEAR)


def _read_by_impostor(sight: Sight, matrix: Matrix | None) -> Text:
    """Return what somebody in the mail server's place read: from the taps' matrix, else from its own reports."""
    if matrix is not None:
        secrets = [row.secret for row in matrix.rows if row.at(Party.MAIL_SERVER).state == "in clear"]
    else:
        secrets = [secret.name for secret in sight.secrets if Party.MAIL_SERVER in secret.held_by]
    if secrets:
        return Text(_listed(map(_short, secrets)), style=CLEAR)
    return Text("neither password nor mail", style=ENCRYPTED)


def _tapped(matrix: Matrix, hop: Hop) -> Text:
    names: dict[State, list[str]] = {}
    for row in matrix.rows:
        names.setdefault(row.at(hop).state, []).append(_short(row.secret))
    clear, unknown = names.get("in clear", []), names.get("unknown", [])
    if unknown:
        read = f"{_listed(clear)}; " if clear else ""
        return Text(f"{read}not known: {_listed(unknown)}", style=UNKNOWN)
    if not clear:
        return Text("neither password, mail nor token", style=ENCRYPTED)
    return Text(("" if len(clear) == len(matrix.rows) else "only the ") + _listed(clear), style=CLEAR)


def _short(secret: str) -> str:
    return {"mailbox password": "password", "line in a mail": "mail"}.get(kind := secret.partition(" of ")[0], kind)


def _root(sight: Sight) -> Text:
    session = sight.mail_session
    if session is not None and session.succeeded and not session.verified_against:
        return Text(f"nowhere: {session.client} trusts whoever answers, an impostor too", style=CLEAR)
    match does_tls(sight):
        case Party.MACO:
            return Text("MaCo's key store")
        case Party.CLOUD_CONNECTOR:
            return Text("the Cloud Connector's back-end trust store")
    if not sight.succeeded:
        return Text("no TLS was tried, so no store was asked")
    return Text("nowhere: without TLS nobody asks who the mail server is", style=CLEAR)


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
