"""What is measured: a row gives one command, or some, to one server and returns figures."""

from __future__ import annotations

import random
import ssl
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.mailserver.client import ImapClient, deliver
from benchmarks.mailserver.contestants import Server
from benchmarks.mailserver.ours import address_of
from benchmarks.mailserver.scale import (
    APPENDED,
    DELIVERED,
    FULL_USER,
    IDLE,
    MAIL_BYTES,
    PASSWORD,
    Scale,
    mail,
    size_user,
)
from benchmarks.mailserver.trust import client_context
from benchmarks.relay.processor_time import proportional_bytes
from benchmarks.relay.report.figures import Figure
from benchmarks.relay.report.targets import Target
from maco_wire.observation import Address

SMTP_CLIENTS = 8
AT_ONCE = 100
"""Mails in one APPEND, where the server allows it."""
FLAGGED = 1000
WARM_UP = 20
"""Sessions before memory is counted: the first ones bring code and tables with them."""
KIB = 1024

Values: TypeAlias = dict[str, float]
Measure: TypeAlias = Callable[[Server, Scale], Values]


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement; ``ours_alone``: Dovecot cannot do it, ``fresh``: each sample has a server without mail."""

    key: str
    title: str
    measure: Measure
    ours_alone: bool = False
    fresh: bool = False


@contextmanager
def session(server: Server, user: str) -> Iterator[ImapClient]:
    """Be logged in, with INBOX open."""
    with ImapClient(server.imap) as client:
        client.login(user, PASSWORD)
        yield client


def timed(act: Callable[[], object]) -> float:
    """Return how many seconds something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def append(server: Server, scale: Scale) -> Values:
    """Add mails one by one, each answered before the next is sent."""
    raws = [mail(number, MAIL_BYTES) for number in range(scale.appends)]
    with session(server, APPENDED) as client:
        found = {"append.rate": len(raws) / timed(lambda: _append(client, ([raw] for raw in raws)))}
        if client.has(b"MULTIAPPEND"):
            portions = [raws[at : at + AT_ONCE] for at in range(0, len(raws), AT_ONCE)]
            found["append.multi"] = len(raws) / timed(lambda: _append(client, portions))
        _empty(client)
    return found


def smtp(server: Server, scale: Scale) -> Values:
    """Deliver mails from eight clients."""
    assert server.smtp is not None  # ours has it, and the row is ours alone
    raws = [mail(number, MAIL_BYTES) for number in range(scale.deliveries)]
    seconds = deliver(server.smtp, "a@nb.example", address_of(DELIVERED), raws, SMTP_CLIENTS)
    with session(server, DELIVERED) as client:
        _empty(client)
    return {"smtp.rate": len(raws) / seconds}


def fetch(server: Server, scale: Scale) -> Values:
    """Fetch everything there is."""
    with session(server, FULL_USER) as client:
        received = 0

        def all_bodies() -> None:
            nonlocal received
            received = client.command(b"FETCH 1:* (FLAGS BODY.PEEK[])")

        seconds = timed(all_bodies)
    assert received > scale.mails * MAIL_BYTES
    return {"fetch.rate": scale.mails / seconds, "fetch.speed": received / seconds / 1_000_000}


def store(server: Server, scale: Scale) -> Values:
    """Set a flag and take it away again, a thousand messages by one command."""
    count = min(FLAGGED, scale.mails)
    with session(server, FULL_USER) as client:
        seconds = timed(lambda: client.command(b"STORE 1:%d +FLAGS (\\Flagged)" % count))
        seconds += timed(lambda: client.command(b"STORE 1:%d -FLAGS (\\Flagged)" % count))
    return {"store.rate": 2 * count / seconds}


def sizes(server: Server, scale: Scale) -> Values:
    """Open mailboxes of several sizes, search and fetch in them; and compare the largest with the smallest."""
    found: Values = {}
    for size in scale.sizes:
        for name, each in _commands(server, size, scale.repeats).items():
            found[f"sizes.{name}.{size}"] = each
    smallest, largest = scale.sizes[0], scale.sizes[-1]
    found["sizes.noop"] = found[f"sizes.noop.{largest}"]
    for name in ("select", "unseen", "one"):
        grown = found[f"sizes.{name}.{largest}"] / found[f"sizes.{name}.{smallest}"]
        found[f"sizes.{name}.growth"] = grown / (largest / smallest)
    return found


