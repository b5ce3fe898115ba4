"""Tell a person what a poll showed: the answers, the path with its TLS sessions, hop by hop, and what follows.

Only draws what ``sight`` found; the answers in plain words are those of ``plain_story``. Every colour is backed by a
word, so that nothing is lost without colours.
"""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from maco_lab.matrix_story import matrix_table, taps_told
from maco_lab.plain_story import ROOT_CERTIFICATE, answers
from maco_lab.sight import HOPS, PATH, Session, Sight
from maco_lab.styles import CLEAR, ENCRYPTED, FAILED
from maco_lab.taps.matrix import Matrix
from maco_wire.observation import Hop, Party, TlsSession

PATH_COLUMNS = 74
"""Width of the drawn path; it fits 80 columns with its margin. A narrower terminal gets the table alone."""

MARGIN = 2

_STOPS = (0, 22, 48, PATH_COLUMNS - 1)


_PROTOCOLS = {"TCP": "TCP", "TCPS": "TCP TLS"}
"""A mapping's protocol as the Cloud Connector's own pages call it."""

_BY_PROTOCOL = {"TCP": "It passes bytes on as they are.", "TCPS": "It does TLS with the mail server itself."}
"""What the Cloud Connector does by a mapping's protocol."""

PROTECTIONS = {
    "Off": "MaCo itself uses no TLS, whatever the port",
    "STARTTLS Mandatory": "MaCo asks for TLS with STARTTLS, and sends no password without it",
    "STARTTLS Optional": "MaCo uses TLS if the mail server offers it",
    "IMAPS": "MaCo begins with TLS",
    "POP3S": "MaCo begins with TLS",
}
"""What the Protection of MaCo's e-mail connection means."""

_TWO_WORDINGS = (
    "(This and the error at ✗ are one, in two programs' words: OpenSSL's here, Java's there, as MaCo tells it.)"
)
"""``maco_client.tls_wording`` says which text is whose."""

_STARTTLS_KINDS = {TlsSession.IMAP_STARTTLS, TlsSession.SMTP_STARTTLS, TlsSession.POP3_STLS}


def tell(
    console: Console,
    sight: Sight,
    title: str,
    *,
    matrix: Matrix | None = None,
    note: str = "",
    protection: str = "",
) -> None:
    """Print the story of one poll; ``note`` says beforehand what is special about it."""
    console.print(Rule(Text(printable(title), style="bold"), align="left"))
    parts: list[RenderableType] = [Text(note), Text()] if note else []
    parts += [_summary(sight, protection), Text(), *answers(sight, matrix)]
    if sight.sessions:
        drawn = [Text(), *_path(sight)] if console.width >= PATH_COLUMNS + 2 * MARGIN else []
        parts += [*drawn, Text(), _hop_table(sight)]
    if matrix is not None:
        parts += [Text(), matrix_table(matrix, sight.called), Text(), *taps_told(matrix)]
    elif sight.secrets:
        parts += [Text(), _secret_table(sight)]
    parts += [Text(), *(_conclusion(sight) if sight.succeeded else _failure(sight))]
    console.print(Padding(Group(*parts), (0, MARGIN)))
    console.print()


def printable(text: str) -> str:
    """Return ``text`` without control characters: some of it was said by a peer, and terminals obey them."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def where_tls_ended(sight: Sight) -> str:
    """Return one sentence: between whom the mail server's TLS was."""
    session = sight.mail_session
    if session is None or not session.succeeded:
        return "no TLS with the mail server"
    if session.client is Party.MACO:
        return f"TLS from MaCo to {_far_end(sight)}, end to end"
    return f"TLS from the Cloud Connector to {_far_end(sight)}; in clear before it"


def _far_end(sight: Sight) -> str:
    return "an impostor in the mail server's place" if sight.impostor else "the mail server"


