"""The teaching scenarios as a table: which setting of which system, and what must be expected of it. Pure.

Each is a mistake that docs/failure-matrix.md has a row for, or an insecure choice that nothing complains of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from maco_lab.lab_model import LabModel
from maco_lab.scenarios import ways
from maco_lab.scenarios.ways import Way
from maco_lab.wrong_store import trusting

IMPATIENT_MS = 2_000
"""Timeout of the e-mail server where both ends would wait for the other half a minute."""

Change: TypeAlias = Callable[[LabModel], LabModel]


class NotPossible(Exception):
    """A scenario cannot be played in this lab; the text says why."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. ``system`` and ``setting`` say what is changed where, ``expect`` what a poll shows then."""

    name: str
    title: str
    about: str
    """What it is about: a heading for several scenarios."""
    system: str
    setting: str
    expect: str
    change: Change
    impostor: bool = False
    """Whether the mail server that is restarted for it is meant to be somebody else in its place."""


def _way_a(change: Callable[[LabModel, Way], LabModel], *, own: bool = False) -> Change:
    """Return a change of way A; ``own``: only where it ends at the lab's own mail server."""
    return lambda model: change(model, _existing(model, ways.way_a(model), "A: STARTTLS over a mapping of TCP", own))


def _way_b(change: Callable[[LabModel, Way], LabModel], *, own: bool = False) -> Change:
    wanted = "B: Protection Off over a mapping of TCP TLS"
    return lambda model: change(model, _existing(model, ways.way_b(model), wanted, own))


def _existing(model: LabModel, way: Way | None, wanted: str, own: bool) -> Way:
    if way is None:
        raise NotPossible(f"the lab file has no e-mail connection by way {wanted}")
    if own and not ways.ends_at_the_lab(model, way):
        raise NotPossible("the lab file leads to a mail server that is not the lab's own (hosts)")
    return way


def _presents(certificate: str) -> Change:
    """Let the mail server present another certificate, where some way leads to it."""

    def change(model: LabModel) -> LabModel:
        found = [way for way in (ways.way_a(model), ways.way_b(model)) if way]
        if not any(ways.ends_at_the_lab(model, way) for way in found):
            raise NotPossible("no e-mail connection leads to the lab's own mail server")
        return ways.with_mail_server(model, certificate=certificate)

    return change


def _certificate(name: str, title: str, expect: str) -> Scenario:
    return Scenario(
        f"certificate-{name.replace('_', '-')}", title, "The mail server's certificate", "Mail server",
        f"mail_server.certificate: {name}", expect, _presents(name),
    )  # fmt: skip


def _in_clear(model: LabModel, way: Way, protection: str) -> LabModel:
    return ways.with_protection(ways.with_mail_server(model, offer_starttls=False), way, protection)