def _commands(server: Server, size: int, repeats: int) -> Mapping[str, float]:
    """Return the median of each command in milliseconds."""
    chance = random.Random(size)
    with session(server, size_user(size)) as client:
        client.command(b"FETCH 1:* (FLAGS)")  # what a server learns once about a mailbox is no part of the figures
        acts: dict[str, Callable[[], object]] = {
            "noop": lambda: client.command(b"NOOP"),
            "select": lambda: client.command(b"SELECT INBOX"),
            "unseen": lambda: client.command(b"UID SEARCH UNSEEN"),
            "one": lambda: client.command(b"UID FETCH %d (BODY.PEEK[])" % chance.randint(1, size)),
        }
        return {name: 1000 * statistics.median(timed(act) for _ in range(repeats)) for name, act in acts.items()}


def idle(server: Server, scale: Scale) -> Values:
    """Open many sessions that then say nothing, and return what each costs in memory."""
    return {"idle.plain": _memory_of_each(server, server.imap, None, scale.idle)}


def idle_under_tls(server: Server, scale: Scale) -> Values:
    """Do the same under TLS."""
    return {"idle-tls.each": _memory_of_each(server, server.imaps, client_context(server.root), scale.idle)}


def _memory_of_each(server: Server, address: Address, tls: ssl.SSLContext | None, count: int) -> float:
    """Return by how many KiB each of so many sessions makes the server grow."""
    with ExitStack() as stack:

        def open_one() -> None:
            client = stack.enter_context(ImapClient(address, tls=tls))
            client.login(IDLE, PASSWORD)

        for _ in range(WARM_UP):
            open_one()
        before = proportional_bytes([server.pid])
        for _ in range(count):
            open_one()
        return (proportional_bytes([server.pid]) - before) / count / KIB


def _append(client: ImapClient, portions: Iterable[Sequence[bytes]]) -> None:
    for portion in portions:
        client.append(portion)


def _empty(client: ImapClient) -> None:
    client.command(b"SELECT INBOX")
    client.command(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
    client.command(b"EXPUNGE")


ROWS = (
    Row("append", "APPEND", append),
    Row("smtp", "SMTP", smtp, ours_alone=True),
    Row("fetch", "FETCH of everything", fetch),
    Row("store", "STORE", store),
    Row("sizes", "mailboxes of several sizes", sizes),
    Row("idle", "idle sessions", idle, fresh=True),
    Row("idle-tls", "idle sessions under TLS", idle_under_tls, fresh=True),
)


def figures(scale: Scale) -> tuple[Figure, ...]:
    """Return the lines of the table."""
    within_three = Target(1 / 3, "higher")
    three_times = Target(3, "lower")
    by_size = [
        Figure(f"sizes.{name}.{size}", f"{title}, {size:,} mails", "ms", "lower", target)
        for name, title, target in (
            ("select", "SELECT", None),
            ("unseen", "SEARCH UNSEEN", three_times),
            ("one", "FETCH of one UID", three_times),
        )
        for size in scale.sizes
    ]
    linear = Target(1, "lower", "itself")
    growth = [
        Figure(f"sizes.{name}.growth", f"{title}: growth, linear 1", "x", "lower", linear)
        for name, title in (("select", "SELECT"), ("unseen", "SEARCH UNSEEN"), ("one", "FETCH of one"))
    ]
    return (
        Figure("append.rate", "APPEND, one by one", "1/s", "higher", within_three),
        Figure("append.multi", f"MULTIAPPEND, {AT_ONCE} at once", "1/s", "higher", within_three),
        Figure("smtp.rate", "SMTP, 8 clients", "1/s", "higher", Target(300, "higher", "itself")),
        Figure("fetch.rate", f"FETCH of {scale.mails:,} bodies", "1/s", "higher", within_three),
        Figure("fetch.speed", "the same", "MB/s", "higher"),
        Figure("store.rate", "STORE of a flag", "1/s", "higher", within_three),
        Figure("sizes.noop", "NOOP: what any command costs", "ms", "lower"),
        *by_size,
        *growth,
        Figure("idle.plain", "idle session, plain", "KiB", "lower", Target(60, "lower", "itself")),
        Figure("idle-tls.each", "idle session, TLS", "KiB", "lower", Target(150, "lower", "itself")),
    )
