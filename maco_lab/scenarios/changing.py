"""Make the parties of a running lab follow another landscape, each only as far as it differs.

Every step puts its way back on the caller's stack before it is taken, so that a change that fails is undone too. What
runs when a setting changes ends as it began, except that the mail server is restarted: its connections end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from typing import TypeAlias

from connector_sim.on_premise.connector import CloudConnector
from connector_sim.on_premise.port_range import PortRange
from connector_sim.on_premise.system_mapping import SystemMapping
from connector_sim.on_premise.trust_store import BackEndTrustStore
from connector_sim.on_premise.virtual_systems import MappingOverlap
from maco_lab import audited, lab_model
from maco_lab.ha_party import shadow_name
from maco_lab.lab_configuration import system_mapping
from maco_lab.lab_model import LabModel
from maco_lab.maco_section import configuration_of
from maco_lab.parties import build_trust_store
from maco_lab.topology import RunningLab

_Virtual: TypeAlias = tuple[str, PortRange]

SCENARIO = "(scenario)"
"""Who changes things here, to the audit log; no user's name."""


async def change(
    lab: RunningLab, old: LabModel, new: LabModel, undo: AsyncExitStack, *, impostor: bool = False
) -> None:
    """Let ``lab``, which runs ``old``, run ``new``; leaving ``undo`` puts everything back.

    With ``impostor`` the mail server that is restarted plays one.

    Raises OSError when the mail server does not get its ports again, and what building parties raises.
    """
    from maco_lab.mail_party import restart_mail_server  # brings Twisted, which a lab elsewhere does without

    if old.mail_server != new.mail_server:
        undo.push_async_callback(restart_mail_server, lab.mail_server, old.mail_server, lab.pki)
        await restart_mail_server(lab.mail_server, new.mail_server, lab.pki, impostor=impostor)
    for before, after in zip(old.cloud_connectors, new.cloud_connectors, strict=True):
        for name in (after.name, shadow_name(after)):
            if name in lab.connectors:
                _change_connector(lab, name, before, after, undo)
    if old.maco != new.maco:
        configuration = configuration_of(new.maco, lab.pki)
        undo.push_async_callback(lab.tenant.configure, await lab.tenant.configure(configuration))


def _change_connector(
    lab: RunningLab,
    name: str,
    before: lab_model.CloudConnector,
    after: lab_model.CloudConnector,
    undo: AsyncExitStack,
) -> None:
    connector = lab.connectors[name]
    if before.back_end_trust_store != after.back_end_trust_store:
        undo.callback(_trust, connector, connector.trust_store)
        _trust(connector, build_trust_store(after, lab.pki))
    for was, now in zip(before.subaccounts, after.subaccounts, strict=True):
        if was.mappings != now.mappings and now.subaccount in connector.tunnels:
            before_it, after_it = ([system_mapping(each) for each in which.carried] for which in (was, now))
            _remap(connector, now.subaccount, before_it, after_it, undo)


def _trust(connector: CloudConnector, store: BackEndTrustStore) -> None:
    before = connector.trust(store)
    audited.trust_changed(connector, SCENARIO, before, store)


def _remap(
    connector: CloudConnector,
    subaccount: str,
    was: Sequence[SystemMapping],
    now: Sequence[SystemMapping],
    undo: AsyncExitStack,
) -> None:
    """Change the mappings that differ and no others: what somebody has done by the API is there before and after."""
    old, new = _by_virtual(was), _by_virtual(now)
    changed = frozenset(each for each in old.keys() | new.keys() if old.get(each) != new.get(each))
    undo.callback(_expose, connector, subaccount, connector.mappings(subaccount), changed)
    _expose(connector, subaccount, now, changed)


def _expose(
    connector: CloudConnector, subaccount: str, wanted: Sequence[SystemMapping], changed: frozenset[_Virtual]
) -> None:
    """Expose what is wanted of the virtual systems that are ``changed``, in its order; the others stay as they are.

    Nothing is done where the API has removed the subaccount, or mapped over what is wanted: that was wanted later.
    """
    if subaccount not in connector.tunnels:
        return
    present = _by_virtual(connector.mappings(subaccount))
    named = _by_virtual(wanted)
    first = [
        each if name in changed else present[name] for name, each in named.items() if name in changed | set(present)
    ]
    beside = [each for name, each in present.items() if name not in changed | set(named)]
    with contextlib.suppress(MappingOverlap):
        connector.expose(subaccount, [*first, *beside])
    exposed = _by_virtual(connector.mappings(subaccount))
    for name in sorted(changed, key=str):
        audited.mapping_changed(connector, SCENARIO, subaccount, present.get(name), exposed.get(name))


def _by_virtual(mappings: Iterable[SystemMapping]) -> dict[_Virtual, SystemMapping]:
    return {(each.virtual_host, each.virtual_ports): each for each in mappings}