_BOTH_REFUSE = "MaCo and the Cloud Connector both refuse it, each with an alert, and no password is sent"
_PROTECTION = "Protection and mapping that do not fit"
_TRUST = "Trust stores"
_ROUTE = "The way through the tunnel"

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        "starttls-stripped", "STARTTLS Optional, and STARTTLS is stripped", _PROTECTION, "MaCo",
        "e-mail connection: Protection 'STARTTLS Optional'; mail_server.offer_starttls: false",
        "Way A succeeds and nobody complains: password and mail pass in clear, and only the tunnel still hides them on "
        "the internet.",
        _way_a(lambda model, way: _in_clear(model, way, "STARTTLS Optional"), own=True),
    ),
    Scenario(
        "protection-off", "Protection Off over a TCP mapping", _PROTECTION, "MaCo",
        "e-mail connection: Protection 'Off', although the mapping is TCP",
        "No TLS with the mail server, which allows no login in clear: way A fails before any password is sent.",
        _way_a(lambda model, way: ways.with_protection(model, way, "Off"), own=True),
    ),
    Scenario(
        "protection-off-in-clear", "The same, and the mail server allows it", _PROTECTION, "MaCo",
        "e-mail connection: Protection 'Off'; mail_server.offer_starttls: false",
        "Way A succeeds, and all systems and both networks beside the tunnel see the password in clear.",
        _way_a(lambda model, way: _in_clear(model, way, "Off"), own=True),
    ),
    Scenario(
        "tcp-to-993", "TCP mapping where TCP TLS is due", _PROTECTION, "Cloud Connector",
        "system mapping: protocol TCP to port 993, while MaCo's Protection is 'Off'",
        "MaCo waits for a greeting, the mail server for a ClientHello: way B ends by MaCo's Timeout "
        f"(here {IMPATIENT_MS / 1000:g} s).",
        _way_b(lambda model, way: ways.with_server(ways.with_mapping(model, way, protocol="TCP"), way,
                                                   timeout_ms=IMPATIENT_MS)),
    ),
    Scenario(
        "tcp-tls-to-143", "TCP TLS mapping to a port without TLS", _PROTECTION, "Cloud Connector",
        "system mapping: protocol TCP TLS (TCPS) to port 143",
        "The mail server greets in clear where the Cloud Connector expects TLS: way B fails with SOCKS reply 0x04.",
        _way_b(lambda model, way: ways.with_mapping(
            model, way, internal=_existing(model, ways.way_a(model), "A to take the port from", False).mapping.internal
        )),
    ),
    Scenario(
        "tcp-tls-with-starttls", "TCP TLS mapping with STARTTLS Mandatory", _PROTECTION, "MaCo",
        "e-mail connection: Protection 'STARTTLS Mandatory', although the mapping is TCP TLS",
        "The Cloud Connector has done TLS already, and inside it no STARTTLS is offered: way B fails before the "
        "password is sent.",
        _way_b(lambda model, way: ways.with_protection(model, way, "STARTTLS Mandatory")),
    ),
    Scenario(
        "trust-all-impostor", "Trust all back ends, and an impostor answers", _TRUST, "Cloud Connector",
        "back-end trust store: trust_all_backends: true; mail_server.certificate: self_signed, which anybody can make",
        "Way B succeeds without a word: the Cloud Connector hands the password to whoever answers, here an impostor in "
        "the mail server's place. By way A MaCo refuses the impostor.",
        lambda model: ways.with_trust_all(_way_b(lambda found, _: _presents("self_signed")(found))(model)),
        impostor=True,
    ),
    Scenario(
        "ca-only-at-the-connector", "The root is only in the Cloud Connector's store", _TRUST, "MaCo",
        "key store: has another root than that of the mail server's certificate",
        "Way A fails, because MaCo does the handshake and asks its own key store; way B goes on.",
        _way_a(lambda model, _: trusting(model, at_maco=False)),
    ),
    Scenario(
        "ca-only-at-maco", "The root is only in MaCo's key store", _TRUST, "Cloud Connector",
        "back-end trust store: has another root than that of the mail server's certificate",
        "Way B fails, because the Cloud Connector does the handshake and asks its own store; way A goes on.",
        _way_b(lambda model, _: trusting(model, at_maco=True)),
    ),
    _certificate("expired", "It has expired", _BOTH_REFUSE + "."),
    _certificate("not_yet_valid", "It is not valid yet", _BOTH_REFUSE + "."),
    _certificate("unknown_root", "It is from an unknown root", _BOTH_REFUSE + "."),
    _certificate("self_signed", "It is self-signed", _BOTH_REFUSE + "."),
    _certificate("missing_intermediate", "Its intermediate is not sent",
                 _BOTH_REFUSE + ", unless the intermediate is in the store that is asked."),
    _certificate("client_auth_only", "It is for TLS clients only", _BOTH_REFUSE + "."),
    _certificate("wrong_name", "It is for another name",
                 "Way A fails, because MaCo compares the name; way B succeeds, because SAP documents no such check for "
                 "the Cloud Connector (check_back_end_name)."),
    Scenario(
        "wrong-location-id", "MaCo's location ID is wrong", _ROUTE, "MaCo",
        "e-mail server: location_id that no Cloud Connector has",
        "The Connectivity service finds no tunnel: way A fails with SOCKS reply 0x03.",
        _way_a(lambda model, way: ways.with_server(model, way, location_id="NOWHERE")),
    ),
    Scenario(
        "no-mapping", "The mapping is missing", _ROUTE, "Cloud Connector",
        "access control: the system mapping of way A is removed",
        "The Cloud Connector lets in only what is mapped: way A fails with SOCKS reply 0x02.",
        _way_a(ways.without_mapping),
    ),
)  # fmt: skip


def scenario(name: str) -> Scenario | None:
    """Return the scenario of this name; None if there is none."""
    return next((each for each in SCENARIOS if each.name == name), None)
