"""Figures of a running MaCo in Prometheus' text format, version 0.0.4. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cryptography import x509

from maco_client.configuration import Configuration
from maco_client.tenant import PollStatistics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Figure:
    name: str
    kind: str
    meaning: str
    samples: Iterable[tuple[Mapping[str, str], float]]

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.meaning}"
        yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            shown = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"{self.name}{{{shown}}} {value:.17g}" if shown else f"{self.name} {value:.17g}"


def metrics(
    configuration: Configuration, statistics: Mapping[str, PollStatistics], inbox: Mapping[str, int], locks: int
) -> str:
    """Return all figures; ``inbox`` has the number of mails by e-mail connection."""
    figures = (*_polls(statistics), *_state(configuration, inbox, locks))
    return "".join(f"{line}\n" for figure in figures for line in figure.lines())


def _polls(statistics: Mapping[str, PollStatistics]) -> Iterator[_Figure]:
    each = [({"connection": name}, found) for name, found in statistics.items()]
    outcomes = [
        ({**labels, "outcome": outcome}, float(count))
        for labels, found in each
        for outcome, count in (("succeeded", found.succeeded), ("failed", found.failed))
    ]
    yield _Figure("maco_polls_total", "counter", "Polls that have ended.", outcomes)
    stored = [(labels, float(found.stored)) for labels, found in each]
    yield _Figure("maco_mails_stored_total", "counter", "Mails that polls have stored.", stored)
    seconds = [(labels, found.seconds) for labels, found in each]
    yield _Figure("maco_poll_seconds_total", "counter", "Time that polls have taken.", seconds)
    running = [(labels, float(found.running)) for labels, found in each]
    yield _Figure("maco_polls_running", "gauge", "Polls that run now.", running)
    succeeded_at = [(labels, found.last_success_at) for labels, found in each if found.last_success_at is not None]
    yield _Figure("maco_poll_last_success_timestamp_seconds", "gauge", "When a poll last succeeded.", succeeded_at)


def _state(configuration: Configuration, inbox: Mapping[str, int], locks: int) -> Iterator[_Figure]:
    held = [({"connection": name}, float(count)) for name, count in inbox.items()]
    yield _Figure("maco_inbox_mails", "gauge", "Mails in the inbox.", held)
    yield _Figure("maco_poll_locks", "gauge", "Locks that polls hold.", [({}, float(locks))])
    expiry = [({"alias": alias}, _not_after(der).timestamp()) for alias, der in configuration.key_store.items()]
    meaning = "When a certificate of the key store expires."
    yield _Figure("maco_key_store_not_after_timestamp_seconds", "gauge", meaning, expiry)
    for what, entries in (
        ("credentials", configuration.credentials),
        ("email_servers", configuration.servers),
        ("email_connections", configuration.connections),
    ):
        yield _Figure(f"maco_{what}", "gauge", "Entries of this kind.", [({}, float(len(entries)))])


def _not_after(der: bytes) -> dt.datetime:
    return x509.load_der_x509_certificate(der).not_valid_after_utc


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