def _summary(sight: Sight, protection: str) -> Text:
    text = Text()
    if protection:
        text.append(f"Protection '{protection}': {PROTECTIONS[protection]}.\n")
    if sight.protocol:
        text.append(
            printable(f"Cloud Connector: {sight.connector}, mapping of protocol {_PROTOCOLS[sight.protocol]}:") + "\n"
        )
        text.append(printable(f"virtual {sight.virtual} → internal {sight.internal}") + "\n")
        text.append(_BY_PROTOCOL[sight.protocol] + "\n")
    if sight.succeeded:
        text.append("✓ ", style=f"bold {ENCRYPTED}")
        text.append(
            f"{sight.stored} mail{'' if sight.stored == 1 else 's'} fetched and stored: {where_tls_ended(sight)}."
        )
    else:
        text.append("✗ ", style=f"bold {FAILED}")
        text.append(printable(f"failed at step '{sight.stage}': {sight.error}"))
    return text


def _path(sight: Sight) -> list[Text]:
    """Draw the four systems and one line for each TLS session, from its client to its server."""
    lines = [_labels([(_STOPS[i], sight.called(party)) for i, party in enumerate(PATH)])]
    lines += [_session_line(session) for session in sorted(sight.sessions, key=lambda each: -len(each.hops))]
    if sight.succeeded:
        lines += [_clear_line(hop) for hop in HOPS if not sight.covering(hop)]
    return lines


def _labels(labels: list[tuple[int, str]]) -> Text:
    row = [" "] * PATH_COLUMNS
    for stop, label in labels:
        start = max(0, min(stop - len(label) // 2, PATH_COLUMNS - len(label)))
        row[start : start + len(label)] = label
    return Text("".join(row), style="bold")


def _session_line(session: Session) -> Text:
    start, end = sorted((_STOPS[PATH.index(session.client)], _STOPS[PATH.index(session.server)]))
    name = {TlsSession.TUNNEL: "TLS: the tunnel", TlsSession.BACK_END: "TLS by connector"}.get(
        session.kind, f"TLS by MaCo: {session.kind}"
    )
    drawn = f" {name} " if session.succeeded else f" {name}: FAILED "
    line = drawn.center(end - start - 1, "═" if session.succeeded else "x")
    return Text(" " * start + "╞" + line + "╡", style=ENCRYPTED if session.succeeded else FAILED)


def _clear_line(hop: Hop) -> Text:
    index = HOPS.index(hop)
    start, end = _STOPS[index], _STOPS[index + 1]
    return Text(" " * start + "├" + " in clear ".center(end - start - 1, "┄") + "┤", style=CLEAR)


def _hop_table(sight: Sight) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Hop", "Who did TLS with whom", "The client verified it against"):
        table.add_column(heading, overflow="fold")
    told: dict[Session, int] = {}
    for number, hop in enumerate(HOPS, 1):
        rows: list[tuple[Text, Text]] = []
        for session in sight.sessions:
            if hop in session.hops:
                rows.append(_hop_row(sight, session, told, inside=bool(rows)))
        for session in sight.sessions:
            if hop in session.hops:
                told.setdefault(session, number)
        if sight.succeeded and not any(each.kind is not TlsSession.TUNNEL for each in sight.covering(hop)):
            inside = "inside it: in clear" if rows else "nobody: in clear"
            rows.append((Text(inside, style=CLEAR), Text()))
        for i, row in enumerate(rows):
            table.add_row(f"{number} {hop}" if i == 0 else "", *row)
    return table


def _hop_row(sight: Sight, session: Session, told: dict[Session, int], *, inside: bool) -> tuple[Text, Text]:
    """Return a session's row on a hop; ``inside`` another one that was told before it."""
    if session in told:
        name, style = ("session", ENCRYPTED) if session.succeeded else ("attempt", FAILED)
        within = "inside it: " if inside else ""
        return Text(f"{within}{session.client}'s {name} of hop {told[session]}", style=style), Text()
    return _handshake(sight, session), _verification(session)


def _handshake(sight: Sight, session: Session) -> Text:
    text = Text(f"{session.client} with {sight.called(session.server)}")
    if session.succeeded:
        text.append(f", {session.version}", style=ENCRYPTED)
        text.append("" if session.agreed else " (only one end reported it)")
    else:
        alert = f", alert {session.alert}" if session.alert else ""
        text.append(printable(f": failed{alert}"), style=FAILED)
    return text


def _verification(session: Session) -> Text:
    if not session.succeeded and not session.verified_against:
        return Text("not verified", style=FAILED)
    if not session.verified_against:
        return Text("not verified", style=CLEAR)
    return Text(session.verified_against + ("; name checked" if session.name_checked else "; name not checked"))


def _secret_table(sight: Sight) -> Table:
    """Return who held which secret: a row for each party, because that fits a narrow terminal too."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("Held in clear by", *(secret.name.partition(" of ")[0] for secret in sight.secrets)):
        table.add_column(heading, overflow="fold")
    for party in PATH:
        held = [party in secret.held_by for secret in sight.secrets]
        table.add_row(
            sight.called(party), *(Text("yes", style=CLEAR) if each else Text("no", style=ENCRYPTED) for each in held)
        )
    return table


def _conclusion(sight: Sight) -> list[Text]:
    session = sight.mail_session
    if session is None or not session.succeeded:
        return [
            Text(
                "The mail server spoke no TLS on this connection: every system on the way could read it, and so could "
                "whoever taps the cloud network or the customer LAN.",
                style=CLEAR,
            )
        ]
    if session.client is Party.MACO:
        return [Text(_by_maco(sight, session))]
    return [Text(_by_connector(sight, session)), *_unchecked(sight, session)]


def _by_maco(sight: Sight, session: Session) -> str:
    after = "After STARTTLS the" if session.kind in _STARTTLS_KINDS else "The"
    return (
        f"MaCo did the handshake with {_far_end(sight)} itself, through the tunnel. So the {ROOT_CERTIFICATE} belongs "
        "in MaCo's key store, and the host name that MaCo asks for (the virtual host) must be a name in the server's "
        f"certificate. {after} Connectivity service and the Cloud Connector only copied bytes that they could not read."
    )


def _by_connector(sight: Sight, session: Session) -> str:
    if session.verified_against:
        trust = f"So the {ROOT_CERTIFICATE} belongs in its back-end trust store"
    else:
        trust = "It verified nobody's certificate: its back-end trust store trusts all back ends"
    return (
        f"The Cloud Connector did the handshake with {_far_end(sight)}: it originated TLS on the last hop. {trust}; "
        "MaCo's key store plays no part. Before it nothing but the tunnel was encrypted: the Connectivity service, the "
        "Cloud Connector and whoever taps the cloud network could read everything."
    )


def _unchecked(sight: Sight, session: Session) -> list[Text]:
    """Say what follows when the connector does not compare names, which SAP documents for no TCP TLS mapping."""
    if session.name_checked:
        return []
    if sight.impostor:
        told = "So an impostor on the customer LAN could answer in the mail server's place, and got the password."
    elif not session.verified_against:
        told = "So whoever is on the customer LAN could answer in the mail server's place and get the password."
    else:
        told = (
            "The name was not checked: the Cloud Connector accepts any certificate that its store vouches for. So "
            "somebody on the customer LAN who has one, for whatever name, could answer in the mail server's place and "
            "get the password. (SAP documents no name check for TCP TLS; in the lab file it is check_back_end_name.)"
        )
    return [Text(), Text(told, style=CLEAR)]


def _failure(sight: Sight) -> list[Text]:
    lines = [Text(printable(f"The others saw: {refusal}")) for refusal in sight.refusals]
    for session in sight.sessions:
        if not session.succeeded:
            lines += _seen_by_both_ends(sight, session)
    if sight.hint:
        lines.append(Text(printable(f"Look at: {sight.hint}"), style="bold"))
    return lines


def _seen_by_both_ends(sight: Sight, session: Session) -> list[Text]:
    lines = []
    for party, saw in ((session.client, session.client_saw), (session.server, session.server_saw)):
        if saw:
            lines.append(Text(printable(f"{sight.called(party)} saw: {saw}")))
        if saw and party is Party.MACO and session.error and session.error not in sight.error:
            lines.append(Text(_TWO_WORDINGS))
    return lines
